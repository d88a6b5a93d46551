"""A thin caller: a node over real TLS, with tokens and canonical JSON. It checks nothing of what it is answered."""

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import httpx

from keys.certificates import export_certificate_pem, export_tls_key, issue_client_certificate
from keys.generation import generate_id
from keys.tokens import AssertionClaims, make_assertion
from schemas.api import ASSERTION_TYPE, TOKEN_PATH, VERSION_HEADER, Evidence, TokenAnswer
from schemas.codec import b64u_decode
from schemas.key_documents import ExchangeSheet
from schemas.log.records import Role
from schemas.model import WireModel
from schemas.problems import ProblemDocument
from tests.support.members import Member, derive_seed

Answer = TypeVar("Answer", bound=WireModel)

NOW = datetime.now(UTC)
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def read_problem(response: httpx.Response) -> ProblemDocument:
    """Return the problem a refusal is answered with, in its one spelling."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem = ProblemDocument.from_canonical(response.content)
    assert problem.status == response.status_code
    return problem


def read_slug(response: httpx.Response) -> str:
    """Return the slug of the problem a refusal is answered with."""
    return read_problem(response).type.rpartition(":")[2]


def read_answer(response: httpx.Response, model: type[Answer], *statuses: int) -> Answer:
    """Return the document of an answer that must have one of these statuses (200 when none is given)."""
    assert response.status_code in (statuses or (200,)), response.text
    assert response.headers["content-type"] == "application/json"
    return model.from_canonical(response.content, max_bytes=64 << 20)


@dataclass
class Caller:
    """One node of a member. `certificate_member` shows another member's certificate than its own."""

    url: str
    sheet: ExchangeSheet
    member: Member
    role: Role = Role.NODE
    node: str = "node-1"
    certificate_member: Member | None = None
    http: httpx.Client = field(init=False)
    _token: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        context = make_client_context(self.sheet, self.certificate_member or self.member, self.node)
        self.http = httpx.Client(base_url=self.url, verify=context, headers={VERSION_HEADER: "1"}, timeout=70)

    @property
    def agency(self) -> str:
        """Return whose node it is."""
        return self.member.agency

    def close(self) -> None:
        """Close the connection."""
        self.http.close()

    def make_claims(self, **changes: Any) -> AssertionClaims:
        """Return the claims of a fresh assertion, with what a test changes."""
        now = int(datetime.now(UTC).timestamp())
        claims: dict[str, Any] = {
            "aud": self.sheet.name,
            "exp": now + 60,
            "iat": now,
            "iss": self.agency,
            "jti": generate_id(),
            "node": self.node,
            "scope": self.role,
            "sub": self.agency,
        }
        return AssertionClaims(**claims | changes)

    def ask_token(self, assertion: str | None = None, **changes: Any) -> httpx.Response:
        """Ask for a token with an assertion, or with a fresh one with some claims changed."""
        signed = assertion or make_assertion(self.member.request_seed, self.make_claims(**changes))
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": signed,
        }
        return self.http.post(TOKEN_PATH, data=form)

    @property
    def token(self) -> str:
        """Return an access token, asked for once."""
        if self._token is None:
            self._token = read_answer(self.ask_token(), TokenAnswer).access_token
        return self._token

    @token.setter
    def token(self, token: str | None) -> None:
        self._token = token

    def get(self, path: str, **params: Any) -> httpx.Response:
        """Get a path with the token."""
        return self.http.get(path, params=params, headers=self.authorize())

    def post(self, path: str, document: WireModel | bytes) -> httpx.Response:
        """Post a document's canonical JSON (or these very bytes) with the token."""
        content = document if isinstance(document, bytes) else document.canonical()
        return self.http.post(path, content=content, headers=self.authorize() | JSON)

    def submit(self, path: str, document: WireModel | bytes) -> Evidence:
        """Post a document that must be accepted, and return its evidence."""
        return read_answer(self.post(path, document), Evidence, 200, 201, 202)

    def authorize(self) -> dict[str, str]:
        """Return the header that carries the token."""
        return {"Authorization": f"Bearer {self.token}"}


@cache
def issue_certificate(ca_seed: bytes, key_seed: bytes, node: str, not_before: datetime, not_after: datetime) -> bytes:
    """Return a node's client certificate; the same one every time, as a node keeps its own across restarts."""
    return issue_client_certificate(ca_seed, key_seed, node, serial=2, not_before=not_before, not_after=not_after)


def issue_client_chain(
    member: Member,
    node: str = "node-1",
    *,
    not_before: datetime = NOW - timedelta(minutes=5),
    not_after: datetime = NOW + timedelta(days=1),
) -> bytes:
    """Return a node's client certificate and its key as PEM."""
    key_seed = derive_seed(member.agency, node, "tls")
    certificate = issue_certificate(member.tls_ca_seed, key_seed, node, not_before, not_after)
    return export_certificate_pem(certificate) + export_tls_key(key_seed)


def make_client_context(
    sheet: ExchangeSheet, member: Member, node: str = "node-1", **validity: datetime
) -> ssl.SSLContext:
    """Return a client's TLS context: it trusts the exchange's CA alone and shows a certificate of the member's CA.

    `validity` is as in `issue_client_chain`.
    """
    context = make_trusting_context(sheet)
    with TemporaryDirectory() as folder:
        chain = Path(folder, "client.pem")
        chain.write_bytes(issue_client_chain(member, node, **validity))
        context.load_cert_chain(chain)
    return context


def make_trusting_context(sheet: ExchangeSheet) -> ssl.SSLContext:
    """Return a client's TLS context that trusts the exchange's CA and shows no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=b64u_decode(sheet.tls_ca))
    return context
