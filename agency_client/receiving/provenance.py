"""Where a message that was passed on comes from, and by which right: verified before it is shown, and whenever read.

The sender of a copy is verified like any sender (`agency_client.receiving.verification`). Here is what the copy adds:
the originator's own message to the letter, the way it took, and the originator's leave. A member that leaves the
provenance out says the alert as its own; nobody can see that from the copy.
"""

from dataclasses import dataclass

from agency_client.errors import NotFoundError
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import InboxState, load_by_digest
from agency_client.local_store.onward import CopyOrigin, find_original_of_copy
from agency_client.local_store.sent import find_message_by_digest
from agency_client.node import Node
from agency_client.onward.rules import Passing, RightKind, judge_passing, spell_path
from agency_client.receiving.disclosed import DisclosedOrigin, verify_shown
from agency_client.receiving.errors import NotCoveredError, UnprovenError, WaitingError
from agency_client.receiving.parties import verify_author
from agency_client.receiving.rules import WITHDRAWAL_KIND, MessageFacts
from schemas.alerts.base import Alert
from schemas.alerts.kinds.release_decision import ReleaseDecision
from schemas.alerts.kinds.release_request import OriginalMessage, Release
from schemas.alerts.registry import kind_of
from schemas.envelope import DisclosedMessage, Message, Reference
from schemas.wording import with_article

DECISION_KIND = "release-decision"


@dataclass(frozen=True, slots=True)
class VerifiedProvenance:
    """What was verified of a message that was passed on.

    `consent` is the originator's decision where the right is one. `sentence` says the right for a person.
    """

    original: DisclosedOrigin
    path: tuple[str, ...]
    recipient: str
    right: RightKind
    sentence: str
    consent: DisclosedOrigin | None = None
    decision: ReleaseDecision | None = None

    @property
    def originator(self) -> str:
        """Return whose message it is."""
        return self.path[0]

    @property
    def reference(self) -> Reference:
        """Return id and digest of the originator's own message."""
        return Reference(id=self.original.header.id, digest=self.original.disclosed.digest)

    @property
    def is_disputed(self) -> bool:
        """Return whether the originator has since revoked a key that signed the original or the consent."""
        return self.original.is_disputed or (self.consent is not None and self.consent.is_disputed)

    def spell_way(self) -> str:
        """Return the way it took and the right it went by: "VN → BE → AL, consent of VN of 2026-11-21"."""
        way = spell_path(self.path, self.recipient)
        if self.right is RightKind.NAMED:
            return f"{way}, named by {self.originator} in the message"
        if self.consent is None:
            return way
        return f"{way}, consent of {self.originator} of {self.consent.accepted_at:%Y-%m-%d}"


def verify_provenance(
    node: Node, snapshot: Snapshot, facts: MessageFacts, message: Message, alert: Alert, *, is_arriving: bool
) -> VerifiedProvenance | None:
    """Verify where a message comes from that was passed on; None where its sender says it as its own.

    Who says a message as its own decides about its own messages alone.

    1. The original: the originator's own signed message, whose alert is this one to the letter, accepted by a log
    before this one; what is attached was attached to it. 2. The way: from the originator over one of the original's
    recipients to this message's sender. 3. What follows a copy up belongs to that copy, an answer to the question asked
    here. 4. A copy has a right: the originator named this agency, or its consent, shown and verified like the original,
    allows exactly this.

    Raises:
        UnprovenError: original, way or consent are not what they claim.
        WaitingError: the log has not shown the originator here, or what this follows is not here yet.
        NotCoveredError: it is genuine, and goes on without a right.
    """
    provenance = message.provenance
    if provenance is None:
        _verify_own_decision(facts, alert)
        return None
    original = verify_shown(node, snapshot, provenance.original, message.alert, name="original")
    _verify_order(facts, original, "original")
    _verify_way(facts, provenance.path, original)
    _verify_kind_shown(facts, original)
    verify_author(original.agency, original.state, alert)
    _verify_attachments(message, original)
    if kind_of(alert.kind).is_aftercare:
        _verify_follows(snapshot, facts, alert, original)
        sentence = "it follows what came here the same way"
        return VerifiedProvenance(original, provenance.path, facts.me, RightKind.FOLLOWS, sentence)
    consent = None
    if provenance.consent is not None:
        consent = _verify_consent(node, snapshot, facts, provenance.consent, original, is_arriving=is_arriving)
    return _judge_right(facts, message, alert, original, consent)


