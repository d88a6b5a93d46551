"""What every run begins from: an exchange with two members and an agreement, and messages that were sealed beforehand.

Each run serves a copy of the same folder and sends the same messages, so that no run finds a fuller store than another.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from broker.clock import SystemClock
from broker.exchange import ExchangeFolder
from broker.founding import found_exchange
from keys.generation import generate_bytes
from schemas.api import MESSAGES_PATH, VERSION_HEADER
from schemas.codec import b64u_decode, b64u_encode
from schemas.key_documents import ExchangeSheet
from tests.support.agreements import make_wide_clauses
from tests.support.caller import issue_client_chain
from tests.support.delivery import tell_time
from tests.support.exchange import RunningExchange, make_live_member
from tests.support.many_brokers import HOSTS
from tests.support.members import EXCHANGE, derive_seed
from tests.support.messages import ALERT, make_message, seal

SENDER, RECIPIENT = "GB-HO", "VN-IMM"
NODE = "node-1"
JSON = "application/json"

# Together with it M has 3,400 bytes and is padded to 4,096, as an alert with a person and a document is.
_ALERT = ALERT | {"details": "The upper edge of the photo page was lifted and closed again with another glue. " * 31}
_QUOTA = 10_000_000


@dataclass(frozen=True, slots=True)
class Stage:
    """A folder with everything a run needs, and how the sealed messages' agreement is called."""

    folder: Path
    sheet: ExchangeSheet
    agreement: str

    @property
    def exchange(self) -> Path:
        """Return the exchange's folder, to be copied and never served itself."""
        return self.folder / "exchange"

    @property
    def messages(self) -> Path:
        """Return the file of sealed envelopes, one a line: canonical JSON has no line breaks."""
        return self.folder / "messages"

    @property
    def authority(self) -> Path:
        """Return the certificate that the server's is verified by."""
        return self.folder / "server-ca.der"

    def client_chain(self, agency: str) -> Path:
        """Return the certificate and key of a member's node."""
        return self.folder / f"{agency}.pem"


def prepare_stage(folder: Path, messages: int, database: URL | None = None) -> Stage:
    """Found an exchange, enrol both members, bring an agreement into force, and seal so many messages under it.

    It is kept in a file of its own, or in an empty PostgreSQL `database`.
    """
    exchange = _found(folder, database)
    exchange.start()
    try:
        exchange.join(*(make_live_member(agency) for agency in (SENDER, RECIPIENT)))
        clauses = make_wide_clauses(SENDER, RECIPIENT, daily_quota=_QUOTA)
        terms = exchange.agree(SENDER, RECIPIENT, clauses=clauses).terms
    finally:
        exchange.stop()
    stage = Stage(folder, exchange.sheet, terms.digest())
    stage.authority.write_bytes(b64u_decode(stage.sheet.tls_ca))
    for agency in (SENDER, RECIPIENT):
        stage.client_chain(agency).write_bytes(issue_client_chain(make_live_member(agency)))
    _seal_all(stage, messages)
    return stage


def read_envelopes(messages: Path, count: int) -> list[bytes]:
    """Return the first envelopes of a stage's messages."""
    with messages.open("rb") as file:
        return [line[:-1] for line in islice(file, count)]


def make_request(path: str, token: str, body: bytes, media_type: str = JSON) -> bytes:
    """Return the bytes of one HTTP/1.1 request with a JSON body; without a token, anybody's."""
    who = f"authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {media_type}\r\naccept: {media_type}\r\n"
        f"{who}{VERSION_HEADER.lower()}: 1\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def make_get(path: str, token: str) -> bytes:
    """Return the bytes of one HTTP/1.1 request without a body."""
    who = f"authorization: Bearer {token}\r\n{VERSION_HEADER.lower()}: 1"
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{who}\r\n\r\n".encode("ascii")


def make_send(token: str, envelope: bytes) -> bytes:
    """Return the bytes of the request that sends an envelope."""
    return make_request(MESSAGES_PATH, token, envelope)


def seal_messages(agreement: str, numbers: range, issued_at: datetime) -> list[bytes]:
    """Return canonical envelopes, each with a number of the stream of its own."""
    sender, recipient = make_live_member(SENDER), make_live_member(RECIPIENT)
    stream = b64u_encode(derive_seed("bench")[:16])
    whole: dict[str, Any] = {"agreement": agreement, "issued_at": issued_at, "stream": stream, "alert": _ALERT}
    return [
        seal(make_message(sender, recipient, name=("bench", n), n=n, **whole), sender, recipient).envelope.canonical()
        for n in numbers
    ]


def _found(folder: Path, database: URL | None) -> RunningExchange:
    place = ExchangeFolder(folder / "exchange")
    sheet = found_exchange(place.path, EXCHANGE, HOSTS, None, SystemClock(), generate_bytes, database=database)
    return RunningExchange(place, sheet)


def _seal_all(stage: Stage, messages: int) -> None:
    now, workers = tell_time(), os.cpu_count() or 1
    pieces = [range(start, min(start + 250, messages + 1)) for start in range(1, messages + 1, 250)]
    with ProcessPoolExecutor(workers) as pool, stage.messages.open("wb") as file:
        for envelopes in pool.map(seal_messages, [stage.agreement] * len(pieces), pieces, [now] * len(pieces)):
            file.writelines(envelope + b"\n" for envelope in envelopes)
