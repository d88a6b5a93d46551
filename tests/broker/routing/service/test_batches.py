"""Envelopes handed in together: one commit where there is room, and each answered as if it had come alone."""

from typing import Any

import pytest

from schemas.agreements.terms import Terms
from schemas.api import Evidence
from schemas.batches import AcceptedMember, RefusedMember
from schemas.log.records import RecordType
from schemas.markings import Tlp
from tests.broker.bench import GB, VN, Bench, ids_of
from tests.support.messages import make_id

pytestmark = pytest.mark.both_engines


def accept_each(bench: Bench, caller: str, *envelopes: bytes) -> list[AcceptedMember | RefusedMember]:
    answer = bench.run(bench.routing.accept_each(bench.caller(caller), envelopes))
    for member in answer.members:
        if isinstance(member, AcceptedMember):
            bench.verify(Evidence(leaf=member.leaf, proof=member.proof, checkpoint=answer.checkpoint))
    return list(answer.members)


def seal_many(bench: Bench, terms: Terms, count: int, **changes: Any) -> list[bytes]:
    return [bench.seal(GB, VN, terms, f"member {n}", **changes).envelope.canonical() for n in range(count)]


def test_a_batch_shares_a_commit_and_a_checkpoint_and_keeps_its_order(bench: Bench) -> None:
    envelopes = seal_many(bench, bench.agree(), 20)
    commits = bench.log.view.size, count_batches(bench)
    members = accept_each(bench, GB, *envelopes)
    indexes = [member.leaf.index for member in members if isinstance(member, AcceptedMember)]
    assert indexes == list(range(commits[0], commits[0] + 20))
    assert all(isinstance(member, AcceptedMember) and member.new for member in members)
    assert count_batches(bench) - commits[1] <= 2
    assert ids_of(bench.lease(VN)) == [make_id(f"member {n}") for n in range(20)]


def test_a_batch_again_gets_the_same_leaves_also_in_another_order(bench: Bench) -> None:
    envelopes = seal_many(bench, bench.agree(), 4)
    first = accept_each(bench, GB, *envelopes)
    again = accept_each(bench, GB, *reversed(envelopes))[::-1]
    leaves = [member.leaf for member in first if isinstance(member, AcceptedMember)]
    assert [(member.leaf, member.new) for member in again if isinstance(member, AcceptedMember)] == [
        (leaf, False) for leaf in leaves
    ]
    assert len(bench.records(RecordType.MESSAGE_ACCEPTED)) == 4


def test_the_same_envelope_twice_in_a_batch_is_accepted_once(bench: Bench) -> None:
    (envelope,) = seal_many(bench, bench.agree(), 1)
    members = accept_each(bench, GB, envelope, envelope)
    assert [member.new for member in members if isinstance(member, AcceptedMember)] == [True, False]
    assert len(bench.records(RecordType.MESSAGE_ACCEPTED)) == 1


def test_one_bad_member_is_refused_in_its_place_and_recorded_as_if_it_had_come_alone(bench: Bench) -> None:
    terms = bench.agree()
    good, other = seal_many(bench, terms, 2)
    uncovered = bench.seal(GB, VN, terms, "uncovered", kind="facilitator", marking=Tlp.RED).envelope.canonical()
    stolen = bench.seal(VN, GB, terms, "stolen").envelope.canonical()
    members = accept_each(bench, GB, b"{}", good, uncovered, stolen, other)
    slugs = ["" if isinstance(member, AcceptedMember) else member.problem.type.rpartition(":")[2] for member in members]
    assert slugs == ["wrong-shape", "", "not-covered", "not-the-sender", ""]
    assert ids_of(bench.lease(VN)) == [make_id("member 0"), make_id("member 1")]
    assert len(bench.records(RecordType.REFUSED)) == 3


def test_what_cannot_be_stored_is_told_of_every_member(bench: Bench) -> None:
    envelopes = seal_many(bench, bench.agree(), 3)
    bench.writer.close()
    members = accept_each(bench, GB, *envelopes)
    assert [member.problem.status for member in members if isinstance(member, RefusedMember)] == [503] * 3
    bench.restart()
    assert all(isinstance(member, AcceptedMember) for member in accept_each(bench, GB, *envelopes))


def count_batches(bench: Bench) -> float:
    return bench.writer.metrics.registry.get_sample_value("bilateral_batch_operations_count") or 0
