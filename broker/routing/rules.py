"""Whether a message is accepted: every reason at once, from facts that others have loaded.

Left to the caller: the form (`keys.sealing.parse_envelope`), the signatures (their verdict comes in as
`signature_problem`), an envelope that was accepted before (the same answer again, whatever the rules say now), and
loading the facts inside the transaction that stores the message, so that nothing changes between decision and commit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from broker.attachments.rules import NamedAttachment, find_objections
from broker.inbox.allowance import describe_full
from broker.inbox.rules import Passage
from schemas.agreements.coverage import VisibleFacts, judge_visible, list_visible_clauses
from schemas.agreements.following import FollowUpFacts, judge_follow_up
from schemas.agreements.lifecycle import AgreementView, State
from schemas.agreements.terms import Clause, Terms
from schemas.alerts.registry import kind_of
from schemas.envelope import CONFIDENTIAL_KIND, MAX_CLOCK_AHEAD_SECONDS, MAX_DELIVERY_DAYS, Header, HeaderRecipient
from schemas.key_documents import AgencyClass, EncryptionKey
from schemas.markings import Tlp
from schemas.signed import EncryptionUse
from schemas.wording import with_article

WITHDRAWAL_KIND = "withdrawal"


class Progress(StrEnum):
    """How far an earlier message has come, as far as messages about it are concerned."""

    UNDER_WAY = "under-way"
    HANDED_OVER = "handed-over"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not: the problem type's slug, a finer code, a sentence, and the member it is about."""

    problem: str
    code: str
    sentence: str
    field: str


@dataclass(frozen=True, slots=True)
class EarlierMessage:
    """The message an aftercare refers to: digest, agreement id, sender, how far it came for each recipient, marking.

    `clauses` are those that it came under: of the version and in the direction of the first message of its row.
    """

    digest: str
    agreement: str
    sender: str
    progress: Mapping[str, Progress]
    marking: Tlp | None = None
    clauses: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """What is known of one recipient of the header, in the header's order.

    `agency_class` is None for nobody enrolled, `encryption_key` for none that is current, `agreement` for none that is
    known. `number_used_by` is the id of another message under the same number of the same stream. `said_before`: how
    many messages of this kind the sender has sent it about the same message. `has_room`: whether its inbox takes more.
    """

    header: HeaderRecipient
    agency_class: AgencyClass | None
    encryption_key: EncryptionKey | None
    agreement: AgreementView | None
    accepted_today: int
    number_used_by: str | None
    said_before: int = 0
    has_room: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a decision needs. `other_digest` is what stands under the same id already, if something else does.

    `size_bytes` are those of all its ciphertexts, its attachments' too.
    """

    caller: str
    exchange: str
    now: datetime
    header: Header
    size_bytes: int
    attachments: tuple[NamedAttachment, ...]
    signature_problem: Reason | None
    other_digest: str | None
    is_aftercare: bool
    earlier: EarlierMessage | None
    recipients: tuple[RecipientFacts, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Accepted if there is no reason against it; then `passages` has one entry a recipient."""

    reasons: tuple[Reason, ...]
    passages: tuple[Passage, ...]

    @property
    def is_accepted(self) -> bool:
        """Return whether the message is accepted."""
        return not self.reasons


def decide(facts: Facts) -> Decision:
    """Decide on a message; every reason against it is in the decision, the one to answer with first."""
    if facts.header.sender.agency != facts.caller:
        # What somebody else may send is none of the caller's business, so nothing more is said.
        return Decision((_refuse_stranger(facts),), ())
    reasons = [
        *_judge_identity(facts),
        *_judge_times(facts),
        *_judge_recipient_list(facts),
        *_judge_attachments(facts),
    ]
    passages = []
    for position, recipient in enumerate(facts.recipients):
        reasons += _judge_keys(facts, position, recipient)
        passage, against = _judge_right(facts, position, recipient)
        reasons += against
        passages.append(passage)
    reasons += _judge_room(facts)  # last: who is refused for another reason need not wait for room
    return Decision(tuple(reasons), () if reasons else tuple(passages))


def _refuse_stranger(facts: Facts) -> Reason:
    sentence = f"the message is signed for {facts.header.sender.agency}; only that agency can send it"
    return Reason("not-the-sender", "not-the-sender", sentence, "sender.agency")


def _judge_identity(facts: Facts) -> Iterator[Reason]:
    header = facts.header
    if facts.other_digest is not None:
        sentence = f"another message was accepted under the id {header.id}; a new message needs a new id"
        yield Reason("digest-conflict", "digest-conflict", sentence, "id")
    if header.exchange != facts.exchange:
        sentence = f"the message is for the exchange {header.exchange}, this is {facts.exchange}"
        yield Reason("wrong-exchange", "wrong-exchange", sentence, "exchange")
    if facts.signature_problem is not None:
        yield facts.signature_problem


