"""A broker's store lives through power cuts: what was answered is there afterwards, whatever the disk had not kept.

One bench works on a recorded disk. Of what was recorded, cuts are taken at any change, each with another fate of what
was not synced; a second bench opens what each leaves, with the driver that brokers use, and looks for everything that
had been answered by then. One of the cuts is what the first bench goes on from, so that recovery is cut as well.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TypeAlias
from unittest.mock import patch

from keys.log_keys import LogSigner, sign_checkpoint
from keys.sealing import SealedMessage
from schemas.agreements.terms import Terms
from schemas.api import AcknowledgeRequest, LeaseRequest, LoggedRecord, ReceiptsRequest
from schemas.codec import b64u_decode
from schemas.log.checkpoint import Checkpoint
from schemas.log.records import RecordType
from tests.broker import ports
from tests.broker.bench import GB, VN, Bench
from tests.faults.power.disk import Change, Disk
from tests.faults.power.driver import redirected
from tests.faults.power.recorder import Mark, Recorder
from tests.faults.sealed_receipts import make_receipt
from tests.support.memory import find_memory

FILES = ("broker.db", "broker.db-wal", "broker.db-shm", "broker.db-journal")
_LEASE_SECONDS = 120
_CUTS_OF_GENERATION = 8
_CUTS_OF_WORLD = 96
_WAYS = ((GB, VN), (VN, GB))

Event: TypeAlias = Change | Mark


class LostError(AssertionError):
    """Something that had been answered is not there, or is there otherwise."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A message or a receipt was acknowledged to its sender by this leaf; it is the recipient's to be handed."""

    leaf: LoggedRecord
    recipient: str


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A hand-over was shown to the recipient as this leaf."""

    leaf: LoggedRecord


@dataclass(frozen=True, slots=True)
class Settling:
    """A recipient is about to acknowledge these: from now on they may be settled."""

    numbers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Settled:
    """A recipient was told that these are settled."""

    numbers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Signed:
    """A head was signed: whoever saw it will want it to be there."""

    checkpoint: Checkpoint


@dataclass(slots=True)
class CutReport:
    """How many cuts were made, what in all had been answered before them, and how many lost some of it."""

    cuts: int = 0
    answered: int = 0
    signed: int = 0
    lost: int = 0
    first_loss: str = ""

    def count(self, marks: Sequence[Mark], loss: str | None) -> None:
        """Count one cut."""
        self.cuts += 1
        self.answered += sum(isinstance(mark, Answered | HandedOver | Settled) for mark in marks)
        self.signed += sum(isinstance(mark, Signed) for mark in marks)
        self.lost += loss is not None
        self.first_loss = self.first_loss or loss or ""


@dataclass
class World:
    """One database that is written by a recorded broker, cut after cut."""

    folder: Path
    chance: Random
    messages: Sequence[tuple[str, str, SealedMessage]]
    pragmas: Mapping[str, str]
    recorder: Recorder = field(init=False)
    bench: Bench = field(init=False)
    sent: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the recorded database; its founding is not cut, a folder of its own takes its place at the end."""
        self.folder.mkdir()
        self.recorder = Recorder(self.folder)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the broker work on the recorded disk as long as the block runs."""
        with self.recorder.recording(), redirected(self.folder, self.pragmas):
            self.bench = Bench(self.folder, make=ports.make_store_by_steps)
            self.terms = self.bench.agree()
            try:
                yield
            finally:
                self.bench.close()

    def live(self, rounds: int) -> list[Event]:
        """Let agencies send, collect and acknowledge for some rounds; return what happened since the last time."""
        with signatures_told(lambda checkpoint: self.recorder.mark(Signed(checkpoint))):
            for _ in range(rounds):
                self.bench.clock.move(self.chance.randint(0, 30))
                self.bench.run(self._send_some())
                self.bench.run(self._collect_some())
        return self.recorder.take()

    def go_on_from(self, files: Mapping[str, bytes]) -> None:
        """Let the broker begin anew on what a cut left."""
        with self.bench.at_rest():
            put_files(self.folder, files)
            self.recorder.take()

    async def _send_some(self) -> None:
        """Hand in new messages and some that were handed in before, all at the same time."""
        fresh = [number for number in range(len(self.messages)) if number not in self.sent]
        chosen = fresh[: self.chance.randint(1, 6)] + self.sent[-self.chance.randint(1, 2) :]
        self.sent += [number for number in chosen if number not in self.sent]
        await asyncio.gather(*(self._send(*self.messages[number]) for number in chosen))

    async def _send(self, sender: str, recipient: str, sealed: SealedMessage) -> None:
        evidence, _ = await self.bench.routing.accept(self.bench.caller(sender), sealed.envelope.canonical())
        self.recorder.mark(Answered(evidence.leaf, recipient))

    async def _collect_some(self) -> None:
        sender, recipient = self.chance.choice(_WAYS)
        caller = self.bench.caller(recipient)
        items = self.chance.randint(1, 8)
        answer = await self.bench.inbox.lease(caller, LeaseRequest(wait_seconds=0, max_items=items))
        if answer.lease is None:
            return
        handed = [item for item in answer.items if hasattr(item, "handed_over")]
        for item in handed:
            self.recorder.mark(HandedOver(item.handed_over))
        if handed and self.chance.random() < 0.5:
            await self._receipt(recipient, sender, [item.number for item in handed])
        if self.chance.random() < 0.8:
            numbers = frozenset(item.number for item in answer.items)
            self.recorder.mark(Settling(numbers))
            await self.bench.inbox.acknowledge(
                caller, AcknowledgeRequest(lease=answer.lease, numbers=tuple(sorted(numbers)))
            )
            self.recorder.mark(Settled(numbers))

    async def _receipt(self, from_agency: str, to_agency: str, about: Sequence[int]) -> None:
        members, name = self.bench.members, (about[0], len(self.recorder.events))
        sealed = make_receipt(members[from_agency], members[to_agency], name, self.bench.now)
        given, _ = await self.bench.receipts.submit(self.bench.caller(from_agency), ReceiptsRequest(receipts=(sealed,)))
        for leaf in given.leaves:
            self.recorder.mark(Answered(leaf, to_agency))


class Survivor:
    """A broker that is started on what each cut left, and asked for everything that had been answered."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.bench = Bench(folder)

    def verify(self, files: Mapping[str, bytes], marks: Sequence[Mark], world: World) -> None:
        """Verify that nothing of what was answered is lost, and that the broker goes on.

        Raises:
            LostError: something is.
            Exception: the store cannot even be opened.
        """
        with self.bench.at_rest():
            put_files(self.folder, files)
        self.bench.clock.moment = world.bench.clock.moment
        self.bench.verify_log()
        self._verify_leaves(marks)
        self._verify_heads(marks)
        self._verify_inboxes(marks)
        self._verify_asking_again(marks, world)

    def _verify_leaves(self, marks: Sequence[Mark]) -> None:
        with self.bench.database.read() as connection:
            rows = connection.exec_driver_sql("SELECT leaf_index, record, salt FROM log_leaf").all()
        stored = {row[0]: (bytes(row[1]), bytes(row[2])) for row in rows}
        for mark in marks:
            if isinstance(mark, Answered | HandedOver):
                told = (mark.leaf.record.canonical(), b64u_decode(mark.leaf.salt))
                if stored.get(mark.leaf.index) != told:
                    raise LostError(f"leaf {mark.leaf.index} was answered and is not there")

    def _verify_heads(self, marks: Sequence[Mark]) -> None:
        for mark in marks:
            if isinstance(mark, Signed) and self.bench.log.find_root(mark.checkpoint.size) != mark.checkpoint.root:
                raise LostError(f"a head over {mark.checkpoint.size} leaves was signed and is not the stored leaves'")

    def _verify_inboxes(self, marks: Sequence[Mark]) -> None:
        """Verify that what nobody may have settled is handed over, and that nothing is that was settled."""
        self.bench.clock.move(_LEASE_SECONDS)
        settling = _gather_numbers(marks, Settling)
        settled = _gather_numbers(marks, Settled)
        for agency in (GB, VN):
            seen = self._lease_all(agency)
            due = {mark.leaf.index for mark in marks if isinstance(mark, Answered) and mark.recipient == agency}
            if not due - settling <= seen:
                raise LostError(f"{due - settling - seen} were accepted for {agency} and are not handed over")
            if settled & seen:
                raise LostError(f"{settled & seen} were settled and are handed over again")

    def _lease_all(self, agency: str) -> set[int]:
        seen: set[int] = set()
        while True:
            answer = self.bench.lease(agency)
            if answer.lease is None:
                return seen
            seen |= {item.number for item in answer.items}
            self.bench.acknowledge(agency, answer)

    def _verify_asking_again(self, marks: Sequence[Mark], world: World) -> None:
        """Verify that what is handed in again has the leaf it had, and that each message has one leaf."""
        told = {mark.leaf.index: mark.leaf for mark in marks if isinstance(mark, Answered)}
        for number in world.sent[-4:]:
            sender, _, sealed = world.messages[number]
            evidence, _ = self.bench.submit(sender, sealed)
            self.bench.verify(evidence)
            if evidence.leaf != told.get(evidence.leaf.index, evidence.leaf):
                raise LostError(f"leaf {evidence.leaf.index} is another than was answered")
        accepted = [record.message for record in self.bench.records(RecordType.MESSAGE_ACCEPTED)]
        if len(accepted) != len({message.id for message in accepted if message is not None}):
            raise LostError("a message was accepted twice")


