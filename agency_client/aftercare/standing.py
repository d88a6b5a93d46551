"""How messages stand by the notices about them, from the store. What that means is `agency_client.aftercare.rules`."""

from collections.abc import Iterable

from agency_client.aftercare.rules import BREACH_NOTICE, Notice, Standing, compute_standing
from agency_client.challenges.standing import load_disputed
from agency_client.local_store.aftercare import StoredNotice, list_notices
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import find_sender
from agency_client.local_store.onward import find_onward_copy, find_original_of_copy, list_copies_of_original
from schemas.alerts.coded import RequiredAction, RestrictedUse


def load_standing(snapshot: Snapshot, digest: str) -> Standing:
    """Return how a message stands, received or own, by its envelope's digest.

    Where the same message came here by several ways, what its originator says of one counts for each; and for a copy
    that went on from here what was said of the message that it was made of.
    """
    counting = (read_notice(notice) for notice in list_counting(snapshot, digest))
    return compute_standing(counting, load_disputed(snapshot, digest))


def load_standings(snapshot: Snapshot, digests: Iterable[str]) -> dict[str, Standing]:
    """Return how several messages stand, by digest."""
    return {digest: load_standing(snapshot, digest) for digest in digests}


def list_counting(snapshot: Snapshot, digest: str) -> list[StoredNotice]:
    """Return every notice that counts for a message, each of the author's own messages once.

    What somebody says of another's message counts for nothing, even if it came before that message did; of a breach
    either side may tell.
    """
    sent_on = find_onward_copy(snapshot, digest)
    held = digest if sent_on is None else sent_on.held_digest
    originator, kin = _find_family(snapshot, held)
    said = [*list_notices(snapshot, digest), *(list_notices(snapshot, held) if held != digest else ())]
    found = [notice for notice in said if may_count(snapshot, notice)]
    for other in kin:
        if other != held:
            found += [
                notice
                for notice in list_notices(snapshot, other)
                if notice.author == originator and not is_of_consent(snapshot, notice)
            ]
    return list({notice.origin: notice for notice in found}.values())


def may_count(snapshot: Snapshot, notice: StoredNotice) -> bool:
    """Return whether a notice is the word of who may say it of its message: who sent that, or who first did."""
    if notice.is_own or notice.kind == BREACH_NOTICE:
        return True
    return is_authors(snapshot, notice.target, notice.author)


def is_authors(snapshot: Snapshot, target: str, agency: str) -> bool:
    """Return whether a message came here from an agency, or is one that it first sent."""
    originator, _ = _find_family(snapshot, target)
    return agency in {originator, find_sender(snapshot, target)}


def is_in_words_of(snapshot: Snapshot, target: str, agency: str) -> bool:
    """Return whether what a message says is an agency's own: who only passed it on cannot correct it."""
    originator, _ = _find_family(snapshot, target)
    return agency == (originator or find_sender(snapshot, target))


def is_of_consent(snapshot: Snapshot, notice: StoredNotice) -> bool:
    """Return whether a notice takes back the consent by which its target came, and not the message itself."""
    copied = find_original_of_copy(snapshot, notice.target)
    return copied is not None and copied.consent_digest is not None and copied.consent_digest == notice.about


def list_kin(snapshot: Snapshot, digest: str, author: str) -> list[str]:
    """Return the digests under which the same message lies here as well, where `author` is who first sent it."""
    originator, kin = _find_family(snapshot, digest)
    return [other for other in kin if other != digest and originator == author]


def _find_family(snapshot: Snapshot, digest: str) -> tuple[str | None, list[str]]:
    """Return who first sent a message, and the digests under which it may lie here; nobody, where no copy came."""
    copied = find_original_of_copy(snapshot, digest)
    original = digest if copied is None else copied.original.digest
    copies = list_copies_of_original(snapshot, original)
    originator = copies[0].originator if copies else None
    return originator, [original, *(copy.copy_digest for copy in copies)]


def read_notice(stored: StoredNotice) -> Notice:
    """Return a stored notice as far as it counts."""
    return Notice(
        digest=stored.digest,
        origin=stored.origin,
        author=stored.author,
        kind=stored.kind,
        action=RequiredAction.from_code(stored.action),
        said_at=stored.said_at,
        acknowledge_by=stored.acknowledge_by,
        allowed=frozenset(map(RestrictedUse.from_code, stored.allowed)),
        subjects=stored.subjects,
        ground=stored.ground,
    )