def describe_origin(facts: MessageFacts, verified: VerifiedProvenance) -> CopyOrigin:
    """Return what is kept of a copy's origin beyond its content."""
    return CopyOrigin(
        copy_digest=facts.sealed.digest,
        original=verified.reference,
        originator=verified.originator,
        path=verified.path,
        right_kind=verified.right,
        consent_digest=None if verified.consent is None else verified.consent.disclosed.digest,
        recorded_at=facts.now,
    )


def _verify_own_decision(facts: MessageFacts, alert: Alert) -> None:
    """Verify that who decides on the release of a message is who sent that first: whoever it came over cannot."""
    sender = facts.sealed.header.sender.agency
    if isinstance(alert.details, ReleaseDecision) and alert.details.original.agency != sender:
        raise NotCoveredError(
            f"{sender} decides about a message of {alert.details.original.agency}: only its originator can",
            code="not-the-originator",
        )


def _verify_order(facts: MessageFacts, shown: DisclosedOrigin, name: str) -> None:
    if shown.place >= facts.place:
        raise UnprovenError(f"the {name} was accepted after the copy that shows it", code="provenance-refused")


def _verify_way(facts: MessageFacts, path: tuple[str, ...], original: DisclosedOrigin) -> None:
    header, sender = original.header, facts.sealed.header.sender.agency
    if path[0] != original.agency:
        raise UnprovenError(f"path: the original is of {original.agency}, not of {path[0]}", code="provenance-refused")
    if path[-1] != sender:
        raise UnprovenError(f"path: it ends with {path[-1]}, and {sender} sent this", code="provenance-refused")
    if path[1] not in {recipient.agency for recipient in header.recipients}:
        raise UnprovenError(f"path: the original was not sent to {path[1]}", code="provenance-refused")
    if len({*path, facts.me}) != len(path) + 1:
        raise UnprovenError(f"path: {spell_path(path, facts.me)} goes in a circle", code="provenance-refused")


def _verify_kind_shown(facts: MessageFacts, original: DisclosedOrigin) -> None:
    shown, copied = original.header.routing.kind, facts.sealed.header.routing.kind
    if shown != copied:
        raise UnprovenError(f"the original's header says {shown}, this one's {copied}", code="header-mismatch")


def _verify_attachments(message: Message, original: DisclosedOrigin) -> None:
    """Verify that what is attached are the originator's own files, byte for byte; some of them may be left out."""
    known = {
        (item.id, item.name, item.media_type, item.size, item.sha256) for item in original.disclosed.message.attachments
    }
    for item in message.attachments:
        if (item.id, item.name, item.media_type, item.size, item.sha256) not in known:
            raise UnprovenError(
                f"attachments: {item.id} is not the one of {original.agency}", code="provenance-refused"
            )


def _verify_follows(snapshot: Snapshot, facts: MessageFacts, alert: Alert, original: DisclosedOrigin) -> None:
    """Verify that it belongs to what it refers to here: a notice to its copy, a decision to the question asked."""
    kind, reference = kind_of(alert.kind), facts.sealed.header.refers_to
    if not (kind.acts_by_itself or kind.name == DECISION_KIND) or reference is None:
        raise UnprovenError(f"{with_article(kind.label.lower())} is not passed on", code="kind-not-passed-on")
    if kind.name == DECISION_KIND:
        _verify_answers(snapshot, alert, original, reference)
        return
    origin = find_original_of_copy(snapshot, reference.digest)
    if origin is None:
        _wait_for_copy(snapshot, reference)
        return
    if not _is_about(alert, origin, original):
        raise UnprovenError(
            f"it is about another message of {original.agency} than the copy it refers to", code="reference-refused"
        )


