"""The floor does what it says it does: it verifies, and it writes as much as the broker."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.exceptions import InvalidSignature

from bench.floor import FloorJournal, find_message_keys, parse_message, store_message, verify_signatures
from broker.audit.log_store import select_head
from broker.storage.group_commit import GroupCommitWriter
from schemas.codec import b64u_decode, b64u_encode, decode_canonical, encode_canonical
from schemas.log.checkpoint import Checkpoint
from tests.broker.bench import GB, VN, Bench

TABLES = ("log_leaf", "log_concern", "log_head", "message", "inbox_content", "inbox_item", "quota_day")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def spoil(text: str) -> str:
    """Return base64url text whose last byte is another."""
    data = b64u_decode(text)
    return b64u_encode(data[:-1] + bytes([data[-1] ^ 1]))


def test_the_floor_verifies_both_signatures_and_the_hash(bench: Bench) -> None:
    terms = bench.agree()
    body = bench.seal(GB, VN, terms, "first").envelope.canonical()
    keys = find_message_keys(bench.members[GB].timeline)
    envelope = decode_canonical(body)

    verify_signatures(parse_message(body), keys)
    for position in (0, 1):
        signatures = [dict(item) for item in envelope["signatures"]]
        signatures[position]["signature"] = spoil(signatures[position]["signature"])
        with pytest.raises(InvalidSignature):
            verify_signatures(parse_message(encode_canonical(envelope | {"signatures": signatures})), keys)
    with pytest.raises(ValueError, match="shorter"):
        verify_signatures(parse_message(encode_canonical(envelope | {"signatures": envelope["signatures"][:1]})), keys)
    with pytest.raises(ValueError, match="ciphertext"):
        parse_message(encode_canonical(envelope | {"ciphertext": spoil(envelope["ciphertext"])}))


def test_the_floor_writes_as_many_rows_as_the_broker_and_signs_once_a_batch(bench: Bench) -> None:
    terms, signed = bench.agree(), list[Checkpoint]()

    def sign(checkpoint: Checkpoint) -> bytes:
        signed.append(checkpoint)
        return b""

    bench.send(GB, VN, terms, "first")
    before = count_rows(bench)
    bench.send(GB, VN, terms, "second")
    by_the_broker = count_rows(bench)
    with bench.database.read() as connection:
        journal = FloorJournal(select_head(connection), sign)
    writer = GroupCommitWriter(bench.database, cast(Any, journal))
    writer.start()
    message = parse_message(bench.seal(GB, VN, terms, "third").envelope.canonical())
    writer.commit_and_wait(lambda transaction: store_message(message, transaction))
    writer.close()

    by_the_floor = count_rows(bench)

    assert {name: by_the_broker[name] - before[name] for name in TABLES} == {
        name: by_the_floor[name] - by_the_broker[name] for name in TABLES
    }
    assert [checkpoint.size for checkpoint in signed] == [by_the_floor["log_leaf"]]


def count_rows(bench: Bench) -> dict[str, int]:
    with bench.database.read() as connection:
        return {
            name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()  # noqa: S608 - names above
            for name in TABLES
        }
