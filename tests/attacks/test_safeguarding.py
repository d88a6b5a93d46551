"""Attacks on what is confidential from outside: a broker that relabels, a member that says it openly or hides it.

Whatever is tried, the words about a victim stand nowhere outside the compartment: not in an answer, not in the store.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from agency_client.errors import NotFoundError
from agency_client.local_store.received_work import list_owed_receipts
from agency_client.reading.messages import read_message
from agency_client.retention.running import run_retention
from agency_client.sending.flow import send_alert
from agency_client.sending.noticing import withdraw
from keys.sealing import SealedMessage
from schemas.agreements.terms import AnswerDeadline, Terms
from schemas.codec import b64u_decode, b64u_encode
from schemas.envelope import Header, Payload
from schemas.markings import Purpose, Urgency
from tests.attacks.care import AUTHOR, CONFIDENTIAL, GB, VN, Care
from tests.schemas.alerts.filled import load
from tests.support.lying_world import make_aftercare, make_alert, refer_to
from tests.support.safeguarding import KIND, agree_on_victims, caring, dump_store, make_victim_alert, make_victim_draft


@pytest.fixture
def terms(care: Care, request: pytest.FixtureRequest) -> Iterator[Terms]:
    """An agreement of the test's own."""
    with care.agreed(request.node.name) as terms:
        yield terms


def relabel(sealed: SealedMessage, kind: str) -> Any:
    """Return the envelope with another kind in its header, under the old signatures."""
    payload = Payload.from_canonical(sealed.envelope.payload_bytes)
    header = Header.from_canonical(b64u_decode(payload.header))
    routing = header.routing.model_copy(update={"kind": kind})
    changed = payload.model_copy(
        update={"header": b64u_encode(header.model_copy(update={"routing": routing}).canonical())}
    )
    return sealed.envelope.model_copy(update={"payload": b64u_encode(changed.canonical())})


@pytest.mark.parametrize(("sent", "shown"), [(CONFIDENTIAL, "document-fraud"), ("document-fraud", CONFIDENTIAL)])
def test_a_broker_that_relabels_a_message_breaks_its_signatures(
    care: Care, terms: Terms, sent: str, shown: str
) -> None:
    sealed = care.craft(terms) if sent == CONFIDENTIAL else care.craft(terms, alert=load(sent), kind=sent, key=None)
    placed = care.world.exchange.deliver(relabel(sealed, shown), VN)
    care.world.collect(VN)
    with care.world[VN].store.read() as snapshot:
        rows = snapshot.fetch_all(
            "SELECT state, problem_code FROM inbox_message WHERE leaf_index = ?", placed.accepted.index
        )
    assert [tuple(row) for row in rows] == [("unverifiable", "signature-refused")]


SAID_OPENLY: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "under its own name": ({"kind": KIND, "key": None}, ("unverifiable", "kind-shown-openly")),
    "under another kind": ({"kind": "facilitator", "key": None}, ("unverifiable", "header-mismatch")),
    "under the key that all officers use": ({"key": None}, ("unverifiable", "encryption-key-not-current")),
    "under its own name and the right key": ({"kind": KIND}, ("unverifiable", "encryption-key-not-current")),
}


@pytest.mark.parametrize("how", SAID_OPENLY)
def test_a_member_that_speaks_of_a_victim_openly_is_refused_and_nothing_is_kept(
    care: Care, terms: Terms, how: str
) -> None:
    changes, refused = SAID_OPENLY[how]
    sealed = care.craft(terms, **changes)
    care.deliver(sealed)
    assert care.look_up(sealed) == refused


def test_anything_else_under_the_key_for_victims_is_refused(care: Care, terms: Terms) -> None:
    sealed = care.craft(terms, alert=load("document-fraud"), kind="document-fraud")
    care.deliver(sealed)
    assert care.look_up(sealed) == ("unverifiable", "encryption-key-not-current")


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"alert": make_alert("ping", {"text": "hello"})}, ("unverifiable", "header-mismatch")),
        ({"purpose": Purpose.CRIMINAL_INVESTIGATION}, ("refused", "purpose-not-covered")),
        ({"purpose": Purpose.HUMAN_TRAFFICKING}, ("refused", "purpose-not-covered")),
    ],
)
def test_what_hides_behind_the_confidential_kind_is_refused_when_it_is_opened(
    care: Care, terms: Terms, changes: dict[str, Any], refused: tuple[str, str]
) -> None:
    sealed = care.craft(terms, **changes)
    care.deliver(sealed)
    assert care.look_up(sealed) == ("sealed", None)
    care.open_waiting()
    assert care.look_up(sealed) == refused


