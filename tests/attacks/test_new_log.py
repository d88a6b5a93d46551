"""A hostile exchange that begins a new log: what it may date, and what it may leave out, when two officers accept it.

The nodes and their keys are real, the officers act in good faith; the exchange chooses every word of its new log, and
a member at its side signs what it likes.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from agency_client.agreements.pulling import pull_steps
from agency_client.epochs.accepting import ProposedLog, examine_new_log
from agency_client.epochs.errors import EpochRefusedError
from agency_client.local_store.contradictions import EquivocationError
from agency_client.local_store.suspicions import list_suspicions
from agency_client.profiles.joining import AcceptedSheet
from agency_client.witness.comparing import Comparison, compare_note
from agency_client.witness.gossip import note_sighting
from agency_client.witness.walker import walk_log
from keys.signing import sign_document
from schemas.agreements.steps import Step, StepAction
from schemas.api import STEPS_PATH, Evidence
from schemas.codec import b64u_encode
from schemas.envelope import SeenCheckpoint
from schemas.key_documents import compute_exchange_anchor
from schemas.log.records import RecordType
from schemas.signed import DocumentType, KeyUse
from tests.agency_client.epochs.test_accepting import undone
from tests.attacks.recipient import demand_set_aside
from tests.attacks.test_recipient_receipts import make_receipt, send, take_receipt
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.new_log import accept_by, begin_new_log, learn, move_on, turn_to
from tests.support.nodes import install_next_key_set, make_terms_of, take_step

GB, VN = "GB", "VN"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """GB, who is at the exchange's side, and VN."""
    with lying_world(tmp_path_factory.mktemp("world"), GB, VN) as found:
        yield found


def test_a_new_log_dated_back_does_not_bring_an_ended_agreement_back(world: LyingWorld) -> None:
    now, vn = world.clock.now(), world[VN]
    dates = {"in_force_from": now - DAY, "review_by": now + 5 * DAY, "in_force_until": now + 9 * DAY}
    ended = world.agree(GB, VN, "ends in nine days", **dates)
    learn(vn)
    world.clock.ahead = 10 * DAY
    world.exchange.append(RecordType.TOKENS_ISSUED, (), agency=GB, count=1)
    walk_log(vn)
    world.clock.ahead = 8 * DAY
    sealed = world.craft(GB, VN, ended)
    sheet = begin_new_log(world.exchange)
    world.deliver(sealed, VN)
    world.clock.ahead = 10 * DAY
    for node in (world[GB], vn):
        accept_by(node, sheet, ("a.eriksson", "b.jansen"))
        turn_to(node, sheet)
    learn(vn)
    demand_set_aside(world, sealed, "leaf-dated-back")


def offer_new_log(world: LyingWorld, opened: timedelta = timedelta()) -> ProposedLog:
    """Let VN examine a new log that says it was opened so long after now; nothing stays of it."""
    ahead = world.clock.ahead
    with undone(world.exchange) as exchange:
        world.clock.ahead = ahead + opened
        sheet = begin_new_log(exchange)
        world.clock.ahead = ahead
        return examine_new_log(world[VN], AcceptedSheet(sheet, compute_exchange_anchor(sheet)))


def test_a_new_log_dated_ahead_is_refused(world: LyingWorld) -> None:
    with pytest.raises(EpochRefusedError, match="ahead of now") as refused:
        offer_new_log(world, timedelta(minutes=11))
    assert refused.value.code == "opened-ahead-of-now"


def test_a_new_log_dated_back_is_told_to_both_officers(world: LyingWorld) -> None:
    world.exchange.append(RecordType.TOKENS_ISSUED, (), agency=GB, count=1)
    walk_log(world[VN])
    told = "what it dates between was not there"
    assert told in offer_new_log(world, -timedelta(minutes=11)).judgement.sentences[-1]
    assert all(told not in sentence for sentence in offer_new_log(world).judgement.sentences)


def test_a_new_log_that_forgets_what_the_exchange_kept_from_this_node_is_refused(world: LyingWorld) -> None:
    vn, exchange = world[VN], world.exchange
    hidden = exchange.sign_note(len(exchange.records) + 5, bytes(32))
    assert compare_note(vn, hidden).comparison is Comparison.HIDDEN
    with pytest.raises(EpochRefusedError, match="would be lost unseen") as refused:
        offer_new_log(world)
    assert refused.value.code == "epoch-behind"


def test_what_partners_say_they_saw_beyond_it_is_told_to_both_officers(world: LyingWorld) -> None:
    vn, exchange = world[VN], world.exchange
    size = len(exchange.records) + 9
    claim = SeenCheckpoint(origin=vn.sheet.origin, size=size, root=b64u_encode(bytes(32)))
    with vn.store.write() as transaction:
        transaction.execute("DELETE FROM suspicious_record")
        note_sighting(vn, transaction, GB, claim, at=world.clock.now())
    assert (
        offer_new_log(world).judgement.sentences[-1].startswith(f"{GB} says it saw {size} leaves of {vn.sheet.origin}")
    )


def test_two_proven_histories_of_the_old_log_are_told_to_both_officers(world: LyingWorld) -> None:
    vn, exchange = world[VN], world.exchange
    walk_log(vn)
    with pytest.raises(EquivocationError):
        compare_note(vn, exchange.sign_note(root=bytes(32)))
    assert any("two histories" in sentence for sentence in offer_new_log(world).judgement.sentences)


def test_a_key_that_was_replaced_answers_nothing_that_came_after_the_new_log(world: LyingWorld) -> None:
    gb, vn = world[GB], world[VN]
    stolen = gb.signer(KeyUse.AGREEMENT)
    install_next_key_set(gb)
    learn(gb, vn)
    world.clock.ahead += HOUR
    before = world.clock.now()
    world.clock.ahead += HOUR
    move_on(world.exchange, gb, vn)
    learn(gb, vn)
    world.clock.ahead += HOUR
    terms = make_terms_of(vn, gb, "proposed after the new log")
    take_step(vn, terms, StepAction.PROPOSE, vn)
    forged = Step(
        v=1,
        exchange=vn.exchange,
        agreement=terms.id,
        digest=terms.digest(),
        agency=GB,
        party_seq=1,
        action=StepAction.ACCEPT,
        time=before,
        confirm_by=world.clock.now() + DAY,
    )
    document = sign_document(forged.canonical(), DocumentType.AGREEMENT_STEP, [stolen])
    gb.connection.post(STEPS_PATH, document.canonical(), Evidence)
    report = pull_steps(vn)
    assert report.new == []
    assert [held.sentence for held in report.held if held.agreement == terms.id] == [
        "the step is dated before the one of the other party that it answers"
    ]


def test_a_receipt_key_that_was_replaced_receipts_no_message_sent_after_the_new_log(world: LyingWorld) -> None:
    gb, vn = world[GB], world[VN]
    terms = world.agree(GB, VN, "receipted")
    stolen = gb.signer(KeyUse.RECEIPT)
    install_next_key_set(gb)
    learn(gb, vn)
    world.clock.ahead += HOUR
    before = world.clock.now()
    world.clock.ahead += HOUR
    move_on(world.exchange, gb, vn)
    learn(gb, vn)
    world.clock.ahead += HOUR
    sent = send(world, terms, "sent after the new log")
    forged = make_receipt(world, GB, sent, time=before, key=stolen)
    assert take_receipt(world, sent, forged) == ["taken-by-broker"]
    with vn.store.read() as snapshot:
        assert "dated before" in list_suspicions(snapshot, GB)[-1].sentence
