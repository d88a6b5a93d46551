"""Export a received message into a file that anybody can check offline; before a court only by the originator's leave.

The file is new and private, and the export is on record before it is written. It stands on a leaf that the quorum of
witnesses has seen: evidence must not come out of a history made for its reader.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agency_client.challenges.rules import Disputed
from agency_client.directory.directory import read_placed
from agency_client.directory.documents import KEY_RECORDS
from agency_client.errors import ConflictError, DeniedError, UsageError
from agency_client.local_store.access_log import AccessNote, append_entry
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.trust import list_exchanges, load_key_chain
from agency_client.node import Node
from agency_client.onward.bundle import (
    BUNDLE_TYPE,
    MAX_CHALLENGES,
    BundledChallenge,
    BundledDispute,
    BundledKeys,
    BundledLog,
    ExportUse,
    MessageBundle,
)
from agency_client.onward.consents import HeldDecision, is_standing, load_decisions
from agency_client.onward.held import HeldMessage, load_held, verify_unchanged
from agency_client.onward.passing_on import NoRightError
from agency_client.onward.rules import WantedUse, judge_decision
from agency_client.profiles.private_files import write_private_file
from agency_client.witness.standing import NotYetWitnessedError, is_leaf_witnessed, read_quorum
from schemas.alerts.kinds.release_request import Proceeding, ReleaseUse
from schemas.alerts.registry import kind_of
from schemas.codec import b64u_encode
from schemas.envelope import pad_message
from schemas.key_documents import ExchangeSheet
from schemas.log.records import Action
from schemas.markings import Purpose
from schemas.signed import SignedDocument

_VERB = "export"


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be exported, and for what. `reason` and `case` stay in this agency's access log.

    `purpose` is the one it was sent for where nothing else is said; `court` stands with the use court.
    """

    message_id: str
    use: ExportUse
    reason: str
    case: str | None = None
    purpose: Purpose | None = None
    court: Proceeding | None = None


def export_message(node: Node, path: Path, wanted: Export) -> MessageBundle:
    """Write a received message into a new file of mode 0600, and return what the file holds.

    Raises:
        NotFoundError, UsageError, DeniedError: as `agency_client.onward.held.load_held`.
        NoRightError: it is for a court, and the originator has not consented to exactly that; the attempt is on record.
        NotYetWitnessedError: the quorum has not seen the leaf of its acceptance.
        ConflictError: something lies there already.
    """
    if (wanted.use is ExportUse.COURT) != (wanted.court is not None):
        raise UsageError("court and proceeding are named for the use court", fix='add: --court "…" --proceeding "…"')
    if path.exists() or path.is_symlink():
        raise _refuse_overwriting(path)
    held = load_held(node, wanted.message_id, reason=wanted.reason, case=wanted.case, verb=_VERB)
    _demand_not_for_court(node, held, wanted)
    consent = _find_consent(node, held, wanted)
    bundle = _make_bundle(node, held, wanted, consent)
    _write(node, path, held, wanted, bundle, consent)
    return bundle


def _demand_not_for_court(node: Node, held: HeldMessage, wanted: Export) -> None:
    """Demand that nothing of a victim goes before a court: it is never usable for enforcement, whoever consents."""
    if wanted.use is ExportUse.COURT and kind_of(held.alert.kind).is_confidential:
        _note(node, held, wanted, outcome="denied")
        raise NoRightError("what is confidential is never used in court", code="never-for-enforcement")


def _write(
    node: Node, path: Path, held: HeldMessage, wanted: Export, bundle: MessageBundle, consent: HeldDecision | None
) -> None:
    """Put the export on record, then write it while no process of this node can receive anything about it.

    What came since it was judged, up to the moment it is written, keeps it from being written.
    """
    note = _describe(node, held, wanted, outcome="done")
    try:
        with node.store.write() as transaction:
            _verify_unchanged(transaction, held, consent)
            append_entry(transaction, note)
        with node.store.write() as transaction:
            _verify_unchanged(transaction, held, consent)
            write_private_file(path, bundle.canonical())
    except FileExistsError as error:
        raise _refuse_overwriting(path) from error
    except DeniedError:
        _note(node, held, wanted, outcome="denied")
        raise


def _verify_unchanged(transaction: Transaction, held: HeldMessage, consent: HeldDecision | None) -> None:
    verify_unchanged(transaction, held)
    if consent is not None and not is_standing(transaction, held, consent):
        raise NoRightError(f"{held.original.agency} has said something of its consent meanwhile", fix="export it again")


