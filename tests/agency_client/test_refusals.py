"""What a client takes an answer for that is none: by its status, its problem, and who seems to have said it."""

from datetime import UTC, datetime, timedelta

import pytest

from agency_client.refusals import (
    BadAnswerError,
    BusyError,
    ExchangeStoppedError,
    NotSentError,
    RefusalDetails,
    RefusedError,
    UnansweredError,
    UnavailableError,
    find_retry_seconds,
    read_member_refusal,
    read_refusal,
)
from agency_client.syncing.submitting import next_attempt_after
from schemas.problems import MEDIA_TYPE, PROBLEMS, ProblemDocument
from tests.support.lying_batches import refuse_member

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LATER = {"retry-after": "47", "content-type": MEDIA_TYPE}
PAGE = b"<html><body><h1>503 Service Unavailable</h1></body></html>"


def describe(slug: str) -> tuple[int, bytes]:
    problem = PROBLEMS[slug]
    document = ProblemDocument(type=problem.uri, title=problem.title, status=problem.status, detail="no")
    return problem.status, document.canonical()


PASSING = {
    "too-many-requests": BusyError,
    "member-busy": BusyError,
    "busy": BusyError,
    "upload-quota-exhausted": BusyError,
    "storage-full": BusyError,
    "exchange-behind": ExchangeStoppedError,
    "unavailable": UnavailableError,
    "inbox-full": RefusedError,
    "quota-exhausted": RefusedError,
}


def test_every_refusal_that_passes_is_among_them() -> None:
    assert PASSING.keys() == {slug for slug, row in PROBLEMS.items() if row.status in (429, 503, 507)}


@pytest.mark.parametrize("slug", PASSING)
def test_what_passes_says_when_to_come_back_and_the_next_attempt_waits_for_it(slug: str) -> None:
    status, document = describe(slug)
    error = read_refusal(status, LATER, document)
    assert type(error) is PASSING[slug]
    assert find_retry_seconds(error) == 47
    assert next_attempt_after(0, NOW, error) == NOW + timedelta(seconds=47)
    assert find_retry_seconds(read_member_refusal(refuse_member(slug, later=47))) == 47


def test_what_does_not_pass_asks_for_no_wait() -> None:
    status, document = describe("not-covered")
    refused = read_refusal(status, LATER, document)
    assert isinstance(refused, RefusedError)
    assert refused.details == RefusalDetails("not-covered", 422, (), "")
    assert [find_retry_seconds(error) for error in (refused, NotSentError("gone"))] == [0, 0]


def test_an_exchange_that_cannot_answer_now_may_have_done_what_was_asked() -> None:
    """A commit whose end nobody saw is answered with it: what was handed in is not certainly not there."""
    status, document = describe("unavailable")
    error = read_refusal(status, LATER, document)
    assert isinstance(error, UnansweredError)
    assert not isinstance(error, BusyError)
    assert isinstance(error, UnavailableError)
    unasked = error.as_not_asked()
    assert (type(unasked), unasked.code, unasked.retry_after_seconds) == (BusyError, "unavailable", 47)


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("media_type", ["text/html", "text/plain; charset=utf-8", ""])
def test_a_page_of_what_stands_before_the_broker_is_no_lie_of_the_broker(status: int, media_type: str) -> None:
    error = read_refusal(status, {"content-type": media_type, "retry-after": "9"}, PAGE)
    assert isinstance(error, UnavailableError)
    assert str(status) in error.sentence
    assert error.retry_after_seconds == 9


@pytest.mark.parametrize(("status", "media_type"), [(503, MEDIA_TYPE), (503, "application/json"), (500, "text/html")])
def test_what_is_said_to_be_the_brokers_and_has_another_form_proves_nothing(status: int, media_type: str) -> None:
    assert type(read_refusal(status, {"content-type": media_type}, PAGE)) is BadAnswerError


@pytest.mark.parametrize(
    ("text", "seconds"), [("9", 9), ("60", 60), ("61", 60), ("99999", 60), ("Sun, 06 Nov 1994", 5), ("-1", 5), ("٣", 5)]
)
def test_a_wait_is_a_number_of_seconds_and_never_longer_than_a_minute(text: str, seconds: int) -> None:
    status, document = describe("busy")
    assert find_retry_seconds(read_refusal(status, {"retry-after": text}, document)) == seconds


@pytest.mark.parametrize("slug", PASSING)
def test_only_what_keeps_one_document_back_may_do_so_for_longer_and_never_for_more_than_an_hour(slug: str) -> None:
    status, document = describe(slug)
    longest = 3600 if slug in ("quota-exhausted", "inbox-full") else 60
    assert find_retry_seconds(read_refusal(status, {"retry-after": "86400"}, document)) == longest
    assert find_retry_seconds(read_member_refusal(refuse_member(slug, later=86400))) == longest
