"""Each term of the floor measured alone, in CPU time of one process: what the floor is made of.

HTTP and TLS are measured with a server (`bench.floor --empty`); everything else here, on the messages of the stage.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, cast

from bench.floor import FloorJournal, ParsedMessage, find_message_keys, parse_message, store_message
from bench.stage import SENDER, Stage, read_envelopes
from broker.audit.log_store import select_head
from broker.audit.log_view import LogView
from broker.exchange import ExchangeFolder, open_exchange
from broker.storage.engine import open_database
from broker.storage.group_commit import GroupCommitWriter
from keys.generation import generate_bytes
from schemas.codec import decode_json
from schemas.log.checkpoint import Checkpoint
from schemas.log.tree import HASH_BYTES, MerkleTree
from tests.support.exchange import make_live_member

_PROOF_LEAVES = 1 << 17
_SERIES = 5
_WARM_UP, _MESSAGES = 128, 512


def time_cpu_us(works: Sequence[Callable[[], Any]]) -> float:
    """Return the CPU time of one of these calls in microseconds, all threads together: the median of five series."""
    series = []
    for _ in range(_SERIES):
        started = time.process_time()
        for work in works:
            work()
        series.append((time.process_time() - started) * 1e6 / len(works))
    return median(series)


def measure_terms(stage: Stage, batch: int) -> dict[str, float]:
    """Return the terms of the floor in microseconds a message, where so many messages share a commit."""
    keys = find_message_keys(make_live_member(SENDER).timeline)
    bodies = read_envelopes(stage.messages, _WARM_UP + _MESSAGES)
    messages = [parse_message(body) for body in bodies]
    exchange = open_exchange(ExchangeFolder(stage.exchange), None)
    checkpoint = Checkpoint(exchange.sheet.origin, 1_000_000, bytes(HASH_BYTES))
    return {
        "ed25519": time_cpu_us([partial(keys[0].verify, *message.unverified[0]) for message in messages[:_MESSAGES]]),
        "ml_dsa_65": time_cpu_us([partial(keys[1].verify, *message.unverified[1]) for message in messages[:_MESSAGES]]),
        "parse_and_hash": time_cpu_us([partial(parse_message, body) for body in bodies[:_MESSAGES]]),
        "store": _measure_store(stage, messages, batch),
        "checkpoint": time_cpu_us([partial(exchange.sign, checkpoint)] * 100) / batch,
    }


def measure_proof_ms() -> float:
    """Return the time of one inclusion proof in a log of 131,072 leaves, in milliseconds."""
    data = generate_bytes(_PROOF_LEAVES * HASH_BYTES)
    tree = MerkleTree(data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES))
    view = LogView(Checkpoint("bench.example/1", len(tree), tree.root()), "", tree)
    return time_cpu_us([partial(view.prove_inclusion, index) for index in range(0, _PROOF_LEAVES, 97)]) / 1000


def measure_verification(stage: Stage, loaded: ExchangeFolder) -> float:
    """Return how many leaves `broker verify-log` verifies in a second of CPU: those of a load, beyond a start's cost.

    Raises:
        CalledProcessError: the log is not sound.
    """
    (before, started), (after, ended) = _verify_log(stage.exchange), _verify_log(loaded.path)
    return (after - before) / (ended - started)


def _verify_log(folder: Path) -> tuple[int, float]:
    """Return the leaves that the operator's command verified in a folder, and its CPU time in seconds."""
    started = os.times()
    command = [sys.executable, "-m", "broker", "verify-log", "--json", "--data", str(folder)]
    answer = decode_json(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    ended = os.times()
    used = ended.children_user + ended.children_system - started.children_user - started.children_system
    return answer["leaves"], used


def _measure_store(stage: Stage, messages: Sequence[ParsedMessage], batch: int) -> float:
    """Return the CPU time of storing one message in microseconds, without the checkpoint's signature."""
    folder = ExchangeFolder(stage.folder / "store")
    shutil.copytree(stage.exchange, folder.path)
    with closing(open_database(folder.database)) as database:
        with database.read() as connection:
            journal = FloorJournal(select_head(connection), lambda _checkpoint: b"")
        writer = GroupCommitWriter(database, cast(Any, journal))
        writer.start()
        try:
            asyncio.run(_store_in_batches(writer, messages[:_WARM_UP], batch))
            started = time.process_time()
            asyncio.run(_store_in_batches(writer, messages[_WARM_UP:], batch))
            return (time.process_time() - started) * 1e6 / len(messages[_WARM_UP:])
        finally:
            writer.close()
            shutil.rmtree(folder.path)


async def _store_in_batches(writer: GroupCommitWriter, messages: Sequence[ParsedMessage], batch: int) -> None:
    for start in range(0, len(messages), batch):
        together = messages[start : start + batch]
        await asyncio.gather(*(writer.commit(partial(store_message, message)) for message in together))
