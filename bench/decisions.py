"""`python -m bench.decisions`: an accept, and a broker's start, with 10, 1,000 and 40,000 directed pairs of agencies.

Two hundred agencies are enrolled with real keys. One pair's agreement is signed and accepted step by step; the steps of
all others are as long and stand in log and table as accepted ones do, but carry its signatures: none is verified again
when a broker starts. Each accept is the whole operation in one process, without HTTP: signatures, decision, store, log.
All three brokers stand open side by side, and are measured by turns: what slows the machine slows all of a turn.
"""

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import combinations, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console

from bench.results import compare_runs, conclude
from bench.stage import NODE, RECIPIENT, SENDER, seal_messages
from broker.access.caller import Caller
from broker.agreements.store import insert_step
from broker.clock import SystemClock
from broker.composition import Broker, open_broker
from broker.exchange import ExchangeFolder, open_exchange
from broker.founding import found_exchange
from broker.settings import Settings
from broker.storage.transaction import Transaction
from keys.generation import generate_bytes
from keys.key_sets import sign_key_set
from schemas.agreements.steps import Step, StepAction, digest_step
from schemas.agreements.terms import Terms
from schemas.codec import b64u_encode
from schemas.log.records import Actor, RecordType, Role
from schemas.signed import DocumentType, KeyUse, Signature, SignedDocument
from tests.support.agreements import Negotiation, make_wide_clauses
from tests.support.exchange import make_live_member
from tests.support.members import EXCHANGE

AGENCIES = 200
PAIRS = (10, 1_000, 40_000)
_PAIRS_A_COMMIT = 50
_SERIES = 7
_CONNECTIONS = 32
_QUOTA = 10_000_000


@dataclass(slots=True)
class Course:
    """An exchange's folder, the agreement of its messages, a step's signatures, and which message is the next."""

    folder: ExchangeFolder
    agreement: str = ""
    signatures: tuple[Signature, ...] = ()
    next_n: int = 1


@dataclass(frozen=True, slots=True)
class Start:
    """A broker that has started, and the seconds of CPU that it took."""

    broker: Broker
    cpu_seconds: float


def main() -> int:
    """Measure, print, keep, and return 1 if a mark is missed."""
    arguments = argparse.ArgumentParser(prog="python -m bench.decisions", description=__doc__)
    arguments.add_argument("--pairs", type=int, nargs="+", default=PAIRS, help="directed pairs, from few to many")
    arguments.add_argument("--messages", type=int, default=200, help="messages in each of seven series")
    asked = arguments.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    with TemporaryDirectory(prefix="bilateral-bench-") as name, ExitStack() as stack:
        courses = {pairs: Course(ExchangeFolder(Path(name, f"{pairs}-pairs"))) for pairs in asked.pairs}
        for pairs, course in courses.items():
            prepare_pairs(course, pairs)
            console.print(f"{pairs} pairs: written")
        starts = {pairs: stack.enter_context(started(course)) for pairs, course in courses.items()}
        accepts = measure_by_turns(courses, {pairs: start.broker for pairs, start in starts.items()}, asked.messages)
    results = {f"start_cpu_s_{pairs}_pairs": start.cpu_seconds for pairs, start in starts.items()}
    results |= {f"accept_cpu_us_{pairs}_pairs": median(series) for pairs, series in accepts.items()}
    results["decision_time_ratio"] = compare_runs(accepts[asked.pairs[-1]], accepts[asked.pairs[0]]).median
    return conclude(console, results)


def prepare_pairs(course: Course, pairs: int) -> None:
    """Found an exchange of two hundred agencies, of which so many directed pairs have an agreement."""
    agencies = (SENDER, RECIPIENT, *(f"XA-N{number:03}" for number in range(AGENCIES - 2)))
    others = combinations(agencies, 2)
    next(others)  # the sender's and the recipient's own agreement
    fill_agreements(course, others, prepare_course(course, agencies), pairs)


def prepare_course(course: Course, agencies: Sequence[str]) -> int:
    """Found the exchange, enrol everybody, and bring one agreement into force; return how many pairs that are."""
    found_exchange(course.folder.path, EXCHANGE, ("localhost",), None, SystemClock(), generate_bytes)
    with open_course(course) as broker:
        members = [make_live_member(agency) for agency in agencies]
        for member in members:
            broker.members.enrol_and_wait([sign_key_set(member.key_set, member.roots[:2])])
        for member in members[:2]:
            kind = DocumentType.ENCRYPTION_KEYS
            asyncio.run(broker.members.submit(_call(member.agency), member.encryption.document, kind))
        clauses = make_wide_clauses(SENDER, RECIPIENT, daily_quota=_QUOTA)
        negotiation = Negotiation.between(members[0], members[1], SystemClock().now(), clauses=clauses)
        for agency, action in _list_steps(SENDER, RECIPIENT):
            document = negotiation.sign(agency, action, SystemClock().now())
            asyncio.run(broker.agreements.submit(_call(agency), document))
            course.signatures = document.signatures
    course.agreement = negotiation.terms.digest()
    return 2


