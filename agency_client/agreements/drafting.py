"""Terms as people write them: a TOML or JSON file without ids, digests and anchors, completed here.

The file says what was agreed in words; who the parties' roots are comes from the pins, never from a file.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from string import Template
from typing import Any

from agency_client.directory.directory import NotPinnedError
from agency_client.errors import UsageError
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.trust import load_pin
from agency_client.node import Node
from agency_client.profiles.public_files import read_foreign_file
from schemas.agreements.terms import MAX_TERMS_BYTES, Terms
from schemas.codec import CodecError, b64u_encode, decode_json
from schemas.model import DocumentError, format_timestamp

MAX_FILE_BYTES = 256 * 1024
_IN_FORCE_FOR, _REVIEWED_AFTER = timedelta(days=3 * 365), timedelta(days=2 * 365)
_OURS = frozenset({"v", "exchange", "id", "version", "supersedes"})
_CLAUSE_DEFAULTS: Mapping[str, Any] = {
    "attachments": False,
    "onward_agencies": [],
    "answer_within": [],
    "receipts": [],
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where terms stand: the agreement's id, the version's number, and the digest it takes the place of."""

    agreement: str
    version: int = 1
    supersedes: str | None = None


def read_terms_file(path: Path) -> dict[str, Any]:
    """Return the fields of a terms file, TOML or JSON by its name's ending.

    `text_file`, if there is one, names the text the governments signed: its SHA-256 takes the name's place.

    Raises:
        UsageError: the file is not there, too large, or not TOML or JSON.
    """
    try:
        data = read_foreign_file(path)
    except FileNotFoundError as error:
        raise UsageError(f"there is no {path}", fix="start from one in examples/agreements") from error
    if len(data) > MAX_FILE_BYTES:
        raise UsageError(f"{path} has {len(data)} bytes, terms have at most {MAX_TERMS_BYTES}")
    try:
        found = decode_json(data) if path.suffix == ".json" else tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, CodecError) as error:
        raise UsageError(f"{path}: {error}", fix="see examples/agreements for the form") from error
    if not isinstance(found, dict):
        raise UsageError(f"{path}: a table of fields is expected")
    return _take_in_text(found, path.parent)


def read_template(today: date) -> str:
    """Return a terms file to start from, every field explained: in force from today, for three years."""
    text = (Path(__file__).parent / "terms_template.toml").read_text()
    review, last = today + _REVIEWED_AFTER, today + _IN_FORCE_FOR
    return Template(text).substitute(first_day=today, review_day=review, last_day=last)


def complete_terms(node: Node, snapshot: Snapshot, fields: Mapping[str, Any], place: Place) -> Terms:
    """Return the terms that a file's fields stand for, with parties, anchors, exchange and place filled in.

    Raises:
        UsageError: a field is wrong or missing; it is named.
        NotPinnedError: the partner's anchor is not pinned.
    """
    given = sorted(_OURS & fields.keys())
    if given:
        raise UsageError(f"{given[0]}: this is filled in here and does not stand in the file")
    filled = {name: _spell(value) for name, value in fields.items() if name not in ("partner", "parties")}
    filled["clauses"] = [_complete_clause(clause) for clause in _demand_list(filled, "clauses")]
    filled |= {
        "v": 1,
        "exchange": node.exchange,
        "id": place.agreement,
        "version": place.version,
        "parties": [_name_party(snapshot, agency) for agency in _list_parties(node, fields)],
    }
    filled.setdefault("signatories", [])
    if place.supersedes is not None:
        filled["supersedes"] = place.supersedes
    return _check(filled)


def _check(filled: Mapping[str, Any]) -> Terms:
    try:
        terms = Terms.from_wire(filled)
    except DocumentError as error:
        raise UsageError(f"{error.field or 'the terms'}: {error.problem}", fix=_FORM) from error
    except CodecError as error:
        raise UsageError(f"the terms: {error}", fix=_FORM) from error
    if len(terms.canonical()) > MAX_TERMS_BYTES:
        raise UsageError(f"the terms have {len(terms.canonical())} bytes, at most {MAX_TERMS_BYTES} are accepted")
    return terms


_FORM = "see examples/agreements for the form"


def _list_parties(node: Node, fields: Mapping[str, Any]) -> list[str]:
    partner = fields.get("partner")
    parties = fields.get("parties", [node.agency, partner])
    if not isinstance(parties, list) or not all(isinstance(item, str) for item in parties) or len(set(parties)) != 2:
        raise UsageError("partner: the other party's id is expected, like VN", fix=_FORM)
    if node.agency not in parties:
        raise UsageError(f"parties: {node.agency} is none of them, so it cannot propose this")
    return sorted(parties)


def _name_party(snapshot: Snapshot, agency: str) -> dict[str, str]:
    pin = load_pin(snapshot, agency)
    if pin is None:
        raise NotPinnedError(f"the anchor of {agency} is not pinned", fix=f"run: agency trust pin {agency}")
    return {"agency": agency, "anchor": pin.anchor}


def _complete_clause(clause: Any) -> Any:
    if not isinstance(clause, dict):
        raise UsageError("clauses: each is a table of fields", fix=_FORM)
    complete = {**_CLAUSE_DEFAULTS, **clause}
    deadlines = complete["answer_within"]
    if isinstance(deadlines, dict):
        complete["answer_within"] = [{"urgency": name, "minutes": value} for name, value in deadlines.items()]
    return complete


def _demand_list(fields: Mapping[str, Any], name: str) -> list[Any]:
    value = fields.get(name)
    if not isinstance(value, list):
        raise UsageError(f"{name}: at least one is needed", fix=_FORM)
    return value


def _take_in_text(fields: dict[str, Any], folder: Path) -> dict[str, Any]:
    name = fields.pop("text_file", None)
    if name is None:
        return fields
    if not isinstance(name, str) or not (folder / name).is_file():
        raise UsageError(f"text_file: there is no {name}", fix="name the signed text beside the terms file")
    return {**fields, "text_sha256": b64u_encode(hashlib.sha256(read_foreign_file(folder / name)).digest())}


def _spell(value: Any) -> Any:
    """Return a value as it stands on the wire: TOML's times as text, a day as its first moment in UTC."""
    if isinstance(value, datetime):
        return format_timestamp(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return format_timestamp(datetime.combine(value, time(tzinfo=UTC)))
    if isinstance(value, dict):
        return {name: _spell(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_spell(item) for item in value]
    return value
