"""Attacks on sending: other names, other keys, old copies, false agreements, and bytes made to hurt."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from keys.sealing import SealedMessage
from schemas.agreements.steps import StepAction
from schemas.api import (
    AUDIT_PATH,
    MESSAGE_BATCHES_PATH,
    MESSAGES_PATH,
    REVOCATIONS_PATH,
    STEPS_PATH,
    AuditAnswer,
    AuditQuery,
)
from schemas.batches import (
    MAX_BATCH_MEMBERS,
    MAX_MESSAGE_BATCH_BYTES,
    AcceptedMember,
    BatchAnswer,
    RefusedMember,
    join_batch,
)
from schemas.codec import b64u_decode, b64u_encode, encode_canonical
from schemas.envelope import MAX_ENVELOPE_BYTES, Envelope, Payload
from schemas.key_documents import Revocation
from schemas.log.records import Record, RecordType, Role
from schemas.markings import Tlp
from schemas.signed import DocumentType, KeyUse
from tests.support.agreements import Negotiation, make_wide_clauses
from tests.support.caller import Caller, read_answer, read_problem, read_slug
from tests.support.delivery import Correspondence, envelopes_of, lease, send, tell_time, try_to_send
from tests.support.documents import make_revocation, sign_by
from tests.support.exchange import RunningExchange, make_live_member, running_exchange
from tests.support.members import make_signer
from tests.support.messages import make_message, seal

GB, VN, BE, XX = "GB-HO", "VN-IMM", "BE-OE", "XX-THIEF"
names = count()


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with running_exchange(tmp_path_factory.mktemp("routing"), GB, VN, BE, oversight="OVERSEER") as running:
        yield running


@pytest.fixture(scope="module")
def messages(exchange: RunningExchange) -> Correspondence:
    terms = exchange.agree(GB, VN).terms
    return Correspondence(exchange.members[GB], exchange.members[VN], terms.digest())


@pytest.fixture
def gb(exchange: RunningExchange) -> Caller:
    return exchange.caller(GB)


def refuse(caller: Caller, sealed: SealedMessage | Envelope | bytes) -> str:
    """Send what must be refused, and return the problem's slug."""
    content = sealed.envelope if isinstance(sealed, SealedMessage) else sealed
    return read_slug(caller.post(MESSAGES_PATH, content))


def find_refusals(exchange: RunningExchange, agency: str, message_id: str) -> list[Record]:
    auditor = exchange.caller(agency, Role.AUDITOR)
    query = AuditQuery(reason="attack test", types=(RecordType.REFUSED,), message=message_id, limit=50)
    return [leaf.record for leaf in read_answer(auditor.post(AUDIT_PATH, query), AuditAnswer).records]


def test_nobody_sends_in_anothers_name(exchange: RunningExchange, messages: Correspondence) -> None:
    sealed = messages.seal(next(names))
    assert refuse(exchange.caller(BE), sealed) == "not-the-sender"
    assert len(find_refusals(exchange, BE, sealed.header.id)) == 1
    assert find_refusals(exchange, GB, sealed.header.id) == []


def test_a_stripped_doubled_or_swapped_signature_is_refused(gb: Caller, messages: Correspondence) -> None:
    envelope = messages.seal(next(names)).envelope
    ed, ml = envelope.signatures
    for signatures in ((ed,), (ml,), (ml, ed), (ed, ed), (ed, ml, ml)):
        assert refuse(gb, envelope.model_copy(update={"signatures": signatures})) == "signature-refused"


def test_a_signature_of_another_type_use_or_agency_is_refused(gb: Caller, messages: Correspondence) -> None:
    envelope = messages.seal(next(names)).envelope
    own = gb.member.signers[KeyUse.MESSAGE]
    for signatures in (
        gb.member.signers[KeyUse.AGREEMENT].sign(DocumentType.ENVELOPE, envelope.payload),
        make_signer(VN, KeyUse.MESSAGE).sign(DocumentType.ENVELOPE, envelope.payload),
        make_signer(GB, KeyUse.MESSAGE, generation=9).sign(DocumentType.ENVELOPE, envelope.payload),
    ):
        assert refuse(gb, envelope.model_copy(update={"signatures": signatures})) == "signature-refused"
    as_receipt = own.sign(DocumentType.RECEIPT, envelope.payload)
    assert refuse(gb, envelope.model_copy(update={"signatures": as_receipt})) in {"signature-refused", "wrong-shape"}


