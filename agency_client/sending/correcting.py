"""Judge a correction before it is sent: each field stands in the original and says there what is said it said. Pure.

A recipient acts on it by hand or by machine; one that names no field, or another value, corrects the wrong thing.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from agency_client.aftercare.changing import (
    ABSENT,
    Correction,
    apply_corrections,
    find_value,
    has_field,
    read_steps,
    spell_wire,
)
from agency_client.errors import UsageError
from schemas.alerts.base import Alert
from schemas.alerts.kinds.correction import Change
from schemas.codec import CodecError

_NOT_SAID_YET = datetime(1970, 1, 1, tzinfo=UTC)


class ChangeRefusedError(UsageError):
    """A change does not fit the message it corrects; its field is named."""

    default_code = "change-refused"


def verify_changes(original: Alert, details: Mapping[str, Any]) -> None:
    """Verify that every change in a correction's details fits the original.

    What is of another form altogether passes: the alert's own check names it.

    Raises:
        ChangeRefusedError: a field does not stand there, or says something else there.
    """
    changes, wire = details.get("changes"), original.to_wire()
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, Mapping) and isinstance(change.get("field"), str):
            _verify_change(original.kind, wire, change["field"], change.get("was"))


def verify_result(original: Alert, details: Mapping[str, Any], find_outside: Callable[[Alert], str]) -> None:
    """Verify that what a message says once it is corrected is covered by the clause that it went under.

    `find_outside` says what of it is not. What is of another form altogether passes: the alert's own check names it.

    Raises:
        ChangeRefusedError: a change would have it say more; its field is named.
    """
    changes = _read_changes(details)
    corrected = apply_corrections(original, [Correction("", "", _NOT_SAID_YET, changes)], find_outside=find_outside)
    outside = next((field for field in corrected.fields if field.is_outside), None)
    if outside is not None:
        raise ChangeRefusedError(
            f"{outside.field}: {outside.misfit}",
            fix="say only that what stood there is wrong (leave out what it says now), or withdraw the message",
            code="correction-not-covered",
        )


def _read_changes(details: Mapping[str, Any]) -> tuple[Change, ...]:
    found = details.get("changes")
    try:
        return tuple(Change.from_wire(change) for change in found) if isinstance(found, list) else ()
    except CodecError:
        return ()


def verify_subjects(original: Alert, details: Mapping[str, Any]) -> None:
    """Verify that every victim named in a misused identity's details is a person, or a holder, of the original.

    Raises:
        ChangeRefusedError: nobody stands there.
    """
    subjects, wire = details.get("subjects"), original.to_wire()
    for subject in subjects if isinstance(subjects, list) else ():
        if isinstance(subject, str) and not isinstance(find_value(wire, read_steps(subject)), dict):
            raise ChangeRefusedError(
                f"{subject}: nobody stands there in the message",
                fix="name a person or a holder, like persons.0 or details.document.holder",
            )


def _verify_change(kind: str, wire: Mapping[str, Any], field: str, was: object) -> None:
    steps = read_steps(field)
    value = find_value(wire, steps)
    if value is ABSENT:
        if was is not None or not has_field(kind, steps):
            raise ChangeRefusedError(f"{field}: the message has no such field", fix="see what it says: agency read ID")
        return
    text = spell_wire(value)
    if text is None:
        raise ChangeRefusedError(f"{field}: it holds further fields", fix=f"name one of them, like {field}.…")
    if was is None:
        raise ChangeRefusedError(f"{field}: what it says now is missing", fix="write it like --change FIELD=WAS=>NOW")
    if was != text:
        raise ChangeRefusedError(f"{field}: the message says something else there", fix="see: agency read ID")
