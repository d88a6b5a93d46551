"""Checks filled in: for every identifier anywhere in an alert that came without, and for no other."""

from typing import Any

from schemas.alerts import kind_names, parse_alert
from schemas.alerts.filling import fill_checks
from schemas.alerts.seen import SeenIdentifier
from schemas.alerts.walking import walk_parts
from schemas.identifiers.checked import Finding
from tests.schemas.alerts.filled import load, load_changed


def strip_checks(value: Any) -> Any:
    """Return a wire as an author writes it: what was seen, and nothing found."""
    if isinstance(value, list):
        return [strip_checks(item) for item in value]
    if not isinstance(value, dict):
        return value
    left_out = {"normalised", "findings"} if "as_seen" in value else set()
    return {name: strip_checks(item) for name, item in value.items() if name not in left_out}


def list_seen_of(kind: str, wire: Any) -> list[SeenIdentifier]:
    """Return the identifiers of an alert once its checks are filled in."""
    alert = fill_checks(parse_alert(wire))
    return [part for _, part in walk_parts(alert) if isinstance(part, SeenIdentifier)]


def test_every_identifier_of_every_kind_gets_what_its_check_finds() -> None:
    filled = {kind: list_seen_of(kind, strip_checks(load(kind))) for kind in kind_names()}
    assert sum(map(len, filled.values())) > 20
    for seen in (item for items in filled.values() for item in items):
        assert seen.findings == seen.check().findings
        assert seen.normalised == seen.check().normalised


def test_a_filled_alert_can_be_sent_and_filling_it_again_changes_nothing() -> None:
    for kind in kind_names():
        alert = fill_checks(parse_alert(strip_checks(load(kind))))
        assert parse_alert(alert.to_wire()) == alert == fill_checks(alert)


def test_what_its_author_found_stays_and_is_known_to_differ() -> None:
    said = {"as_seen": "49-015420-323751-7", "normalised": "490154203237517", "findings": ["valid"]}
    (device,) = (
        seen
        for seen in list_seen_of("facilitator", load_changed("facilitator", {"details.devices": [said]}))
        if seen.as_seen == said["as_seen"]
    )
    assert device.findings == (Finding.VALID,)
    assert device.is_told_otherwise
    assert device.check().findings == (Finding.WRONG_CHECK_DIGIT,)
