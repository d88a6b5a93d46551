"""A real broker process over real TLS, with members enrolled: what the tests of every feature stand on.

    with running_exchange(folder, "GB-HO", "VN-IMM") as exchange:
        gb = exchange.caller("GB-HO")
        gb.submit(...)

Members have real keys (two of three roots, one key of each use, an encryption key, a TLS CA), valid now. The broker is
`python -m broker serve` in a process of its own; `kill` and `start` show what survives.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from broker.clock import SystemClock
from broker.control import EnrolCommand, ask_control
from broker.exchange import ExchangeFolder
from broker.founding import found_exchange
from keys.algorithms import OpeningKey
from keys.certificates import make_tls_ca
from keys.generation import generate_bytes
from keys.key_sets import sign_key_set, verify_key_set
from keys.roots import load_root
from keys.timeline import MemberTimeline
from schemas.agreements.steps import StepAction
from schemas.api import ENCRYPTION_KEYS_PATH, STEPS_PATH
from schemas.codec import b64u_encode, decode_canonical
from schemas.enrolment import EnrolmentFile
from schemas.key_documents import AgencyClass, ExchangeSheet
from schemas.log.records import Role
from schemas.signed import KeyUse
from tests.support.agreements import Negotiation
from tests.support.caller import Caller
from tests.support.engines import make_server_database
from tests.support.members import EXCHANGE, Member, derive_seed, make_encryption_keys, make_key_set, make_signer

UNHURRIED = {
    "BILATERAL_BROKER_ENVIRONMENT": "testing",
    "BILATERAL_BROKER_LIMITS__BURST_REQUESTS": "1000000",
    "BILATERAL_BROKER_LIMITS__BURST_REQUESTS_OF_MEMBER": "1000000",
}
"""A broker that counts nobody's requests: tests ask faster than any node, and those of the limits set their own."""
START_SECONDS = 60
STOP_SECONDS = 90
NOW = datetime.now(UTC).replace(microsecond=0)
"""When these tests began; documents of live members were issued a minute before."""

ROLES = {
    AgencyClass.AGENCY: Role.NODE,
    AgencyClass.OVERSIGHT: Role.OVERSIGHT,
    AgencyClass.OPERATOR: Role.OPERATOR,
}


@cache
def make_live_member(agency: str, agency_class: AgencyClass = AgencyClass.AGENCY) -> Member:
    """Return a member whose documents and certificates are valid at the time of the tests, from a root ceremony on."""
    issued_at = NOW - timedelta(minutes=1)
    roots = tuple(
        load_root(derive_seed(agency, "root", n, "ed"), derive_seed(agency, "root", n, "ml")) for n in range(3)
    )
    signers = {use: make_signer(agency, use) for use in KeyUse}
    ca_seed = derive_seed(agency, "tls-ca")
    authority = make_tls_ca(ca_seed, serial=1, not_before=NOW - timedelta(days=1), not_after=NOW + timedelta(days=400))
    key_set = make_key_set(agency, roots, signers, agency_class=agency_class).model_copy(
        update={
            "issued_at": issued_at,
            "expires_at": issued_at + timedelta(days=365),
            "tls_ca": b64u_encode(authority),
        }
    )
    verified = verify_key_set(sign_key_set(key_set, roots[:2]), None, exchange=EXCHANGE, now=NOW)
    opening = OpeningKey(derive_seed(agency, "encryption"))
    encryption = make_encryption_keys(verified, signers[KeyUse.ROTATION], opening, not_before=issued_at)
    timeline = MemberTimeline(((0, verified),), ((1, encryption),))
    return Member(agency, roots, signers, opening, ca_seed, key_set, verified, encryption, timeline)


def make_enrolment(*members: Member) -> list[EnrolmentFile]:
    """Return what each member hands to the operator."""
    return [EnrolmentFile(v=1, key_sets=(member.verified.document,)) for member in members]


