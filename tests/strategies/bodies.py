"""A strategy for every body that goes over HTTP, by its model."""

from typing import Any

from hypothesis import strategies as st

from schemas import api
from schemas.log.records import Action, Record, RecordType, Role
from schemas.markings import Urgency
from schemas.model import WireModel
from tests.strategies.documents import envelopes, references, sealed_receipts, signed_documents
from tests.strategies.primitives import (
    absent_or,
    agencies,
    codes,
    digests,
    exchanges,
    lines,
    node_ids,
    origins,
    sizes,
    times,
    tuples_of,
    uuids,
)
from tests.strategies.records import records

notes = st.text(min_size=1, max_size=80)
proofs = tuples_of(digests)
logged_records = st.builds(api.LoggedRecord, index=sizes, record=records(), salt=digests)
logged_steps = st.builds(api.LoggedStep, document=signed_documents, leaf=logged_records, proof=proofs)
message_items = st.builds(
    api.MessageItem,
    type=st.just("message"),
    number=sizes,
    envelope=envelopes,
    accepted=logged_records,
    accepted_proof=proofs,
    handed_over=logged_records,
    handed_over_proof=proofs,
)
receipt_items = st.builds(
    api.ReceiptItem,
    type=st.just("receipt"),
    number=sizes,
    receipt=sealed_receipts,
    accepted=logged_records,
    accepted_proof=proofs,
)
outcome_items = st.builds(api.OutcomeItem, type=st.just("outcome"), number=sizes, leaf=logged_records, proof=proofs)
partner_statuses = st.builds(
    api.PartnerStatus, agency=agencies, document=signed_documents, leaf=logged_records, proof=proofs
)
message_states = st.builds(
    api.MessageState,
    recipient=agencies,
    state=st.sampled_from(("waiting", "leased", "held", "handed-over", "returned", "withdrawn", "expired")),
    leaf=absent_or(logged_records),
)
members = st.builds(
    api.Member,
    agency=agencies,
    key_set=signed_documents,
    encryption_keys=absent_or(signed_documents),
    revocations=tuples_of(signed_documents, max_size=2),
)


@st.composite
def lease_answers(draw: st.DrawFn) -> api.LeaseAnswer:
    """Return a lease with its items, or none."""
    items = draw(tuples_of(message_items | receipt_items | outcome_items, max_size=2))
    return api.LeaseAnswer(
        lease=draw(uuids) if items else None,
        leased_until=draw(times) if items else None,
        withdrawn=draw(tuples_of(references)),
        items=items,
        more=draw(st.booleans()),
        checkpoint=draw(notes),
    )


@st.composite
def evidence_lists(draw: st.DrawFn) -> api.EvidenceList:
    """Return records with as many proofs."""
    pairs = draw(st.lists(st.tuples(logged_records, proofs), max_size=2))
    return api.EvidenceList(
        leaves=tuple(leaf for leaf, _ in pairs), proofs=tuple(proof for _, proof in pairs), checkpoint=draw(notes)
    )


@st.composite
def audit_answers(draw: st.DrawFn) -> api.AuditAnswer:
    """Return records with as many proofs, and the query's own."""
    pairs = draw(st.lists(st.tuples(logged_records, proofs), max_size=2))
    return api.AuditAnswer(
        records=tuple(leaf for leaf, _ in pairs),
        proofs=tuple(proof for _, proof in pairs),
        more=draw(st.booleans()),
        query=draw(logged_records),
        checkpoint=draw(notes),
    )


@st.composite
def range_leaves(draw: st.DrawFn) -> api.RangeLeaf:
    """Return a leaf that shows its record if it is public."""
    record: Record | None = draw(absent_or(records()))
    return api.RangeLeaf(
        leaf_class="private" if record is None else "public",
        commitment=draw(digests),
        record=record,
        salt=None if record is None else draw(digests),
    )


