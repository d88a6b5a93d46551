"""Whatever was agreed since, what follows a message up comes under the clause of the message that began the row."""

import pytest

from broker.http.refusal import RefusedError
from schemas.agreements.terms import Terms
from schemas.markings import Tlp
from tests.broker.bench import GB, VN, Bench
from tests.strategies.agreements import make_clause

AMBER, GREEN = Tlp.AMBER, Tlp.GREEN


def agree_again(bench: Bench, terms: Terms, *, gb: Tlp, vn: Tlp) -> Terms:
    """Let a second version take the place of the first, with other markings."""
    clauses = (make_clause(GB, VN, highest_marking=gb), make_clause(VN, GB, highest_marking=vn))
    return bench.agree(version=2, supersedes=terms.digest(), clauses=clauses)


def follow(bench: Bench, sender: str, terms: Terms, kind: str, about: str, *, marking: Tlp) -> None:
    to = VN if sender == GB else GB
    bench.send(sender, to, terms, kind, kind=kind, marking=marking, refers_to=bench.reference(about))


def test_what_was_handed_over_may_be_followed_up_at_its_marking_after_a_narrower_version(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first", marking=AMBER)
    bench.lease(VN)
    narrow = agree_again(bench, terms, gb=GREEN, vn=GREEN)
    follow(bench, GB, narrow, "breach-notice", "first", marking=AMBER)
    follow(bench, VN, narrow, "outcome", "first", marking=AMBER)


def test_what_answers_an_answer_comes_under_the_clause_of_the_first_message(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first", marking=AMBER)
    bench.lease(VN)
    narrow = agree_again(bench, terms, gb=AMBER, vn=GREEN)
    follow(bench, VN, narrow, "outcome", "first", marking=AMBER)
    bench.lease(GB)
    follow(bench, GB, narrow, "acknowledgement", "outcome", marking=AMBER)


def test_a_wider_version_lets_nothing_follow_that_its_message_could_not_have_said(bench: Bench) -> None:
    terms = bench.agree(clauses=(make_clause(GB, VN, highest_marking=GREEN), make_clause(VN, GB)))
    bench.send(GB, VN, terms, "first", marking=GREEN)
    bench.lease(VN)
    wide = agree_again(bench, terms, gb=AMBER, vn=AMBER)
    with pytest.raises(RefusedError) as caught:
        follow(bench, VN, wide, "outcome", "first", marking=AMBER)
    assert [reason.code for reason in caught.value.refusal.reasons] == ["marking-too-high"]
