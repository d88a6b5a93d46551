"""What partners' statuses announce and the log has not shown here: steps of agreements, revocations, key sets.

Whatever is missing may narrow. Until it comes nothing new passes under those agreements, a key that its owner calls
revoked signs nothing more, and nothing is sealed for keys that its owner may have replaced. Nothing is fetched here.
"""

from collections.abc import Iterable

from agency_client.agreements.chains import find_place
from agency_client.epochs.places import compute_place
from agency_client.local_store.agreements import StoredStep, load_chains
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.held_steps import list_held_steps
from agency_client.local_store.statuses import load_announced_revocations, load_newest_partner_status
from keys.timeline import MemberTimeline
from schemas.signed import DocumentType, SignedDocument, read_signatures
from schemas.status import MAX_STATUS_BYTES, ChainHead, Status


def load_newest_status(snapshot: Snapshot, agency: str) -> Status | None:
    """Return a partner's newest status that was verified here."""
    newest = load_newest_partner_status(snapshot, agency)
    return None if newest is None else read_status(newest.document)


def read_status(document: bytes) -> Status:
    """Return the status of a stored document; it was verified before it was stored."""
    return Status.from_canonical(SignedDocument.from_canonical(document).payload_bytes, max_bytes=MAX_STATUS_BYTES)


def list_hidden_agreements(snapshot: Snapshot, agency: str) -> frozenset[str]:
    """Return the agreements in which a partner says it has signed more steps than are verified here.

    What is missing may narrow: until it comes, nothing new passes under them.
    """
    status = load_newest_status(snapshot, agency)
    heads = () if status is None else status.chains
    return frozenset(
        head.agreement for head in heads if len(load_chains(snapshot, head.agreement).get(agency, ())) < head.party_seq
    )


def find_hidden_steps(snapshot: Snapshot, status: Status) -> Iterable[tuple[str, str]]:
    """Give what a status says of its signer's chains that does not fit the steps held here, as code and sentence.

    What narrowed and waited for the log may be signed anew behind a step that was refused: another one may have taken
    the place of the one named, but none that stood in the log as its signer saw it.
    """
    for head in status.chains:
        chain = load_chains(snapshot, head.agreement).get(status.agency, [])
        held = [step for step in list_held_steps(snapshot, head.agreement) if step.agency == status.agency]
        if len(chain) >= head.party_seq:
            there = chain[head.party_seq - 1]
            if there.digest != head.head and _was_seen_by_signer(there, status):
                yield "chain-differs", _describe_head(status, head, "another step is held here under this number")
        elif len(chain) + len(held) < head.party_seq:
            yield "step-hidden", _describe_head(status, head, f"{len(chain)} of them came through the exchange")


def find_unnamed(status: Status) -> Iterable[tuple[str, str]]:
    """Give how many agreements a status has no room to name, as code and sentence: of these it shows nothing hidden."""
    if status.chains_left_out:
        yield (
            "chains-unnamed",
            f"{status.agency} has {status.chains_left_out} agreements with us that its status has no room to name",
        )


def list_hidden_revocations(snapshot: Snapshot, timeline: MemberTimeline) -> frozenset[str]:
    """Return the kids that a partner's statuses call revoked and the log does not: not to be believed any more."""
    return load_announced_revocations(snapshot, timeline.agency) - timeline.list_revoked_kids()


def find_hidden_keys(snapshot: Snapshot, timeline: MemberTimeline) -> Iterable[tuple[str, str]]:
    """Give what a partner's statuses say of its keys that the log has not shown, as code and sentence."""
    status, shown = load_newest_status(snapshot, timeline.agency), timeline.newest_key_set.key_set
    if status is not None and status.keyset > shown.seq:
        yield "key-set-hidden", f"{timeline.agency} has key set {status.keyset}; the log has shown here {shown.seq}"
    revoked = list_hidden_revocations(snapshot, timeline)
    uses = [key.use.value for key in shown.keys if not revoked.isdisjoint(key.kids)]
    if revoked:
        names = ", ".join(uses) or "older"
        yield "revocation-hidden", f"{timeline.agency} has revoked its {names} key; the log has not shown it here"


def find_untrusted_sealing(snapshot: Snapshot, timeline: MemberTimeline) -> Iterable[tuple[str, str]]:
    """Give why nothing may be sealed for a partner: its encryption keys are signed by a key that it has given up.

    Whoever holds a rotation key publishes encryption keys, perhaps its thief: once it is revoked, in the log or by the
    partner's own status, they wait for others. A key set that is hidden may have another rotation key.
    """
    for code, sentence in find_hidden_keys(snapshot, timeline):
        if code == "key-set-hidden":
            yield code, sentence
    signers = _list_sealing_signers(timeline)
    if not signers.isdisjoint(list_hidden_revocations(snapshot, timeline) | timeline.list_revoked_kids()):
        yield (
            "sealing-keys-revoked",
            f"{timeline.agency} has revoked the key that signed its encryption keys, and has not published others yet",
        )


def _list_sealing_signers(timeline: MemberTimeline) -> frozenset[str]:
    """Return the kids that signed a partner's newest encryption keys."""
    newest = timeline.newest_encryption_keys
    if newest is None:
        return frozenset()
    slots = read_signatures(newest.document.payload, newest.document.signatures, DocumentType.ENCRYPTION_KEYS)
    return frozenset(slot.header.kid for slot in slots)


def _was_seen_by_signer(step: StoredStep, status: Status) -> bool:
    place = find_place(step)
    return place is not None and place < compute_place(status.checkpoint.origin, status.checkpoint.size)


def _describe_head(status: Status, head: ChainHead, found: str) -> str:
    return f"{status.agency} has signed {head.party_seq} steps of agreement {head.agreement}; {found}"
