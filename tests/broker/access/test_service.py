"""Tokens over a real store with a clock set by hand: each assertion once, forgotten only when nobody could use it."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast

import pytest
from sqlalchemy import func, select
from starlette.requests import Request
from starlette.types import Scope

from broker.access.authentication import Authentication
from broker.access.caller import Caller
from broker.access.errors import (
    AssertionRefusedError,
    CertificateUnknownError,
    RoleNotAllowedError,
    TokenRefusedError,
)
from broker.access.service import AccessService
from broker.access.tables import token_count, used_assertion
from broker.audit.log import read_leaf
from broker.audit.refusals import RefusalRecorder
from broker.directory.live import Directory
from broker.directory.members import Members
from broker.http.connection import ClientConnection, put_connection
from broker.http.refusal import RefusedError
from keys.certificates import issue_client_certificate, make_tls_ca
from keys.key_sets import make_operational_key
from keys.tokens import AssertionClaims, TokenKey, make_assertion
from schemas.codec import b64u_encode
from schemas.log.records import Record, RecordType, Role
from schemas.signed import DocumentType, KeyUse
from tests.broker.bench import GB, VN, Bench
from tests.support.documents import sign_next_key_set
from tests.support.members import EXCHANGE, START, derive_seed, make_signer
from tests.support.messages import make_id

TOKEN_KEY = TokenKey(bytes([5]) * 32)

T = TypeVar("T")


@dataclass
class Standing:
    """A directory as it stands at one moment."""

    current: Members

    async def judge(self, verify: Callable[[Members], T]) -> T:
        return verify(self.current)


class AccessBench(Bench):
    """A bench with the token endpoint and the front door."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, GB, VN)
        self.request_seeds: dict[str, bytes] = {}
        self.open()

    def open(self) -> None:
        refusals = RefusalRecorder(self.writer, self.clock)
        self.access = AccessService(EXCHANGE, TOKEN_KEY, self.directory, self.writer, refusals, self.clock)
        self.door = self.open_door(self.directory)

    def open_door(self, directory: "Directory | Standing") -> Authentication:
        refusals = RefusalRecorder(self.writer, self.clock)
        return Authentication(EXCHANGE, TOKEN_KEY, cast(Directory, directory), self.database, refusals, self.clock)

    def connect(self, agency: str) -> ClientConnection:
        return ClientConnection(
            issue_client_certificate(
                self.members[agency].tls_ca_seed,
                derive_seed(agency, "tls"),
                "node",
                serial=1,
                not_before=START - timedelta(days=1),
                not_after=START + timedelta(days=60),
            )
        )

    def replace_request_key(self, agency: str, ca_seed: bytes | None) -> None:
        """Let a member have a new request key, and a new CA if its seed is given; this broker takes them in."""
        member = self.members[agency]
        signers = member.signers | {KeyUse.REQUEST: make_signer(agency, KeyUse.REQUEST, generation=1)}
        changes: dict[str, object] = {
            "keys": tuple(make_operational_key(EXCHANGE, agency, use, signer) for use, signer in signers.items())
        }
        if ca_seed is not None:
            authority = make_tls_ca(ca_seed, serial=2, not_before=START, not_after=START + timedelta(days=400))
            changes["tls_ca"] = b64u_encode(authority)
        key_set = sign_next_key_set(member, issued_at=self.now, **changes)
        self.run(self.directory_service.submit(self.caller(agency), key_set, DocumentType.KEY_SET))
        self.members[agency] = replace(member, signers=signers, tls_ca_seed=ca_seed or member.tls_ca_seed)
        self.request_seeds[agency] = derive_seed(agency, KeyUse.REQUEST, 1, 0)

    def assert_as(self, agency: str, name: object = "one", role: Role = Role.NODE) -> str:
        seconds = int(self.clock.now().timestamp())
        claims = AssertionClaims(
            aud=EXCHANGE, exp=seconds + 60, iat=seconds, iss=agency, jti=make_id(name), node="node-1", scope=role,
            sub=agency,
        )  # fmt: skip
        return make_assertion(self.request_seeds.get(agency, self.members[agency].request_seed), claims)

    def issue(self, connection: ClientConnection, assertion: str) -> str:
        return self.run(self.access.issue_token(connection, assertion)).access_token

    def enter(self, connection: ClientConnection, token: str, *roles: Role) -> Caller:
        scope: Scope = {"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())]}
        put_connection(scope, connection)
        return self.run(self.door.find_caller(Request(scope), *roles))

    def list_records(self, record_type: RecordType) -> list[Record]:
        with self.database.read() as connection:
            leaves = [read_leaf(connection, index) for index in range(self.log.view.size)]
        return [leaf.record for leaf in leaves if leaf is not None and leaf.record.type is record_type]

    def count(self, table: object) -> int:
        with self.database.read() as connection:
            found: int = connection.execute(select(func.count()).select_from(table)).scalar_one()  # type: ignore[arg-type]
            return found


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[AccessBench]:
    bench = AccessBench(tmp_path)
    yield bench
    bench.close()


def test_a_token_lets_its_holder_in_until_it_ends(bench: AccessBench) -> None:
    connection = bench.connect(GB)
    token = bench.issue(connection, bench.assert_as(GB))

    assert bench.enter(connection, token).agency == GB
    bench.clock.move(299)
    assert bench.enter(connection, token, Role.NODE).role is Role.NODE
    bench.clock.move(1)
    with pytest.raises(TokenRefusedError, match="expired"):
        bench.enter(connection, token)


def test_of_many_requests_with_one_assertion_at_once_one_gets_a_token(bench: AccessBench) -> None:
    connection, assertion = bench.connect(GB), bench.assert_as(GB)

    async def race() -> list[object]:
        return await asyncio.gather(
            *(bench.access.issue_token(connection, assertion) for _ in range(8)), return_exceptions=True
        )

    answers = bench.run(race())

    refused = [answer for answer in answers if isinstance(answer, AssertionRefusedError)]
    assert len(refused) == 7


def test_an_assertion_is_remembered_for_as_long_as_it_or_its_token_could_be_shown(bench: AccessBench) -> None:
    connection, assertion = bench.connect(GB), bench.assert_as(GB)
    token = bench.issue(connection, assertion)

    bench.clock.move(89)  # the assertion's end and the clocks' difference
    with pytest.raises(AssertionRefusedError, match="used before"):
        bench.issue(connection, assertion)
    bench.clock.move(210)
    bench.issue(connection, bench.assert_as(GB, "another"))  # clears what is over
    fresh = ClientConnection(connection.certificate)  # on a new connection the key behind the token is looked up
    assert bench.enter(fresh, token).agency == GB
    assert bench.count(used_assertion) == 2


def test_what_nobody_could_use_again_is_forgotten(bench: AccessBench) -> None:
    connection = bench.connect(GB)
    for number in range(5):
        bench.issue(connection, bench.assert_as(GB, number))
        bench.clock.move(400)

    assert bench.count(used_assertion) == 1


def test_the_count_of_an_hour_is_written_once_the_hour_is_over(bench: AccessBench) -> None:
    for agency, tokens in ((GB, 3), (VN, 2)):
        for number in range(tokens):
            bench.issue(bench.connect(agency), bench.assert_as(agency, (agency, number)))
    bench.run(bench.access.record_counts())
    assert bench.list_records(RecordType.TOKENS_ISSUED) == []

    bench.clock.move(3600)
    bench.issue(bench.connect(GB), bench.assert_as(GB, "next hour"))
    bench.run(bench.access.record_counts())
    bench.run(bench.access.record_counts())

    counted = [(record.agency, record.count) for record in bench.list_records(RecordType.TOKENS_ISSUED)]
    assert counted == [(GB, 3), (VN, 2)]
    bench.run(bench.access.record_counts(including_this_hour=True))
    assert bench.list_records(RecordType.TOKENS_ISSUED)[-1].count == 1
    assert bench.count(token_count) == 0


def test_counts_survive_a_restart(bench: AccessBench) -> None:
    bench.issue(bench.connect(GB), bench.assert_as(GB, 1))
    bench.restart()
    bench.open()
    bench.issue(bench.connect(GB), bench.assert_as(GB, 2))
    bench.run(bench.access.record_counts(including_this_hour=True))

    assert [record.count for record in bench.list_records(RecordType.TOKENS_ISSUED)] == [2]


def test_a_token_of_another_key_is_refused_before_any_look_up(bench: AccessBench) -> None:
    connection = bench.connect(GB)
    claims = TOKEN_KEY.verify(bench.issue(connection, bench.assert_as(GB)), exchange=EXCHANGE, now=bench.clock.now())

    with pytest.raises(TokenRefusedError, match="not issued here"):
        bench.enter(connection, TokenKey(bytes([6]) * 32).issue(claims))


def test_two_tokens_take_turns_on_one_connection(bench: AccessBench) -> None:
    """What was verified of one token is never taken for the other's."""
    connection = bench.connect(GB)
    node = bench.issue(connection, bench.assert_as(GB, 1))
    auditor = bench.issue(connection, bench.assert_as(GB, 2, Role.AUDITOR))

    for _ in range(3):
        assert bench.enter(connection, node).role is Role.NODE
        assert bench.enter(connection, auditor).role is Role.AUDITOR


def test_a_connection_that_stays_is_nobodys_once_its_certificate_is_of_no_members_ca(bench: AccessBench) -> None:
    """A terminator's connections outlive a change of CAs, and somebody may be listening over one."""
    connection = bench.connect(GB)
    token = bench.issue(connection, bench.assert_as(GB))
    assert bench.enter(connection, token).agency == connection.agency == GB
    members = bench.directory.current
    others = {thumb: found for thumb, found in members.authorities.items() if found[0] != GB}
    bench.door = bench.open_door(Standing(replace(members, authorities=others)))

    with pytest.raises(CertificateUnknownError):
        bench.enter(connection, token)
    assert connection.agency == ""


def test_a_connection_knows_its_member_before_anything_is_asked_of_it(bench: AccessBench) -> None:
    known, stranger, nobody = bench.connect(GB), ClientConnection(b"no certificate"), ClientConnection(None)
    for connection in (known, stranger, nobody):
        bench.door.recognise(connection)
    assert [connection.agency for connection in (known, stranger, nobody)] == [GB, "", ""]


def test_a_role_that_may_not_is_refused_and_recorded(bench: AccessBench) -> None:
    connection = bench.connect(GB)
    token = bench.issue(connection, bench.assert_as(GB))

    with pytest.raises(RoleNotAllowedError):
        bench.enter(connection, token, Role.AUDITOR, Role.OVERSIGHT)

    (record,) = bench.list_records(RecordType.REFUSED)
    assert (record.problem, record.agency) == ("role-not-allowed", GB)


def test_one_member_has_so_many_tokens_a_minute_and_nobody_else_is_the_poorer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.access.service.MAX_TOKENS_PER_MINUTE", 3)
    bench = AccessBench(tmp_path)

    def ask(agency: str, name: str) -> None:
        bench.run(bench.access.issue_token(bench.connect(agency), bench.assert_as(agency, name)))

    for number in range(3):
        ask(GB, f"gb-{number}")
    leaves = bench.log.view.size
    with pytest.raises(RefusedError, match="3 tokens this minute") as refused:
        ask(GB, "gb-late")
    assert (refused.value.refusal.slug, bench.log.view.size) == ("too-many-requests", leaves)
    assert 0 < (refused.value.refusal.retry_after_seconds or 0) <= 60
    ask(VN, "vn")
    bench.clock.move(60)
    ask(GB, "gb-late-again")
    bench.close()


@pytest.fixture
def behind(bench: AccessBench) -> Iterator[AccessBench]:
    """Another broker on the same database, to which nobody tells what the first one writes."""
    another = bench.open_another()
    another.open()
    yield another
    another.writer.close()


def test_a_key_and_a_ca_that_another_broker_has_just_taken_in_let_their_member_in(
    bench: AccessBench, behind: AccessBench
) -> None:
    bench.replace_request_key(GB, derive_seed("new ca"))
    connection = bench.connect(GB)

    token = bench.issue(connection, bench.assert_as(GB))
    assert behind.enter(ClientConnection(connection.certificate), token).agency == GB


@pytest.mark.parametrize("ca_seed", [None, derive_seed("new ca")], ids=["under the same CA", "under another CA"])
def test_an_assertion_by_a_key_that_another_broker_has_just_taken_in_gets_a_token(
    bench: AccessBench, behind: AccessBench, ca_seed: bytes | None
) -> None:
    bench.replace_request_key(GB, ca_seed)

    assert behind.issue(bench.connect(GB), bench.assert_as(GB))