def play_cuts(
    cuts: int,
    seed: int,
    *,
    pragmas: Mapping[str, str] | None = None,
    is_losing: bool = False,
    progress: Callable[[CutReport], None] = lambda report: None,
) -> CutReport:
    """Make so many power cuts and look at what each left. `is_losing` counts losses, which else end the play.

    Raises:
        LostError: something that had been answered was lost.
    """
    report, chance = CutReport(), Random(seed)
    with TemporaryDirectory(prefix="bilateral-power-", dir=find_memory()) as place:
        survivor = Survivor(Path(place, "survivor"))
        number = 0
        while report.cuts < cuts:
            # The store's own measure is 16 MiB of log before it is copied; fewer pages, and copies are cut as well.
            settings = {"wal_autocheckpoint": chance.choice(("4096", "200", "30"))} | dict(pragmas or {})
            world = World(Path(place, f"world-{number}"), chance, make_messages(120), settings)
            _play_world(world, survivor, report, min(_CUTS_OF_WORLD, cuts - report.cuts), is_losing=is_losing)
            number += 1
            progress(report)
        survivor.bench.close()
    return report


def _play_world(world: World, survivor: Survivor, report: CutReport, cuts: int, *, is_losing: bool) -> None:
    """Cut one world in generations of a few cuts; each generation begins with what the last cut left."""
    known: list[Mark] = []
    base: dict[str, bytes] = {}
    with world.running():
        for first in range(0, cuts, _CUTS_OF_GENERATION):
            founded_at = 0 if base else len(world.recorder.events)
            events = world.live(world.chance.randint(1, 3))
            wanted = min(_CUTS_OF_GENERATION, cuts - first)
            disk, done = Disk(base), 0
            for place in sorted(_choose_places(events, founded_at, wanted, world.chance)):
                known += _happen(disk, events[done:place])
                done, base = place, disk.cut_power(world.chance)
                report.count(known, _find_loss(survivor, base, known, world, is_losing=is_losing))
            if is_losing:
                return
            world.go_on_from(base)