def _judge_times(facts: Facts) -> Iterator[Reason]:
    header = facts.header
    if header.issued_at > facts.now + timedelta(seconds=MAX_CLOCK_AHEAD_SECONDS):
        sentence = f"it is issued more than {MAX_CLOCK_AHEAD_SECONDS} seconds ahead of this exchange's clock"
        yield Reason("wrong-time", "issued-ahead", sentence, "issued_at")
    if header.expires_at <= facts.now:
        yield Reason("wrong-time", "deadline-passed", "the deadline for its delivery has passed", "expires_at")
    if header.expires_at > header.issued_at + timedelta(days=MAX_DELIVERY_DAYS):
        sentence = f"the deadline for its delivery is more than {MAX_DELIVERY_DAYS} days after issued_at"
        yield Reason("wrong-time", "deadline-too-late", sentence, "expires_at")


def _judge_recipient_list(facts: Facts) -> Iterator[Reason]:
    agencies = [item.header.agency for item in facts.recipients]
    if len(set(agencies)) != len(agencies):
        yield Reason("recipient-refused", "recipient-twice", "a recipient stands twice", "recipients")
    if facts.header.sender.agency in agencies:
        yield Reason("recipient-refused", "recipient-is-sender", "the sender is a recipient", "recipients")
    shared = facts.recipients[0]
    for position, item in enumerate(facts.recipients[1:], start=1):
        if item.header.agreement != shared.header.agreement or not _is_party(shared.agreement, item.header.agency):
            sentence = (
                f"{item.header.agency} is no party to the agreement {shared.header.agency} is addressed under; "
                "each partner gets an envelope of its own"
            )
            yield Reason("recipient-refused", "not-one-agreement", sentence, f"recipients.{position}.agency")


def _judge_attachments(facts: Facts) -> Iterator[Reason]:
    for objection in find_objections(facts.attachments, is_aftercare=facts.is_aftercare):
        yield Reason("attachments-refused", objection.code, objection.sentence, objection.field)


def _judge_keys(facts: Facts, position: int, recipient: RecipientFacts) -> Iterator[Reason]:
    agency, field = recipient.header.agency, f"recipients.{position}"
    if recipient.agency_class is not AgencyClass.AGENCY:
        sentence = f"{agency} is no agency of this exchange that messages can be sent to"
        yield Reason("recipient-refused", "not-an-agency", sentence, f"{field}.agency")
        return
    key = recipient.encryption_key
    if key is None:
        sentence = f"the encryption key named is no current key of {agency}; fetch its newest and seal again"
        yield Reason("encryption-key-not-current", "encryption-key-not-current", sentence, f"{field}.kid")
    elif key.use is not _key_use_for(facts.header.routing.kind):
        sentence = f"the key named is of use {key.use.value}, which is not the one for {facts.header.routing.kind}"
        yield Reason("encryption-key-not-current", "encryption-key-of-other-use", sentence, f"{field}.kid")


def _key_use_for(kind: str) -> EncryptionUse:
    return EncryptionUse.SAFEGUARDING if kind == CONFIDENTIAL_KIND else EncryptionUse.ENCRYPTION


def _judge_room(facts: Facts) -> Iterator[Reason]:
    for position, recipient in enumerate(facts.recipients):
        if not recipient.has_room:
            sentence = describe_full(recipient.header.agency)
            yield Reason("inbox-full", "inbox-full", sentence, f"recipients.{position}.agency")


def _judge_right(facts: Facts, position: int, recipient: RecipientFacts) -> tuple[Passage, list[Reason]]:
    field = f"recipients.{position}"
    reasons = []
    if recipient.number_used_by is not None:
        sentence = f"number {recipient.header.n} of this stream was used by the message {recipient.number_used_by}"
        reasons.append(Reason("number-conflict", "number-used", sentence, f"{field}.n"))
    terms = _find_terms(facts.caller, recipient)
    if terms is None or recipient.agreement is None:
        sentence = f"no agreement of this digest is known between {facts.caller} and {recipient.header.agency}"
        reasons.append(Reason("agreement-unknown", "agreement-unknown", sentence, f"{field}.agreement"))
        return Passage.COVERED, reasons
    if facts.is_aftercare:
        passage, against = _judge_aftercare(facts, recipient, recipient.agreement, terms)
        against += [] if against else _judge_follow_up(facts, field, recipient)
        return passage, [*reasons, *against]
    return Passage.COVERED, [*reasons, *_judge_agreement(facts, field, recipient, recipient.agreement, terms)]


