"""Client assertions and access tokens: OAuth 2.0 client credentials with `private_key_jwt`, bound to the certificate.

The profile is FAPI 2.0's: an assertion lives 60 seconds, its audience is the issuer and nothing else, its `jti` counts
once; an access token lives five minutes at most and works only with the certificate it was asked under (RFC 8705 §3).
PyJWT signs and verifies; because it accepts duplicate claims and unknown headers, both parts must also be canonical and
exactly of our form.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519
from pydantic import Field

from keys.algorithms import SEED_BYTES, SigningKey
from keys.errors import TokenError
from schemas.codec import CodecError, b64u_decode
from schemas.jwk import Algorithm, OkpJwk, make_jwk, thumbprint
from schemas.log.records import Role
from schemas.model import AgencyId, Digest, ExchangeName, Kid, NodeId, Uuid, WireModel

ASSERTION_SECONDS = 60
TOKEN_SECONDS = 300
CLOCK_SKEW_SECONDS = 30
MAX_TOKEN_CHARACTERS = 4096

Seconds = Annotated[int, Field(ge=0, le=1 << 40)]


class AssertionHeader(WireModel):
    """The only header a client assertion may have."""

    alg: Literal["EdDSA"]
    kid: Kid
    typ: Literal["JWT"]


class AssertionClaims(WireModel):
    """The claims of a client assertion (RFC 7523 §3): who asks, from which node, for which role."""

    aud: ExchangeName
    exp: Seconds
    iat: Seconds
    iss: AgencyId
    jti: Uuid
    node: NodeId
    scope: Role
    sub: AgencyId


class TokenHeader(WireModel):
    """The only header an access token may have (RFC 9068 §2.1)."""

    alg: Literal["EdDSA"]
    kid: Kid
    typ: Literal["at+jwt"]


class TokenClaims(WireModel):
    """The claims of an access token; `cnf` names the certificate it is bound to (RFC 8705 §3.1)."""

    aud: ExchangeName
    cnf: dict[Literal["x5t#S256"], Digest]
    exp: Seconds
    iat: Seconds
    iss: ExchangeName
    jti: Uuid
    node: NodeId
    scope: Role
    sub: AgencyId


_Claims = TypeVar("_Claims", bound=WireModel)
_Header = TypeVar("_Header", bound=WireModel)


class TokenKey:
    """The broker's own Ed25519 key that signs access tokens; only the broker itself verifies them."""

    def __init__(self, seed: bytes) -> None:
        """Load a 32-byte seed."""
        self._private = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._private.public_key()
        self.kid = thumbprint(make_jwk(Algorithm.ED25519, self._public.public_bytes_raw()))

    def issue(self, claims: TokenClaims) -> str:
        """Return the access token."""
        return _encode(claims, "at+jwt", self.kid, self._private)

    def verify(self, unverified_token: str, *, exchange: str, now: datetime) -> TokenClaims:
        """Return the claims of a token this key issued and that is still alive.

        Raises:
            TokenError: it is not, or of another form.
        """
        header, claims = _read(unverified_token, TokenHeader, TokenClaims)
        if header.kid != self.kid or (claims.iss, claims.aud) != (exchange, exchange):
            raise TokenError("the access token was not issued here")
        _verify_jws(unverified_token, self._public)
        if not claims.iat - CLOCK_SKEW_SECONDS <= now.timestamp() < claims.exp:
            raise TokenError("the access token has expired")
        return claims


def make_assertion(seed: bytes, claims: AssertionClaims) -> str:
    """Return a client assertion signed by the request key of `seed`."""
    if len(seed) != SEED_BYTES:
        raise TokenError(f"a request key's seed has {SEED_BYTES} bytes")
    kid = SigningKey(Algorithm.ED25519, seed).kid
    return _encode(claims, "JWT", kid, ed25519.Ed25519PrivateKey.from_private_bytes(seed))


def verify_assertion(
    unverified_token: str, find_key: Callable[[str, str], OkpJwk], *, exchange: str, now: datetime
) -> AssertionClaims:
    """Return the claims of a valid client assertion. Whether its `jti` was seen before is the caller's question.

    `find_key(agency, kid)` returns the request key in force, or raises.

    Raises:
        TokenError: another form, audience or lifetime, or a signature that does not verify.
    """
    header, claims = _read(unverified_token, AssertionHeader, AssertionClaims)
    if claims.iss != claims.sub:
        raise TokenError("iss and sub of a client assertion must be the same agency")
    if claims.aud != exchange:
        raise TokenError(f"aud: the assertion is for {claims.aud}, this is {exchange}")
    seconds = now.timestamp()
    if not 0 < claims.exp - claims.iat <= ASSERTION_SECONDS:
        raise TokenError(f"exp: an assertion lives at most {ASSERTION_SECONDS} seconds")
    if not claims.iat - CLOCK_SKEW_SECONDS <= seconds < claims.exp + CLOCK_SKEW_SECONDS:
        raise TokenError("iat: the assertion is of another time; compare the clocks")
    key = find_key(claims.sub, header.kid)
    _verify_jws(unverified_token, ed25519.Ed25519PublicKey.from_public_bytes(key.public_bytes))
    return claims


def _encode(claims: WireModel, typ: str, kid: str, key: ed25519.Ed25519PrivateKey) -> str:
    ordered = dict(sorted(claims.to_wire().items()))
    return jwt.encode(ordered, key, algorithm="EdDSA", headers={"kid": kid, "typ": typ}, sort_headers=True)


def _read(unverified_token: str, header: type[_Header], claims: type[_Claims]) -> tuple[_Header, _Claims]:
    parts = unverified_token.split(".")
    if len(unverified_token) > MAX_TOKEN_CHARACTERS or len(parts) != 3:
        raise TokenError("not a signed token in compact form")
    try:
        return header.from_canonical(b64u_decode(parts[0])), claims.from_canonical(b64u_decode(parts[1]))
    except CodecError as error:
        raise TokenError(f"the token is not of the accepted form: {error}") from error


def _verify_jws(unverified_token: str, key: ed25519.Ed25519PublicKey) -> None:
    try:
        jwt.PyJWS(algorithms=["EdDSA"]).decode_complete(unverified_token, key, algorithms=["EdDSA"])
    except jwt.InvalidTokenError as error:
        raise TokenError("the token's signature does not verify") from error
