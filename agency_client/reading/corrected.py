"""What a message says now: its corrections opened, verified once more, and applied in the order they were said.

Each opening is on record like the reading of the message itself. A correction whose content was erased changes nothing;
that it was there is still shown.
"""

from collections.abc import Callable

from agency_client.aftercare.changing import CorrectedAlert, Correction, apply_corrections
from agency_client.aftercare.covering import load_covering_clauses
from agency_client.aftercare.rules import Notice, Standing
from agency_client.aftercare.standing import load_standing
from agency_client.errors import NotFoundError, VerificationFailedError
from agency_client.local_store.content import read_content
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.following import find_passage
from agency_client.local_store.inbox import load_by_digest
from agency_client.local_store.sent import find_message_by_digest
from agency_client.node import Node
from agency_client.receiving.sealed import read_sealed
from keys.errors import KeysError
from keys.sealing import verify_message
from schemas.agreements.content import describe_content
from schemas.agreements.coverage import ContentFacts
from schemas.agreements.following import judge_correction
from schemas.alerts import parse_alert
from schemas.alerts.base import Alert
from schemas.alerts.kinds.correction import Correction as CorrectionDetails
from schemas.alerts.parties import verify_same_document, verify_subject
from schemas.alerts.registry import AlertError
from schemas.codec import CodecError
from schemas.envelope import Message
from schemas.log.records import Action
from schemas.signed import SignedDocument

Party = tuple[str, str | None]
"""An agency and the state that its key set names."""


def read_corrected(
    node: Node,
    digest: str,
    message: Message,
    original: Alert,
    standing: Standing,
    *,
    verb: str,
    reason: str,
    case: str | None,
) -> CorrectedAlert | None:
    """Return what an alert says once its corrections are applied; None where nobody corrected it. `digest` names it.

    Whose words they are alone corrects them: what another says who passed the message on is named and not applied. A
    correction that was taken back, or is restricted itself, changes nothing any more; nor does what no clause covers,
    or what its author could not have said in the first place.

    Raises:
        VerificationFailedError: what the store holds of a correction does not verify any more.
    """
    if not standing.corrections:
        return None
    author = message.header.sender.agency if message.provenance is None else message.provenance.path[0]
    with node.store.read() as snapshot:
        counting = [notice for notice in standing.corrections if load_standing(snapshot, notice.digest).is_in_force]
    corrections = (_read_correction(node, notice, verb, reason, case) for notice in counting)
    return apply_corrections(
        original,
        [found for found in corrections if found is not None],
        author=author,
        find_outside=make_outside_finder(node, digest, message, original),
    )


def make_outside_finder(node: Node, digest: str, message: Message, original: Alert) -> Callable[[Alert], str]:
    """Return what says of a corrected alert what in it no clause covers, or may not be said between the two parties."""
    with node.store.read() as snapshot:
        clauses = load_covering_clauses(snapshot, node.agency, digest)
        parties = _load_parties(node, snapshot, digest)
    before = _describe(message, original)

    def find_outside(changed: Alert) -> str:
        findings = judge_correction(clauses, before, _describe(message, changed))
        try:
            verify_same_document(original, changed)
            if parties is not None:
                verify_subject(changed, *parties)
        except AlertError as error:
            return str(error)
        return "; ".join(finding.sentence for finding in findings)

    return find_outside


def _load_parties(node: Node, snapshot: Snapshot, digest: str) -> tuple[Party, Party] | None:
    """Return between whom a message passed, each with its state; None where it is not here."""
    passage = find_passage(snapshot, node.agency, digest)
    if passage is None:
        return None
    return _load_party(node, snapshot, passage.sender), _load_party(node, snapshot, passage.recipient)


def _load_party(node: Node, snapshot: Snapshot, agency: str) -> Party:
    timeline = node.directory.read_timeline(snapshot, agency)
    return agency, None if timeline is None else timeline.state


def _describe(message: Message, alert: Alert) -> ContentFacts:
    header = message.header
    return describe_content(alert, purpose=message.purpose, urgency=header.routing.urgency, issued_at=header.issued_at)


def _read_correction(node: Node, notice: Notice, verb: str, reason: str, case: str | None) -> Correction | None:
    message_id, partner, evidence = _find_evidence(node, notice.digest)
    note = node.note_access(Action.CONSULTATION, verb, reason, message=message_id, partner=partner, case=case)
    try:
        data = read_content(node.store, notice.digest, note)
    except NotFoundError:
        return None
    try:
        sealed = read_sealed(SignedDocument.from_canonical(evidence))
        alert = parse_alert(verify_message(sealed.header, data).alert)
    except (KeysError, CodecError) as error:
        raise VerificationFailedError(f"a correction in the store: {error}", fix="restore the last backup") from error
    details = alert.details
    if not isinstance(details, CorrectionDetails):
        raise VerificationFailedError("a correction in the store is no correction", fix="restore the last backup")
    return Correction(notice.digest, notice.author, notice.said_at, details.changes)


def _find_evidence(node: Node, digest: str) -> tuple[str, str | None, bytes]:
    """Return id, sender (None: this agency) and the envelope without ciphertext of a notice."""
    with node.store.read() as snapshot:
        own = find_message_by_digest(snapshot, digest)
        if own is not None:
            return own.message_id, None, own.evidence
        received = load_by_digest(snapshot, digest)
    return received.message_id, received.sender, received.evidence
