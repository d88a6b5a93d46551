"""Who may come in, and as what. Pure: members, certificate, claims and time come in; nothing is remembered here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from broker.access.caller import Caller
from broker.access.errors import (
    AssertionRefusedError,
    CertificateUnknownError,
    RoleNotAllowedError,
    TokenRefusedError,
    TokenRequestError,
)
from broker.directory.members import Members
from keys.certificates import find_issuer, read_validity
from keys.errors import CertificateError, KeysError
from keys.tokens import TOKEN_SECONDS, AssertionClaims, TokenClaims, verify_assertion
from schemas.api import ASSERTION_TYPE
from schemas.codec import MAX_INTEGER, b64u_encode
from schemas.jwk import OkpJwk
from schemas.key_documents import AgencyClass
from schemas.log.records import Role
from schemas.signed import KeyUse

GRANT_TYPE = "client_credentials"
ROLES = {
    AgencyClass.AGENCY: frozenset({Role.NODE, Role.AUDITOR}),
    AgencyClass.OVERSIGHT: frozenset({Role.OVERSIGHT}),
    AgencyClass.OPERATOR: frozenset({Role.OPERATOR}),
}
MAX_FORM_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True)
class CertificateOwner:
    """The member whose CA issued a client certificate, that CA's key, and the certificate's first and last moment."""

    agency: str
    authority: bytes
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    """The claims of an assertion that verified, and the thumbprint of the request key that signed it."""

    claims: AssertionClaims
    kid: str


def read_token_request(unverified_body: bytes) -> str:
    """Return the client assertion of a token request (RFC 7523 §2.2): three parameters, each once, nothing else.

    Raises:
        TokenRequestError: any other form.
    """
    try:
        pairs = parse_qsl(unverified_body.decode("ascii"), strict_parsing=True, errors="strict", max_num_fields=3)
    except ValueError as error:
        raise TokenRequestError("the body is not a form of three parameters (RFC 7523 §2.2)") from error
    form = dict(pairs)
    if len(pairs) != 3 or form.keys() != {"grant_type", "client_assertion_type", "client_assertion"}:
        raise TokenRequestError("grant_type, client_assertion_type and client_assertion are expected, each once")
    if form["grant_type"] != GRANT_TYPE:
        raise TokenRequestError(f"only {GRANT_TYPE} is granted here", "grant_type")
    if form["client_assertion_type"] != ASSERTION_TYPE:
        raise TokenRequestError(f"only {ASSERTION_TYPE} is accepted", "client_assertion_type")
    return form["client_assertion"]


def identify_certificate(members: Members, certificate: bytes | None) -> CertificateOwner:
    """Return whose certificate (DER) this is: the member whose CA key signed it, whatever names stand in it.

    Raises:
        CertificateUnknownError: nobody's.
    """
    if certificate is None:
        raise CertificateUnknownError("the connection has no client certificate")
    try:
        agency = find_issuer(certificate, members.authorities)
        return CertificateOwner(agency, _find_authority(members, agency), *read_validity(certificate))
    except CertificateError as error:
        raise CertificateUnknownError(str(error)) from error


def verify_certificate_time(owner: CertificateOwner, now: datetime) -> None:
    """Verify that the certificate is valid now: a connection may outlive it.

    Raises:
        CertificateUnknownError: it is not.
    """
    if not owner.not_before <= now <= owner.not_after:
        raise CertificateUnknownError("the client certificate is not valid now")


def verify_client(
    members: Members, agency: str, unverified_assertion: str, exchange: str, now: datetime
) -> VerifiedAssertion:
    """Verify the assertion of a caller whose certificate is `agency`'s.

    1. It is of the certificate's agency. 2. A request key of that agency, in force now, signed it. 3. Audience, times
    and form are exact. 4. The agency may have the role it asks for. That it comes once is left to the caller.

    Raises:
        AssertionRefusedError, RoleNotAllowedError: naming what failed.
    """
    kids: list[str] = []
    try:
        claims = verify_assertion(
            unverified_assertion, _make_key_finder(members, agency, now, kids), exchange=exchange, now=now
        )
    except KeysError as error:
        raise AssertionRefusedError(str(error), "client_assertion") from error
    if claims.scope not in ROLES[members.find(agency).agency_class]:
        raise RoleNotAllowedError(f"{agency} has no {claims.scope.value} role", "scope")
    return VerifiedAssertion(claims, kids[0])


def make_token_claims(assertion: AssertionClaims, certificate: bytes, exchange: str, now: datetime) -> TokenClaims:
    """Return the claims of the token for an assertion; it keeps the assertion's `jti` and lives five minutes.

    `certificate` is the SHA-256 of the client certificate.
    """
    issued_at = int(now.timestamp())
    return TokenClaims(
        aud=exchange,
        cnf={"x5t#S256": b64u_encode(certificate)},
        exp=issued_at + TOKEN_SECONDS,
        iat=issued_at,
        iss=exchange,
        jti=assertion.jti,
        node=assertion.node,
        scope=assertion.scope,
        sub=assertion.sub,
    )


def verify_token_holder(
    members: Members, claims: TokenClaims, kid: str, owner: CertificateOwner, certificate: bytes, now: datetime
) -> Caller:
    """Verify that a token of these claims, asked for with the request key `kid`, works on this connection now.

    1. It has not expired. 2. It is bound to this very certificate. 3. It is of the certificate's agency. 4. The key
    that asked for it is still in force, and the CA still its agency's. 5. The certificate is valid now.

    Raises:
        TokenRefusedError, CertificateUnknownError: naming what failed.
    """
    if now.timestamp() >= claims.exp:
        raise TokenRefusedError("the access token has expired")
    if claims.cnf["x5t#S256"] != b64u_encode(certificate):
        raise TokenRefusedError("the access token is bound to another certificate")
    if claims.sub != owner.agency:
        raise TokenRefusedError("the access token is another member's")
    expires_at = datetime.fromtimestamp(claims.exp, UTC)
    caller = Caller(claims.sub, claims.node, claims.scope, certificate, expires_at, kid, owner.authority)
    verify_still_let_in(members, caller, now)
    verify_certificate_time(owner, now)
    return caller


def verify_still_let_in(members: Members, caller: Caller, now: datetime) -> None:
    """Verify that what let a caller in is still its member's: who waited may have lost it meanwhile.

    1. The request key behind its token is in force. 2. The CA of its certificate is its agency's: a terminator keeps
    the line open when that changes.

    Raises:
        TokenRefusedError, CertificateUnknownError: naming what was lost.
    """
    if caller.kid is None:
        return
    try:
        members.find(caller.agency).find_signing_keys(KeyUse.REQUEST, (caller.kid,), MAX_INTEGER, now)
    except KeysError as error:
        raise TokenRefusedError(f"the key that asked for the access token is no longer good: {error}") from error
    if caller.authority != _find_authority(members, caller.agency):
        raise CertificateUnknownError(f"the client certificate is of a CA that {caller.agency} has replaced")


def verify_role(role: Role, allowed: Sequence[Role]) -> None:
    """Verify that a role is among those allowed; all are where none is named.

    Raises:
        RoleNotAllowedError: it is not.
    """
    if allowed and role not in allowed:
        names = " or ".join(one.value for one in allowed)
        raise RoleNotAllowedError(f"this takes the role {names}, the token is for {role.value}")


def _find_authority(members: Members, agency: str) -> bytes:
    return members.find(agency).newest_key_set.ca_thumbprint


def _make_key_finder(members: Members, agency: str, now: datetime, found: list[str]) -> Callable[[str, str], OkpJwk]:
    def find_key(claimed_agency: str, kid: str) -> OkpJwk:
        if claimed_agency != agency:
            raise KeysError(f"the assertion is of {claimed_agency}, the client certificate is of {agency}")
        (jwk,) = members.find(agency).find_signing_keys(KeyUse.REQUEST, (kid,), MAX_INTEGER, now)
        assert isinstance(jwk, OkpJwk)  # noqa: S101 - a request key is one Ed25519 key, checked with its key set
        found.append(kid)
        return jwk

    return find_key
