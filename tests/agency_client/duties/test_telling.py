"""Who reads is told the conditions of sender and agreement, and the access log proves which (article 9(3))."""

from typing import Any

import pytest

from agency_client.duties.conditions import Conditions, join_agreed
from agency_client.errors import VerificationFailedError
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.reading.lists import view_thread
from agency_client.reading.messages import ReadMessage, ReadOwnMessage, read_message
from agency_client.sending.flow import send_alert
from schemas.alerts import parse_alert
from schemas.codec import hash_text
from schemas.markings import Purpose, Tlp
from tests.schemas.alerts.filled import load, load_changed
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld
from tests.support.nodes import make_wide_clause

AGREED = "Only officers of the document unit may see it."


@pytest.fixture
def terms(world: LyingWorld, request: pytest.FixtureRequest) -> Any:
    """An agreement whose clause adds a condition."""
    clauses = (make_wide_clause("GB", "VN", conditions=(AGREED,)), make_wide_clause("VN", "GB"))
    return world.agree("GB", "VN", f"{request.node.path.stem} {request.node.name}", clauses=clauses)


def test_the_reader_is_told_and_the_log_says_what(world: LyingWorld, terms: Any) -> None:
    (leg,) = send_alert(world["GB"], make_draft("VN", agreement=terms.id)).legs
    world.collect("VN")
    found = read_message(world["VN"], leg.message_id, reason="case 74/08")
    assert isinstance(found, ReadMessage)
    assert found.told is not None
    told = found.told.conditions.describe()
    assert told["agreed"] == [AGREED]
    assert told["handling"] == {"codes": ["h1", "h2"]}
    assert told["caveats"] == [{"code": "no-automated-decision"}]
    with world["VN"].store.read() as snapshot:
        entries = list_entries(snapshot, AccessFilter(message=leg.message_id))
    reading = next(entry for entry in entries if entry.verb == "read")
    assert reading.conditions == told["digest"]
    assert [entry.conditions for entry in entries if entry.verb == "receive"] == [None]


def test_the_sender_reads_its_own_with_the_same_conditions(world: LyingWorld, terms: Any) -> None:
    (leg,) = send_alert(world["GB"], make_draft("VN", agreement=terms.id)).legs
    own = read_message(world["GB"], leg.message_id, reason="what did we say")
    world.collect("VN")
    theirs = read_message(world["VN"], leg.message_id, reason="case 74/08")
    assert isinstance(own, ReadOwnMessage)
    assert own.told is not None
    assert theirs.told is not None
    assert own.told.conditions.digest() == theirs.told.conditions.digest()


@pytest.mark.parametrize(
    ("column", "value"), [("agreed", b"[]"), ("conditions", hash_text("processing-conditions", b"others"))]
)
def test_conditions_that_were_changed_in_the_store_are_not_told(
    world: LyingWorld, terms: Any, column: str, value: str | bytes
) -> None:
    (leg,) = send_alert(world["GB"], make_draft("VN", agreement=terms.id)).legs
    world.collect("VN")
    with world["VN"].store.write() as transaction:
        statement = f"UPDATE message_duty SET {column} = ? WHERE message = ?"  # noqa: S608 - names from code only
        transaction.execute(statement, value, leg.digest)
    with pytest.raises(VerificationFailedError, match="conditions"):
        read_message(world["VN"], leg.message_id, reason="case 74/08")


def test_what_a_hostile_client_did_not_declare_is_shown(world: LyingWorld, terms: Any) -> None:
    changed = {"details.warnings": ["infectious-disease"], "onward": ["BE"], "urgency_reason": "x"}
    wire = load_changed("facilitator", changed)
    for name in ("special_categories", "attachments", "reply_due", "retain_until", "review_date", "onward", "transfer"):
        wire.pop(name, None)
    wire["persons"][0].pop("photos", None)
    sealed = world.craft("GB", "VN", terms, alert=wire, purpose=Purpose.MIGRANT_SMUGGLING)
    world.deliver(sealed, "VN")
    world.collect("VN")
    found = read_message(world["VN"], sealed.header.id, reason="a look at what came")
    assert found.told is not None
    assert "Health" in found.told.undeclared[0].problem


@pytest.mark.parametrize(
    "changes",
    [
        {"pap": "green"},
        {"handling": {"codes": ["h1"]}},
        {"caveats": [{"code": "protect-source"}]},
    ],
)
def test_every_condition_counts_in_the_digest(changes: dict[str, Any]) -> None:
    usual = Conditions(Tlp.AMBER, parse_alert(load("document-fraud")), (AGREED,))
    assert (
        Conditions(Tlp.AMBER, parse_alert(load_changed("document-fraud", changes)), (AGREED,)).digest()
        != usual.digest()
    )


def test_marking_and_agreement_count_too_and_the_rest_of_the_alert_does_not() -> None:
    alert, other = parse_alert(load("document-fraud")), parse_alert(load_changed("document-fraud", {"subject": "x"}))
    usual = Conditions(Tlp.AMBER, alert, (AGREED,)).digest()
    assert Conditions(Tlp.AMBER, other, (AGREED,)).digest() == usual
    assert len({usual, Conditions(Tlp.RED, alert, (AGREED,)).digest(), Conditions(Tlp.AMBER, alert).digest()}) == 3


def test_conditions_of_several_clauses_are_told_once_each() -> None:
    assert join_agreed([("a", "b"), None, ("b", "c")]) == ("a", "b", "c")


def test_a_thread_shows_what_may_be_done_with_each_message(world: LyingWorld, terms: Any) -> None:
    (leg,) = send_alert(world["GB"], make_draft("VN", agreement=terms.id)).legs
    world.collect("VN")
    for agency in ("GB", "VN"):
        (entry,) = view_thread(world[agency], leg.message_id)[1]
        assert entry.handling == "amber h1 h2 no-automated-decision"