def _refuse_overwriting(path: Path) -> ConflictError:
    return ConflictError(f"{path} exists already", fix="name another file with --out", code="file-exists")


def _find_consent(node: Node, held: HeldMessage, wanted: Export) -> HeldDecision | None:
    if wanted.court is None:
        return None
    use = WantedUse(
        use=ReleaseUse.COURT,
        original=held.original,
        holder=node.agency,
        purpose=wanted.purpose or held.message.purpose,
        at=node.clock.now(),
        court=wanted.court,
    )
    decisions = load_decisions(node, held, reason=wanted.reason, case=wanted.case, verb=_VERB)
    judged = [(judge_decision(item.decision, use), item) for item in decisions]
    allowed = next((item for findings, item in judged if not findings), None)
    if allowed is not None:
        return allowed
    nearest = min((findings for findings, _ in judged), key=len, default=[])
    _note(node, held, wanted, outcome="denied")
    raise NoRightError(
        "; ".join(finding.sentence for finding in nearest)
        or f"{held.original.agency} has not consented to its use in court",
        fix=(
            f"ask {held.original.agency}: agency release request {held.stored.message_id}"
            f' --court "{wanted.court.court}" --proceeding "{wanted.court.proceeding}"'
            f' --purpose {use.purpose.value} --reason "…"'
        ),
        code=nearest[0].code if nearest else "consent-missing",
    )


def _make_bundle(node: Node, held: HeldMessage, wanted: Export, consent: HeldDecision | None) -> MessageBundle:
    stored = held.stored
    with node.store.read() as snapshot:
        if not is_leaf_witnessed(node, read_quorum(node, snapshot), stored.origin, stored.leaf_index):
            raise NotYetWitnessedError(
                f"the leaf of its acceptance ({stored.leaf_index}) was not seen by the witnesses yet",
                fix="run: agency sync",
            )
        logs = tuple(
            BundledLog(sheet=ExchangeSheet.from_canonical(log.sheet), opened_at=log.opened_at)
            for log in list_exchanges(snapshot)
        )
        keys = tuple(_collect_keys(snapshot, sorted({stored.sender, held.original.agency})))
    return MessageBundle(
        type=BUNDLE_TYPE,
        v=1,
        exchange=node.exchange,
        made_by=node.agency,
        made_at=node.clock.now(),
        use=wanted.use,
        purpose=wanted.purpose or held.message.purpose,
        court=wanted.court,
        message=SignedDocument.from_canonical(stored.evidence),
        content=b64u_encode(pad_message(held.message)),
        acceptance=b64u_encode(stored.leaf),
        consent=None if consent is None else consent.shown,
        disputed=_describe_dispute(held.standing.disputed),
        logs=logs,
        keys=keys,
    )


def _describe_dispute(disputed: Disputed) -> BundledDispute | None:
    if not disputed.words:
        return None
    return BundledDispute(
        marks=disputed.words,
        challenges=tuple(
            BundledChallenge(lodged_by=item.lodger, ground=item.ground, lodged_on=item.lodged_on)
            for item in disputed.challenges[:MAX_CHALLENGES]
        ),
        told=None if disputed.told is None else disputed.told.state,
    )


def _collect_keys(snapshot: Snapshot, agencies: Iterable[str]) -> Iterable[BundledKeys]:
    for agency in agencies:
        chains = (load_key_chain(snapshot, agency, document_type) for document_type in KEY_RECORDS.values())
        documents = [document for chain in chains for document in chain if document.leaf is not None]
        placed = sorted((read_placed(document) for document in documents), key=lambda record: record.index)
        yield BundledKeys(agency=agency, records=tuple(placed))


def _note(node: Node, held: HeldMessage, wanted: Export, *, outcome: str) -> None:
    with node.store.write() as transaction:
        append_entry(transaction, _describe(node, held, wanted, outcome=outcome))


def _describe(node: Node, held: HeldMessage, wanted: Export, *, outcome: str) -> AccessNote:
    where = f" ({wanted.court.court}, {wanted.court.proceeding})" if wanted.court else ""
    action = Action.CONSULTATION if wanted.court is None else Action.DISCLOSURE
    return node.note_access(
        action,
        _VERB,
        f"{wanted.reason}{where}",
        message=held.stored.message_id,
        partner=held.stored.sender,
        case=wanted.case,
        outcome=outcome,
    )
