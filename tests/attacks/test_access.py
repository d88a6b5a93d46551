"""Attacks on the way in: false assertions and tokens, all over real TLS."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from broker.exchange import open_exchange
from keys.algorithms import SigningKey
from keys.generation import generate_id
from keys.tokens import TokenClaims, make_assertion
from schemas.api import (
    CHECKPOINT_PATH,
    KEY_SETS_PATH,
    REVOCATIONS_PATH,
    TOKEN_PATH,
    CheckpointAnswer,
    TokenAnswer,
)
from schemas.codec import b64u_encode
from schemas.jwk import Algorithm
from schemas.key_documents import Revocation
from schemas.log.records import Role
from schemas.signed import DocumentType, KeyUse
from tests.attacks.refusals import find_refusals
from tests.support.caller import FORM, Caller, read_answer, read_problem, read_slug
from tests.support.exchange import RunningExchange, running_exchange
from tests.support.members import Member, derive_seed


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with running_exchange(tmp_path_factory.mktemp("access"), "GB-HO", "VN-IMM", oversight="OVERSEER") as running:
        yield running


@pytest.fixture
def gb(exchange: RunningExchange) -> Caller:
    return exchange.caller("GB-HO")


@pytest.fixture
def vn(exchange: RunningExchange) -> Caller:
    return exchange.caller("VN-IMM")


def count_leaves(exchange: RunningExchange) -> int:
    note = read_answer(exchange.caller("OVERSEER").get(CHECKPOINT_PATH), CheckpointAnswer).checkpoint
    return int(note.split("\n")[1])


def forge(header: dict[str, Any], claims: bytes, sign: Any = None) -> str:
    """Return a compact JWS over any header and claims."""
    text = f"{b64u_encode(json.dumps(header, separators=(',', ':')).encode())}.{b64u_encode(claims)}"
    return f"{text}.{b64u_encode(sign(text.encode()) if sign else b'')}"


def request_key(member: Member) -> SigningKey:
    return SigningKey(Algorithm.ED25519, member.request_seed)


def header_of(member: Member, **changes: Any) -> dict[str, Any]:
    return {"alg": "EdDSA", "kid": request_key(member).kid, "typ": "JWT"} | changes


def unix_now() -> int:
    return int(datetime.now(UTC).timestamp())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"iat": -120, "exp": -60}, "another time"),
        ({"iat": 600, "exp": 660}, "another time"),
        ({"iat": 0, "exp": 61}, "at most 60 seconds"),
        ({"iat": 0, "exp": 0}, "at most 60 seconds"),
    ],
    ids=["expired", "of the future", "living too long", "living no time"],
)
def test_an_assertion_outside_its_minute_is_refused(gb: Caller, changes: dict[str, Any], says: str) -> None:
    now = unix_now()

    refused = gb.ask_token(None, **{name: now + seconds for name, seconds in changes.items()})

    assert read_slug(refused) == "assertion-refused"
    assert says in read_problem(refused).detail


def test_an_assertion_for_another_exchange_is_refused(gb: Caller) -> None:
    refused = gb.ask_token(aud="staging.example")

    assert read_slug(refused) == "assertion-refused"
    assert "staging.example" in read_problem(refused).detail


def test_an_assertion_whose_issuer_is_not_its_subject_is_refused(gb: Caller) -> None:
    assert read_slug(gb.ask_token(iss="VN-IMM")) == "assertion-refused"
    assert read_slug(gb.ask_token(sub="VN-IMM")) == "assertion-refused"


def test_an_assertion_counts_once(gb: Caller) -> None:
    assertion = make_assertion(gb.member.request_seed, gb.make_claims())

    read_answer(gb.ask_token(assertion), TokenAnswer)
    refused = gb.ask_token(assertion)

    assert read_slug(refused) == "assertion-refused"
    assert "used before" in read_problem(refused).detail


def test_an_assertion_counts_once_even_across_a_crash(tmp_path: Path) -> None:
    with running_exchange(tmp_path, "GB-HO") as exchange:
        caller = exchange.caller("GB-HO")
        assertion = make_assertion(caller.member.request_seed, caller.make_claims())
        token = read_answer(caller.ask_token(assertion), TokenAnswer).access_token
        exchange.kill()
        exchange.start()
        again = exchange.caller("GB-HO")

        assert read_slug(again.ask_token(assertion)) == "assertion-refused"
        again.token = token
        assert again.get(CHECKPOINT_PATH).status_code == 200  # and the token it gave still works


def test_an_assertion_without_a_signature_is_refused(gb: Caller) -> None:
    claims = gb.make_claims().canonical()

    for header in (header_of(gb.member), header_of(gb.member, alg="none"), {"alg": "none", "typ": "JWT"}):
        assert read_slug(gb.ask_token(forge(header, claims))) == "assertion-refused"


def test_an_assertion_under_another_algorithm_is_refused(gb: Caller) -> None:
    """The public key as an HMAC secret, the oldest trick there is."""
    import hashlib
    import hmac

    public = request_key(gb.member).jwk.public_bytes
    claims = gb.make_claims().canonical()

    def mac(data: bytes) -> bytes:
        return hmac.new(public, data, hashlib.sha256).digest()

    for algorithm in ("HS256", "ES256", "Ed25519", "eddsa"):
        assert read_slug(gb.ask_token(forge(header_of(gb.member, alg=algorithm), claims, mac))) == "assertion-refused"


@pytest.mark.parametrize(
    "extra",
    [{"crit": ["b64"], "b64": False}, {"jwk": {"kty": "OKP"}}, {"jku": "https://evil.example/keys"}, {"x5u": "x"}],
    ids=["crit", "jwk", "jku", "x5u"],
)
def test_an_assertion_whose_header_says_more_than_it_may_is_refused(gb: Caller, extra: dict[str, Any]) -> None:
    header = dict(sorted((header_of(gb.member) | extra).items()))

    refused = gb.ask_token(forge(header, gb.make_claims().canonical(), request_key(gb.member).sign))

    assert read_slug(refused) == "assertion-refused"


def test_an_assertion_with_a_claim_twice_is_refused(gb: Caller) -> None:
    claims = gb.make_claims().canonical()
    doubled = claims[:-1] + b',"sub":"VN-IMM"}'

    refused = gb.ask_token(forge(header_of(gb.member), doubled, request_key(gb.member).sign))

    assert read_slug(refused) == "assertion-refused"


def test_an_assertion_without_an_end_is_refused(gb: Caller) -> None:
    claims = {name: value for name, value in gb.make_claims().to_wire().items() if name != "exp"}
    data = json.dumps(claims, sort_keys=True, separators=(",", ":")).encode()

    assert (
        read_slug(gb.ask_token(forge(header_of(gb.member), data, request_key(gb.member).sign))) == "assertion-refused"
    )


def test_a_key_of_another_use_cannot_ask_for_tokens(gb: Caller) -> None:
    """The Ed25519 half of an agreement key is an Ed25519 key, and still none for requests."""
    agreement_seed = derive_seed(gb.agency, KeyUse.AGREEMENT, 0, 0)

    refused = gb.ask_token(make_assertion(agreement_seed, gb.make_claims()))

    assert read_slug(refused) == "assertion-refused"
    assert "no such request key" in read_problem(refused).detail


def test_another_members_request_key_cannot_ask_for_tokens(exchange: RunningExchange, gb: Caller) -> None:
    vn = exchange.members["VN-IMM"]

    assert read_slug(gb.ask_token(make_assertion(vn.request_seed, gb.make_claims()))) == "assertion-refused"


@pytest.mark.parametrize("role", [Role.OVERSIGHT, Role.OPERATOR])
def test_an_agency_cannot_make_itself_the_exchanges_auditor_or_operator(gb: Caller, role: Role) -> None:
    refused = gb.ask_token(scope=role)

    assert read_slug(refused) == "role-not-allowed"


@pytest.mark.parametrize("role", [Role.NODE, Role.AUDITOR, Role.OPERATOR])
def test_oversight_has_its_own_role_and_no_other(exchange: RunningExchange, role: Role) -> None:
    assert read_slug(exchange.caller("OVERSEER").ask_token(scope=role)) == "role-not-allowed"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"grant_type=client_credentials",
        b"grant_type=password&client_assertion_type=x&client_assertion=y",
        b"grant_type=client_credentials&client_assertion_type=x&client_assertion=y",
        b"grant_type=client_credentials&grant_type=client_credentials&client_assertion=y",
        b"grant_type=client_credentials&client_assertion_type=x&client_assertion=y&scope=oversight",
        b"\xff\xfe=1",
    ],
)
def test_a_token_request_in_any_other_form_is_refused(gb: Caller, body: bytes) -> None:
    assert read_slug(gb.http.post(TOKEN_PATH, content=body, headers=FORM)) == "malformed"


def test_a_token_request_as_json_or_too_large_is_refused(gb: Caller) -> None:
    assert read_slug(gb.http.post(TOKEN_PATH, content=b"{}")) == "unsupported-media-type"
    assert read_slug(gb.http.post(TOKEN_PATH, content=b"a=" + b"x" * 9000, headers=FORM)) == "too-large"


def make_token_claims(caller: Caller, certificate: bytes, **changes: Any) -> TokenClaims:
    now = unix_now()
    members: dict[str, Any] = {
        "aud": caller.sheet.name,
        "cnf": {"x5t#S256": b64u_encode(certificate)},
        "exp": now + 300,
        "iat": now,
        "iss": caller.sheet.name,
        "jti": generate_id(),
        "node": caller.node,
        "scope": Role.NODE,
        "sub": caller.agency,
    }
    return TokenClaims(**members | changes)


def test_without_a_token_nothing_is_given(gb: Caller) -> None:
    for headers in ({}, {"Authorization": "Basic Zm9v"}, {"Authorization": "Bearer"}, {"Authorization": "bearer x"}):
        assert read_slug(gb.http.get(CHECKPOINT_PATH, headers=headers)) == "token-refused"


def test_a_token_works_with_the_certificate_it_was_asked_under_and_no_other(exchange: RunningExchange) -> None:
    one, other = exchange.caller("GB-HO", node="node-1"), exchange.caller("GB-HO", node="node-2")
    other.token = one.token

    refused = other.get(CHECKPOINT_PATH)

    assert one.get(CHECKPOINT_PATH).status_code == 200
    assert read_slug(refused) == "token-refused"
    assert "another certificate" in read_problem(refused).detail


def test_a_stolen_token_is_worth_nothing_to_another_member(gb: Caller, vn: Caller) -> None:
    vn.token = gb.token

    assert read_slug(vn.get(CHECKPOINT_PATH)) == "token-refused"


def test_a_token_that_somebody_else_signed_is_refused(gb: Caller) -> None:
    forger = SigningKey(Algorithm.ED25519, bytes(32))
    claims = make_token_claims(gb, bytes(32)).canonical()
    header = {"alg": "EdDSA", "kid": forger.kid, "typ": "at+jwt"}

    for text in (forge(header, claims, forger.sign), forge(header | {"alg": "none"}, claims)):
        gb.token = text
        assert read_slug(gb.get(CHECKPOINT_PATH)) == "token-refused"


def test_a_client_assertion_is_no_access_token(gb: Caller) -> None:
    gb.token = make_assertion(gb.member.request_seed, gb.make_claims())

    assert read_slug(gb.get(CHECKPOINT_PATH)) == "token-refused"


def test_an_expired_token_and_one_nobody_asked_for_are_refused(exchange: RunningExchange, gb: Caller) -> None:
    """Both signed by the exchange's true token key, as a thief of that key alone could."""
    key = open_exchange(exchange.folder, None).token_key
    expired = make_token_claims(gb, bytes(32), iat=unix_now() - 400, exp=unix_now() - 100)

    gb.token = key.issue(expired)
    assert "expired" in read_problem(gb.get(CHECKPOINT_PATH)).detail
    gb.token = key.issue(make_token_claims(gb, bytes(32)))
    assert "no longer known" in read_problem(gb.get(CHECKPOINT_PATH)).detail


