"""Learn what the pinned partners have seen of the log: their newest cosigned heads, each verified and compared.

A head counts when the log's two keys and the partner's own witness key signed it, under the roots that were pinned in
person, and when it is part of the log shown here. One that the log signed and that is no part of it is the proof of
two histories. The exchange only carries heads: what it keeps back leaves leaves unwitnessed, and nothing worse.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agency_client.errors import ClientError, NotAuthenticatedError, OfflineError
from agency_client.local_store.checkpoints import load_checkpoint
from agency_client.local_store.contradictions import EquivocationError
from agency_client.local_store.cosignatures import (
    PartnerHead,
    drop_partner_head,
    list_partner_heads,
    record_partner_head,
)
from agency_client.local_store.problems import Problem
from agency_client.local_store.trust import load_exchange, load_pin
from agency_client.node import Node
from agency_client.statuses.hidden import list_hidden_revocations
from agency_client.witness.standing import load_quorum
from keys.cosignatures import Cosigned, find_cosigner, list_witness_keys, verify_cosignature
from keys.errors import KeysError
from keys.log_keys import verify_checkpoint
from keys.timeline import MemberTimeline
from schemas.api import COSIGNATURES_PATH, MAX_WITNESSES_PER_REQUEST, CosignedNote, CosignedNotes
from schemas.codec import CodecError, b64u_encode
from schemas.jwk import AkpJwk, thumbprint
from schemas.log.checkpoint import parse_checkpoint
from schemas.log.cosignature import format_witness_name
from schemas.log.note import parse_note


@dataclass(slots=True)
class CollectReport:
    """What collecting came to: partners whose head is new here, and why another's is not believed."""

    news: list[str] = field(default_factory=list)
    problems: dict[str, Problem] = field(default_factory=dict)


def collect_heads(node: Node) -> CollectReport:
    """Ask for the newest head of every pinned partner that has not been seen to see all that is here.

    Raises:
        OfflineError: the exchange was not reached.
        LogError: its checkpoint does not hold.
        EquivocationError: a partner's head proves two histories; both notes have been kept.
    """
    report = CollectReport()
    drop_revoked_heads(node)
    quorum = load_quorum(node)
    behind = [witness.agency for witness in quorum.list_missing(quorum.own_size)]
    for agencies in _cut(behind, MAX_WITNESSES_PER_REQUEST):
        answer = node.connection.get(COSIGNATURES_PATH, CosignedNotes, {"agencies": ",".join(agencies)})
        node.observer.observe(answer.checkpoint)
        for item in answer.notes:
            if item.agency in agencies:
                take_in_head(node, item, report)
    return report


def drop_revoked_heads(node: Node) -> None:
    """Forget the heads that a key signed which its agency has revoked since: who holds it may sign any."""
    with node.store.read() as snapshot:
        heads = list_partner_heads(snapshot, node.sheet.origin)
    for head in heads:
        timeline = node.directory.find_timeline(head.agency)
        if timeline is None or head.kid in _list_revoked_kids(node, timeline):
            with node.store.write() as transaction:
                drop_partner_head(transaction, head.origin, head.agency)


def verify_head(node: Node, unverified: CosignedNote) -> PartnerHead:
    """Verify a partner's cosigned head. 1 The log's two signatures. 2 The partner's, under its pinned roots. 3 The log.

    Raises:
        ClientError, KeysError, CodecError: naming what does not hold.
        EquivocationError: the head proves that the log has two histories; both notes have been kept.
    """
    agency, note = unverified.agency, unverified.note.encode()
    verify_checkpoint(note, node.sheet.origin, node.observer.keys)
    key, cosigned = _verify_line(node, node.directory.trusted_timeline(agency), note)
    _verify_part_of_log(node, cosigned, unverified.note)
    with node.store.read() as snapshot:
        pin = load_pin(snapshot, agency)
    checkpoint = cosigned.checkpoint
    return PartnerHead(
        origin=checkpoint.origin,
        agency=agency,
        anchor="" if pin is None else pin.anchor,
        kid=thumbprint(key),
        size=checkpoint.size,
        root=b64u_encode(checkpoint.root),
        note=note,
        cosigned_at=cosigned.time,
        seen_at=node.clock.now(),
    )


def take_in_head(node: Node, item: CosignedNote, report: CollectReport) -> None:
    """Verify a head, by whatever way it came, and count it if it holds; if not, the report says why.

    Raises:
        EquivocationError: it proves two histories; both notes have been kept.
        OfflineError: the exchange was not reached to compare it.
    """
    try:
        if _is_of_earlier_epoch(node, item):
            return
        head = verify_head(node, item)
    except (EquivocationError, OfflineError, NotAuthenticatedError):
        raise
    except (ClientError, KeysError, CodecError) as error:
        report.problems[item.agency] = Problem(error.code, f"what {item.agency} cosigned: {error}")
        return
    with node.store.write() as transaction:
        if record_partner_head(transaction, head):
            report.news.append(item.agency)


def _is_of_earlier_epoch(node: Node, item: CosignedNote) -> bool:
    """Return whether a head is of an epoch this node has left: its partner has cosigned nothing of the present one."""
    origin = parse_checkpoint(parse_note(item.note.encode()).text).origin
    with node.store.read() as snapshot:
        return origin != node.sheet.origin and load_exchange(snapshot, origin) is not None


def _verify_line(node: Node, timeline: MemberTimeline, note: bytes) -> tuple[AkpJwk, Cosigned]:
    """Verify a partner's line by a witness key of its newest set, or of the one before, that is not revoked."""
    revoked = _list_revoked_kids(node, timeline)
    sets = [key_set for _, key_set in timeline.key_sets[-2:]]
    keys = [key for verified in sets for key in list_witness_keys(verified.key_set) if thumbprint(key) not in revoked]
    name = format_witness_name(node.exchange, timeline.agency)
    key = find_cosigner(note, name, keys)
    return key, verify_cosignature(note, name, key)


def _list_revoked_kids(node: Node, timeline: MemberTimeline) -> frozenset[str]:
    """Return the kids a partner has revoked, by the log or by its own word: an exchange may hide the leaf of one."""
    with node.store.read() as snapshot:
        return timeline.list_revoked_kids() | list_hidden_revocations(snapshot, timeline)


def _verify_part_of_log(node: Node, cosigned: Cosigned, note: str) -> None:
    checkpoint = cosigned.checkpoint
    with node.store.read() as snapshot:
        held = load_checkpoint(snapshot, checkpoint.origin, checkpoint.size)
    if held is not None and held.root == b64u_encode(checkpoint.root):
        return  # this very head was compared when it was kept
    node.observer.observe(note)


def _cut(agencies: Sequence[str], length: int) -> Iterable[Sequence[str]]:
    return (agencies[at : at + length] for at in range(0, len(agencies), length))
