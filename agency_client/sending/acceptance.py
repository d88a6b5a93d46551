"""Believe by evidence alone that the exchange has an envelope: the record in its log is about this one, in each member.

What was handed in together is answered together; each member's evidence must be about the envelope in its own place.
"""

from collections.abc import Mapping
from typing import NamedTuple

from agency_client.epochs.places import number_epoch
from agency_client.node import Node
from agency_client.witness.evidence import accept_evidence, verify_record_says
from keys.sealing import ParsedEnvelope
from schemas.api import Evidence, LoggedRecord
from schemas.batches import AcceptedMember
from schemas.envelope import Reference
from schemas.log.checkpoint import Checkpoint
from schemas.log.epoch import FIRST_EPOCH
from schemas.log.records import RecordedRecipient, RecordType


class _Expected(NamedTuple):
    record_type: RecordType
    members: Mapping[str, object]


def accept_acceptance(node: Node, evidence: Evidence, parsed: ParsedEnvelope) -> LoggedRecord:
    """Verify that the broker's evidence is about this very envelope, every member of it, and return the leaf.

    A log that goes on from an earlier one says of a message that was handed over before only that it was.

    Raises:
        LogError: it is not, or does not stand in the log.
        EquivocationError: its checkpoint proves two histories.
    """
    return accept_evidence(node.observer, evidence, *_expect(node, evidence.leaf, parsed))


def verify_accepted_member(
    node: Node, member: AcceptedMember, parsed: ParsedEnvelope, checkpoint: Checkpoint
) -> LoggedRecord:
    """Verify a member of a batch's answer as `accept_acceptance` does, under its checkpoint, which was observed.

    Raises:
        LogError: it is about another envelope, or does not stand in the log.
    """
    verify_record_says(member.leaf.record, *_expect(node, member.leaf, parsed))
    node.observer.verify_record(member.leaf, member.proof, checkpoint)
    return member.leaf


def describe_carried(parsed: ParsedEnvelope) -> dict[str, object]:
    """Return what the record of an envelope that an earlier log had, and handed over, must say."""
    accepted, (recipient,) = describe_acceptance(parsed), parsed.header.recipients
    told = {name: accepted[name] for name in ("message", "agency", "recipients", "kind", "marking", "size")}
    return {**told, "partner": recipient.agency}


def describe_acceptance(parsed: ParsedEnvelope) -> dict[str, object]:
    """Return what the record of an envelope's acceptance must say."""
    header = parsed.header
    return {
        "message": Reference(id=header.id, digest=parsed.digest),
        "agency": header.sender.agency,
        "recipients": tuple(RecordedRecipient(agency=to.agency, agreement=to.agreement) for to in header.recipients),
        "kind": header.routing.kind,
        "marking": header.routing.marking,
        "urgency": header.routing.urgency,
        "size": len(parsed.ciphertext),
        "refers_to": header.refers_to,
    }


def _expect(node: Node, leaf: LoggedRecord, parsed: ParsedEnvelope) -> _Expected:
    is_later = number_epoch(node.sheet.origin) > FIRST_EPOCH
    if is_later and leaf.record.type is RecordType.MESSAGE_CARRIED:
        return _Expected(RecordType.MESSAGE_CARRIED, describe_carried(parsed))
    return _Expected(RecordType.MESSAGE_ACCEPTED, describe_acceptance(parsed))
