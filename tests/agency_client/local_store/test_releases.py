"""What lists show of questions and decisions is kept apart from their content, and of nothing else."""

from dataclasses import replace

from agency_client.local_store.engine import Columns, Store
from agency_client.local_store.onward import link_requests
from agency_client.local_store.outbox import begin_attempt, enqueue_message, record_refused
from agency_client.local_store.problems import Problem
from agency_client.local_store.releases import list_questions, note_release
from agency_client.local_store.sent import Delivery
from schemas.alerts import parse_alert
from schemas.alerts.kinds.release_request import ReleaseUse
from tests.agency_client.local_store.conftest import MINUTE, NOON, make_digest, make_id, make_sent_message
from tests.schemas.alerts.filled import load

REQUEST = parse_alert(load("release-request"))


def ask(store: Store, number: int) -> str:
    """Keep a question of this agency's own in the outbox, and return its digest."""
    message = make_sent_message(number, at=NOON + number * MINUTE)
    question = replace(message, kind="release-request", refers_to=make_digest(1))
    delivery = Delivery("VN-IMM", make_digest(9), "A" * 22, number)
    with store.write() as transaction:
        transaction.execute("PRAGMA defer_foreign_keys = ON")
        stream: Columns = {"stream": "A" * 22, "partner": "VN-IMM", "next_number": 100, "opened_at": NOON}
        transaction.insert("stream", stream, if_absent=True)
        transaction.insert("stream_number", {"stream": "A" * 22, "n": number, "message_id": question.message_id})
        enqueue_message(transaction, question, [delivery], b"sealed")
        note_release(transaction, question.digest, REQUEST)
    return question.digest


def test_of_any_other_message_nothing_is_kept(store: Store) -> None:
    with store.write() as transaction:
        note_release(transaction, make_digest(1), parse_alert(load("ping")))
        assert transaction.fetch_value("SELECT count(*) FROM release_note") == 0


def test_a_question_waits_until_somebody_decides_and_the_newest_stands_first(store: Store) -> None:
    first, second = ask(store, 2), ask(store, 3)
    with store.read() as snapshot:
        questions = list_questions(snapshot)

    assert [question.digest for question in questions] == [second, first]
    found = questions[0]
    assert (found.message_id, found.partner, found.is_own, found.asked_at) == (
        make_id(3),
        "VN-IMM",
        True,
        NOON + 3 * MINUTE,
    )
    assert (found.use, found.holder, found.recipients) == (ReleaseUse.ONWARD, "BE-FP", ("AL-BP",))
    assert found.original.agency == "VN-IMM"
    assert (found.outcome, found.valid_until, found.is_passed_on) == (None, None, False)


def test_a_question_that_was_refused_was_never_asked(store: Store) -> None:
    digest = ask(store, 2)
    with store.write() as transaction:
        begin_attempt(transaction, make_id(2), at=NOON, in_doubt_until=NOON)
        record_refused(transaction, make_id(2), Problem("not-covered", "no"), at=NOON)
        assert list_questions(transaction) == []
        link_requests(transaction, make_digest(5), digest)
        assert list_questions(transaction) == []
