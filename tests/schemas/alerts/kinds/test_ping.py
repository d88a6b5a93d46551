"""ping: nothing but a word, and nobody's data."""

from tests.schemas.alerts.filled import ABSENT, fields_refused


def test_a_ping_needs_no_text() -> None:
    assert fields_refused("ping", {"details.text": ABSENT}) == []


def test_a_ping_is_about_nobody() -> None:
    assert fields_refused("ping", {"persons": [{"ref": "p1", "role": "witness"}]}) == ["persons"]
