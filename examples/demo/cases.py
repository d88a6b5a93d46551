"""What the agencies of the play write to each other: the filled examples, without what this play has no use for."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from examples.demo.cast import EXAMPLES
from schemas.codec import decode_json, encode_canonical
from schemas.model import format_timestamp

_LEFT_OUT = ("thread", "in_reply_to", "attachments", "data_as_of", "review_date", "retain_until", "reply_due", "onward")


def read_case(kind: str, **changes: Any) -> dict[str, Any]:
    """Return the filled example of a kind as an alert to send now; without the files that it speaks of."""
    example = decode_json((EXAMPLES / "alerts" / f"{kind}.json").read_bytes())
    if not isinstance(example, dict):
        raise TypeError(f"the example of {kind} is no object")
    kept = {name: value for name, value in example.items() if name not in _LEFT_OUT}
    return kept | {"data_as_of": in_hours(0)} | changes


def make_fake_passport() -> dict[str, Any]:
    """Return what the laboratory found about a passport; what the passport says itself comes from its scanned zone."""
    alert = read_case("document-fraud")
    details = without(alert["details"], "document", "images")
    return alert | {"persons": [without(person, "photos") for person in alert["persons"]], "details": details}


def make_smuggler() -> dict[str, Any]:
    """Return a smuggler's identifiers: one person, no photograph."""
    alert = read_case("facilitator", handling={"codes": ["h1", "h2"]})
    subject = without(alert["persons"][0], "photos")
    details = without(alert["details"], "network", "conveyances")
    return without(alert, "special_categories") | {"persons": [subject], "details": details}


def make_recruiter() -> dict[str, Any]:
    """Return what is known of somebody who recruits victims of trafficking."""
    accounts = [{"platform": "zalo", "as_seen": "@work.specimen"}]
    smuggler = make_smuggler()
    return smuggler | {
        "caveats": [*smuggler["caveats"], {"code": "not-against-victim"}],
        "subject": "Recruiter who promises work in nail bars",
        "own_reference": "GB-TR-2026-0077",
        "unit": "Modern slavery unit",
        "officer": "ms-05",
        "statements": [{"text": "The subject pays for the journey and keeps the passports.", "basis": "fact"}],
        "details": {"person": "subject", "roles": ["recruiter"], "accounts": accounts},
    }


def make_stolen_blanks() -> dict[str, Any]:
    """Return a report of stolen blank passports, which only the issuing state may send: Brussels, of its own."""
    report = read_case("document-status")
    return report | {"details": report["details"] | {"issuing_state": "BEL"}}


def write_alert(alert: Mapping[str, Any]) -> str:
    """Return an alert as the text of a file."""
    return encode_canonical(alert).decode()


def in_hours(hours: int) -> str:
    """Return the time so many hours from now, as it stands on the wire."""
    return format_timestamp((datetime.now(UTC) + timedelta(hours=hours)).replace(microsecond=0))


def without(members: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return an object without some of its members."""
    return {name: value for name, value in members.items() if name not in names}
