"""Clear away what nobody needs: ciphertexts that were delivered, or fetched and erased since; drafts of killed saves.

Erasure itself has happened before, in the store: it destroyed the key, and what lies here is noise from then on.
"""

from agency_client.attachments.drafts import clear_drafts
from agency_client.attachments.folder import LOCK, KeptFile, list_incoming, list_outgoing
from agency_client.errors import ConflictError, NotFoundError
from agency_client.local_store.content import has_content
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.outbox import load_item
from agency_client.node import Node
from agency_client.profiles.profile import hold_lock


def clear_attachments(node: Node) -> int:
    """Remove what is not needed; return how many files went. While files are being sealed no ciphertext is touched."""
    return clear_drafts(node.profile) + _clear_ciphertexts(node)


def _clear_ciphertexts(node: Node) -> int:
    outgoing, incoming = list(list_outgoing(node.profile)), list(list_incoming(node.profile))
    if not outgoing and not incoming:
        return 0
    try:
        with hold_lock(node.profile, LOCK), node.store.read() as snapshot:
            ended = [kept for kept in outgoing if not is_waiting(snapshot, kept)]
            ended += [kept for kept in incoming if not is_needed(snapshot, kept)]
            for kept in ended:
                kept.path.unlink(missing_ok=True)
    except ConflictError:
        return 0
    return len(ended)


def is_waiting(snapshot: Snapshot, kept: KeptFile) -> bool:
    """Return whether the sealed bytes of an outgoing file's message are kept: as long as these, and no longer."""
    try:
        return load_item(snapshot, kept.message).envelope is not None
    except NotFoundError:
        return False


def is_needed(snapshot: Snapshot, kept: KeptFile) -> bool:
    """Return whether the content of a fetched file's message is here: with it the file's key was erased."""
    return has_content(snapshot, kept.message)
