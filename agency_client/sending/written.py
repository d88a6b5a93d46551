"""A draft as somebody wrote it down: codes and names of a command line, or of a line in a file, not read yet."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from agency_client.attachments.attaching import parse_attached
from agency_client.duties.quality import parse_answers
from agency_client.errors import UsageError
from agency_client.sending.composing import Usual, choose_usual_purpose, fill_common_part
from agency_client.sending.draft import DELIVERY_DAYS, Draft
from agency_client.typed_codes import parse_code
from schemas.markings import Purpose, Tlp, Urgency

TO_EVERYONE = "agreements"
_WORDS = ("purpose", "necessity", "reason", "case", "marking", "urgency", "agreement")
_LISTS = ("to", "quality")
_OF_ITS_OWN = frozenset({"alert", "deliver_within", *_WORDS, *_LISTS})


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of a sending beside its alert, in words; `attach` and `quality` as typed."""

    to: tuple[str, ...] = ()
    purpose: str | None = None
    necessity: str = ""
    reason: str = ""
    case: str | None = None
    marking: str = Tlp.AMBER.value
    urgency: str = Urgency.ROUTINE.value
    agreement: str | None = None
    deliver_within: int = DELIVERY_DAYS
    override_old_status: str | None = None
    quality: tuple[str, ...] = ()
    attach: tuple[str, ...] = ()

    @property
    def recipients(self) -> list[str]:
        """Return whom it names, one by one."""
        return [name for text in self.to for name in text.split(",") if name]


def read_written(members: Mapping[str, Any], usual: Wishes) -> tuple[dict[str, Any], Wishes]:
    """Return the alert and the wishes of a line: an alert, or `{"alert": …}` with wishes of its own beside it.

    Raises:
        UsageError: it has another form.
    """
    alert = members.get("alert")
    if "kind" in members or alert is None:
        return dict(members), usual
    unknown = sorted(members.keys() - _OF_ITS_OWN)
    if unknown:
        raise UsageError(f"{unknown[0][:64]}: nothing of that name stands beside an alert", fix=_name_wishes())
    if not isinstance(alert, dict):
        raise UsageError("alert: an object in braces is expected")
    return alert, replace(usual, **{name: _read_wish(name, members[name]) for name in members if name != "alert"})


def make_draft(alert: Mapping[str, Any], wishes: Wishes, usual: Usual, *, identity: str | None = None) -> Draft:
    """Return the draft that was written down, its common part filled where it says nothing.

    Raises:
        UsageError: a code is none of its list, or an answer or a file is not written as one.
    """
    named = wishes.recipients
    usual_purpose = choose_usual_purpose(str(alert.get("kind", "")))
    return Draft(
        alert=fill_common_part(dict(alert), usual),
        purpose=parse_code(Purpose, wishes.purpose, "purpose") if wishes.purpose else usual_purpose,
        necessity=wishes.necessity,
        reason=wishes.reason,
        recipients=tuple(name for name in named if name != TO_EVERYONE),
        to_every_partner=TO_EVERYONE in named,
        marking=parse_code(Tlp, wishes.marking, "marking"),
        urgency=parse_code(Urgency, wishes.urgency, "urgency"),
        agreement=wishes.agreement,
        case=wishes.case,
        delivery_days=wishes.deliver_within,
        old_status_override=wishes.override_old_status,
        quality=parse_answers(wishes.quality),
        attachments=tuple(parse_attached(text) for text in wishes.attach),
        identity=identity,
    )


def _read_wish(name: str, value: Any) -> Any:
    if name in _WORDS and isinstance(value, str):
        return value
    if name == "deliver_within" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if name in _LISTS and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    expected = "a list of texts" if name in _LISTS else "a number" if name == "deliver_within" else "a text"
    raise UsageError(f"{name}: {expected} is expected")


def _name_wishes() -> str:
    names = [item.name for item in fields(Wishes) if item.name in _OF_ITS_OWN]
    return f"beside alert may stand: {', '.join(names)}"
