"""Which content is kept past its term, because a restriction stands in place of its erasure (article 16(3)).

What a restriction is about is kept in every form in which it lies here, with the corrections of it: shown without them
it would say again what was found to be wrong. Nothing is erased or decided about use here.
"""

from agency_client.aftercare.acting import list_copies
from agency_client.aftercare.rules import CORRECTION
from agency_client.aftercare.standing import list_counting, load_standing
from agency_client.local_store.aftercare import find_notice, list_restricted
from agency_client.local_store.content import has_content
from agency_client.local_store.engine import Snapshot


def list_kept(snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """Return the digests whose content is here and must not be erased, each with the agencies that restrict it."""
    kept: dict[str, tuple[str, ...]] = {}
    for target, author in list_restricted(snapshot):
        for copy in list_copies(snapshot, target, author):
            keepers = () if copy in kept else load_standing(snapshot, copy).kept_by
            if keepers:
                kept[copy] = keepers
                kept |= dict.fromkeys(_list_corrections(snapshot, copy), keepers)
    return {digest: keepers for digest, keepers in kept.items() if has_content(snapshot, digest)}


def find_keepers(snapshot: Snapshot, digest: str) -> tuple[str, ...]:
    """Return the agencies whose restriction keeps a message, or what it corrects, from being erased."""
    keepers = load_standing(snapshot, digest).kept_by
    notice = find_notice(snapshot, digest)
    if keepers or notice is None or notice.kind != CORRECTION:
        return keepers
    return load_standing(snapshot, notice.target).kept_by


def _list_corrections(snapshot: Snapshot, digest: str) -> list[str]:
    return [notice.digest for notice in list_counting(snapshot, digest) if notice.kind == CORRECTION]
