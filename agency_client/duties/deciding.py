"""A person decides on what a machine matched (Directive (EU) 2016/680, article 11).

An outcome says by itself whether a machine matched; that it must name whose decision it was is a rule of its schema.
Here is what only the store knows: that the message it is about was an automatic answer.
"""

from agency_client.errors import DeniedError
from agency_client.local_store.duties import find_duty
from agency_client.local_store.engine import Snapshot
from schemas.alerts.base import Alert
from schemas.alerts.outcome import Outcome


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
