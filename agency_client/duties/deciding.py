"""A person decides on what a machine matched (Directive (EU) 2016/680, article 11).

An outcome says by itself whether a machine matched; that it must name whose decision it was is a rule of its schema.
Here is what only the store knows: that the message it is about was an automatic answer.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agency_client.errors import DeniedError, UsageError
from agency_client.local_store.duties import find_duty
from agency_client.local_store.engine import Snapshot
from schemas.alerts.base import Alert, SpecialCategory
from schemas.alerts.kinds.outcome import COERCIVE_ACTIONS, MatchResult, Outcome
from schemas.model import format_timestamp

if TYPE_CHECKING:
    from agency_client.sending.answering import Author


class DecisionMissingError(DeniedError):
    """A machine matched, and no person is named who looked at it and decided."""

    default_code = "decision-missing"


def verify_decided(snapshot: Snapshot, alert: Alert) -> None:
    """Check that an outcome which confirms an automatic answer, or acts on it, names whose decision that was.

    Raises:
        DecisionMissingError: it names nobody.
    """
    outcome, reference = alert.details, alert.in_reply_to
    if not isinstance(outcome, Outcome) or outcome.decision is not None or not outcome.needs_decision:
        return
    duty = None if reference is None else find_duty(snapshot, reference.digest)
    if duty is not None and duty.is_automatic:
        raise DecisionMissingError(
            "details.decision: a register answered and no person looked; who confirms or acts says so by name",
            fix='say what you compared: --decision "…"',
        )


def make_decision(
    details: Mapping[str, Any], author: "Author", now: datetime, *, words: str | None, ask: Callable[[], str]
) -> dict[str, Any]:
    """Return the member `decision` of an outcome, in the author's pseudonym; asked for where a machine matched.

    Raises:
        UsageError: it is needed and nobody can be asked.
    """
    if "decision" in details:
        return {}
    if words is None and details.get("is_automatic") and _is_decided(details):
        words = ask()
    if words is None:
        return {}
    return {"decision": {"officer": author.pseudonym, "decided_at": format_timestamp(now), "words": words}}


def _is_decided(details: Mapping[str, Any]) -> bool:
    return details.get("result") == MatchResult.CONFIRMED or not COERCIVE_ACTIONS.isdisjoint(
        details.get("actions") or ()
    )


def parse_special(given: Iterable[str]) -> dict[str, Any] | None:
    """Return the declaration of special categories from `CATEGORY=WHY`, as typed; None where nothing is declared.

    Raises:
        UsageError: one is of another form, or of no such category.
    """
    reasons: dict[str, str] = {}
    for item in given:
        code, separator, why = item.partition("=")
        if not separator or not why.strip() or code not in set(SpecialCategory):
            codes = ", ".join(SpecialCategory)
            raise UsageError(f"--special {code}: CATEGORY=WHY is expected", fix=f"the categories are: {codes}")
        reasons[code] = why.strip()
    if not reasons:
        return None
    return {"categories": list(reasons), "strictly_necessary_because": "\n".join(dict.fromkeys(reasons.values()))}
