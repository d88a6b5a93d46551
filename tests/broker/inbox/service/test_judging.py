"""What became of an agreement is judged again at the hand-over: held, returned, expired, withdrawn, followed up."""

from datetime import timedelta
from pathlib import Path

import pytest

from broker.http.refusal import RefusedError
from schemas.agreements.steps import StepAction
from schemas.log.records import RecordType
from schemas.markings import Tlp, Urgency
from tests.broker.bench import BE, GB, VN, Bench
from tests.broker.inbox.leases import named, outcomes
from tests.strategies.agreements import make_clause
from tests.support.messages import make_id


def test_while_suspended_it_is_held_once_and_told_and_after_resumption_delivered(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.step(VN, terms, StepAction.SUSPEND)
    for _ in range(3):
        assert bench.lease(VN).items == ()
    assert bench.state(GB, "first") == "held"
    bench.step(VN, terms, StepAction.RESUME)
    assert named(bench.lease(VN), "first")
    fates = ["message-accepted", "message-held", "message-released", "message-handed-over"]
    assert bench.fates("first") == fates
    assert outcomes(bench, GB) == [(fate, make_id("first")) for fate in fates[1:3]]


def test_what_is_held_under_one_agreement_does_not_hold_up_another(tmp_path: Path) -> None:
    bench = Bench(tmp_path, GB, VN, BE)
    try:
        held, other = bench.agree(), bench.agree(BE, VN, clauses=(make_clause(BE, VN), make_clause(VN, BE)))
        for name in range(70):
            bench.send(GB, VN, held, name)
        bench.step(GB, held, StepAction.SUSPEND)
        bench.send(BE, VN, other, "other")
        assert named(bench.lease(VN, max_items=64), "other")
    finally:
        bench.close()


def test_after_a_revocation_it_goes_back_to_its_sender(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.step(VN, terms, StepAction.REVOKE)
    assert bench.lease(VN).items == ()
    assert bench.state(GB, "first") == "returned"
    (record,) = bench.records(RecordType.MESSAGE_RETURNED)
    assert record.reasons == ("agreement-revoked",)
    assert outcomes(bench, GB) == [("message-returned", make_id("first"))]


def test_after_a_narrower_version_only_what_it_covers_is_delivered(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "amber", marking=Tlp.AMBER)
    bench.send(GB, VN, terms, "green", marking=Tlp.GREEN)
    bench.agree(
        version=2,
        supersedes=terms.digest(),
        clauses=(make_clause(GB, VN, highest_marking=Tlp.GREEN), make_clause(VN, GB)),
    )
    assert named(bench.lease(VN), "green")
    (record,) = bench.records(RecordType.MESSAGE_RETURNED)
    assert record.reasons == ("agreement-superseded", "marking-too-high")


def test_what_its_deadline_has_passed_expires_and_the_sender_is_told(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first", lifetime=timedelta(hours=1))
    bench.clock.move(3600)
    assert bench.lease(VN).items == ()
    assert bench.state(GB, "first") == "expired"
    assert outcomes(bench, GB) == [("message-expired", make_id("first"))]


def test_aftercare_is_delivered_though_the_agreement_was_revoked(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.acknowledge(VN, bench.lease(VN))
    bench.step(GB, terms, StepAction.REVOKE)
    bench.send(GB, VN, terms, "correction", kind="correction", refers_to=bench.reference("first"))
    bench.send(VN, GB, terms, "outcome", kind="outcome", refers_to=bench.reference("first"))
    assert named(bench.lease(VN), "correction")
    assert named(bench.lease(GB), "outcome")


def test_a_correction_of_what_is_held_is_held_with_it(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.send(GB, VN, terms, "correction", kind="correction", refers_to=bench.reference("first"))
    bench.step(VN, terms, StepAction.SUSPEND)
    assert bench.lease(VN).items == ()
    bench.step(VN, terms, StepAction.RESUME)
    assert named(bench.lease(VN), "first", "correction")


def test_a_withdrawal_takes_back_what_nobody_has_leased(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.send(GB, VN, terms, "withdrawal", kind="withdrawal", refers_to=bench.reference("first"))
    assert bench.state(GB, "first") == "withdrawn"
    answer = bench.lease(VN)
    assert named(answer, "withdrawal")
    assert answer.withdrawn == ()
    (record,) = bench.records(RecordType.MESSAGE_WITHDRAWN)
    assert record.refers_to == bench.reference("withdrawal")
    assert outcomes(bench, GB) == [("message-withdrawn", make_id("first"))]


def test_a_withdrawal_works_on_what_a_suspension_holds(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    bench.step(VN, terms, StepAction.SUSPEND)
    bench.sweep()
    bench.send(GB, VN, terms, "withdrawal", kind="withdrawal", refers_to=bench.reference("first"))
    assert bench.state(GB, "first") == "withdrawn"
    bench.step(VN, terms, StepAction.RESUME)
    assert named(bench.lease(VN), "withdrawal")


def test_what_was_leased_counts_as_handed_over_and_its_withdrawal_stands_first_until_acknowledged(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    leased = bench.lease(VN)
    bench.send(GB, VN, terms, "second", urgency=Urgency.THREAT_TO_LIFE)
    bench.send(GB, VN, terms, "withdrawal", kind="withdrawal", refers_to=bench.reference("first"))
    assert bench.state(GB, "first") == "handed-over"
    first = bench.lease(VN, max_items=1)
    assert named(first, "second")
    assert first.withdrawn == (bench.reference("first"),)
    bench.acknowledge(VN, first)
    second = bench.lease(VN)
    assert named(second, "withdrawal")
    assert second.withdrawn == (bench.reference("first"),)
    assert bench.acknowledge(VN, leased) == 0
    bench.acknowledge(VN, second)
    bench.send(GB, VN, terms, "third")
    third = bench.lease(VN)
    assert (named(third, "third"), third.withdrawn) == (True, ())
    bench.clock.move(61)
    assert named(bench.lease(VN), "third")


def test_nothing_is_withdrawn_twice_and_only_by_its_sender(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    reference = bench.reference("first")
    bench.send(GB, VN, terms, "withdrawal", kind="withdrawal", refers_to=reference)
    for sender, recipient, name in ((GB, VN, "again"), (VN, GB, "not mine")):
        sealed = bench.seal(sender, recipient, terms, name, kind="withdrawal", refers_to=reference)
        with pytest.raises(RefusedError) as caught:
            bench.submit(sender, sealed)
        assert caught.value.refusal.slug == "reference-refused"
