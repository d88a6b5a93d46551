"""What a recipient demands of a message before opening it. Pure: everything known comes in, nothing is fetched.

Each check returns the sentence that says what holds, or raises: `UnprovenError` (false, whatever may come),
`WaitingError` (it may still become true; as `WithheldError` it is, and a party holds the agreement),
`NotCoveredError` (true, and not allowed). Left to the caller: that the leaf is in the log and about this envelope
(`agency_client.receiving.leaves`), whom the sender's keys belong to (`agency_client.directory`), and the content
(`agency_client.receiving.content_rules`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from agency_client.receiving.errors import NotCoveredError, UnprovenError, WaitingError, WithheldError
from agency_client.receiving.sealed import SealedEvidence
from keys.errors import KeysError
from keys.signing import verify_document
from keys.timeline import MemberTimeline
from schemas.agreements.coverage import VisibleFacts, judge_visible
from schemas.agreements.lifecycle import AgreementView, Chains, State, list_versions, view_agreement
from schemas.agreements.terms import Clause, Terms
from schemas.alerts import kind_of
from schemas.alerts.registry import UnknownKindError
from schemas.api import LoggedRecord
from schemas.attachments import measure_content
from schemas.codec import CodecError
from schemas.envelope import CONFIDENTIAL_KIND, MAX_CLOCK_AHEAD_SECONDS, MAX_DELIVERY_DAYS, Header
from schemas.key_documents import AgencyClass
from schemas.markings import Tlp
from schemas.signed import DocumentType, EncryptionUse, KeyUse
from schemas.wording import with_article

WITHDRAWAL_KIND = "withdrawal"
_MAY_STILL_COME = frozenset({State.PROPOSED, State.COUNTERED, State.ACCEPTED, State.LAPSED})
"""States that a step which is not here yet could have changed before the message's leaf."""


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """A message this node has, which another may refer to: by whom, to whom, under which agreement (its id).

    Of one that came, the right to come has been verified: what nothing let through opens no door to what follows it.
    `clauses` are those it may have come under. `said_before`: how many messages of this one's kind its sender has sent
    about it.
    """

    message_id: str
    digest: str
    sender: str
    recipients: frozenset[str]
    agreement: str | None
    marking: Tlp | None = None
    clauses: tuple[Clause, ...] = ()
    said_before: int = 0


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """A message and all that is known around it.

    `leaf` is its verified acceptance, `place` where that stands over all epochs. `chains_then` are the steps of the
    agreement cited whose leaves stand before it, `chains_now` all this node holds; both are empty where no step of it
    is here. `anchors` are the pinned ones by agency. `leaf_not_before`: at that moment this node saw the log end
    before the leaf. `is_step_hidden` and `hidden_revocations`: what the sender's own status says of the agreement and
    its keys, and the log did not show. `has_held_steps`: the log has steps of that agreement before the leaf which
    this node cannot believe yet.
    """

    me: str
    exchange: str
    now: datetime
    sealed: SealedEvidence
    leaf: LoggedRecord
    place: int
    sender: MemberTimeline
    mine: MemberTimeline
    anchors: dict[str, str]
    chains_then: Chains
    chains_now: Chains
    original: KnownMessage | None = None
    leaf_not_before: datetime | None = None
    is_step_hidden: bool = False
    hidden_revocations: frozenset[str] = frozenset()
    has_held_steps: bool = False

    @property
    def is_aftercare(self) -> bool:
        """Return whether the header claims to follow an earlier message up."""
        return is_aftercare(self.sealed.header.routing.kind)


def is_aftercare(kind: str) -> bool:
    """Return whether a kind, as a header names it, follows an earlier message up."""
    try:
        return kind_of(kind).is_aftercare
    except UnknownKindError:
        return False


