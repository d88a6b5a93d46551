"""Who comes in is decided by keys alone, and judged again on every request for what can change."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlencode

import pytest

from broker.access.errors import (
    AccessError,
    AssertionRefusedError,
    CertificateUnknownError,
    RoleNotAllowedError,
    TokenRefusedError,
    TokenRequestError,
)
from broker.access.rules import (
    MAX_FORM_BYTES,
    ROLES,
    CertificateOwner,
    identify_certificate,
    make_token_claims,
    read_token_request,
    verify_certificate_time,
    verify_client,
    verify_role,
    verify_still_let_in,
    verify_token_holder,
)
from broker.directory.members import Members
from keys.certificates import compute_certificate_thumbprint, issue_client_certificate
from keys.encryption_keys import verify_revocation
from keys.key_sets import sign_key_set, verify_key_set
from keys.tokens import TOKEN_SECONDS, AssertionClaims, make_assertion
from schemas.api import ASSERTION_TYPE
from schemas.codec import b64u_encode
from schemas.key_documents import AgencyClass
from schemas.log.records import Role
from schemas.signed import DocumentType, KeyUse
from tests.support.documents import make_next_ca, make_revocation, sign_by, sign_next_key_set
from tests.support.members import EXCHANGE, START, Member, derive_seed, make_member, make_signer, succeed
from tests.support.messages import make_id

GB, VN = make_member("GB-HO"), make_member("VN-IMM")
OVERSEER = make_member("OVERSEER", agency_class=AgencyClass.OVERSIGHT)
OPERATOR = make_member("OPERATOR", agency_class=AgencyClass.OPERATOR)
MEMBERS = Members().add(1, GB.verified).add(2, VN.verified).add(3, OVERSEER.verified).add(4, OPERATOR.verified)
NOON = START + timedelta(hours=12)
FORM = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": "a.b.c"}


def issue(member: Member, *, days: int = 30) -> bytes:
    return issue_client_certificate(
        member.tls_ca_seed,
        derive_seed("node"),
        "any name",
        serial=3,
        not_before=START,
        not_after=START + timedelta(days=days),
    )


def make_claims(member: Member, now: datetime = NOON, **changes: object) -> AssertionClaims:
    seconds = int(now.timestamp())
    claims = {
        "aud": EXCHANGE,
        "exp": seconds + 60,
        "iat": seconds,
        "iss": member.agency,
        "jti": make_id("jti"),
        "node": "node-1",
        "scope": Role.NODE,
        "sub": member.agency,
    }
    return AssertionClaims.model_validate(claims | changes)


def test_the_three_parameters_give_the_assertion() -> None:
    assert read_token_request(urlencode(FORM).encode()) == "a.b.c"


@pytest.mark.parametrize("name", sorted(FORM))
def test_a_parameter_left_out_doubled_or_changed_is_refused(name: str) -> None:
    without = {key: value for key, value in FORM.items() if key != name}
    doubled = [*FORM.items(), (name, FORM[name])]
    forms = [urlencode(without), urlencode(doubled), urlencode({**without, name.upper(): FORM[name]})]
    if name != "client_assertion":
        forms.append(urlencode({**FORM, name: "another"}))

    for form in forms:
        with pytest.raises(TokenRequestError):
            read_token_request(form.encode())


@pytest.mark.parametrize("body", [b"&", b"a", b"a=1;b=2;c=3", b"a=%ff&b=2&c=3", "ä=1".encode()])
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(TokenRequestError):
        read_token_request(body)


def test_a_certificate_is_its_issuers_whatever_name_it_bears() -> None:
    assert identify_certificate(MEMBERS, issue(GB)).agency == "GB-HO"
    assert identify_certificate(MEMBERS, issue(VN)).agency == "VN-IMM"


@pytest.mark.parametrize("certificate", [None, b"", b"\x30\x00", issue(make_member("ZZ-STRANGER"))])
def test_a_certificate_of_nobody_is_nobodys(certificate: bytes | None) -> None:
    with pytest.raises(CertificateUnknownError):
        identify_certificate(MEMBERS, certificate)


def replace_ca() -> Members:
    """Return the members after GB has changed its CA."""
    changed = sign_next_key_set(GB, tls_ca=make_next_ca(GB))
    return MEMBERS.add(9, verify_key_set(changed, GB.verified, exchange=EXCHANGE, now=NOON))


def test_after_a_change_of_ca_the_old_ones_certificates_are_nobodys() -> None:
    members = replace_ca()

    with pytest.raises(CertificateUnknownError):
        identify_certificate(members, issue(GB))
    renewed = replace(GB, tls_ca_seed=derive_seed(GB.agency, "tls-ca", 2))
    assert identify_certificate(members, issue(renewed)).agency == "GB-HO"
    assert identify_certificate(members, issue(VN)).agency == "VN-IMM"


def test_a_certificate_that_ended_while_its_connection_lived_on_is_refused() -> None:
    owner = identify_certificate(MEMBERS, issue(GB, days=1))

    verify_certificate_time(owner, NOON)
    for late in (START - timedelta(seconds=1), START + timedelta(days=1, seconds=1)):
        with pytest.raises(CertificateUnknownError):
            verify_certificate_time(owner, late)


@pytest.mark.parametrize(
    ("member", "allowed"),
    [
        (GB, {Role.NODE, Role.AUDITOR}),
        (OVERSEER, {Role.OVERSIGHT}),
        (OPERATOR, {Role.OPERATOR}),
    ],
)
def test_each_class_of_member_has_its_own_roles(member: Member, allowed: set[Role]) -> None:
    for role in Role:
        assertion = make_assertion(member.request_seed, make_claims(member, scope=role))
        if role in allowed:
            assert verify_client(MEMBERS, member.agency, assertion, EXCHANGE, NOON).claims.scope is role
        else:
            with pytest.raises(RoleNotAllowedError):
                verify_client(MEMBERS, member.agency, assertion, EXCHANGE, NOON)
    assert set(ROLES) == set(AgencyClass)


def test_an_assertion_names_the_key_that_signed_it() -> None:
    verified = verify_client(MEMBERS, GB.agency, make_assertion(GB.request_seed, make_claims(GB)), EXCHANGE, NOON)

    assert (verified.kid,) == GB.signers[KeyUse.REQUEST].kids


def test_an_assertion_of_another_agency_than_the_certificates_is_refused() -> None:
    with pytest.raises(AssertionRefusedError, match="certificate is of VN-IMM"):
        verify_client(MEMBERS, VN.agency, make_assertion(GB.request_seed, make_claims(GB)), EXCHANGE, NOON)


def test_an_expired_key_set_asks_for_no_token() -> None:
    late = START + timedelta(days=366)

    with pytest.raises(AssertionRefusedError, match="has expired"):
        verify_client(MEMBERS, GB.agency, make_assertion(GB.request_seed, make_claims(GB, late)), EXCHANGE, late)


OWNER = CertificateOwner("GB-HO", GB.verified.ca_thumbprint, START, START + timedelta(days=30))
CERTIFICATE = compute_certificate_thumbprint(issue(GB))
KID = GB.signers[KeyUse.REQUEST].kids[0]
CLAIMS = make_token_claims(make_claims(GB), CERTIFICATE, EXCHANGE, NOON)


def test_a_token_in_good_order_gives_the_caller() -> None:
    caller = verify_token_holder(MEMBERS, CLAIMS, KID, OWNER, CERTIFICATE, NOON)

    assert (caller.agency, caller.node, caller.role) == ("GB-HO", "node-1", Role.NODE)
    assert caller.expires_at == NOON + timedelta(seconds=TOKEN_SECONDS)
    assert caller.actor.agency == "GB-HO"
    assert CLAIMS.exp - CLAIMS.iat == 300


def test_a_token_is_over_to_the_second() -> None:
    verify_token_holder(MEMBERS, CLAIMS, KID, OWNER, CERTIFICATE, NOON + timedelta(seconds=299.9))
    with pytest.raises(TokenRefusedError, match="expired"):
        verify_token_holder(MEMBERS, CLAIMS, KID, OWNER, CERTIFICATE, NOON + timedelta(seconds=300))


def test_a_token_on_another_certificate_or_another_members_connection_is_refused() -> None:
    with pytest.raises(TokenRefusedError, match="another certificate"):
        verify_token_holder(MEMBERS, CLAIMS, KID, OWNER, bytes(32), NOON)
    with pytest.raises(TokenRefusedError, match="another member"):
        verify_token_holder(MEMBERS, CLAIMS, KID, replace(OWNER, agency="VN-IMM"), CERTIFICATE, NOON)


def test_a_token_ends_with_its_key_however_that_ends() -> None:
    revocation = sign_by(GB, make_revocation(GB, NOON, KeyUse.REQUEST), DocumentType.REVOCATION)
    revoked = MEMBERS.add(9, verify_revocation(revocation, GB.verified))
    from keys.key_sets import make_operational_key

    fresh = make_operational_key(EXCHANGE, GB.agency, KeyUse.REQUEST, make_signer(GB.agency, KeyUse.REQUEST, 1))
    keys = tuple(fresh if key.use is KeyUse.REQUEST else key for key in GB.key_set.keys)
    replaced_set = verify_key_set(
        sign_key_set(succeed(GB, keys=keys), GB.roots[:2]), GB.verified, exchange=EXCHANGE, now=NOON
    )

    for members in (revoked, MEMBERS.add(9, replaced_set)):
        with pytest.raises(TokenRefusedError, match="no longer good"):
            verify_token_holder(members, CLAIMS, KID, OWNER, CERTIFICATE, NOON)


def test_a_token_ends_with_the_ca_of_its_certificate() -> None:
    caller = verify_token_holder(MEMBERS, CLAIMS, KID, OWNER, CERTIFICATE, NOON)
    members = replace_ca()

    verify_still_let_in(MEMBERS, caller, NOON)
    assert refuse(CertificateUnknownError, lambda: verify_still_let_in(members, caller, NOON)) == (
        "the client certificate is of a CA that GB-HO has replaced",
        None,
    )


def test_where_no_role_is_named_every_role_may() -> None:
    for role in Role:
        verify_role(role, ())
        verify_role(role, (role,))
    with pytest.raises(RoleNotAllowedError, match="node or auditor, the token is for operator"):
        verify_role(Role.OPERATOR, (Role.NODE, Role.AUDITOR))


def refuse(error: type[AccessError], call: Callable[[], object]) -> tuple[str, str | None]:
    """Return how a caller is refused: sentence and field."""
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    return str(caught.value), caught.value.field


def ask(body: bytes | dict[str, str]) -> tuple[str, str | None]:
    """Return how a token request is refused."""
    form = body if isinstance(body, bytes) else urlencode(body).encode()
    return refuse(TokenRequestError, lambda: read_token_request(form))


def test_a_token_request_is_refused_by_its_parameter() -> None:
    not_a_form = ("the body is not a form of three parameters (RFC 7523 §2.2)", None)
    not_these = ("grant_type, client_assertion_type and client_assertion are expected, each once", None)
    for body in ("ä=1".encode(), b"a&b=1&c=2", b"a=%ff&b=2&c=3"):
        assert ask(body) == not_a_form
    assert ask(urlencode([*FORM.items(), ("more", "1")]).encode()) == not_a_form
    assert ask({"grant_type": "client_credentials", "client_assertion": "a.b.c"}) == not_these
    assert ask(urlencode([*list(FORM.items())[:2], ("grant_type", "client_credentials")]).encode()) == not_these
    assert ask(FORM | {"grant_type": "password"}) == ("only client_credentials is granted here", "grant_type")
    assert ask(FORM | {"client_assertion_type": "x"}) == (
        f"only {ASSERTION_TYPE} is accepted",
        "client_assertion_type",
    )


def test_a_certificate_is_refused_in_words() -> None:
    assert refuse(CertificateUnknownError, lambda: identify_certificate(MEMBERS, None)) == (
        "the connection has no client certificate",
        None,
    )
    nobodys, _ = refuse(CertificateUnknownError, lambda: identify_certificate(MEMBERS, b""))
    assert nobodys not in ("", "None")
    late = START + timedelta(days=31)
    assert refuse(CertificateUnknownError, lambda: verify_certificate_time(OWNER, late)) == (
        "the client certificate is not valid now",
        None,
    )
    assert identify_certificate(MEMBERS, issue(GB)) == OWNER
    verify_certificate_time(OWNER, OWNER.not_before)
    verify_certificate_time(OWNER, OWNER.not_after)


def test_an_assertion_is_refused_by_what_it_lacks() -> None:
    assertion = make_assertion(GB.request_seed, make_claims(GB))
    assert refuse(AssertionRefusedError, lambda: verify_client(MEMBERS, VN.agency, assertion, EXCHANGE, NOON)) == (
        "the assertion is of GB-HO, the client certificate is of VN-IMM",
        "client_assertion",
    )
    as_operator = make_assertion(GB.request_seed, make_claims(GB, scope=Role.OPERATOR))
    assert refuse(RoleNotAllowedError, lambda: verify_client(MEMBERS, GB.agency, as_operator, EXCHANGE, NOON)) == (
        "GB-HO has no operator role",
        "scope",
    )
    verified = verify_client(MEMBERS, GB.agency, assertion, EXCHANGE, NOON)
    assert verified.claims == make_claims(GB)


def test_a_token_says_what_its_assertion_asked_for_and_whose_certificate_it_is_bound_to() -> None:
    asked = make_claims(GB)
    claims = make_token_claims(asked, CERTIFICATE, EXCHANGE, NOON)
    issued_at = int(NOON.timestamp())
    assert (claims.aud, claims.iss, claims.iat, claims.exp) == (EXCHANGE, EXCHANGE, issued_at, issued_at + 300)
    assert (claims.jti, claims.node, claims.scope, claims.sub) == (asked.jti, "node-1", Role.NODE, "GB-HO")
    assert claims.cnf == {"x5t#S256": b64u_encode(CERTIFICATE)}
    assert verify_token_holder(MEMBERS, claims, KID, OWNER, CERTIFICATE, NOON).certificate == CERTIFICATE


def hold(owner: CertificateOwner = OWNER, certificate: bytes = CERTIFICATE, *, now: datetime = NOON) -> str:
    """Return the sentence with which a token is refused."""
    call = partial(verify_token_holder, MEMBERS, CLAIMS, KID, owner, certificate, now)
    return refuse(TokenRefusedError, call)[0]


def test_a_token_is_refused_in_words() -> None:
    assert hold(now=NOON + timedelta(seconds=300)) == "the access token has expired"
    assert hold(certificate=bytes(32)) == "the access token is bound to another certificate"
    assert hold(replace(OWNER, agency="VN-IMM")) == "the access token is another member's"
    unknown = partial(
        verify_token_holder, MEMBERS, CLAIMS, VN.signers[KeyUse.REQUEST].kids[0], OWNER, CERTIFICATE, NOON
    )
    sentence, _ = refuse(TokenRefusedError, unknown)
    prefix = "the key that asked for the access token is no longer good: "
    assert sentence.startswith(prefix)
    assert sentence.removeprefix(prefix) not in ("", "None")
    ended = partial(verify_token_holder, MEMBERS, CLAIMS, KID, replace(OWNER, not_after=START), CERTIFICATE, NOON)
    assert refuse(CertificateUnknownError, ended)[0] == "the client certificate is not valid now"


def test_a_role_is_refused_with_those_that_may() -> None:
    assert refuse(RoleNotAllowedError, lambda: verify_role(Role.OPERATOR, (Role.NODE, Role.AUDITOR))) == (
        "this takes the role node or auditor, the token is for operator",
        None,
    )


def test_a_token_request_is_no_longer_than_eight_kibibytes() -> None:
    assert MAX_FORM_BYTES == 8192
