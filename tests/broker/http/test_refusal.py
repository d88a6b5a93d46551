"""What an error of ours means on the wire, and that a foreign one means nothing."""

import pytest

from broker.http.problems import answer_refusal
from broker.http.refusal import Refusal, RefusedError, find_refusal, refuse
from broker.storage.errors import CommitFailedError, StoreBusyError
from keys.errors import CertificateError, KeysError
from schemas.codec import CodecError, NotCanonicalError, TooLargeError
from schemas.model import DocumentError
from schemas.problems import PROBLEMS, ProblemReason


def _subclasses(kind: type[Exception]) -> set[type[Exception]]:
    return {kind}.union(*(_subclasses(one) for one in kind.__subclasses__()))


def test_a_raised_refusal_is_itself() -> None:
    error = refuse("not-found", "There is nothing.", field="id")
    assert find_refusal(error) == Refusal("not-found", "There is nothing.", "id")


def test_a_slug_outside_the_table_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        _ = Refusal("no-such-problem", "?").problem


def test_a_busy_store_says_when_to_come_back() -> None:
    assert find_refusal(StoreBusyError()) == Refusal(
        "busy", "too many writes are waiting; try again shortly", retry_after_seconds=1
    )


@pytest.mark.parametrize("slug", sorted(slug for slug, row in PROBLEMS.items() if row.status in (429, 503, 507)))
def test_whatever_passes_says_when_to_come_back_also_where_nobody_said_it(slug: str) -> None:
    assert Refusal(slug, "no").come_back_seconds == 60
    assert Refusal(slug, "no", retry_after_seconds=7).come_back_seconds == 7
    assert answer_refusal(Refusal(slug, "no")).headers["retry-after"] == "60"


def test_what_does_not_pass_says_nothing_of_coming_back() -> None:
    assert Refusal("not-covered", "no").come_back_seconds is None
    assert "retry-after" not in answer_refusal(Refusal("not-covered", "no")).headers


def test_a_failed_commit_is_unavailable_whatever_caused_it() -> None:
    try:
        try:
            raise KeyError("ERIKSSON")
        except KeyError as cause:
            raise CommitFailedError from cause
    except CommitFailedError as error:
        refusal = find_refusal(error)
    assert refusal is not None
    assert refusal.slug == "unavailable"
    assert "ERIKSSON" not in refusal.detail


def test_a_wrong_member_is_named_by_its_field() -> None:
    refusal = find_refusal(DocumentError("Envelope", "payload", "is missing"))
    assert refusal == Refusal("wrong-shape", "Envelope: payload: is missing", "payload")


@pytest.mark.parametrize(("error", "slug"), [(TooLargeError("9 bytes"), "too-large"), (CodecError("no"), "malformed")])
def test_a_codec_error_whose_code_is_a_problem_is_that_problem(error: CodecError, slug: str) -> None:
    refusal = find_refusal(error)
    assert refusal is not None
    assert refusal.slug == slug


def test_any_other_codec_error_is_malformed_with_its_code_as_the_reason() -> None:
    refusal = find_refusal(NotCanonicalError("spaces"))
    assert refusal == Refusal("malformed", "spaces", reasons=(ProblemReason(code="not-canonical", sentence="spaces"),))


@pytest.mark.parametrize("kind", sorted(_subclasses(KeysError), key=repr))
def test_every_error_about_keys_has_a_row_in_the_table(kind: type[KeysError]) -> None:
    assert kind.code in PROBLEMS
    refusal = find_refusal(kind.__new__(kind, "a sentence"))  # whatever a class makes its sentence of
    assert refusal is not None
    assert (refusal.slug, refusal.detail) == (kind.code, "a sentence")


class _ForeignError(Exception):
    """An error of a library, with a code that happens to be a slug of ours."""

    code = "not-found"


def test_an_error_from_elsewhere_means_nothing() -> None:
    assert find_refusal(_ForeignError("ERIKSSON")) is None
    assert find_refusal(SystemExit(2)) is None
    assert find_refusal(KeyError("ERIKSSON")) is None


def test_the_refusal_travels_in_the_error() -> None:
    refusal = Refusal("busy", "Later.")
    assert RefusedError(refusal).refusal is refusal
    assert find_refusal(CertificateError("x")) is not None