def test_a_header_cannot_name_a_key_it_is_not_signed_by(gb: Caller, messages: Correspondence) -> None:
    sealed = messages.seal(next(names))
    sender = sealed.header.sender.model_copy(update={"kids": gb.member.signers[KeyUse.AGREEMENT].kids})
    forged = resign(gb, sealed, header=sealed.header.model_copy(update={"sender": sender}).canonical())
    assert refuse(gb, forged) == "signature-refused"


def resign(caller: Caller, sealed: SealedMessage, *, header: bytes | None = None, **changes: Any) -> Envelope:
    """Return the envelope with another payload, signed by the caller's own message key."""
    payload = Payload.from_canonical(b64u_decode(sealed.envelope.payload))
    if header is not None:
        changes["header"] = b64u_encode(header)
    text = b64u_encode(payload.model_copy(update=changes).canonical())
    signatures = caller.member.signers[KeyUse.MESSAGE].sign(DocumentType.ENVELOPE, text)
    return Envelope(payload=text, signatures=signatures, ciphertext=sealed.envelope.ciphertext)


def test_a_stolen_ciphertext_under_a_new_header_is_the_thiefs_own_message(
    exchange: RunningExchange, messages: Correspondence
) -> None:
    """The broker cannot see it, so the header's hash in cipher and key wrapping makes it useless to its reader."""
    from keys.errors import OpeningError
    from keys.sealing import open_envelope, parse_envelope

    sealed = messages.seal(next(names))
    be = exchange.caller(BE)
    terms = exchange.agree(BE, VN, "thief").terms
    own = Correspondence(exchange.members[BE], exchange.members[VN], terms.digest()).seal("stolen")
    kept = Payload.from_canonical(b64u_decode(sealed.envelope.payload))
    stolen = resign(be, own, body=kept.body, recipients=kept.recipients)
    stolen = stolen.model_copy(update={"ciphertext": sealed.envelope.ciphertext})
    be.submit(MESSAGES_PATH, stolen)
    parsed = parse_envelope(stolen.canonical())
    with pytest.raises(OpeningError):
        open_envelope(parsed, VN, exchange.members[VN].opening_key)


def test_a_key_nobody_published_is_not_wrapped_for(gb: Caller, exchange: RunningExchange) -> None:
    terms = exchange.agree(GB, VN, "keys").terms
    thief = make_live_member(XX)
    message = make_message(gb.member, exchange.members[VN], name=next(names), agreement=terms.digest())
    address = message.header.recipients[0].model_copy(update={"kid": thief.opening_key.kid})
    header = message.header.model_copy(
        update={"recipients": (address,), "issued_at": tell_time(), "expires_at": tell_time() + timedelta(days=1)}
    )
    sealed = seal(message.model_copy(update={"header": header}), gb.member, thief)
    assert refuse(gb, sealed) == "encryption-key-not-current"


def test_a_staging_envelope_is_refused_in_production(gb: Caller, messages: Correspondence) -> None:
    assert refuse(gb, messages.seal(next(names), exchange="staging.example")) == "wrong-exchange"


def test_an_old_copy_gets_its_old_leaf_and_another_message_under_its_id_an_alarm(
    exchange: RunningExchange, gb: Caller, messages: Correspondence
) -> None:
    name = next(names)
    sealed = messages.seal(name)
    evidence = send(gb, sealed)
    recipient = exchange.caller(VN)
    answer = lease(recipient)
    assert sealed.envelope in envelopes_of(answer)
    assert send(gb, sealed).leaf == evidence.leaf
    other = messages.seal(name, marking=Tlp.GREEN)
    assert refuse(gb, other) == "digest-conflict"
    assert [record.problem for record in find_refusals(exchange, GB, sealed.header.id)] == ["digest-conflict"]


def test_a_number_of_a_stream_is_not_used_twice(gb: Caller, messages: Correspondence) -> None:
    sealed = messages.seal(next(names))
    send(gb, sealed)
    assert refuse(gb, messages.seal(next(names), n=sealed.header.recipients[0].n)) == "number-conflict"