def check_signatures(facts: MessageFacts) -> str:
    """Check that the sender's message keys in force at the leaf signed, unrevoked up to there."""
    header, place, accepted = facts.sealed.header, facts.place, facts.leaf.record.time
    if facts.sender.agency_class is not AgencyClass.AGENCY:
        raise UnprovenError(f"sender: {header.sender.agency} is no agency that may send", code="not-an-agency")
    try:
        key_set = facts.sender.find_key_set(place, accepted)
        jwks = facts.sender.find_signing_keys(KeyUse.MESSAGE, header.sender.kids, place, accepted)
        verify_document(facts.sealed.document, DocumentType.ENVELOPE, jwks)
    except (KeysError, CodecError) as error:
        raise UnprovenError(f"the sender's signatures: {error}", code=error.code) from error
    if header.sender.keyset != key_set.key_set.seq:
        raise UnprovenError(
            f"sender.keyset: {header.sender.keyset} is named, {key_set.key_set.seq} was in force",
            code="key-set-not-current",
        )
    disputed = facts.sender.is_disputed(header.sender.kids, place, accepted)
    tail = "; since revoked from an earlier moment: disputed" if disputed else ""
    return f"signed by {header.sender.agency} with key set {key_set.key_set.seq}, both signatures{tail}"


def check_header(facts: MessageFacts) -> str:
    """Check exchange, addressees, times and attachments."""
    header = facts.sealed.header
    if header.exchange != facts.exchange:
        raise UnprovenError(f"exchange: it is for {header.exchange}, not {facts.exchange}", code="wrong-exchange")
    if header.commitment is None:
        raise UnprovenError("commitment: the header commits to no content", code="body-mismatch")
    facts.sealed.find_recipient(facts.me)
    if header.sender.agency == facts.me:
        raise UnprovenError("sender: it is in this agency's own name", code="sent-by-ourselves")
    if len({recipient.agency for recipient in header.recipients}) != len(header.recipients):
        raise UnprovenError("recipients: one stands there twice", code="wrong-recipient")
    if facts.sealed.payload.attachments and facts.is_aftercare:
        raise UnprovenError("attachments: what follows a message up carries none", code="attachments-refused")
    verify_times(header, facts.leaf.record.time)
    return f"addressed to {facts.me} on {facts.exchange}, issued {header.issued_at:%Y-%m-%d %H:%M:%S} UTC"


def verify_times(header: Header, accepted: datetime) -> None:
    """Verify that a header's times fit the moment of its acceptance.

    Raises:
        UnprovenError: they do not.
    """
    if header.issued_at > accepted + timedelta(seconds=MAX_CLOCK_AHEAD_SECONDS):
        raise UnprovenError("issued_at: it lies after the moment of its acceptance", code="wrong-time")
    if not accepted < header.expires_at <= header.issued_at + timedelta(days=MAX_DELIVERY_DAYS):
        raise UnprovenError(
            f"expires_at: it must lie after the acceptance and at most {MAX_DELIVERY_DAYS} days after issued_at",
            code="wrong-time",
        )


def check_moment(facts: MessageFacts) -> str:
    """Check that the leaf's time is one the exchange may have written: it decides which keys and terms count.

    Not ahead of now, and not before this node last saw the log end below it: what had expired by then stays so.
    """
    accepted, slack = facts.leaf.record.time, timedelta(seconds=2 * MAX_CLOCK_AHEAD_SECONDS)
    if accepted > facts.now + slack:
        raise WaitingError("the exchange dates its acceptance ahead of now", code="leaf-ahead-of-now")
    if facts.leaf_not_before is not None and accepted < facts.leaf_not_before - slack:
        raise UnprovenError(
            f"the exchange dates its acceptance back: on {facts.leaf_not_before:%Y-%m-%d %H:%M} it was not in the log",
            code="leaf-dated-back",
        )
    return "the time of its acceptance fits what this node saw of the log"