def test_the_role_of_a_token_bounds_what_it_does_and_the_attempt_is_logged(exchange: RunningExchange) -> None:
    auditor = exchange.caller("GB-HO", Role.AUDITOR, node="audit-desk")

    refused = auditor.post(KEY_SETS_PATH, exchange.members["GB-HO"].verified.document)

    assert read_slug(refused) == "role-not-allowed"
    (found,) = find_refusals(exchange, problem="role-not-allowed", node="audit-desk").records
    assert found.record.agency == "GB-HO"
    assert found.record.actor is not None
    assert found.record.actor.role is Role.AUDITOR


def test_a_refused_assertion_is_in_the_log_for_the_certificates_owner(exchange: RunningExchange, vn: Caller) -> None:
    vn.ask_token(aud="elsewhere.example")

    found = find_refusals(exchange, problem="assertion-refused", agency="VN-IMM").records[-1].record
    assert found.actor is None  # nobody was shown to act
    assert found.concerns == ("VN-IMM",)
    assert found.detail is not None
    assert "elsewhere.example" in found.detail


def test_requests_without_a_good_token_do_not_make_the_log_grow(exchange: RunningExchange, gb: Caller) -> None:
    before = count_leaves(exchange)

    for _ in range(20):
        gb.http.get(CHECKPOINT_PATH, headers={"Authorization": "Bearer x.y.z"})
        gb.http.post(TOKEN_PATH, content=b"grant_type=nothing", headers=FORM)

    assert count_leaves(exchange) == before


