"""Audit queries give what a plain reading of every record would give, page by page, whatever is asked."""

import asyncio
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.audit.queries import select_records
from broker.audit.rules import list_types
from broker.storage.engine import Database
from broker.storage.group_commit import GroupCommitWriter
from broker.storage.transaction import Transaction
from schemas.api import AuditQuery
from schemas.codec import b64u_encode
from schemas.envelope import Reference
from schemas.log.records import Actor, Record, RecordedRecipient, RecordType, Role
from schemas.markings import Tlp, Urgency
from schemas.model import format_timestamp
from tests.broker.ports import START, ManualClock, make_log, make_store
from tests.support.messages import make_id

AGENCIES = ("BE-OE", "GB-HO", "VN-IMM")
DIGEST = b64u_encode(bytes(32))
RECORDS = 300


def make_random_record(dice: random.Random) -> tuple[RecordType, list[str], dict[str, Any]]:
    """Return type, concerns and members of one of the records that queries tell apart."""
    sender, recipient, third = dice.sample(AGENCIES, 3)
    actor = Actor(agency=sender, node=dice.choice(("node-1", "audit-desk")), role=Role.NODE)
    reference = Reference(id=make_id(dice.randrange(5)), digest=DIGEST)
    both: dict[str, Any] = {"actor": actor, "agency": sender, "partner": recipient}
    recipients = [recipient, third][: dice.randint(1, 2)]
    made: list[tuple[RecordType, list[str], dict[str, Any]]] = [
        (RecordType.OPERATOR_ACTION, [], {"detail": "a backup was made"}),
        (RecordType.TOKENS_ISSUED, [sender], {"agency": sender, "count": 3}),
        (
            RecordType.AGREEMENT_STEP,
            [sender, recipient],
            both | {"agreement": make_id("a" + str(dice.randrange(3))), "digest": DIGEST, "step": "propose"},
        ),
        (
            RecordType.MESSAGE_ACCEPTED,
            [sender, *recipients],
            {
                "actor": actor,
                "agency": sender,
                "message": reference,
                "kind": "document-fraud",
                "marking": Tlp.AMBER,
                "urgency": Urgency.ROUTINE,
                "size": 7,
                "recipients": tuple(RecordedRecipient(agency=one, agreement=DIGEST) for one in recipients),
            },
        ),
        (RecordType.MESSAGE_HANDED_OVER, [sender, recipient], both | {"message": reference, "lease": make_id("lease")}),
        (
            RecordType.REFUSED,
            [sender, recipient],
            {"actor": actor, "agency": sender, "problem": dice.choice(("step-refused", "not-covered")), "reasons": ()},
        ),
    ]
    return dice.choice(made)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, list[Record]]]:
    """A log of many records over an hour, and the records as they were appended."""
    database, clock, dice = make_store(tmp_path_factory.mktemp("queries")), ManualClock(), random.Random(2026)
    writer = GroupCommitWriter(database, make_log(database, clock))
    writer.start()
    records: list[Record] = []

    def append(transaction: Transaction) -> None:
        record_type, concerns, members = make_random_record(dice)
        records.append(transaction.append(record_type, concerns=concerns, **members).record)

    for _ in range(RECORDS):
        clock.move(12)
        writer.commit_and_wait(append)
    yield database, records
    writer.close()
    database.close()


def matches(record: Record, query: AuditQuery, scope: str | None, index: int) -> bool:
    """Decide by the record alone what the columns must decide the same."""
    recipients = [one.agency for one in record.recipients or ()]
    actor = record.actor
    types = list_types(query)
    wanted = [
        scope is None or scope in record.concerns,
        types is None or record.type in types,
        query.agency is None or record.agency == query.agency,
        query.partner is None or record.partner == query.partner or query.partner in recipients,
        query.actor is None or (actor is not None and actor.agency == query.actor),
        query.node is None or (actor is not None and actor.node == query.node),
        query.message is None or (record.message is not None and record.message.id == query.message),
        query.agreement is None or record.agreement == query.agreement,
        query.problem is None or record.problem == query.problem,
        query.since is None or record.time >= query.since,
        query.until is None or record.time <= query.until,
        query.after_index is None or index > query.after_index,
    ]
    return all(wanted)