def _judge_agreement(
    facts: Facts, field: str, recipient: RecipientFacts, view: AgreementView, terms: Terms
) -> Iterator[Reason]:
    if view.state is not State.IN_FORCE:
        yield _refuse_state(view, terms, f"{field}.agreement")
    routing = facts.header.routing
    visible = VisibleFacts(
        sender=facts.caller,
        recipient=recipient.header.agency,
        kind=routing.kind,
        marking=routing.marking,
        size_bytes=facts.size_bytes,
        attachments=len(facts.attachments),
    )
    coverage = judge_visible(terms, visible)
    for finding in coverage.findings:
        yield Reason("not-covered", finding.code, finding.sentence, f"{field}.agreement")
    yield from _judge_quota(recipient, list_visible_clauses(terms, visible), f"{field}.agreement")


def _judge_quota(recipient: RecipientFacts, clauses: Sequence[Clause], field: str) -> Iterator[Reason]:
    # Which of several clauses covers the content is not seen here, so the widest of them counts.
    quota = max((clause.daily_quota for clause in clauses), default=None)
    if quota is not None and recipient.accepted_today >= quota:
        sentence = f"the {quota} messages a day agreed to {recipient.header.agency} were sent"
        yield Reason("quota-exhausted", "quota-exhausted", sentence, field)


def _judge_aftercare(
    facts: Facts, recipient: RecipientFacts, view: AgreementView, terms: Terms
) -> tuple[Passage, list[Reason]]:
    earlier, kind, to = facts.earlier, facts.header.routing.kind, recipient.header.agency
    named = with_article(kind)
    if earlier is None or facts.header.refers_to is None or facts.header.refers_to.digest != earlier.digest:
        return Passage.AFTERCARE, [_refuse_reference(f"{named} refers to a message that was accepted here")]
    if terms.id != earlier.agreement:
        return Passage.AFTERCARE, [_refuse_reference(f"{named} cites the agreement of the message it refers to")]
    if not view.binding:
        return Passage.AFTERCARE, [_refuse_state(view, terms, "refers_to")]
    if facts.caller == earlier.sender and to in earlier.progress:
        return _judge_own_aftercare(kind, to, earlier.progress[to], view, terms)
    if facts.caller != earlier.sender and kind_of(kind).is_senders_alone:
        sentence = f"{named} is for the agency alone that sent the message it refers to"
        return Passage.AFTERCARE, [_refuse_reference(sentence)]
    if to == earlier.sender and earlier.progress.get(facts.caller) is Progress.HANDED_OVER:
        return Passage.AFTERCARE, []
    sentence = f"the message it refers to did not pass between {facts.caller} and {to}"
    return Passage.AFTERCARE, [_refuse_reference(sentence)]


def _judge_follow_up(facts: Facts, field: str, recipient: RecipientFacts) -> list[Reason]:
    """Judge what the header shows by the clauses that the message it follows came under, whatever was agreed since."""
    earlier = facts.earlier
    assert earlier is not None  # noqa: S101 - `_judge_aftercare` refuses what refers to nothing
    routing = facts.header.routing
    follow_up = FollowUpFacts(
        routing.kind, routing.marking, original_marking=earlier.marking, said_before=recipient.said_before
    )
    return [
        Reason("not-covered", finding.code, finding.sentence, f"{field}.agreement")
        for finding in judge_follow_up(earlier.clauses, follow_up)
    ]


def _judge_own_aftercare(
    kind: str, to: str, progress: Progress, view: AgreementView, terms: Terms
) -> tuple[Passage, list[Reason]]:
    if progress is Progress.HANDED_OVER:
        return Passage.AFTERCARE, []
    if progress is Progress.ENDED:
        sentence = f"the message it refers to never reached {to}, so there is nothing to follow up there"
        return Passage.AFTERCARE, [_refuse_reference(sentence)]
    if kind == WITHDRAWAL_KIND:
        return Passage.AFTERCARE, []
    if view.state is not State.IN_FORCE:
        return Passage.FOLLOWING, [_refuse_state(view, terms, "refers_to")]
    return Passage.FOLLOWING, []


def _refuse_reference(sentence: str) -> Reason:
    return Reason("reference-refused", "reference-refused", sentence, "refers_to")


def _refuse_state(view: AgreementView, terms: Terms, field: str) -> Reason:
    sentence = f"version {terms.version} of the agreement is {view.state.value}: {view.because}"
    return Reason("agreement-not-in-force", f"agreement-{view.state.value}", sentence, field)


def _find_terms(sender: str, recipient: RecipientFacts) -> Terms | None:
    view = recipient.agreement
    if view is None or not _is_party(view, sender) or not _is_party(view, recipient.header.agency):
        return None
    return view.terms


def _is_party(view: AgreementView | None, agency: str) -> bool:
    return view is not None and view.terms is not None and agency in view.terms.agencies
