"""A stored leaf says in its columns what its record says, and a range shows no private record."""

from types import SimpleNamespace

import pytest

from broker.audit.leaf_rows import list_columns, make_leaf_row, show_leaf
from broker.storage.transaction import PendingLeaf
from schemas.codec import b64u_decode, b64u_encode
from schemas.log.leaf import commit_record
from schemas.log.records import Record, RecordType
from tests.broker.ports import START

SALT = bytes(range(32))
PUBLIC = Record(v=1, type=RecordType.EXCHANGE_OPENED, time=START, concerns=(), detail="a test")
PRIVATE = Record(v=1, type=RecordType.TOKENS_ISSUED, time=START, concerns=("GB-HO",), agency="GB-HO", count=1)


def make_row(record: Record) -> SimpleNamespace:
    return SimpleNamespace(**make_leaf_row(PendingLeaf(7, record, SALT), record.canonical()))


@pytest.mark.parametrize("record", [PUBLIC, PRIVATE])
def test_the_columns_repeat_the_record(record: Record) -> None:
    row = vars(make_row(record))
    said = list_columns(record)
    assert {name: row[name] for name in said} == said
    assert row["commitment"] == commit_record(record.to_wire(), SALT)


def test_a_range_shows_what_is_public_alone() -> None:
    shown, hidden = show_leaf(make_row(PUBLIC)), show_leaf(make_row(PRIVATE))
    assert (shown.record, shown.salt) == (PUBLIC, b64u_encode(SALT))
    assert (hidden.leaf_class, hidden.record, hidden.salt) == ("private", None, None)
    assert b64u_decode(hidden.commitment) == commit_record(PRIVATE.to_wire(), SALT)
