"""A received message as something that may go on: verified again, with where it comes from and the clauses it is under.

Reading it is on record. What is restricted, withdrawn or not shown is not held in this sense.
"""

from dataclasses import dataclass

from agency_client.aftercare.rules import Standing
from agency_client.aftercare.standing import load_standing
from agency_client.errors import DeniedError, UsageError
from agency_client.local_store.content import has_content
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import InboxMessage
from agency_client.local_store.onward import OnwardCopy
from agency_client.node import Node
from agency_client.onward.rules import RightKind
from agency_client.reading.messages import ReadOwnMessage, read_message
from agency_client.receiving.content_rules import apply_terms
from agency_client.receiving.provenance import VerifiedProvenance, verify_provenance
from agency_client.receiving.verification import EVERYTHING, verify_message
from agency_client.sending.seal import SealedLeg, SealingOrder
from schemas.agreements.terms import Clause
from schemas.alerts.base import Alert
from schemas.alerts.kinds.release_request import OriginalMessage
from schemas.disclosure import disclose, disclose_whole, parse_disclosure
from schemas.envelope import DisclosedMessage, Disclosure, Message, Provenance, Reference
from schemas.markings import Purpose, Tlp
from schemas.signed import SignedDocument


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """One message this agency received, and what it rests on.

    `provenance` is absent where it came from its originator. `clauses` are those that it came under, one for each
    version of the agreement that governs it. `standing` is what notices make of it; `corrected` is what it says now,
    where its originator has corrected it.
    """

    stored: InboxMessage
    message: Message
    alert: Alert
    provenance: VerifiedProvenance | None
    clauses: tuple[Clause, ...]
    standing: Standing
    corrected: Alert | None = None

    @property
    def original(self) -> OriginalMessage:
        """Return the originator's own message: by whom, its id and digest."""
        if self.provenance is not None:
            return OriginalMessage(agency=self.provenance.originator, message=self.provenance.reference)
        reference = Reference(id=self.stored.message_id, digest=self.stored.digest)
        return OriginalMessage(agency=self.stored.sender, message=reference)

    @property
    def reference(self) -> Reference:
        """Return id and digest under which it came here."""
        return Reference(id=self.stored.message_id, digest=self.stored.digest)

    @property
    def marking(self) -> Tlp:
        """Return the marking under which it came here, which is never lower than the originator's."""
        return self.message.header.routing.marking

    @property
    def original_purpose(self) -> Purpose:
        """Return the purpose the originator sent it for."""
        if self.provenance is None:
            return self.message.purpose
        return self.provenance.original.disclosed.message.purpose

    @property
    def originators_clauses(self) -> tuple[Clause, ...]:
        """Return the clauses that bound what the originator can allow; none are known here of what was passed on."""
        return () if self.provenance is not None else self.clauses

    def path_from(self, agency: str) -> tuple[str, ...]:
        """Return the way it took up to `agency`, which holds it now."""
        before = (self.stored.sender,) if self.provenance is None else self.provenance.path
        return (*before, agency)


def load_held(node: Node, message_id: str, *, reason: str, case: str | None, verb: str) -> HeldMessage:
    """Return a received message that may go on as far as its own state is concerned; the reading is on record.

    Raises:
        NotFoundError: no such message is here, or its content was erased.
        UsageError: it is this agency's own.
        DeniedError: it is not shown, restricted, or was taken back.
        VerificationFailedError: what the store holds of it does not verify any more.
    """
    found = read_message(node, message_id, reason=reason, case=case, verb=verb)
    if isinstance(found, ReadOwnMessage):
        raise UsageError(
            f"message {found.stored.message_id} is this agency's own, and needs nobody's consent",
            fix="send it to whom you choose: agency send",
        )
    if found.stored.withdrawn_at is not None or found.standing.is_withdrawn:
        raise DeniedError(f"{found.stored.sender} has taken the message back", code="withdrawn")
    with node.store.read() as snapshot:
        verified = verify_message(node, snapshot, found.stored.digest, EVERYTHING)
        provenance = verify_provenance(node, snapshot, verified.facts, found.message, found.alert, is_arriving=False)
    clauses = tuple(item.clause for item in apply_terms(verified.facts, found.message, found.alert))
    corrected = None if found.corrected is None else found.corrected.alert
    return HeldMessage(found.stored, found.message, found.alert, provenance, clauses, found.standing, corrected)


def verify_unchanged(snapshot: Snapshot, held: HeldMessage) -> None:
    """Verify, in the transaction that seals, that nothing was said of a message since it was loaded.

    Raises:
        DeniedError: a notice about it came meanwhile, or its content was erased.
    """
    digest = held.stored.digest
    if load_standing(snapshot, digest) != held.standing or not has_content(snapshot, digest):
        raise DeniedError("a notice about the message has come meanwhile", fix="read it again", code="notice-came")


def show_original(stored: InboxMessage, message: Message) -> Disclosure:
    """Return the disclosure of the originator's own message: of this one, or of the one it was passed on from."""
    if message.provenance is not None:
        return message.provenance.original
    return disclose(SignedDocument.from_canonical(stored.evidence), message, stored.leaf)


def show_whole(stored: InboxMessage, message: Message) -> DisclosedMessage:
    """Return the same with its alert, which stands to the letter in both."""
    if message.provenance is None:
        return disclose_whole(SignedDocument.from_canonical(stored.evidence), message, stored.leaf)
    return DisclosedMessage.from_wire({**message.provenance.original.to_wire(), "alert": message.alert})


def make_provenance(
    agency: str, stored: InboxMessage, message: Message, consent: DisclosedMessage | None = None
) -> Provenance:
    """Return the provenance under which `agency` passes a received message on.

    However far it went already, it carries the originator's own message and one consent, no more.
    """
    before = (stored.sender,) if message.provenance is None else message.provenance.path
    return Provenance(original=show_original(stored, message), consent=consent, path=(*before, agency))


def describe_follower(held_digest: str, leg: SealedLeg, order: SealingOrder, recipient: str) -> OnwardCopy:
    """Return what is kept of a notice or a decision that follows where its message, or the question, came by."""
    assert order.provenance is not None  # noqa: S101 - what is not passed on follows nothing
    return OnwardCopy(
        copy_digest=leg.digest,
        copy_id=leg.message_id,
        held_digest=held_digest,
        original_digest=parse_disclosure(order.provenance.original).digest,
        recipient=recipient,
        right_kind=RightKind.FOLLOWS,
        consent_digest=None,
        passed_on_at=order.issued_at,
    )