def _is_about(alert: Alert, origin: CopyOrigin, original: DisclosedOrigin) -> bool:
    """Return whether an originator's notice is about what a copy was made of, or takes back the consent it came by."""
    about = original.header.refers_to
    if origin.originator != original.agency or about is None:
        return False
    is_of_consent = alert.kind == WITHDRAWAL_KIND and about.digest == origin.consent_digest
    return is_of_consent or about == origin.original


def _wait_for_copy(snapshot: Snapshot, reference: Reference) -> None:
    """Wait until the copy is here; one that is here and was never opened has nothing that a notice could reach."""
    try:
        state = load_by_digest(snapshot, reference.digest).state
    except NotFoundError as error:
        raise WaitingError("the copy it refers to is not here yet", code="reference-unknown") from error
    if state is InboxState.OPENED:
        raise UnprovenError("the message it refers to is no copy of another one", code="reference-refused")
    if state in (InboxState.NEW, InboxState.SEALED, InboxState.VERIFIED):
        raise WaitingError("the copy it refers to has not been opened yet", code="reference-unknown")


def _verify_answers(snapshot: Snapshot, alert: Alert, original: DisclosedOrigin, reference: Reference) -> None:
    asked = find_message_by_digest(snapshot, reference.digest)
    held = None if asked is None or asked.refers_to is None else find_original_of_copy(snapshot, asked.refers_to)
    decided = alert.details
    if held is None or not isinstance(decided, Release):
        raise UnprovenError("it answers no question that was asked from here", code="reference-refused")
    about = OriginalMessage(agency=held.originator, message=held.original)
    if decided.original != about or original.agency != about.agency:
        raise UnprovenError("it decides about another message than was asked about", code="reference-refused")


def _verify_consent(
    node: Node,
    snapshot: Snapshot,
    facts: MessageFacts,
    shown: DisclosedMessage,
    original: DisclosedOrigin,
    *,
    is_arriving: bool,
) -> DisclosedOrigin:
    consent = verify_shown(node, snapshot, shown, shown.alert, name="consent")
    _verify_order(facts, consent, "consent")
    if consent.agency != original.agency:
        raise UnprovenError(
            f"the consent is signed by {consent.agency}, and the original is of {original.agency}",
            code="consent-of-another",
        )
    if not isinstance(consent.alert.details, ReleaseDecision):
        raise UnprovenError("the consent is no decision on a release", code="consent-of-another")
    if consent.is_disputed and is_arriving:
        raise NotCoveredError(
            f"{consent.agency} has since revoked the key of the consent, from an earlier moment",
            code="consent-disputed",
        )
    return consent


def _judge_right(
    facts: MessageFacts, message: Message, alert: Alert, original: DisclosedOrigin, consent: DisclosedOrigin | None
) -> VerifiedProvenance:
    assert message.provenance is not None  # noqa: S101 - `verify_provenance` has it
    header, path = facts.sealed.header, message.provenance.path
    decision = None if consent is None else consent.alert.details
    assert decision is None or isinstance(decision, ReleaseDecision)  # noqa: S101 - `_verify_consent` demands it
    reference = Reference(id=original.header.id, digest=original.disclosed.digest)
    passing = Passing(
        original=OriginalMessage(agency=original.agency, message=reference),
        alert=alert,
        original_marking=original.header.routing.marking,
        original_purpose=original.disclosed.message.purpose,
        path=path,
        recipient=facts.me,
        marking=header.routing.marking,
        purpose=message.purpose,
        at=facts.leaf.record.time,
    )
    judged = judge_passing(passing, decision)
    if judged.right is None:
        raise NotCoveredError(f"it was passed on without a right: {judged.sentence}", code=judged.findings[0].code)
    return VerifiedProvenance(original, path, facts.me, judged.right, judged.sentence, consent, decision)
