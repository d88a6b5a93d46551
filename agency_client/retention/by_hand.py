"""Erase one message before its term, because an officer says so: the content goes, its evidence stays to its end."""

from agency_client.aftercare.keeping import find_keepers
from agency_client.aftercare.rules import CORRECTION
from agency_client.attachments.clearing import clear_attachments
from agency_client.errors import ConflictError, NotFoundError
from agency_client.local_store.aftercare import list_notices
from agency_client.local_store.compartment import is_for_officers
from agency_client.local_store.content import erase_content, find_erasure, has_content
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import find_verified
from agency_client.local_store.onward import list_onward_copies
from agency_client.local_store.sent import list_deliveries, load_message
from agency_client.node import Node
from agency_client.retention.ledger import note_erasures
from agency_client.retention.rules import Ending, ErasureCode, Part
from agency_client.safeguarding.officers import demand_compartment
from schemas.log.records import Action


def erase_early(node: Node, reference: str, *, reason: str, case: str | None = None) -> Ending:
    """Destroy key and content of the message whose id begins so, received or sent, and return what was erased.

    With it goes what repeats its words here: this agency's own copies of what it passed on, and corrections of it. The
    sender of a received message is told by a signed receipt with the next round; who has a copy keeps it by a right of
    its own (`list_holders`).

    Raises:
        NotFoundError: there is none, or its content is not here (any more).
        ConflictError: several ids begin so, or a restriction stands in place of its erasure.
        UsageError: the reason is empty.
        CompartmentLockedError: it is confidential, and this is no safeguarding officer's session.
    """
    with node.store.read() as snapshot:
        found = _find_message(node, snapshot, reference)
        is_confidential = is_for_officers(snapshot, found.subject)
    if is_confidential:
        demand_compartment(node, "erase", reason, message=found.message_id)
    with node.store.write() as transaction:
        ending = _find_message(node, transaction, reference)
        _demand_content(transaction, ending)
        _demand_not_kept(transaction, ending)
        note = node.note_access(
            Action.ERASURE, "erase", reason, message=ending.message_id, partner=ending.partner, case=case
        )
        for digest in _list_words(transaction, ending.subject):
            erase_content(transaction, digest, note, code=ErasureCode.BY_HAND)
    node.store.truncate_wal()
    clear_attachments(node)
    note_erasures(node)
    return ending


def list_holders(node: Node, digest: str) -> list[str]:
    """Return the agencies that got a copy of a message from here: erasing it here takes nothing from them."""
    with node.store.read() as snapshot:
        return sorted({copy.recipient for copy in list_onward_copies(snapshot, digest)})


def _list_words(snapshot: Snapshot, digest: str) -> list[str]:
    """Return a message and all that repeats it here, as far as its content is here and nothing keeps it."""
    copies = [digest, *(copy.copy_digest for copy in list_onward_copies(snapshot, digest))]
    corrections = [item.digest for copy in copies for item in list_notices(snapshot, copy) if item.kind == CORRECTION]
    return [
        item for item in (*copies, *corrections) if has_content(snapshot, item) and not find_keepers(snapshot, item)
    ]


def _find_message(node: Node, snapshot: Snapshot, reference: str) -> Ending:
    now = node.clock.now()
    try:
        received = find_verified(snapshot, reference)
    except NotFoundError:
        sent = load_message(snapshot, reference)
        partner = list_deliveries(snapshot, sent.message_id)[0].recipient
        return Ending(Part.CONTENT, sent.digest, now, "out", sent.message_id, partner)
    return Ending(Part.CONTENT, received.digest, now, "in", received.message_id, received.sender)


def _demand_content(snapshot: Snapshot, ending: Ending) -> None:
    if has_content(snapshot, ending.subject):
        return
    erasure = find_erasure(snapshot, ending.subject)
    if erasure is not None:
        sentence = f"its content was erased on {erasure.erased_at:%Y-%m-%d}: {erasure.reason}"
        raise NotFoundError(sentence, code="content-erased")
    raise NotFoundError(f"no content of message {ending.message_id} is kept here", fix="run: agency sync")


def _demand_not_kept(snapshot: Snapshot, ending: Ending) -> None:
    keepers = find_keepers(snapshot, ending.subject)
    if keepers:
        raise ConflictError(
            f"message {ending.message_id} is restricted by {' and '.join(keepers)} in place of being erased:"
            " it is needed as evidence, or contested",
            code="kept-by-restriction",
            fix="who restricted it lifts that; see: agency retention list",
        )