def test_times_that_stretch_a_message_beyond_its_thirty_days_are_refused(gb: Caller, messages: Correspondence) -> None:
    assert refuse(gb, messages.seal(next(names), lifetime=timedelta(days=31))) == "wrong-time"
    assert refuse(gb, messages.seal(next(names), issued_at=tell_time() + timedelta(minutes=7))) == "wrong-time"
    old = messages.seal(next(names), issued_at=tell_time() - timedelta(days=2), lifetime=timedelta(days=1))
    assert refuse(gb, old) == "wrong-time"


def test_an_agreement_of_another_pair_direction_or_spelling_covers_nothing(exchange: RunningExchange) -> None:
    gb, be = exchange.members[GB], exchange.members[BE]
    one_way = exchange.agree(GB, BE, "one way", clauses=make_wide_clauses(BE, GB)[:1]).terms
    backwards = Correspondence(gb, be, one_way.digest()).seal(next(names))
    assert refuse(exchange.caller(GB), backwards) == "not-covered"
    of_others = Correspondence(gb, exchange.members[VN], one_way.digest()).seal(next(names))
    assert refuse(exchange.caller(GB), of_others) == "agreement-unknown"
    altered = one_way.model_copy(update={"clauses": make_wide_clauses(BE, GB)})
    invented = Correspondence(gb, be, altered.digest()).seal(next(names))
    assert refuse(exchange.caller(GB), invented) == "agreement-unknown"


def test_an_agreement_that_is_over_or_not_yet_confirmed_covers_nothing(exchange: RunningExchange) -> None:
    gb, be = exchange.members[GB], exchange.members[BE]
    over = exchange.agree(GB, BE, "over")
    exchange.caller(BE).submit(STEPS_PATH, over.sign(BE, StepAction.REVOKE, tell_time()))
    revoked = Correspondence(gb, be, over.terms.digest()).seal(next(names))
    assert refuse(exchange.caller(GB), revoked) == "agreement-not-in-force"
    from_tomorrow = exchange.agree(GB, BE, "tomorrow", in_force_from=tell_time() + timedelta(days=1)).terms
    early = Correspondence(gb, be, from_tomorrow.digest()).seal(next(names))
    assert refuse(exchange.caller(GB), early) == "agreement-not-in-force"
    proposed = Negotiation.between(gb, be, tell_time(), "proposed")
    exchange.caller(GB).submit(STEPS_PATH, proposed.sign(GB, StepAction.PROPOSE, tell_time()))
    alone = Correspondence(gb, be, proposed.terms.digest()).seal(next(names))
    problem = read_problem(try_to_send(exchange.caller(GB), alone))
    assert problem.type.endswith(":agreement-not-in-force")
    assert "proposed" in problem.detail


def test_what_the_agreement_does_not_cover_is_refused_with_every_reason_and_the_recipient_never_learns(
    exchange: RunningExchange, gb: Caller, messages: Correspondence
) -> None:
    sealed = messages.seal(next(names), kind="facilitator", marking=Tlp.RED)
    problem = read_problem(try_to_send(gb, sealed))
    assert problem.reasons is not None
    assert [reason.code for reason in problem.reasons] == ["kind-not-covered", "marking-too-high"]
    (seen,) = find_refusals(exchange, GB, sealed.header.id)
    assert (seen.partner, seen.concerns) == (VN, (GB,))
    assert find_refusals(exchange, VN, sealed.header.id) == []
    overseer = exchange.caller("OVERSEER")
    query = AuditQuery(reason="attack test", message=sealed.header.id, limit=50)
    assert len(read_answer(overseer.post(AUDIT_PATH, query), AuditAnswer).records) == 1


def test_one_envelope_does_not_go_to_two_partners(exchange: RunningExchange, messages: Correspondence) -> None:
    gb, vn, be = (exchange.members[agency] for agency in (GB, VN, BE))
    message = make_message(gb, vn, be, name=next(names), agreement=messages.agreement, issued_at=tell_time())
    assert refuse(exchange.caller(GB), seal(message, gb, vn, be)) == "recipient-refused"