def check_encryption_key(facts: MessageFacts) -> str:
    """Check that the content key was wrapped for a key of this agency that was current at the leaf."""
    recipient = facts.sealed.find_recipient(facts.me)
    try:
        key = facts.mine.find_encryption_key(recipient.kid, facts.place, facts.leaf.record.time)
    except KeysError as error:
        raise UnprovenError(f"recipients.kid: {error}", code="encryption-key-not-current") from error
    is_confidential = facts.sealed.header.routing.kind == CONFIDENTIAL_KIND
    expected = EncryptionUse.SAFEGUARDING if is_confidential else EncryptionUse.ENCRYPTION
    if key.use is not expected:
        raise UnprovenError("recipients.kid: that key is for other messages", code="encryption-key-not-current")
    return f"sealed for this agency's encryption key {recipient.kid[:8]}"


def check_right(facts: MessageFacts) -> str:
    """Check that an agreement let the message through at its leaf: it covers it, or it is aftercare of such a one."""
    view = _view_cited(facts, facts.chains_then, facts.leaf.record.time)
    terms = view.terms
    if terms is None:
        raise WaitingError("the agreement cited is not known here yet", code="agreement-unknown")
    _check_parties(facts, terms)
    if facts.is_aftercare:
        _check_signed(view)
        return _check_reference(facts, terms)
    if view.state in _MAY_STILL_COME or (view.state is not State.IN_FORCE and facts.has_held_steps):
        raise WaitingError(f"the agreement was {view.state.value} then: {view.because}", code="agreement-not-in-force")
    if view.state is not State.IN_FORCE:
        raise UnprovenError(
            f"version {terms.version} of the agreement was {view.state.value} when the message was accepted: "
            f"{view.because}",
            code="agreement-not-in-force",
        )
    _check_visible_terms(facts, terms)
    return f"covered by “{terms.title}”, version {terms.version}, in force at leaf {facts.leaf.index}"


def check_standing(facts: MessageFacts) -> str:
    """Check that nobody has taken the right back since, by every step this node holds. Aftercare passes.

    What the sender has signed of it and the exchange does not show may be just that; so may a revocation of its keys.
    """
    if not facts.hidden_revocations.isdisjoint(facts.sealed.header.sender.kids):
        raise WaitingError(
            "its sender says that it has revoked this key, and the log has not shown it", code="revocation-hidden"
        )
    if facts.is_aftercare:
        return "aftercare passes in every state of the agreement"
    view = _view_cited(facts, facts.chains_now, facts.now)
    if view.state in (State.REVOKED, State.WITHDRAWN, State.REJECTED):
        raise NotCoveredError(f"the agreement has ended since: {view.because}", code="agreement-revoked")
    if view.suspended_by:
        holders = " and ".join(sorted(view.suspended_by))
        raise WithheldError(f"the agreement is suspended by {holders}", code="agreement-suspended")
    if facts.is_step_hidden:
        raise WithheldError(
            "its sender has signed a step of the agreement that the exchange has not shown", code="step-hidden"
        )
    if view.state is State.SUPERSEDED:
        return _check_successor(facts)
    return "nobody has suspended or revoked the agreement since"


def find_governing_terms(facts: MessageFacts) -> tuple[Terms, ...]:
    """Return the terms the content must meet: of the version cited, and of the one that has taken its place."""
    view = _view_cited(facts, facts.chains_now, facts.now)
    if view.terms is None or facts.is_aftercare:
        return ()
    successor = _find_successor(facts) if view.state is State.SUPERSEDED else None
    newer = None if successor is None else successor.terms
    return (view.terms,) if newer is None else (view.terms, newer)


def find_cited_terms(facts: MessageFacts) -> Terms | None:
    """Return the terms of the version cited, if they are here."""
    return _view_cited(facts, facts.chains_now, facts.now).terms


def describe_visible(facts: MessageFacts) -> VisibleFacts:
    """Return what the header shows, as coverage is judged by it."""
    header = facts.sealed.header
    return VisibleFacts(
        sender=header.sender.agency,
        recipient=facts.me,
        kind=header.routing.kind,
        marking=header.routing.marking,
        size_bytes=measure_content(facts.sealed.payload),
        attachments=len(facts.sealed.payload.attachments),
    )


