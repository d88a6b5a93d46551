"""Strategies for log records."""

from typing import Any

from hypothesis import strategies as st

from schemas.envelope import MAX_RECIPIENTS
from schemas.log.records import OPTIONAL, REQUIRED, Actor, Record, RecordedRecipient, RecordType, Role
from schemas.markings import Tlp, Urgency
from schemas.receipts import ReceiptType
from tests.strategies.documents import checkpoints, references, signed_documents
from tests.strategies.primitives import (
    absent_or,
    agencies,
    codes,
    counters,
    digests,
    lines,
    node_ids,
    sizes,
    times,
    tuples_of,
    uuids,
)

actors = st.builds(Actor, agency=agencies, node=node_ids, role=st.sampled_from(Role))
recorded_recipients = st.builds(RecordedRecipient, agency=agencies, agreement=digests)

RECORD_MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "agency": agencies,
    "partner": agencies,
    "recipients": tuples_of(recorded_recipients, max_size=MAX_RECIPIENTS),
    "message": references,
    "refers_to": references,
    "agreement": uuids,
    "version": counters,
    "step": codes,
    "digest": digests,
    "document": signed_documents,
    "kind": codes,
    "marking": st.sampled_from(Tlp),
    "urgency": st.sampled_from(Urgency),
    "size": sizes,
    "lease": uuids,
    "receipt_type": st.sampled_from(ReceiptType),
    "count": sizes,
    "problem": codes,
    "reasons": tuples_of(codes),
    "detail": lines,
    "checkpoint": checkpoints,
}
"""A strategy for every member that some types have and others have not."""


@st.composite
def records(draw: st.DrawFn, *types: RecordType) -> Record:
    """Return a record of one of the types, or of any, with what the type requires, and some of what it allows."""
    record_type = draw(st.sampled_from(types or tuple(RecordType)))
    optional = draw(st.sets(st.sampled_from(sorted(OPTIONAL.get(record_type, ())) or [""])))
    members = REQUIRED[record_type] | (optional - {""})
    return Record(
        v=1,
        type=record_type,
        time=draw(times),
        concerns=draw(tuples_of(agencies)),
        actor=draw(absent_or(actors)),
        **{name: draw(RECORD_MEMBERS[name]) for name in sorted(members)},
    )