def draw_query(dice: random.Random) -> AuditQuery:
    """Return a query of up to four filters, some of which fit together."""
    choices: dict[str, Any] = {
        "types": sorted({dice.choice(list(RecordType)).value for _ in range(4)}),
        "action": dice.choice(("agreements", "collection", "disclosure", "access", "operator", "keys")),
        "agency": dice.choice(AGENCIES),
        "partner": dice.choice(AGENCIES),
        "actor": dice.choice(AGENCIES),
        "node": dice.choice(("node-1", "audit-desk", "nobody")),
        "message": make_id(dice.randrange(6)),
        "agreement": make_id("a" + str(dice.randrange(4))),
        "problem": dice.choice(("step-refused", "not-covered", "busy")),
        "since": format_timestamp(START + timedelta(seconds=dice.randrange(3600))),
        "until": format_timestamp(START + timedelta(seconds=dice.randrange(3600))),
        "after_index": dice.randrange(RECORDS),
    }
    names = dice.sample(sorted(choices), dice.randrange(5))
    return AuditQuery.from_wire({"reason": "test", "limit": 500} | {name: choices[name] for name in names})


@pytest.mark.parametrize("scope", [None, *AGENCIES])
def test_a_query_gives_what_reading_every_record_would_give(
    stored: tuple[Database, list[Record]], scope: str | None
) -> None:
    database, records = stored
    dice = random.Random(str(scope))
    for _ in range(150):
        query = draw_query(dice)
        before = dice.choice((RECORDS, RECORDS // 2))
        expected = [i for i, record in enumerate(records[:before]) if matches(record, query, scope, i)]
        with database.read() as connection:
            found = list(select_records(connection, query, scope, before, 1000))
        assert [one.index for one in found] == expected, query
        assert [one.record for one in found] == [records[i].canonical() for i in expected]


def test_a_page_is_cut_where_it_was_asked_to_be(stored: tuple[Database, list[Record]]) -> None:
    database, _ = stored
    seen: list[int] = []
    with database.read() as connection:
        while True:
            after = {"after_index": seen[-1]} if seen else {}
            query = AuditQuery.from_wire({"reason": "pages", "limit": 7, "partner": "GB-HO"} | after)
            page = list(select_records(connection, query, "VN-IMM", RECORDS, 7))
            seen += [one.index for one in page]
            if len(page) < 7:
                break
        whole = AuditQuery.from_wire({"reason": "whole", "limit": 500, "partner": "GB-HO"})
        assert seen == [one.index for one in select_records(connection, whole, "VN-IMM", RECORDS, 1000)]
    assert len(seen) == len(set(seen)) > 14


def test_an_erased_record_is_not_given(tmp_path: Path) -> None:
    from sqlalchemy import update

    from broker.audit.tables import log_leaf

    database = make_store(tmp_path)
    writer = GroupCommitWriter(database, make_log(database, ManualClock()))
    writer.start()
    for _ in range(2):
        asyncio.run(
            writer.commit(
                lambda transaction: (
                    transaction.append(RecordType.TOKENS_ISSUED, concerns=["GB-HO"], agency="GB-HO", count=1).index
                )
            )
        )
    writer.close()
    with database.writing.begin() as connection:
        connection.execute(update(log_leaf).where(log_leaf.c.leaf_index == 0).values(record=None, salt=None))
    with database.read() as connection:
        found = list(select_records(connection, AuditQuery(reason="test", limit=9), "GB-HO", 2, 9))
    database.close()

    assert [one.index for one in found] == [1]