def test_an_alert_that_names_the_victim_is_refused_when_it_is_opened(care: Care, terms: Terms) -> None:
    named = make_victim_alert(care.world[GB]) | {
        "persons": [{"ref": "v1", "role": "victim", "names": [{"text": "ERIKSSON"}]}]
    }
    sealed = care.craft(terms, alert=named)
    care.deliver(sealed)
    care.open_waiting()
    assert care.look_up(sealed) == ("refused", "alert-invalid")
    assert b"ERIKSSON" not in dump_store(care.world[VN])


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"details__nationality": "NGA"}, "nationality-not-covered"), ({"details__nail bar": 1}, "alert-invalid")],
)
def test_why_it_is_refused_says_nothing_of_it_outside_the_compartment(
    care: Care, request: pytest.FixtureRequest, changes: dict[str, Any], code: str
) -> None:
    clause = {"nationalities": ("GBR", "VNM")}
    terms = agree_on_victims(care.world, GB, VN, request.node.name, **clause)
    sealed = care.craft(terms, alert=make_victim_alert(care.world[GB], **changes))
    care.deliver(sealed)
    told = care.open_waiting()[sealed.digest]
    assert told is not None
    assert "NGA" in told.sentence or "nail bar" in told.sentence
    assert care.look_up(sealed) == ("refused", code)
    kept = care.world.look_up(VN, sealed).problem
    assert kept is not None
    assert "NGA" not in kept.sentence
    care.demand_unknown(VN)


def test_until_it_is_opened_its_sender_knows_no_more_than_that_it_arrived(care: Care, terms: Terms) -> None:
    sealed = care.craft(terms)
    care.deliver(sealed)
    with care.world[VN].store.read() as snapshot:
        before = {owed.type for owed in list_owed_receipts(snapshot) if owed.digest == sealed.digest}
    care.open_waiting()
    with care.world[VN].store.read() as snapshot:
        after = {owed.type for owed in list_owed_receipts(snapshot) if owed.digest == sealed.digest}
    assert (before, after) == ({"handed-over"}, {"handed-over", "verified"})


@pytest.mark.parametrize("kind", ["correction", "misused-identity", "withdrawal"])
def test_a_notice_that_says_more_than_it_must_is_refused_by_who_gets_it(care: Care, terms: Terms, kind: str) -> None:
    original = care.craft(terms)
    care.deliver(original)
    alert = make_aftercare(kind, original, care.world) | {"subject": "About the young adult from a nail bar"}
    notice = care.world.craft(GB, VN, terms, alert=alert, refers_to=refer_to(original), purpose=Purpose.DATA_QUALITY)
    care.deliver(notice)
    assert care.look_up(notice) == ("refused", "said-openly")


def test_what_is_taken_back_sealed_is_gone_and_was_never_opened(care: Care, terms: Terms) -> None:
    node = care.world[GB]
    with caring(node, care.compartments[GB]):
        (leg,) = send_alert(node, make_victim_draft(node, terms)).legs
        care.world.collect(VN)
        withdraw(node, leg.message_id, AUTHOR, because="sent-by-mistake")
    care.world.collect(VN)
    with care.world[VN].store.read() as snapshot:
        row = snapshot.fetch_one("SELECT state, envelope FROM inbox_message WHERE digest = ?", leg.digest)
        assert snapshot.fetch_one("SELECT 1 FROM sealed_message WHERE digest = ?", leg.digest) is None
    assert row is not None
    assert tuple(row) == ("withdrawn", None)
    assert leg.digest not in care.open_waiting()


def test_what_nobody_opens_is_due_as_agreed_and_ends_unopened(care: Care, request: pytest.FixtureRequest) -> None:
    within = (AnswerDeadline(urgency=Urgency.ROUTINE, minutes=60),)
    days = {"retention_days": 20, "evidence_days": 60, "answer_within": within}
    sealed = care.craft(agree_on_victims(care.world, GB, VN, request.node.name, **days))
    placed = care.deliver(sealed)
    accepted = placed.accepted.record.time
    assert care.world.look_up(VN, sealed).reply_due == accepted + timedelta(minutes=60)
    node, held = care.world[VN], care.world.clock.ahead
    care.world.clock.ahead = timedelta(days=19)  # its sealed bytes outlive the delivery deadline, which is ten days
    run_retention(node, confirmed="the test moves the clock")
    assert care.world.look_up(VN, sealed).envelope is not None
    care.world.clock.ahead = timedelta(days=21)
    run_retention(node, confirmed="the test moves the clock")
    care.world.clock.ahead = held
    found = care.world.look_up(VN, sealed)
    assert (found.state.value, found.envelope, found.erased_at is not None) == ("sealed", None, True)
    with node.store.read() as snapshot:
        owed = [item for item in list_owed_receipts(snapshot) if item.digest == sealed.digest]
    assert [(item.type, item.reason) for item in owed if item.type != "handed-over"] == [("erased", "retention-ended")]
    assert sealed.digest not in care.open_waiting()
    with caring(node, care.compartments[VN]), pytest.raises(NotFoundError, match="erased"):
        read_message(node, sealed.header.id, reason="too late")
    assert care.world.look_up(VN, sealed).state.value == "sealed"


def test_after_all_that_was_tried_no_word_of_it_stands_outside_the_compartment(care: Care) -> None:
    care.demand_unknown()
