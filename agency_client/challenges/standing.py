"""How far a report is disputed, from the store. What that means is `agency_client.challenges.rules`."""

from agency_client.challenges.rules import UNDISPUTED, Challenge, Disputed, Told, compute_disputed
from agency_client.local_store.challenges import (
    StoredChallenge,
    find_document_reference,
    has_ended,
    list_challenges,
    list_told,
)
from agency_client.local_store.engine import Snapshot
from schemas.alerts.kinds.document_status import ChallengeState
from schemas.alerts.kinds.revocation_challenge import ChallengeGround


def load_disputed(snapshot: Snapshot, digest: str) -> Disputed:
    """Return how far a message, received or own, is disputed; whatever is no report of one document is not."""
    reference = find_document_reference(snapshot, digest)
    if reference is None:
        return UNDISPUTED
    standing = [item for item in list_challenges(snapshot, reference) if not has_ended(snapshot, item)]
    told = (
        Told(ChallengeState.from_code(item.state), item.lodged_on, item.said_at)
        for item in list_told(snapshot, reference)
    )
    return compute_disputed(map(read_challenge, standing), told)


def read_challenge(stored: StoredChallenge) -> Challenge:
    """Return a stored challenge as far as it counts."""
    return Challenge(
        digest=stored.digest,
        lodger=stored.lodger,
        ground=ChallengeGround.from_code(stored.ground),
        lodged_on=stored.lodged_on,
        acknowledge_by=stored.acknowledge_by,
        on_behalf_of=stored.on_behalf_of,
    )
