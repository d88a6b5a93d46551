"""Assertions and access tokens: expired, future, wrong audience, unsigned, swapped, of another form."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from keys.algorithms import SigningKey
from keys.errors import KeyNotInForceError, TokenError
from keys.tokens import AssertionClaims, TokenClaims, TokenKey, make_assertion, verify_assertion
from schemas.codec import b64u_decode, b64u_encode, decode_canonical, encode_canonical
from schemas.jwk import Algorithm, OkpJwk
from schemas.log.records import Role
from tests.support.members import EXCHANGE, derive_seed
from tests.support.messages import make_id

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
SEED = derive_seed("request")
KEY = SigningKey(Algorithm.ED25519, SEED)
TOKEN_KEY = TokenKey(derive_seed("token"))
CERTIFICATE = b64u_encode(derive_seed("certificate"))


def make_claims(**changes: Any) -> AssertionClaims:
    claims = AssertionClaims(
        aud=EXCHANGE, exp=SECONDS + 60, iat=SECONDS, iss="GB", jti=make_id(1), node="n1", scope=Role.NODE, sub="GB"
    )
    return claims.model_copy(update=changes)


def make_token(**changes: Any) -> TokenClaims:
    claims = TokenClaims(
        aud=EXCHANGE,
        cnf={"x5t#S256": CERTIFICATE},
        exp=SECONDS + 300,
        iat=SECONDS,
        iss=EXCHANGE,
        jti=make_id(2),
        node="n1",
        scope=Role.AUDITOR,
        sub="GB",
    )
    return claims.model_copy(update=changes)


def find_key(agency: str, kid: str) -> OkpJwk:
    if (agency, kid) != ("GB", KEY.kid):
        raise KeyNotInForceError("no such key")
    assert isinstance(KEY.jwk, OkpJwk)
    return KEY.jwk


def verify(token: str, now: datetime = NOW) -> AssertionClaims:
    return verify_assertion(token, find_key, exchange=EXCHANGE, now=now)


def respell(token: str, part: int, **changes: Any) -> str:
    """Return the token with members of its header (0) or claims (1) changed, signature as it was."""
    parts = token.split(".")
    value = decode_canonical(b64u_decode(parts[part])) | changes
    parts[part] = b64u_encode(encode_canonical({name: item for name, item in value.items() if item != "absent"}))
    return ".".join(parts)


def test_an_assertion_verifies() -> None:
    assert verify(make_assertion(SEED, make_claims())) == make_claims()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"aud": "staging.example"}, "aud"),
        ({"sub": "BE"}, "same agency"),
        ({"exp": SECONDS + 61}, "at most 60 seconds"),
        ({"exp": SECONDS}, "at most 60 seconds"),
        ({"iat": SECONDS - 200, "exp": SECONDS - 140}, "another time"),
        ({"iat": SECONDS + 100, "exp": SECONDS + 160}, "another time"),
    ],
)
def test_an_assertion_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(TokenError, match=problem):
        verify(make_assertion(SEED, make_claims(**changes)))


def test_an_assertion_by_another_key_is_refused() -> None:
    with pytest.raises(KeyNotInForceError):
        verify(make_assertion(derive_seed("other"), make_claims()))
    forged = make_assertion(derive_seed("other"), make_claims())
    with pytest.raises(TokenError, match="does not verify"):
        verify(respell(forged, 0, kid=KEY.kid))


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        (0, {"alg": "none"}),
        (0, {"alg": "HS256"}),
        (0, {"typ": "at+jwt"}),
        (0, {"typ": "absent"}),
        (0, {"crit": ["b64"], "b64": False}),
        (0, {"jwk": {"kty": "OKP"}}),
        (1, {"exp": "absent"}),
        (1, {"jti": "absent"}),
        (1, {"admin": True}),
        (1, {"scope": "root"}),
        (1, {"exp": "9"}),
    ],
)
def test_another_form_is_refused(part: int, changes: dict[str, Any]) -> None:
    with pytest.raises(TokenError, match="not of the accepted form"):
        verify(respell(make_assertion(SEED, make_claims()), part, **changes))


def test_a_duplicate_claim_is_refused() -> None:
    header, claims, signature = make_assertion(SEED, make_claims()).split(".")
    doubled = b64u_decode(claims).replace(b'{"aud"', b'{"aud":"evil.example","aud"', 1)
    with pytest.raises(TokenError, match="canonical"):
        verify(f"{header}.{b64u_encode(doubled)}.{signature}")


def test_a_changed_claim_does_not_verify() -> None:
    with pytest.raises(TokenError, match="does not verify"):
        verify(respell(make_assertion(SEED, make_claims()), 1, node="n2"))


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c.d", "...", "x" * 5000 + "..", "é.b.c"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(TokenError):
        verify(token)


def test_an_unsigned_token_is_refused() -> None:
    unsigned = jwt.encode(make_claims().to_wire(), key="", algorithm="none")
    with pytest.raises(TokenError):
        verify(unsigned)


def test_an_access_token_verifies_until_it_ends() -> None:
    token = TOKEN_KEY.issue(make_token())
    assert TOKEN_KEY.verify(token, exchange=EXCHANGE, now=NOW) == make_token()
    with pytest.raises(TokenError, match="expired"):
        TOKEN_KEY.verify(token, exchange=EXCHANGE, now=NOW + timedelta(seconds=300))
    with pytest.raises(TokenError, match="expired"):
        TOKEN_KEY.verify(token, exchange=EXCHANGE, now=NOW - timedelta(seconds=60))


def test_an_access_token_of_another_exchange_or_key_is_refused() -> None:
    for token in (
        TOKEN_KEY.issue(make_token(aud="staging.example")),
        TOKEN_KEY.issue(make_token(iss="staging.example")),
        TokenKey(derive_seed("another")).issue(make_token()),
    ):
        with pytest.raises(TokenError, match="not issued here"):
            TOKEN_KEY.verify(token, exchange=EXCHANGE, now=NOW)


def test_an_access_token_with_more_rights_does_not_verify() -> None:
    token = TOKEN_KEY.issue(make_token())
    for changes in ({"scope": "oversight"}, {"sub": "BE"}, {"cnf": {"x5t#S256": b64u_encode(bytes(32))}}):
        with pytest.raises(TokenError, match="does not verify"):
            TOKEN_KEY.verify(respell(token, 1, **changes), exchange=EXCHANGE, now=NOW)


def test_an_assertion_is_no_access_token() -> None:
    with pytest.raises(TokenError, match="not of the accepted form"):
        TOKEN_KEY.verify(make_assertion(SEED, make_claims()), exchange=EXCHANGE, now=NOW)


def test_a_request_seed_of_another_length_is_refused() -> None:
    with pytest.raises(TokenError, match="32 bytes"):
        make_assertion(bytes(31), make_claims())