def fill_agreements(course: Course, pairs: Iterator[tuple[str, str]], known: int, wanted: int) -> int:
    """Write agreements until so many directed pairs have one; return how many do."""
    with open_course(course) as broker:
        while known < wanted and (some := list(islice(pairs, min(_PAIRS_A_COMMIT, (wanted - known + 1) // 2)))):
            broker.writer.commit_and_wait(partial(_write_agreements, some, course.signatures))
            known += 2 * len(some)
    return known


def _write_agreements(
    pairs: Sequence[tuple[str, str]], signatures: tuple[Signature, ...], transaction: Transaction
) -> None:
    for first, second in pairs:
        one, two = make_live_member(first), make_live_member(second)
        negotiation = Negotiation.between(one, two, transaction.now, (first, second))
        for agency, action in _list_steps(*negotiation.terms.agencies):
            step = negotiation.make_step(agency, action, transaction.now)
            negotiation.heads[agency] = step.party_seq, digest_step(step.canonical())
            document = SignedDocument(payload=b64u_encode(step.canonical()), signatures=signatures)
            _write_step(transaction, step, document, negotiation.terms)


def _write_step(transaction: Transaction, step: Step, document: SignedDocument, terms: Terms) -> None:
    digest, partner = digest_step(step.canonical()), terms.counterpart_of(step.agency)
    leaf = transaction.append(
        RecordType.AGREEMENT_STEP,
        concerns=[step.agency, partner],
        actor=Actor(agency=step.agency, node=NODE, role=Role.NODE),
        agency=step.agency,
        partner=partner,
        agreement=step.agreement,
        version=terms.version,
        digest=digest,
        step=step.action.value,
    )
    insert_step(
        transaction.connection,
        leaf_index=leaf.index,
        agreement=step.agreement,
        agency=step.agency,
        partner=partner,
        party_seq=step.party_seq,
        digest=digest,
        document=document.canonical(),
    )


@contextmanager
def started(course: Course) -> Iterator[Start]:
    """Lend a broker that has started, as long as the block runs."""
    used = time.process_time()
    with open_course(course) as broker:
        yield Start(broker, time.process_time() - used)


def measure_by_turns(
    courses: Mapping[int, Course], brokers: Mapping[int, Broker], messages: int
) -> dict[int, list[float]]:
    """Return the CPU of an accept in µs in each series of so many messages, by the number of pairs."""
    found: dict[int, list[float]] = {pairs: [] for pairs in courses}
    forth = list(courses)
    gc.collect()
    gc.freeze()  # as a broker that serves does: what it starts with is not looked through again and again
    for turn in range(_SERIES):
        for pairs in forth if turn % 2 == 0 else forth[::-1]:
            found[pairs].append(_time_accepts(courses[pairs], brokers[pairs], messages))
    gc.unfreeze()
    return found


def _time_accepts(course: Course, broker: Broker, messages: int) -> float:
    numbers = range(course.next_n, course.next_n + messages)
    course.next_n += messages
    envelopes = seal_messages(course.agreement, numbers, SystemClock().now().replace(microsecond=0))
    used = time.process_time()
    asyncio.run(_accept_all(broker, envelopes))
    return (time.process_time() - used) * 1e6 / messages


async def _accept_all(broker: Broker, envelopes: Sequence[bytes]) -> None:
    caller, waiting = _call(SENDER), iter(envelopes)

    async def accept_on() -> None:
        for envelope in waiting:
            await broker.routing.accept(caller, envelope)

    await asyncio.gather(*(accept_on() for _ in range(_CONNECTIONS)))


@contextmanager
def open_course(course: Course) -> Iterator[Broker]:
    settings = Settings(folder=course.folder.path)
    with open_broker(open_exchange(course.folder, None), settings, SystemClock()) as broker:
        yield broker


def _list_steps(first: str, second: str) -> tuple[tuple[str, StepAction], ...]:
    return (first, StepAction.PROPOSE), (second, StepAction.ACCEPT), (first, StepAction.CONFIRM)


def _call(agency: str) -> Caller:
    kid = make_live_member(agency).signers[KeyUse.REQUEST].kids[0]
    return Caller(agency, NODE, Role.NODE, bytes(32), SystemClock().now() + timedelta(hours=1), kid)


if __name__ == "__main__":
    sys.exit(main())
