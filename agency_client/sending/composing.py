"""Put an alert together before anything is judged: from a file, a filled example, a scanned zone, single fields.

What is put together here is still unverified: `schemas.alerts.parse_alert` names what is wrong with it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

from agency_client.errors import UsageError
from schemas.alerts import kind_names
from schemas.alerts.document import read_document
from schemas.alerts.examples import find_example
from schemas.alerts.registry import UnknownKindError, schema_of
from schemas.codec import CodecError, decode_json
from schemas.identifiers.mrz import MrzError
from schemas.markings import Pap, Purpose, Tlp
from schemas.model import format_timestamp

MAX_FILE_BYTES = 512 * 1024

Wire = dict[str, Any]

_USUAL_PURPOSES = {
    "conveyance": Purpose.MIGRANT_SMUGGLING,
    "facilitator": Purpose.MIGRANT_SMUGGLING,
    "financial-flow": Purpose.MIGRANT_SMUGGLING,
    "online-recruitment": Purpose.MIGRANT_SMUGGLING,
    "smuggling-incident": Purpose.MIGRANT_SMUGGLING,
    "ping": Purpose.SYSTEM_TEST,
    "acknowledgement": Purpose.DATA_QUALITY,
    "breach-notice": Purpose.DATA_QUALITY,
    "correction": Purpose.DATA_QUALITY,
    "misused-identity": Purpose.DATA_QUALITY,
    "information-reply": Purpose.CRIMINAL_INVESTIGATION,
    "information-request": Purpose.CRIMINAL_INVESTIGATION,
    "joint-operation": Purpose.JOINT_OPERATION,
    "joint-operation-reply": Purpose.JOINT_OPERATION,
    "movement-notice": Purpose.BORDER_CONTROL,
    "outcome": Purpose.DATA_QUALITY,
    "release-decision": Purpose.DATA_QUALITY,
    "release-inquiry": Purpose.DATA_QUALITY,
    "release-request": Purpose.DATA_QUALITY,
    "restriction": Purpose.DATA_QUALITY,
    "return-coordination": Purpose.RETURN_AND_READMISSION,
    "revocation-challenge": Purpose.DATA_QUALITY,
    "victim-safeguarding": Purpose.VICTIM_PROTECTION,
    "withdrawal": Purpose.DATA_QUALITY,
}
_PAP_BESIDE = {Tlp.CLEAR: Pap.CLEAR, Tlp.GREEN: Pap.GREEN, Tlp.AMBER: Pap.AMBER, Tlp.AMBER_STRICT: Pap.AMBER}
_WRITTEN = datetime(2026, 11, 21, 18, 40, tzinfo=UTC)
"""The moment at which all filled examples are written."""
_RECENT = re.compile(r'(?<=")(202[6-9]-\d\d(?:-\d\d(?:T\d\d:\d\d:\d\dZ)?)?)(?=")')
_FORMS = {len("2026-11"): "%Y-%m", len("2026-11-21"): "%Y-%m-%d", len("2026-11-21T18:40:00Z"): "%Y-%m-%dT%H:%M:%SZ"}
_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Usual:
    """What the common part says where nothing else was given."""

    unit: str
    officer: str
    marking: Tlp
    now: datetime


def read_alert_file(data: bytes, name: str) -> Wire:
    """Return the members of an alert that somebody wrote as JSON, in any order and with any white space.

    Raises:
        UsageError: it is no JSON object.
    """
    try:
        found = decode_json(data, max_bytes=MAX_FILE_BYTES)
    except CodecError as error:
        raise UsageError(f"{name} cannot be read: {error}", fix="start from: agency send --template KIND") from error
    if not isinstance(found, dict):
        raise UsageError(f"{name} holds no alert: an object in braces is expected")
    return found


def make_template(kind: str, now: datetime | None = None) -> Wire:
    """Return a filled example of a kind to start from, as `format_template`.

    Raises:
        UsageError: there is no such kind.
    """
    return read_alert_file(format_template(kind, now).encode(), f"the example of {kind}")


def format_template(kind: str, now: datetime | None = None) -> str:
    """Return the filled example of a kind as the text of a file: ready to be edited, then sent.

    It has no thread, so that sending draws a fresh one, and no attachments, which come as files. Its recent dates lie
    around `now`, as they lay around the example's own; without it they stay as published.

    Raises:
        UsageError: there is no such kind.
    """
    if kind not in kind_names():
        raise UsageError(f"there is no kind {kind!r}", fix=f"the kinds are: {', '.join(kind_names())}")
    text = (files("agency_client.sending") / "templates" / f"{kind}.json").read_text()
    text = "\n".join(line for line in text.splitlines() if not line.startswith('  "thread": '))
    return text if now is None else _RECENT.sub(lambda found: _move(found[1], now - _WRITTEN), text)


def read_zone(kind: str, lines: Sequence[str], now: datetime) -> Wire:
    """Return what a scanned machine readable zone says, as the beginning of an alert of this kind.

    Raises:
        UsageError: it is no zone, or a kind that is about no document.
    """
    try:
        document = read_document(lines, as_of=now.date()).to_wire()
    except MrzError as error:
        raise UsageError(f"--mrz: {error}", fix="give each line as printed: --mrz LINE1 LINE2", code="mrz") from error
    if kind == "document-fraud":
        return {"kind": kind, "details": {"document": document}}
    if kind == "document-verification":
        identity = {name: document[name] for name in ("type", "issuing_state", "number") if name in document}
        rest = {name: document[name] for name in ("mrz", "holder") if name in document}
        return {"kind": kind, "details": {"document": identity, "questions": ["genuine", "issued"], **rest}}
    raise UsageError(f"a zone begins no {kind}", fix="use --kind document-fraud or --kind document-verification")


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> Wire:
    """Return both, member by member; where both say something that is no object, `over` counts."""
    merged = dict(under)
    for name, value in over.items():
        below = merged.get(name)
        merged[name] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def set_fields(alert: Wire, assignments: Iterable[str]) -> Wire:
    """Return the alert with single fields set: `details.fraud_types=counterfeit,forgery`, `subject=Two passports`.

    A value is read as its field demands: a list at commas, a number, true or false; or as JSON where it looks so.

    Raises:
        UsageError: an assignment without `=`, or a path through something that holds no fields.
    """
    for assignment in assignments:
        path, separator, text = assignment.partition("=")
        if not separator or not path:
            raise UsageError(f"--set {assignment}: FIELD=VALUE is expected", fix="like --set details.supplier=Zenith")
        steps = path.split(".")
        alert = _set(alert, steps, _read_value(str(alert.get("kind", "")), steps, text), path)
    return alert


def fill_common_part(alert: Wire, usual: Usual) -> Wire:
    """Return the alert with what usually stands in the common part, wherever it says nothing itself."""
    common = {
        "unit": usual.unit,
        "officer": usual.officer,
        "pap": _PAP_BESIDE.get(usual.marking, Pap.RED).value,
        "handling": {"codes": ["h0"]},
        "data_as_of": format_timestamp(usual.now),
        "language": "en",
    }
    return common | alert


def choose_usual_purpose(kind: str) -> Purpose:
    """Return the purpose a kind usually has."""
    return _USUAL_PURPOSES.get(kind, Purpose.DOCUMENT_INTEGRITY)


def _move(text: str, by: timedelta) -> str:
    form = _FORMS[len(text)]
    return (datetime.strptime(text, form).replace(tzinfo=UTC) + by).strftime(form)


def _set(alert: Wire, steps: list[str], value: Any, path: str) -> Wire:
    first, *rest = steps
    if not rest:
        return alert | {first: value}
    below = alert.get(first, {})
    if not isinstance(below, dict):
        raise UsageError(f"--set {path}: {first} holds no fields", fix="give a list whole, as JSON")
    return alert | {first: _set(below, rest, value, path)}


def _read_value(kind: str, steps: list[str], text: str) -> Any:
    if text[:1] in ("[", "{", '"'):
        return _read_json(text)
    example = _find_example(kind, steps)
    if isinstance(example, bool):
        return _TRUTHS.get(text, text)
    if isinstance(example, int) and text.isdecimal() and text.isascii():
        return int(text)
    if isinstance(example, list):
        return [item.strip() for item in text.split(",")]
    return text


def _read_json(text: str) -> Any:
    try:
        return decode_json(text.encode())
    except CodecError:
        return text


def _find_example(kind: str, steps: list[str]) -> Any:
    try:
        return find_example(schema_of(kind), steps)
    except UnknownKindError:
        return None
