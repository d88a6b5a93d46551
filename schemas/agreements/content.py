"""What an alert says of itself that the terms of an agreement are about: the same reading at both ends. Pure."""

from datetime import date, datetime

from schemas.agreements.coverage import ContentFacts
from schemas.alerts import kind_of
from schemas.alerts.base import Alert
from schemas.alerts.special import list_special_categories
from schemas.markings import Purpose, Urgency


def describe_content(
    alert: Alert, *, purpose: Purpose, urgency: Urgency, issued_at: datetime, is_passed_on: bool = False
) -> ContentFacts:
    """Return what coverage looks at inside a message: `purpose` stands in M, `urgency` and `issued_at` in the header.

    Answers have no deadline of their own, so a `reply_due` in one asks for nothing that was agreed.

    Raises:
        UnknownKindError: this version does not know the kind.
    """
    kind = kind_of(alert.kind)
    return ContentFacts(
        purpose=purpose,
        handling=frozenset(alert.handling.codes),
        nationalities=frozenset(alert.nationalities()),
        urgency=urgency,
        issued_at=issued_at,
        caveats=frozenset(caveat.code for caveat in alert.caveats),
        special_categories=list_special_categories(alert),
        onward=frozenset(alert.onward or ()),
        transfer=alert.transfer,
        reply_due=None if kind.needs_refers_to else alert.reply_due,
        retain_until=None if alert.retain_until is None else date.fromisoformat(alert.retain_until),
        is_passed_on=is_passed_on,
        is_personal=not kind.forbids_persons,
    )