@dataclass
class RunningExchange:
    """One exchange in a folder, its broker process, and its members by id."""

    folder: ExchangeFolder
    sheet: ExchangeSheet
    members: dict[str, Member] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    admin_url: str = ""
    program: tuple[str, ...] = ("-m", "broker")
    process: "subprocess.Popen[bytes] | None" = None
    _callers: list[Caller] = field(default_factory=list)

    @property
    def errors(self) -> str:
        """Return what the broker has said on stderr so far."""
        return (self.folder.path.parent / "broker.err").read_text()

    def start(self, **environment: str) -> None:
        """Start the broker and wait until clients can connect; `environment` is for this start alone."""
        with (self.folder.path.parent / "broker.err").open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *self.program, "serve", "--data", str(self.folder.path), "--port", "0"],
                stdout=subprocess.PIPE,
                stderr=errors,
                env=os.environ | UNHURRIED | dict(self.environment) | environment,
            )
        assert self.process.stdout is not None
        watchdog = threading.Timer(START_SECONDS, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        assert line, f"the broker did not start: {self.errors}"
        announced = decode_canonical(line.rstrip(b"\n"))
        self.url, self.admin_url = announced["url"], announced["admin_url"]

    def stop(self) -> int:
        """End the broker in order and return its exit code."""
        return self._end(subprocess.Popen.terminate)

    def kill(self) -> int:
        """Kill the broker where it stands (SIGKILL)."""
        return self._end(subprocess.Popen.kill)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Wait until the broker has ended by itself (a failpoint's kill) and return its exit code."""
        assert self.process is not None
        code = self.process.wait(seconds)
        self._forget()
        return code

    def enrol(self, *members: Member) -> None:
        """Enter members through the serving broker, as `broker enrol` does."""
        for member, file in zip(members, make_enrolment(*members), strict=True):
            ask_control(self.folder.control_socket, EnrolCommand(v=1, command="enrol", file=file))
            self.members[member.agency] = member

    def join(self, *members: Member) -> None:
        """Enter members and let each agency publish its encryption keys: from then on they can be sent to."""
        self.enrol(*members)
        for member in members:
            if member.key_set.agency_class is AgencyClass.AGENCY:
                self.caller(member.agency).submit(ENCRYPTION_KEYS_PATH, member.encryption.document)

    def caller(self, agency: str | Member, role: Role | None = None, **options: Any) -> Caller:
        """Return a caller for a member's node, in its class's own role unless another is given."""
        member = agency if isinstance(agency, Member) else self.members[agency]
        own = role or ROLES[member.key_set.agency_class]
        made = Caller(self.url, self.sheet, member, own, **options)
        self._callers.append(made)
        return made

    def agree(self, first: str, second: str, name: object = "agreement", **changes: Any) -> Negotiation:
        """Bring an agreement between two members into force: `first` proposes, `second` accepts, `first` confirms."""
        one, two = self.members[first], self.members[second]
        negotiation = Negotiation.between(one, two, datetime.now(UTC), name, **changes)
        for agency, action in (
            (first, StepAction.PROPOSE),
            (second, StepAction.ACCEPT),
            (first, StepAction.CONFIRM),
        ):
            document = negotiation.sign(agency, action, datetime.now(UTC))
            self.caller(agency).submit(STEPS_PATH, document)
        return negotiation

    def _end(self, how: Any) -> int:
        if self.process is None:
            return 0
        how(self.process)
        return self.wait()

    def _forget(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        for caller in self._callers:
            caller.close()
        self._callers.clear()


def found(folder: Path, name: str = EXCHANGE) -> RunningExchange:
    """Return a new exchange in a folder of its own below `folder`; nothing serves yet."""
    place = ExchangeFolder(folder / "exchange")
    hosts, database = ("127.0.0.1", "localhost"), make_server_database()
    sheet = found_exchange(place.path, name, hosts, None, SystemClock(), generate_bytes, database=database)
    return RunningExchange(place, sheet)


@contextmanager
def running_exchange(
    folder: Path, *agencies: str, oversight: str | None = None, **environment: str
) -> Iterator[RunningExchange]:
    """Run an exchange around the block, with these agencies (and an oversight body) enrolled and ready to receive."""
    exchange = found(folder)
    exchange.environment = environment
    exchange.start()
    try:
        exchange.join(*(make_live_member(agency) for agency in agencies))
        if oversight is not None:
            exchange.join(make_live_member(oversight, AgencyClass.OVERSIGHT))
        yield exchange
    finally:
        exchange.stop()