def _choose_places(events: Sequence[Event], first: int, count: int, chance: Random) -> list[int]:
    """Return where to cut: at any change, and as often just after something was answered or signed."""
    told = [at + 1 for at, event in enumerate(events) if at >= first and not isinstance(event, Change)]
    return [
        chance.choice(told) if told and chance.random() < 0.5 else chance.randint(first, len(events))
        for _ in range(count)
    ]


def _happen(disk: Disk, events: Sequence[Event]) -> list[Mark]:
    marks = []
    for event in events:
        if isinstance(event, Change):
            disk.take(event)
        else:
            marks.append(event)
    return marks


def _find_loss(
    survivor: Survivor, files: Mapping[str, bytes], marks: Sequence[Mark], world: World, *, is_losing: bool
) -> str | None:
    try:
        survivor.verify(files, marks, world)
    except Exception as error:
        if not is_losing:
            raise
        return f"{type(error).__name__}: {error}"
    return None


def put_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Let a folder hold the database's files as they are given, and no others of them."""
    for name in FILES:
        folder.joinpath(name).unlink(missing_ok=True)
    for name, data in files.items():
        if name != "broker.db-shm":
            folder.joinpath(name).write_bytes(data)


@contextmanager
def signatures_told(tell: Callable[[Checkpoint], None]) -> Iterator[None]:
    """Tell of every head that a bench's log signs as long as the block runs."""

    def sign_and_tell(checkpoint: Checkpoint, signer: LogSigner) -> bytes:
        tell(checkpoint)
        return sign_checkpoint(checkpoint, signer)

    with patch.object(ports, "sign_checkpoint", sign_and_tell):
        yield


@cache
def make_messages(count: int) -> tuple[tuple[str, str, SealedMessage], ...]:
    """Return messages with sender and recipient that any bench of these tests takes: each has the same members."""
    with TemporaryDirectory(prefix="bilateral-power-", dir=find_memory()) as place:
        bench = Bench(Path(place))
        try:
            terms: Terms = bench.agree()
            ways = [_WAYS[number % 3 == 2] for number in range(count)]
            return tuple(
                (sender, recipient, bench.seal(sender, recipient, terms, ("power", number)))
                for number, (sender, recipient) in enumerate(ways)
            )
        finally:
            bench.close()


def _gather_numbers(marks: Sequence[Mark], kind: type[Settling | Settled]) -> set[int]:
    return {number for mark in marks if isinstance(mark, kind) for number in mark.numbers}