def test_a_member_that_is_refused_all_day_cannot_fill_the_log(tmp_path: Path) -> None:
    with running_exchange(tmp_path, "GB-HO", oversight="OVERSEER") as exchange:
        caller = exchange.caller("GB-HO")
        for _ in range(150):
            assert caller.ask_token(aud="elsewhere.example").status_code == 401

        records = [found.record for found in find_refusals(exchange, agency="GB-HO").records]

        assert 60 <= len(records) <= 120  # the minute may turn once
        assert records[59].reasons == ("further-refusals-only-counted",)


def test_a_token_dies_with_the_key_that_asked_for_it(tmp_path: Path) -> None:
    from keys.signing import sign_document

    with running_exchange(tmp_path, "GB-HO") as exchange:
        caller, member = exchange.caller("GB-HO"), exchange.members["GB-HO"]
        assert caller.get(CHECKPOINT_PATH).status_code == 200
        now = datetime.now(UTC).replace(microsecond=0)
        revocation = Revocation(
            v=1,
            exchange=exchange.sheet.name,
            agency="GB-HO",
            kids=member.signers[KeyUse.REQUEST].kids,
            effective_from=now,
            issued_at=now,
            reason="lost-laptop",
        )
        document = sign_document(revocation.canonical(), DocumentType.REVOCATION, [member.signers[KeyUse.ROTATION]])

        caller.submit(REVOCATIONS_PATH, document)

        refused = caller.get(CHECKPOINT_PATH)
        assert read_slug(refused) == "token-refused"
        assert "lost-laptop" in read_problem(refused).detail
        assert read_slug(caller.ask_token()) == "assertion-refused"
