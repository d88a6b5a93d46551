"""What an answer takes over from its question, and how it is refused."""

import pytest

from agency_client.sending.questions import REPLIES, begin_refusal, begin_reply, sum_up
from schemas.alerts import kind_names, kind_of, parse_alert
from tests.schemas.alerts.filled import load


@pytest.mark.parametrize("kind", sorted(REPLIES))
def test_a_question_is_answered_by_a_kind_that_refers_to_it(kind: str) -> None:
    reply = kind_of(REPLIES[kind].name)
    assert reply.needs_refers_to
    assert not reply.is_aftercare


def test_every_reply_there_is_answers_some_question() -> None:
    replies = {name for name in kind_names() if kind_of(name).needs_refers_to and not kind_of(name).is_aftercare}
    assert replies == {reply.name for reply in REPLIES.values()}


@pytest.mark.parametrize("kind", sorted(REPLIES))
def test_a_refusal_is_whole_by_its_ground(kind: str) -> None:
    question = parse_alert(load(kind))
    answer = load(REPLIES[kind].name)
    said = {name: answer[name] for name in answer if name not in ("details", "statements")}
    refusal = begin_refusal(question, {"ground": "not-competent"})
    assert parse_alert(said | {"details": refusal}).details.to_wire() == refusal


def test_what_was_asked_about_is_repeated_and_no_more() -> None:
    assert begin_reply(parse_alert(load("joint-operation"))) == {"name": "Operation Zenith"}
    document = load("document-verification")["details"]["document"]
    assert begin_reply(parse_alert(load("document-verification"))) == {"document": document, "is_automatic": False}
    with pytest.raises(KeyError):
        begin_reply(parse_alert(load("ping")))


@pytest.mark.parametrize(
    ("details", "line"),
    [({"outcome": "no-record"}, "Reply: no-record"), ({"stance": "accept"}, "Reply: accept"), ({}, "Reply: answered")],
)
def test_an_answer_is_summed_up_by_what_it_says(details: dict[str, str], line: str) -> None:
    assert sum_up(details) == line
