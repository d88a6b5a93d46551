"""Bytes of others, wherever a node reads them: answers of a broker, files from a partner, an operator, an auditor.

Each byte string of the JSON corpus is refused in words, with an exit code, and without a traceback.
"""

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from agency_client.connection import BrokerConnection
from agency_client.errors import ClientError
from agency_client.refusals import BadAnswerError
from schemas.api import CHECKPOINT_PATH, CheckpointAnswer
from tests.attacks.recipient import GB, VN
from tests.schemas.json_corpus import ACCEPTED, HUGE, REFUSED
from tests.support.command_line import CommandLine
from tests.support.lying_world import lying_world
from tests.support.raw_broker import RawBroker, format_answer, raw_broker

CORPUS = {name: data for name, (data, _) in REFUSED.items()} | HUGE
OF_ANOTHER_SHAPE = {name: data for name, (data, _) in ACCEPTED.items()}
FILES = {
    **{name: CORPUS[name] for name in list(CORPUS)[:: len(CORPUS) // 6]},
    **dict(list(HUGE.items())[::4]),
    "nothing": b"",
    "an object of another shape": b'{"a":1}',
    "a list": b"[]",
    "lines": b"{}\n{}\n{}\n",
    "every byte": bytes(range(256)) * 40,
    "a zero byte": b"\x00",
    "text": "Xin chào\n".encode("utf-16"),
    "PEM": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "an archive": b"PK\x03\x04" + bytes(100),
    "TOML without end": b"a = [" * 5000,
}  # fmt: skip


@pytest.fixture(scope="module")
def broker() -> Iterator[RawBroker]:
    with raw_broker() as running:
        yield running


@pytest.fixture(scope="module")
def connection(broker: RawBroker) -> Iterator[BrokerConnection]:
    with broker.connect() as made:
        yield made


def answer(data: bytes, stream: ssl.SSLSocket, _request: bytes) -> None:
    stream.sendall(data)


@pytest.mark.parametrize("status", [200, 202, 400, 401, 409, 422, 429, 503, 500])
def test_no_answer_of_other_bytes_is_used(broker: RawBroker, connection: BrokerConnection, status: int) -> None:
    chosen = CORPUS | OF_ANOTHER_SHAPE if status == 200 else dict(list(CORPUS.items())[::8]) | OF_ANOTHER_SHAPE
    for name, data in chosen.items():
        broker.play = partial(answer, format_answer(status, data))
        with pytest.raises(BadAnswerError) as error:
            connection.get(CHECKPOINT_PATH, CheckpointAnswer)
        assert len(str(error.value)) < 2000, name
        assert str(error.value).isprintable(), name


HEADS = {
    "no status": b"HTTP/1.1 \r\n\r\n",
    "a status of other digits": "HTTP/1.1 ２００ OK\r\n\r\n".encode(),
    "a status beyond": b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk of sixteen exabytes": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
    "fewer bytes than said": b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{}",
    "HTTP/2": b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "an escape in a field": b"HTTP/1.1 200 OK\r\nA: \x1b[2J\r\nContent-Length: 0\r\n\r\n",
    "a folded field": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.7\r\n",
    "a wait of years": b"HTTP/1.1 503 X\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("name", HEADS)
def test_no_head_of_an_answer_ends_in_anything_but_an_error_of_ours(
    broker: RawBroker, connection: BrokerConnection, name: str
) -> None:
    def play(stream: ssl.SSLSocket, _: bytes) -> None:
        stream.sendall(HEADS[name])
        stream.shutdown(socket.SHUT_RDWR)

    broker.play = play
    with pytest.raises(ClientError) as error:
        connection.get(CHECKPOINT_PATH, CheckpointAnswer)
    assert str(error.value).isprintable()


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line of a node that has a partner."""
    with lying_world(tmp_path_factory.mktemp("foreign"), GB, VN) as world:
        line = CommandLine(world[VN].profile.folder.parent.parent, VN.lower())
        assert line.run("--passphrase-file", "passphrase", "unlock")[0] == 0
        yield line
        line.run("lock")


SHEET = ("--agency", "XX", "--url", "https://127.0.0.1:1", "--exchange-anchor", "abandon " * 24)
READERS: dict[str, tuple[str, ...]] = {
    "agreement import": ("agreement", "import", "FILE"),
    "agreement propose": ("agreement", "propose", "FILE"),
    "trust pin": ("trust", "pin", GB, "--anchor-file", "FILE"),
    "trust compare": ("trust", "compare", "FILE"),
    "partner import": ("partner", "import", "FILE"),
    "keys install": ("keys", "install", "FILE"),
    "keys request": ("keys", "request", "--roots", "FILE", "--name", "X", "--class", "agency", "--state", "UTO"),
    "ceremony sign": ("ceremony", "sign", "FILE", "--root", "FILE", "--out", "signed.json"),
    "audit verify": ("audit", "verify", "FILE"),
    "audit evidence": ("audit", "evidence", "FILE"),
    "restore": ("restore", "FILE"),
    "send": ("send", "FILE", "--to", GB, "--purpose", "system-test", "--necessity", "test"),
    "an anchor": ("init", "--exchange", "FILE", "--exchange-anchor-file", "FILE", *SHEET[:4]),
    "init": ("init", "--exchange", "FILE", *SHEET),
    "exchange accept": ("exchange", "accept", "FILE"),
}


@pytest.mark.parametrize("reader", READERS)
def test_no_file_of_other_bytes_ends_in_a_traceback_or_is_taken(agency: CommandLine, reader: str) -> None:
    place = agency.folder / "foreign.bin"
    for name, data in FILES.items():
        place.unlink(missing_ok=True)
        place.touch(0o600)
        place.write_bytes(data)
        words = [str(place) if word == "FILE" else word for word in READERS[reader]]
        code, out, err = agency.run(*words)
        assert code not in (0, 130), (reader, name, out, err)
        assert "a mistake in this program" not in err, (reader, name, err)
        assert "Traceback" not in err
        assert err.startswith("error: "), (reader, name, err)
        assert len(err) < 3000, (reader, name, len(err))


def test_no_passphrase_of_other_bytes_ends_in_a_traceback(agency: CommandLine) -> None:
    place = agency.folder / "foreign.passphrase"
    for data in (b"", b"\n", b"\xff\xfe", b"\x00", b"x" * 2_000_000, "é\u202e".encode()):
        place.unlink(missing_ok=True)
        place.touch(0o600)
        place.write_bytes(data)
        code, _, err = agency.run("--passphrase-file", str(place), "inbox")
        assert code == 0 or err.startswith("error: ")
        assert "a mistake in this program" not in err, err


def test_a_file_that_is_none_is_refused(agency: CommandLine, tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        for reader, verb in READERS.items():
            code, _, err = agency.run(*(str(place) if word == "FILE" else word for word in verb))
            assert code != 0, (reader, place)
            assert "a mistake in this program" not in err, (reader, place, err)


LARGE = """
import resource, sys
from agency_client.cli.app import run
import agency_client.cli.invocation
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), used + (1 << 30)))
profile, place, *environment = sys.argv[1:]
for line in sys.stdin.read().splitlines():
    words = [place if word == "FILE" else word for word in line.split("\\t")]
    print(line.split("\\t")[:2], run(["--profile", profile, *words], dict(one.split("=", 1) for one in environment)))
"""


def test_a_file_of_four_gigabytes_is_refused_before_it_fills_memory(agency: CommandLine) -> None:
    place = agency.folder / "large.bin"
    with place.open("wb") as file:
        file.truncate(4 << 30)  # a hole: nothing is on the disk
    place.chmod(0o600)
    verbs = "\n".join("\t".join(READERS[name]) for name in READERS)
    environment = [f"{name}={value}" for name, value in agency.environment.items()]
    ended = subprocess.run(
        [sys.executable, "-c", LARGE, VN.lower(), str(place), *environment],
        input=verbs,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=agency.folder,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
    )
    place.unlink()
    assert "MemoryError" not in ended.stderr, ended.stderr
    assert "a mistake in this program" not in ended.stderr, ended.stdout + ended.stderr
    assert len(ended.stdout.splitlines()) == len(READERS), ended.stdout + ended.stderr
    assert not any(line.endswith(" 0") for line in ended.stdout.splitlines())