audit_queries = st.builds(
    api.AuditQuery,
    reason=lines,
    case=absent_or(lines),
    types=absent_or(tuples_of(st.sampled_from(RecordType), min_size=1)),
    action=absent_or(st.sampled_from(Action)),
    agency=absent_or(agencies),
    partner=absent_or(agencies),
    actor=absent_or(agencies),
    node=absent_or(node_ids),
    message=absent_or(uuids),
    agreement=absent_or(uuids),
    problem=absent_or(codes),
    since=absent_or(times),
    until=absent_or(times),
    after_index=absent_or(sizes),
    limit=st.integers(1, api.MAX_AUDIT_RECORDS),
)

cosigned_notes = st.builds(api.CosignedNote, agency=agencies, note=notes)
BODIES: dict[type[WireModel], st.SearchStrategy[Any]] = {
    api.AccessLogHead: st.builds(
        api.AccessLogHead,
        v=st.just(1),
        exchange=exchanges,
        agency=agencies,
        node=node_ids,
        count=sizes,
        head=digests,
        time=times,
    ),
    api.AcknowledgeAnswer: st.builds(api.AcknowledgeAnswer, settled=sizes),
    api.AcknowledgeRequest: st.builds(api.AcknowledgeRequest, lease=uuids, numbers=tuples_of(sizes, min_size=1)),
    api.AuditAnswer: audit_answers(),
    api.AuditQuery: audit_queries,
    api.CheckpointAnswer: st.builds(api.CheckpointAnswer, checkpoint=notes),
    api.ConsistencyAnswer: st.builds(api.ConsistencyAnswer, old_size=sizes, proof=proofs, checkpoint=notes),
    api.Cosignature: st.builds(api.Cosignature, note=notes),
    api.CosignatureAnswer: st.builds(api.CosignatureAnswer, checkpoint=notes),
    api.CosignedNote: cosigned_notes,
    api.CosignedNotes: st.builds(api.CosignedNotes, notes=tuples_of(cosigned_notes, max_size=2), checkpoint=notes),
    api.Evidence: st.builds(api.Evidence, leaf=logged_records, proof=proofs, checkpoint=notes),
    api.EvidenceList: evidence_lists(),
    api.ExchangeAnswer: st.builds(
        api.ExchangeAnswer, product=st.just("bilateral"), exchange=exchanges, origin=origins, protocol=st.just(1)
    ),
    api.InboxEvent: st.builds(
        api.InboxEvent, newest=sizes, urgency=st.sampled_from(Urgency), count=st.integers(1, 1000)
    ),
    api.LeaseAnswer: lease_answers(),
    api.LeaseRequest: st.builds(
        api.LeaseRequest,
        lease=st.none() | uuids,
        wait_seconds=st.integers(0, api.MAX_WAIT_SECONDS),
        max_items=st.integers(1, api.MAX_LEASE_ITEMS),
    ),
    api.LeavesAnswer: st.builds(api.LeavesAnswer, start=sizes, leaves=tuples_of(range_leaves()), checkpoint=notes),
    api.LoggedRecord: logged_records,
    api.LoggedStep: logged_steps,
    api.Member: members,
    api.MembersAnswer: st.builds(
        api.MembersAnswer, members=tuples_of(members, max_size=2), more=st.booleans(), checkpoint=notes
    ),
    api.MessageItem: message_items,
    api.MessageState: message_states,
    api.MessageStatesAnswer: st.builds(
        api.MessageStatesAnswer, message=references, states=tuples_of(message_states), checkpoint=notes
    ),
    api.OutcomeItem: outcome_items,
    api.PartnerStatus: partner_statuses,
    api.RangeLeaf: range_leaves(),
    api.ReceiptItem: receipt_items,
    api.ReceiptsRequest: st.builds(api.ReceiptsRequest, receipts=tuples_of(sealed_receipts, min_size=1, max_size=2)),
    api.StatusesAnswer: st.builds(
        api.StatusesAnswer, statuses=tuples_of(partner_statuses, max_size=2), checkpoint=notes
    ),
    api.StepsAnswer: st.builds(
        api.StepsAnswer, steps=tuples_of(logged_steps, max_size=2), more=st.booleans(), checkpoint=notes
    ),
    api.TokenAnswer: st.builds(
        api.TokenAnswer,
        access_token=lines,
        token_type=st.just("Bearer"),
        expires_in=st.integers(1, 300),
        scope=st.sampled_from(Role),
    ),
}
