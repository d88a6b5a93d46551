"""Both logs in one list, in the order of time, each row with its source."""

from typing import Any

from agency_client.audit.rows import Source, make_rows
from agency_client.local_store.access_chain import AccessEntry
from schemas.api import LoggedRecord
from schemas.codec import b64u_encode
from schemas.log.records import Record

MESSAGE = {"id": "0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b", "digest": b64u_encode(bytes(32))}
AGREEMENT = b64u_encode(bytes([7]) * 32)


def log(index: int, minute: int, record_type: str, **members: Any) -> LoggedRecord:
    """Return a record at a minute past nine."""
    wire = {"v": 1, "type": record_type, "time": f"2026-11-21T09:{minute:02}:00Z", "concerns": ["GB", "VN"]}
    return LoggedRecord(index=index, record=Record.from_wire(wire | members), salt=b64u_encode(bytes(32)))


def note(n: int, minute: int, **members: Any) -> AccessEntry:
    """Return an entry of the own access log."""
    wire = {
        "v": 2,
        "n": n,
        "salt": AGREEMENT,
        "time": f"2026-11-21T09:{minute:02}:00Z",
        "officer": "officer-17",
        "action": "consultation",
        "verb": "read",
        "reason": "case 1",
        "outcome": "done",
    }
    prev = {} if n == 1 else {"prev": AGREEMENT}
    return AccessEntry.from_wire(wire | prev | members)


def test_rows_of_both_logs_stand_in_the_order_of_time() -> None:
    accepted = log(
        4, 1, "message-accepted", message=MESSAGE, agency="GB", kind="ping", marking="green", urgency="routine",
        size=10, recipients=[{"agency": "VN", "agreement": AGREEMENT}],
        actor={"agency": "GB", "node": "n1", "role": "node"},
    )  # fmt: skip
    refused = log(6, 3, "refused", problem="not-covered", reasons=["kind-not-covered"], agency="GB")
    rows = make_rows([accepted, refused], [note(1, 2, message=MESSAGE["id"], case="74/08"), note(2, 3)])
    assert [(row.source, row.place) for row in rows] == [
        (Source.EXCHANGE, 4),
        (Source.AGENCY, 1),
        (Source.AGENCY, 2),
        (Source.EXCHANGE, 6),
    ]
    first, second = rows[:2]
    assert (first.who, first.partner, first.action) == ("GB/n1 (node)", "GB → VN", "collection")
    assert (second.who, second.about, second.reason) == ("officer officer-17", "case 74/08", "case 1")
    assert (rows[3].about, rows[3].outcome, rows[3].who) == ("refused: not-covered", "kind-not-covered", "the exchange")


def test_a_row_says_what_its_record_is_about() -> None:
    step = log(
        1, 1, "agreement-step", agency="GB", partner="VN", agreement=MESSAGE["id"], digest=AGREEMENT, step="suspend"
    )
    receipt = log(2, 1, "receipt", agency="VN", partner="GB", digest=AGREEMENT, receipt_type="opened")
    tokens = log(3, 1, "tokens-issued", agency="GB", count=12)
    rows = make_rows([step, receipt, tokens], [])
    assert [row.about for row in rows] == ["suspend of agreement 0190a6f2", "receipt opened", "12 in all"]