def test_aftercare_is_no_way_around_an_agreement(
    exchange: RunningExchange, gb: Caller, messages: Correspondence
) -> None:
    messages.seal("never sent")
    invented = messages.seal(next(names), kind="correction", refers_to=messages.refer_to("never sent"))
    assert refuse(gb, invented) == "reference-refused"
    assert refuse(gb, messages.seal(next(names), kind="correction")) == "reference-refused"
    name = next(names)
    send(gb, messages.seal(name))
    to_be = exchange.agree(GB, BE, "aftercare").terms
    elsewhere = Correspondence(exchange.members[GB], exchange.members[BE], to_be.digest())
    led_astray = elsewhere.seal(next(names), kind="correction", refers_to=messages.refer_to(name))
    assert refuse(gb, led_astray) == "reference-refused"
    from_be = exchange.agree(BE, VN, "meddler").terms
    meddler = Correspondence(exchange.members[BE], exchange.members[VN], from_be.digest())
    meddling = meddler.seal(next(names), kind="withdrawal", refers_to=messages.refer_to(name))
    assert refuse(exchange.caller(BE), meddling) == "reference-refused"


def test_a_suspension_lets_nothing_new_in_under_any_pretext(exchange: RunningExchange, gb: Caller) -> None:
    agreement = exchange.agree(GB, VN, "pretext")
    own = Correspondence(exchange.members[GB], exchange.members[VN], agreement.terms.digest())
    waiting = own.seal("waiting")
    send(gb, waiting)
    exchange.caller(VN).submit(STEPS_PATH, agreement.sign(VN, StepAction.SUSPEND, tell_time()))
    assert refuse(gb, own.seal(next(names))) == "agreement-not-in-force"
    correction = own.seal(next(names), kind="correction", refers_to=own.refer_to("waiting"))
    assert refuse(gb, correction) == "agreement-not-in-force"
    assert waiting.envelope not in envelopes_of(lease(exchange.caller(VN)))


