"""The broker as the enemy of what members tell each other: statuses, receipts, and the very form of an answer."""

from typing import Any

import pytest

from agency_client.connection import MAX_ANSWER_BYTES
from agency_client.errors import ClientError
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.sent import DeliveryFact
from agency_client.local_store.statuses import load_newest_partner_status
from agency_client.sending.seal import SealedLeg
from agency_client.sending.views import describe_sent
from agency_client.statuses.files import export_status, import_status
from agency_client.statuses.partners import pull_statuses
from agency_client.terminal.output import Form
from agency_client.witness.walker import walk_log
from tests.agency_client.terminal.test_output import capture
from tests.attacks.arena import BE, GB, VN, Arena, speak


@pytest.fixture
def terms(arena: Arena, request: pytest.FixtureRequest) -> Any:
    """An agreement between GB and VN in force, of this test alone."""
    return arena.agree(GB, VN, request.node.name)


def read_seq(arena: Arena, reader: str, signer: str) -> int:
    """Return the number of the newest status of a partner that a node believes."""
    with arena[reader].store.read() as snapshot:
        newest = load_newest_partner_status(snapshot, signer)
    return newest.seq if newest else 0


def list_facts(arena: Arena, leg: SealedLeg) -> list[DeliveryFact]:
    """Return what GB knows of a message's way."""
    (delivery,) = describe_sent(arena[GB], leg.message_id).deliveries
    return [fact.fact for fact in delivery.facts]


# Statuses


def test_an_older_status_shown_again_is_noticed_and_changes_nothing(arena: Arena, terms: Any) -> None:
    speak(arena, GB, VN)
    with arena.lying(f"rolled-back-statuses={VN}"):
        speak(arena, GB, VN)
        pull_statuses(arena[VN])
        newest = read_seq(arena, VN, GB)
        report = pull_statuses(arena[VN])
    assert "status-rolled-back" in {alarm.code for alarm in report.alarms}
    assert read_seq(arena, VN, GB) == newest
    arena.demand_service(terms)


def test_a_status_made_up_in_a_partners_name_is_not_believed(arena: Arena, terms: Any) -> None:
    speak(arena, GB, VN)
    pull_statuses(arena[VN])
    newest = read_seq(arena, VN, GB)
    with arena.lying(f"forged-statuses={VN}"):
        report = pull_statuses(arena[VN])
    assert report.problems[GB].code == "key-set-refused"
    assert read_seq(arena, VN, GB) == newest


def test_a_status_for_somebody_else_is_not_taken_for_ones_own(arena: Arena) -> None:
    arena.agree(GB, BE, "so that BE gets a status too")
    speak(arena, GB, BE)
    speak(arena, GB, VN)
    pull_statuses(arena[VN])
    newest = read_seq(arena, VN, GB)
    with arena.lying(f"statuses-of-others={VN}"):
        report = pull_statuses(arena[VN])
    assert report.problems[GB].code == "log-not-proven"
    assert read_seq(arena, VN, GB) == newest


def test_statuses_that_are_shown_no_more_are_missed(arena: Arena, terms: Any) -> None:
    speak(arena, GB, VN)
    pull_statuses(arena[VN])
    newest = read_seq(arena, VN, GB)
    with arena.lying(f"hidden-statuses={VN}"):
        report = pull_statuses(arena[VN])
    assert (GB, "status-missing") in {(alarm.agency, alarm.code) for alarm in report.alarms}
    assert read_seq(arena, VN, GB) == newest
    arena.demand_service(terms)


def test_a_status_that_the_broker_does_not_take_goes_past_it_as_a_file(arena: Arena, terms: Any) -> None:
    with arena.lying(f"kept-back-statuses={GB}"):
        speak(arena, GB, VN)
        pull_statuses(arena[VN])
        before = read_seq(arena, VN, GB)
        import_status(arena[VN], export_status(arena[GB], VN).file)
        assert read_seq(arena, VN, GB) > before
    arena.sync(GB)
    assert GB not in pull_statuses(arena[VN]).problems
    arena.demand_service(terms)


# Receipts


def test_a_receipt_made_up_in_a_recipients_name_is_a_suspicion_only(arena: Arena, terms: Any) -> None:
    leg = arena.send(terms)
    with arena.lying(f"forged-receipt={GB}"):
        arena.collect(GB)
    assert arena.has_doubt(GB, "receipt-refused", "has no such receipt key")
    assert DeliveryFact.ACTED not in list_facts(arena, leg)
    arena.collect(VN)
    assert arena.load(VN, leg.digest).state is InboxState.OPENED


def test_a_receipt_handed_over_again_counts_once(arena: Arena, terms: Any) -> None:
    leg = arena.send(terms)
    arena.sync(VN)
    with arena.lying(f"replayed-receipts={GB}"):
        arena.collect(GB)
        before = list_facts(arena, leg)
        arena.collect(GB)
    assert DeliveryFact.HANDED_OVER in before
    assert list_facts(arena, leg) == before


def test_a_receipt_kept_back_keeps_the_message_in_its_senders_outbox(arena: Arena, terms: Any) -> None:
    leg = arena.send(terms)
    arena.sync(VN)
    with arena.lying(f"withheld-receipts={GB}"):
        arena.collect(GB)
    assert leg.message_id in {line.message.message_id for line in arena.waiting(GB)}
    arena.let_lease_end()
    arena.collect(GB)
    assert leg.message_id not in {line.message.message_id for line in arena.waiting(GB)}


# Answers of no agreed form


def demand_no_answer(arena: Arena, terms: Any, switch: str, code: str) -> ClientError:
    """Let the broker answer so: the client says in words that this is none, takes nothing of it, and goes on later."""
    walked = arena.count_walked(VN)
    with arena.lying(f"{switch}={VN}"), pytest.raises(ClientError) as refused:
        walk_log(arena[VN])
    assert refused.value.code == code
    assert arena.count_walked(VN) == walked
    arena.demand_service(terms)
    return refused.value


def test_an_answer_with_one_member_twice_is_none(arena: Arena, terms: Any) -> None:
    assert "form" in demand_no_answer(arena, terms, "doubled-member", "bad-answer").sentence


def test_an_answer_larger_than_any_may_be_is_not_read_to_its_end(arena: Arena, terms: Any) -> None:
    assert MAX_ANSWER_BYTES < 25 * 1024 * 1024
    demand_no_answer(arena, terms, "oversized-answer", "unanswered")


def test_a_compressed_answer_is_not_unpacked(arena: Arena, terms: Any) -> None:
    demand_no_answer(arena, terms, "compressed-answer", "bad-answer")


def test_nobody_is_sent_elsewhere_by_an_answer(arena: Arena, terms: Any) -> None:
    demand_no_answer(arena, terms, "redirected", "bad-answer")


def test_words_of_a_refusal_forge_no_line_and_steer_no_terminal(arena: Arena, terms: Any) -> None:
    error = demand_no_answer(arena, terms, "hostile-words", "not-covered")
    _, shown = capture(Form.PLAIN, lambda output: output.show_error(error.code, error.sentence, error.fix))
    assert shown.count("\n") == 1
    assert not {character for character in shown[:-1] if not character.isprintable()}
