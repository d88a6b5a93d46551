"""Accepting on a real database: one commit, the same leaf again, every refusal a record that only its sender sees."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from broker.agreements.rules import verify_signed_step
from broker.audit.batches import Accepted
from broker.http.refusal import RefusedError
from broker.routing.rules import Decision
from broker.routing.submission import Submission
from broker.storage.group_commit import Operation
from broker.storage.transaction import Transaction
from keys.encryption_keys import sign_revocation
from keys.errors import EnvelopeError
from keys.key_sets import sign_key_set
from keys.sealing import SealedMessage, parse_envelope
from keys.signing import SeedSigner
from schemas.agreements.steps import StepAction
from schemas.codec import CodecError, b64u_encode
from schemas.envelope import Reference
from schemas.key_documents import Revocation
from schemas.log.records import RecordType
from schemas.markings import Tlp, Urgency
from schemas.signed import DocumentType, KeyUse
from tests.broker.bench import BE, GB, VN, Bench, ids_of
from tests.strategies.agreements import make_clause
from tests.support.members import EXCHANGE, make_signer, succeed
from tests.support.messages import make_id, make_message, seal

pytestmark = pytest.mark.both_engines


def refused(bench: Bench, caller: str, sealed: SealedMessage) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        bench.submit(caller, sealed)
    return caught.value


def test_an_acceptance_is_a_leaf_an_envelope_and_a_place_in_the_inbox(bench: Bench) -> None:
    terms = bench.agree()
    evidence = bench.send(GB, VN, terms, "first", urgency=Urgency.URGENT)
    record = evidence.leaf.record
    assert record.type is RecordType.MESSAGE_ACCEPTED
    assert (record.agency, record.kind, record.marking, record.urgency) == (
        GB, "document-fraud", Tlp.AMBER, Urgency.URGENT
    )  # fmt: skip
    assert record.recipients is not None
    assert [(to.agency, to.agreement) for to in record.recipients] == [(VN, terms.digest())]
    assert set(record.concerns) == {GB, VN}
    assert record.size == len(bench.sent[make_id("first")].envelope.ciphertext_bytes)
    assert ids_of(bench.lease(VN)) == [make_id("first")]


def test_the_same_envelope_again_gets_the_same_leaf_and_nothing_else(bench: Bench) -> None:
    terms = bench.agree()
    first = bench.send(GB, VN, terms, "first")
    bench.send(GB, VN, terms, "second")
    again, is_new = bench.submit(GB, bench.sent[make_id("first")])
    assert not is_new
    assert again.leaf == first.leaf
    bench.verify(again)
    assert len(bench.records(RecordType.MESSAGE_ACCEPTED)) == 2


def test_it_is_repeated_after_a_restart_and_though_the_agreement_ended_since(bench: Bench) -> None:
    terms = bench.agree()
    first = bench.send(GB, VN, terms, "first")
    bench.step(VN, terms, StepAction.REVOKE)
    bench.restart()
    again, is_new = bench.submit(GB, bench.sent[make_id("first")])
    assert (again.leaf, is_new) == (first.leaf, False)


def test_two_at_once_of_the_same_envelope_are_one_acceptance(bench: Bench) -> None:
    sealed = bench.seal(GB, VN, bench.agree(), "first")
    data, caller = sealed.envelope.canonical(), bench.caller(GB)

    async def send_at_once() -> list[tuple[int, bool]]:
        answers = await asyncio.gather(*(bench.routing.accept(caller, data) for _ in range(8)))
        return [(evidence.leaf.index, is_new) for evidence, is_new in answers]

    answers = bench.run(send_at_once())
    assert len({index for index, _ in answers}) == 1
    assert sorted(is_new for _, is_new in answers) == [False] * 7 + [True]


def test_another_message_under_an_id_is_refused(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first")
    error = refused(bench, GB, bench.seal(GB, VN, terms, "first", marking=Tlp.GREEN))
    assert error.refusal.slug == "digest-conflict"


def test_a_number_of_a_stream_is_used_once(bench: Bench) -> None:
    terms = bench.agree()
    bench.send(GB, VN, terms, "first", n=5)
    error = refused(bench, GB, bench.seal(GB, VN, terms, "second", n=5))
    assert (error.refusal.slug, error.refusal.field) == ("number-conflict", "recipients.0.n")


def test_a_refused_message_is_judged_anew(bench: Bench) -> None:
    terms = bench.agree()
    bench.step(GB, terms, StepAction.SUSPEND)
    sealed = bench.seal(GB, VN, terms, "first")
    assert refused(bench, GB, sealed).refusal.slug == "agreement-not-in-force"
    bench.step(GB, terms, StepAction.RESUME)
    assert bench.submit(GB, sealed)[1]


def test_a_refusal_is_a_record_with_its_reasons_that_the_recipient_may_not_see(bench: Bench) -> None:
    terms = bench.agree()
    sealed = bench.seal(GB, VN, terms, "first", kind="facilitator", marking=Tlp.RED)
    error = refused(bench, GB, sealed)
    assert [reason.code for reason in error.refusal.reasons] == ["kind-not-covered", "marking-too-high"]
    (record,) = bench.records(RecordType.REFUSED)
    assert (record.problem, record.reasons) == ("not-covered", ("kind-not-covered", "marking-too-high"))
    assert record.concerns == (GB,)
    assert record.message is not None
    assert (record.message.id, record.message.digest, record.kind) == (make_id("first"), sealed.digest, "facilitator")
    assert bench.lease(VN).items == ()


def test_the_daily_quota_counts_what_was_accepted_and_begins_anew_at_midnight(bench: Bench) -> None:
    terms = bench.agree(clauses=(make_clause(GB, VN, daily_quota=2), make_clause(VN, GB)))
    for name in ("first", "second"):
        bench.send(GB, VN, terms, name)
    third = bench.seal(GB, VN, terms, "third")
    assert refused(bench, GB, third).refusal.slug == "quota-exhausted"
    bench.send(VN, GB, terms, "the other way")
    bench.clock.move(3 * 3600)
    assert bench.submit(GB, third)[1]


def test_messages_that_cross_in_one_batch_cannot_share_the_last_place_of_a_quota(bench: Bench) -> None:
    terms = bench.agree(clauses=(make_clause(GB, VN, daily_quota=3), make_clause(VN, GB)))
    envelopes = [bench.seal(GB, VN, terms, name).envelope.canonical() for name in range(8)]

    async def send_at_once() -> list[object]:
        caller = bench.caller(GB)
        return await asyncio.gather(*(bench.routing.accept(caller, data) for data in envelopes), return_exceptions=True)

    answers = bench.run(send_at_once())
    assert sum(1 for answer in answers if isinstance(answer, tuple)) == 3
    assert sum(1 for answer in answers if isinstance(answer, RefusedError)) == 5


def test_messages_that_cross_a_suspension_stand_before_it_or_are_refused(bench: Bench) -> None:
    terms = bench.agree()
    envelopes = [bench.seal(GB, VN, terms, name).envelope.canonical() for name in range(12)]
    suspension = bench.sign_step(VN, terms, StepAction.SUSPEND)

    async def cross() -> list[object]:
        sends = [bench.routing.accept(bench.caller(GB), data) for data in envelopes]
        suspending = bench.agreements.submit(bench.caller(VN), suspension)
        return await asyncio.gather(*sends[:6], suspending, *sends[6:], return_exceptions=True)

    answers = bench.run(cross())
    types = [record.type for record in bench.records(*RecordType)]
    suspended_at = len(types) - 1 - types[::-1].index(RecordType.AGREEMENT_STEP)
    accepted = types.count(RecordType.MESSAGE_ACCEPTED)
    assert accepted == types[:suspended_at].count(RecordType.MESSAGE_ACCEPTED)
    assert accepted == 12 - sum(isinstance(answer, RefusedError) for answer in answers)


def test_a_suspension_counts_for_the_next_message_of_the_very_same_batch(bench: Bench) -> None:
    terms = bench.agree()
    before, after = (submit_to(bench, bench.seal(GB, VN, terms, name)) for name in ("before", "after"))
    document = bench.sign_step(VN, terms, StepAction.SUSPEND)
    caller = bench.caller(VN)
    suspension = verify_signed_step(bench.directory.current, document, VN, EXCHANGE, bench.now)

    def cross(transaction: Transaction) -> list[object]:
        first = before(transaction)
        bench.agreements._accept(transaction, caller, suspension)
        return [first, after(transaction)]

    accepted, refused = bench.writer.commit_and_wait(cross)
    assert isinstance(accepted, Accepted)
    assert isinstance(refused, Decision)
    assert [reason.code for reason in refused.reasons] == ["agreement-suspended"]


def submit_to(bench: Bench, sealed: SealedMessage) -> Operation[Accepted | Decision]:
    """Return what is left to do with a message in the transaction, its signatures verified."""
    data = sealed.envelope.canonical()
    reference = Reference(id=sealed.header.id, digest=sealed.digest)
    return bench.routing._check_signatures(Submission(bench.caller(GB), data, parse_envelope(data), reference))


def test_a_key_that_was_revoked_signs_nothing_any_more(bench: Bench) -> None:
    terms = bench.agree()
    sealed = bench.seal(GB, VN, terms, "first")
    revoke(bench, GB, bench.members[GB].signers[KeyUse.MESSAGE])
    assert refused(bench, GB, sealed).refusal.slug == "key-revoked"


def revoke(bench: Bench, agency: str, signer: SeedSigner) -> None:
    revocation = Revocation(
        v=1,
        exchange="exchange.example",
        agency=agency,
        kids=signer.kids,
        effective_from=bench.now,
        issued_at=bench.now,
        reason="key-compromised",
    )
    document = sign_revocation(revocation, bench.members[agency].signers[KeyUse.ROTATION])
    bench.run(bench.directory_service.submit(bench.caller(agency), document, DocumentType.REVOCATION))


def test_a_revocation_that_crosses_in_the_same_batch_counts(bench: Bench) -> None:
    terms = bench.agree()
    data = bench.seal(GB, VN, terms, "first").envelope.canonical()
    revocation = Revocation(
        v=1,
        exchange="exchange.example",
        agency=GB,
        kids=bench.members[GB].signers[KeyUse.MESSAGE].kids,
        effective_from=bench.now,
        issued_at=bench.now,
        reason="key-compromised",
    )
    document = sign_revocation(revocation, bench.members[GB].signers[KeyUse.ROTATION])
    judged_before_the_commit = bench.directory.current

    async def cross() -> object:
        # The signatures were found good under the directory as it was; the writer's turn comes after the revocation.
        await bench.directory_service.submit(bench.caller(GB), document, DocumentType.REVOCATION)
        newest, bench.directory._current = bench.directory._current, judged_before_the_commit
        try:
            return (await asyncio.gather(bench.routing.accept(bench.caller(GB), data), return_exceptions=True))[0]
        finally:
            bench.directory._current = newest

    answer = bench.run(cross())
    assert isinstance(answer, RefusedError)
    assert answer.refusal.slug == "key-revoked"


def test_a_message_names_the_newest_key_set(bench: Bench) -> None:
    terms = bench.agree()
    member = bench.members[GB]
    sealed = bench.seal(GB, VN, terms, "first")
    following = succeed(member, issued_at=bench.now, expires_at=bench.now + timedelta(days=365))
    document = sign_key_set(following, member.roots[:2])
    bench.run(bench.directory_service.submit(bench.caller(GB), document, DocumentType.KEY_SET))
    assert refused(bench, GB, sealed).refusal.slug == "key-set-not-current"


def test_a_message_is_good_by_keys_that_another_broker_has_just_taken_in(bench: Bench) -> None:
    """What this broker has not heard of yet stands in the database: a refusal would be for good."""
    terms = bench.agree()
    member, known_here = bench.members[GB], bench.directory.current
    following = succeed(member, issued_at=bench.now, expires_at=bench.now + timedelta(days=365))
    document = sign_key_set(following, member.roots[:2])
    bench.run(bench.directory_service.submit(bench.caller(GB), document, DocumentType.KEY_SET))
    bench.members[GB] = replace(member, key_set=following)
    sealed = bench.seal(GB, VN, terms, "first")
    assert sealed.header.sender.keyset == following.seq
    bench.directory._current = known_here
    assert bench.submit(GB, sealed)


def test_an_expired_key_set_cannot_send(bench: Bench) -> None:
    terms = bench.agree(in_force_until=bench.now + timedelta(days=800))
    bench.clock.move(400 * 86_400)
    error = refused(bench, GB, bench.seal(GB, VN, terms, "first"))
    assert error.refusal.slug == "key-set-not-current"


def test_a_key_of_another_use_or_another_agency_signs_no_message(bench: Bench) -> None:
    terms = bench.agree()
    sealed = bench.seal(GB, VN, terms, "first")
    for signer in (bench.members[GB].signers[KeyUse.AGREEMENT], make_signer(VN, KeyUse.MESSAGE)):
        signatures = signer.sign(DocumentType.ENVELOPE, sealed.envelope.payload)
        forged = sealed.envelope.model_copy(update={"signatures": signatures})
        with pytest.raises(RefusedError) as caught:
            bench.run(bench.routing.accept(bench.caller(GB), forged.canonical()))
        assert caught.value.refusal.slug == "signature-refused"


def test_an_encryption_key_that_was_replaced_is_not_encrypted_to(bench: Bench) -> None:
    terms = bench.agree()
    bench.clock.move(46 * 86_400)
    error = refused(bench, GB, bench.seal(GB, VN, terms, "first"))
    assert "encryption-key-not-current" in {reason.code for reason in error.refusal.reasons}


def test_nobody_learns_of_an_agreement_that_is_not_theirs(tmp_path: Path) -> None:
    bench = Bench(tmp_path, GB, VN, BE)
    try:
        terms = bench.agree(BE, VN, clauses=(make_clause(BE, VN), make_clause(VN, BE)))
        error = refused(bench, GB, bench.seal(GB, VN, terms, "first"))
        unknown = refused(bench, GB, bench.seal(GB, VN, b64u_encode(bytes(32)), "second"))
        assert error.refusal.slug == unknown.refusal.slug == "agreement-unknown"
        assert error.refusal.detail == unknown.refusal.detail
    finally:
        bench.close()


def test_one_envelope_for_two_partners_is_refused_by_name(tmp_path: Path) -> None:
    bench = Bench(tmp_path, GB, VN, BE)
    try:
        terms = bench.agree()
        members = [bench.members[agency] for agency in (GB, VN, BE)]
        message = make_message(*members, name="both", agreement=terms.digest(), issued_at=bench.now)
        error = refused(bench, GB, seal(message, *members))
        assert error.refusal.slug == "recipient-refused"
        assert error.refusal.detail.startswith(BE)
    finally:
        bench.close()


@pytest.mark.parametrize(
    ("data", "problem"),
    [(b"", CodecError), (b"{}", CodecError), (b'{"ciphertext":""}', CodecError), (b"\xff", CodecError)],
)
def test_what_is_no_envelope_is_refused_and_recorded(bench: Bench, data: bytes, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        bench.run(bench.routing.accept(bench.caller(GB), data))
    assert [record.agency for record in bench.records(RecordType.REFUSED)] == [GB]


def test_a_ciphertext_that_was_not_signed_is_refused(bench: Bench) -> None:
    sealed = bench.seal(GB, VN, bench.agree(), "first")
    other = sealed.envelope.model_copy(update={"ciphertext": b64u_encode(bytes(4096))})
    with pytest.raises(EnvelopeError):
        bench.run(bench.routing.accept(bench.caller(GB), other.canonical()))
    assert [record.problem for record in bench.records(RecordType.REFUSED)] == ["body-mismatch"]


def test_a_kind_this_version_does_not_know_passes_if_the_agreement_names_it(bench: Bench) -> None:
    kinds = ("document-fraud", "advisory")
    terms = bench.agree(clauses=(make_clause(GB, VN, kinds=kinds), make_clause(VN, GB)))
    bench.send(GB, VN, terms, "first", kind="advisory")
    assert ids_of(bench.lease(VN)) == [make_id("first")]