def test_a_revoked_key_sends_nothing_and_every_try_is_recorded(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running_exchange(tmp_path_factory.mktemp("revoked"), GB, VN) as exchange:
        terms = exchange.agree(GB, VN).terms
        messages = Correspondence(exchange.members[GB], exchange.members[VN], terms.digest())
        gb = exchange.caller(GB)
        send(gb, messages.seal("before"))
        revocation: Revocation = make_revocation(gb.member, tell_time(), KeyUse.MESSAGE)
        gb.submit(REVOCATIONS_PATH, sign_by(gb.member, revocation, DocumentType.REVOCATION))
        late = messages.seal("after")
        assert refuse(gb, late) == "key-revoked"
        assert [record.problem for record in find_refusals(exchange, GB, late.header.id)] == ["key-revoked"]


def test_bytes_made_to_hurt_are_refused_without_harm(gb: Caller, messages: Correspondence) -> None:
    good = messages.seal(next(names)).envelope
    data = good.canonical()
    doubled = data[:-1] + b',"payload":"AA"}'
    for hostile in (
        b"",
        b"null",
        b"[" * 100_000,
        b'{"ciphertext":' * 30_000,
        b"\xff\xfe",
        b'{"ciphertext":NaN}',
        doubled,
        b" " + data,
        data.replace(b'"payload"', b'"payl\\u006fad"'),
        encode_canonical({**good.to_wire(), "extra": 1}),
        encode_canonical({**good.to_wire(), "payload": good.payload + "="}),
        encode_canonical({**good.to_wire(), "ciphertext": good.ciphertext[:-4]}),
    ):
        assert refuse(gb, hostile) in {"malformed", "wrong-shape", "body-mismatch", "too-large"}, hostile[:40]
    assert refuse(gb, b"x" * (MAX_ENVELOPE_BYTES + 1)) == "too-large"
    gb.submit(MESSAGES_PATH, good)


def test_an_envelope_is_json_and_says_so(gb: Caller, messages: Correspondence) -> None:
    data = messages.seal(next(names)).envelope.canonical()
    headers = gb.authorize() | {"Content-Type": "text/plain"}
    assert read_slug(gb.http.post(MESSAGES_PATH, content=data, headers=headers)) == "unsupported-media-type"


def test_an_auditor_sends_nothing(exchange: RunningExchange, messages: Correspondence) -> None:
    assert refuse(exchange.caller(GB, Role.AUDITOR), messages.seal(next(names))) == "role-not-allowed"
    assert refuse(exchange.caller("OVERSEER"), messages.seal(next(names))) == "role-not-allowed"


def send_batch(caller: Caller, *members: bytes) -> list[AcceptedMember | RefusedMember]:
    response = caller.post(MESSAGE_BATCHES_PATH, join_batch("envelopes", members))
    return list(read_answer(response, BatchAnswer).members)


def slugs_of(members: list[AcceptedMember | RefusedMember]) -> list[str]:
    """Return the problem of each member, "" where it was accepted."""
    return ["" if isinstance(item, AcceptedMember) else item.problem.type.rpartition(":")[2] for item in members]


def test_a_bad_envelope_neither_stops_the_others_of_its_batch_nor_passes_with_them(
    exchange: RunningExchange, messages: Correspondence, gb: Caller
) -> None:
    good, other = (messages.seal(next(names)).envelope for _ in range(2))
    forged, uncovered = messages.seal(next(names)), messages.seal(next(names), kind="facilitator", marking=Tlp.RED)
    swapped = forged.envelope.model_copy(update={"signatures": forged.envelope.signatures[::-1]}).canonical()
    cut = encode_canonical({**other.to_wire(), "ciphertext": b64u_encode(other.ciphertext_bytes[:-1])})
    stolen = make_message(exchange.members[VN], exchange.members[GB], name=next(names), issued_at=tell_time())
    thiefs = seal(stolen, exchange.members[VN], exchange.members[GB]).envelope.canonical()

    members = send_batch(
        gb, swapped, good.canonical(), b'"text"', uncovered.envelope.canonical(), thiefs, cut, other.canonical()
    )

    assert slugs_of(members) == [
        "signature-refused", "", "wrong-shape", "not-covered", "not-the-sender", "body-mismatch", ""
    ]  # fmt: skip
    collected = envelopes_of(lease(exchange.caller(VN)))
    assert {item.payload for item in collected} >= {good.payload, other.payload}
    assert forged.envelope.payload not in {item.payload for item in collected}
    assert len(find_refusals(exchange, GB, uncovered.header.id)) == 1


def test_a_batch_handed_in_again_is_answered_with_the_same_leaves(gb: Caller, messages: Correspondence) -> None:
    envelopes = [messages.seal(next(names)).envelope.canonical() for _ in range(3)]
    first, again = send_batch(gb, *envelopes), send_batch(gb, *envelopes)
    assert [item.leaf for item in first if isinstance(item, AcceptedMember)] == [
        item.leaf for item in again if isinstance(item, AcceptedMember)
    ]
    assert [item.new for item in again if isinstance(item, AcceptedMember)] == [False] * 3


def test_a_batch_is_bounded_in_members_and_in_bytes_and_is_of_one_form(gb: Caller) -> None:
    assert slugs_of(send_batch(gb, *[b"{}"] * MAX_BATCH_MEMBERS)) == ["wrong-shape"] * MAX_BATCH_MEMBERS
    for frame, slug in (
        (join_batch("envelopes", [b"{}"] * (MAX_BATCH_MEMBERS + 1)), "wrong-shape"),
        (join_batch("receipts", [b"{}"]), "wrong-shape"),
        (b'{"envelopes":[]}', "wrong-shape"),
        (b'{"envelopes":[{}] }', "malformed"),
        (join_batch("envelopes", [b'{"b":1,"a":1}']), "malformed"),
        (b"x" * (MAX_MESSAGE_BATCH_BYTES + 1), "too-large"),
    ):
        assert read_slug(gb.post(MESSAGE_BATCHES_PATH, frame)) == slug


def test_a_batch_is_for_nodes_alone(exchange: RunningExchange) -> None:
    for caller in (exchange.caller(GB, Role.AUDITOR), exchange.caller("OVERSEER")):
        assert read_slug(caller.post(MESSAGE_BATCHES_PATH, join_batch("envelopes", [b"{}"]))) == "role-not-allowed"