def _view_cited(facts: MessageFacts, chains: Chains, moment: datetime) -> AgreementView:
    return view_agreement(facts.sealed.find_recipient(facts.me).agreement, chains, moment)


def _check_signed(view: AgreementView) -> None:
    """Check that both parties signed the version cited: what one of them only proposed lets nothing through."""
    if not view.binding:
        raise WaitingError(f"the agreement was {view.state.value} then: {view.because}", code="agreement-not-in-force")


def _check_parties(facts: MessageFacts, terms: Terms) -> None:
    sender = facts.sealed.header.sender.agency
    if set(terms.agencies) != {sender, facts.me}:
        raise UnprovenError(
            f"the agreement cited is between {' and '.join(terms.agencies)}", code="agreement-of-others"
        )
    for party in terms.parties:
        if facts.anchors.get(party.agency) != party.anchor:
            raise UnprovenError(
                f"the agreement names another trust anchor for {party.agency} than the one pinned here",
                code="anchor-mismatch",
            )


def _check_visible_terms(facts: MessageFacts, terms: Terms) -> None:
    findings = judge_visible(terms, describe_visible(facts)).findings
    if findings:
        raise UnprovenError("; ".join(finding.sentence for finding in findings), code=findings[0].code)


def _check_successor(facts: MessageFacts) -> str:
    successor = _find_successor(facts)
    if successor is None or successor.terms is None:
        raise NotCoveredError("no version of the agreement counts any more", code="agreement-superseded")
    if successor.state is State.REVOKED:
        raise NotCoveredError(f"the agreement has ended since: {successor.because}", code="agreement-revoked")
    findings = judge_visible(successor.terms, describe_visible(facts)).findings
    if findings:
        raise NotCoveredError(
            f"version {successor.terms.version} has taken the agreement's place and does not cover it: "
            + "; ".join(finding.sentence for finding in findings),
            code="agreement-superseded",
        )
    return f"version {successor.terms.version} has taken the agreement's place and covers it too"


def _find_successor(facts: MessageFacts) -> AgreementView | None:
    views = (view_agreement(digest, facts.chains_now, facts.now) for digest in list_versions(facts.chains_now))
    standing = [view for view in views if view.binding and view.state not in (State.SUPERSEDED, State.CONFIRMED)]
    return max(standing, key=lambda view: view.terms.version if view.terms else 0, default=None)


def _check_reference(facts: MessageFacts, terms: Terms) -> str:
    header, original = facts.sealed.header, facts.original
    sender, kind = header.sender.agency, header.routing.kind
    if header.refers_to is None:
        raise UnprovenError(f"refers_to: {with_article(kind)} says which message it is about", code="reference-refused")
    if original is None:
        if kind == WITHDRAWAL_KIND:
            return "it takes back a message that is not here; should that come, it is not opened"
        raise WaitingError("the message it refers to is not here yet", code="reference-unknown")
    if original.message_id != header.refers_to.id:
        raise UnprovenError("refers_to: id and digest are of two messages", code="reference-refused")
    if kind_of(kind).is_senders_alone and original.sender != sender:
        raise UnprovenError(
            f"{sender} sends {with_article(kind)} about a message of {original.sender}: only its sender can",
            code="reference-refused",
        )
    pair = {original.sender, *original.recipients}
    if not {sender, facts.me} <= pair or original.sender not in {sender, facts.me}:
        raise UnprovenError(
            f"the message it refers to did not pass between {sender} and {facts.me}", code="reference-refused"
        )
    if original.agreement is not None and original.agreement != terms.id:
        raise UnprovenError("it cites another agreement than the message it refers to", code="reference-refused")
    return f"aftercare of message {original.message_id}, under the agreement of that message"
