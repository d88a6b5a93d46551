"""Which agreement allows a message to each recipient, or why none does: a pure decision from facts loaded before.

The same coverage rule as the broker's and the recipient's (`schemas.agreements.coverage`), here with everything that is
inside the encryption too; and whether the partner's newest status is too old to send anything new. Loading the facts is
`agency_client.sending.facts`, sealing is `agency_client.sending.seal`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from agency_client.sending.choosing import CoveringClause, choose_narrowest, explain_choice
from agency_client.statuses.freshness import STALE_AFTER, StatusAge
from schemas.agreements.coverage import ContentFacts, Finding, VisibleFacts, judge_message
from schemas.agreements.following import FollowUpFacts, judge_follow_up
from schemas.agreements.lifecycle import AgreementView, State
from schemas.agreements.terms import Clause, Terms
from schemas.envelope import Reference
from schemas.key_documents import EncryptionKey
from schemas.markings import Tlp, Urgency
from schemas.wording import with_article

WITHDRAWAL_KIND = "withdrawal"

_PAST = frozenset({State.DRAFT, State.SUPERSEDED, State.WITHDRAWN, State.REJECTED, State.LAPSED, State.COUNTERED})
"""Versions that nobody would think of sending under: left out unless asked for by name."""


@dataclass(frozen=True, slots=True)
class Original:
    """A message that passed between this agency and a partner, which another one answers or follows up.

    `agreement` is the digest it was sent under. `is_own`: this agency sent it. `is_held`: the exchange keeps it back,
    as far as is known; `has_ended`: it never arrived and never will. `clauses` are those it may have come under.
    `said_before`: how many messages of the kind that follows it now went to the partner about it.
    """

    reference: Reference
    partner: str
    agreement: str
    is_own: bool
    is_held: bool = False
    has_ended: bool = False
    marking: Tlp | None = None
    clauses: tuple[Clause, ...] = ()
    said_before: int = 0


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What is to be sent, as far as rules look at it. `content` is what only the agencies see, `size_bytes` the
    ciphertext's.

    `overrides_old_status`: somebody said why it goes although a partner's status is too old. `is_senders_alone`: it
    follows a message up in a way that only who sent that one may.
    """

    sender: str
    kind: str
    is_aftercare: bool
    needs_original: bool
    marking: Tlp
    content: ContentFacts
    size_bytes: int
    attachments: int = 0
    overrides_old_status: bool = False
    is_senders_alone: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """One version of an agreement with the partner, and how many messages went to it under this version today.

    `is_step_hidden`: the partner has signed a step of it that the exchange has not shown; it may narrow.
    """

    view: AgreementView
    sent_today: int
    is_step_hidden: bool = False


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """What is known of one recipient. `obstacles` are findings that no agreement can overcome (not pinned, no key).

    `status_age` is how it stands by its newest status.
    """

    agency: str
    candidates: tuple[Candidate, ...]
    encryption_key: EncryptionKey | None
    obstacles: tuple[Finding, ...] = ()
    original: Original | None = None
    status_age: StatusAge | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One agreement, judged for one message to one recipient: the clause that covers it, or why it is refused."""

    view: AgreementView
    terms: Terms
    clause: Clause | None
    findings: tuple[Finding, ...]

    @property
    def is_allowed(self) -> bool:
        """Return whether the message may be sent under it."""
        return not self.findings

    @property
    def covering(self) -> CoveringClause:
        """Return what the choice among several looks at."""
        return CoveringClause(self.view, self.terms, self.clause)


@dataclass(frozen=True, slots=True)
class RecipientPlan:
    """The decision for one recipient: every agreement judged, the one chosen, or the reasons against all of them.

    `overridden` is what would have stopped it but for a reason that somebody gave.
    """

    agency: str
    options: tuple[Option, ...]
    chosen: Option | None
    obstacles: tuple[Finding, ...]
    encryption_key: EncryptionKey | None
    original: Original | None
    overridden: Finding | None = None
    status_age: StatusAge | None = None

    @property
    def is_allowed(self) -> bool:
        """Return whether the message may be sent to this recipient."""
        return self.chosen is not None and not self.obstacles

    def explain_choice(self) -> str:
        """Return why it goes under the agreement chosen, in one sentence; "" where none allows it."""
        return explain_choice([option.covering for option in self.options if option.is_allowed])

    def explain(self) -> str:
        """Return why it is refused, in one line."""
        found = [finding.sentence for finding in self.obstacles]
        if not found:
            found = [f"{option.terms.title}: {_join_sentences(option.findings)}" for option in self.options]
        return f"{self.agency}: " + ("; ".join(found) or "no agreement with this agency")


@dataclass(frozen=True, slots=True)
class Plan:
    """The decision for every recipient. `left_out`: partners that nobody named and that no agreement allows."""

    recipients: tuple[RecipientPlan, ...]
    left_out: tuple[RecipientPlan, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Return whether it may be sent to all: a send is done as a whole or not at all."""
        return bool(self.recipients) and all(recipient.is_allowed for recipient in self.recipients)

    @property
    def refusals(self) -> tuple[RecipientPlan, ...]:
        """Return the recipients it may not be sent to; where nobody was named, the partners that were considered."""
        refused = tuple(recipient for recipient in self.recipients if not recipient.is_allowed)
        return refused or (() if self.recipients else self.left_out)


def make_plan(
    message: MessageFacts,
    recipients: Sequence[RecipientFacts],
    *,
    wanted: str | None = None,
    drop_refused: bool = False,
) -> Plan:
    """Judge a message for each recipient; `wanted` names the one agreement to use (id or digest, or its beginning).

    With `drop_refused` the recipients are all partners there are, and those not covered are left out.
    """
    judged = [_plan_recipient(message, recipient, wanted) for recipient in recipients]
    if not drop_refused:
        return Plan(tuple(judged))
    return Plan(
        tuple(item for item in judged if item.is_allowed), tuple(item for item in judged if not item.is_allowed)
    )


def choose_regardless(plan: RecipientPlan) -> Option | None:
    """Return the agreement to cite for whoever sends without this check: what is allowed, else what comes nearest."""
    ranked = sorted(
        plan.options,
        key=lambda option: (option.clause is None, len(option.findings), option.view.state is not State.IN_FORCE),
    )
    return plan.chosen or next(iter(ranked), None)


def find_retention_days(option: Option, sender: str, recipient: str) -> int:
    """Return how long a copy may be kept: by the covering clause, else by the strictest one of this direction."""
    if option.clause is not None:
        return option.clause.retention_days
    direction = [clause for clause in option.terms.clauses if (clause.sender, clause.recipient) == (sender, recipient)]
    return min(clause.retention_days for clause in direction or option.terms.clauses)


def _plan_recipient(message: MessageFacts, recipient: RecipientFacts, wanted: str | None) -> RecipientPlan:
    options = tuple(
        _judge_option(message, recipient, candidate, terms)
        for candidate in recipient.candidates
        if (terms := candidate.view.terms) is not None and _is_considered(candidate.view, terms, recipient, wanted)
    )
    old_status = _judge_status(message, recipient)
    is_overridden = message.overrides_old_status and message.content.urgency is Urgency.THREAT_TO_LIFE
    stopping = [] if old_status is None or is_overridden else [old_status]
    return RecipientPlan(
        agency=recipient.agency,
        options=options,
        chosen=_choose(options),
        obstacles=(*recipient.obstacles, *stopping, *_judge_original(message, recipient)),
        encryption_key=recipient.encryption_key,
        original=recipient.original,
        overridden=old_status if is_overridden else None,
        status_age=recipient.status_age,
    )


def _judge_status(message: MessageFacts, recipient: RecipientFacts) -> Finding | None:
    """Return what a stale status stops: everything that does not follow an earlier message up."""
    age = recipient.status_age
    if age is None or not age.stops_sending or message.is_aftercare:
        return None
    hours = STALE_AFTER // timedelta(hours=1)
    return Finding("status-stale", f"{age.sentence}: after {hours} h nothing new is sent there but a threat to life")


def _is_considered(view: AgreementView, terms: Terms, recipient: RecipientFacts, wanted: str | None) -> bool:
    if wanted is not None:
        return terms.id.startswith(wanted) or view.digest.startswith(wanted)
    is_cited = recipient.original is not None and view.digest == recipient.original.agreement
    return is_cited or view.state not in _PAST


def _judge_option(message: MessageFacts, recipient: RecipientFacts, candidate: Candidate, terms: Terms) -> Option:
    view = candidate.view
    if message.is_aftercare:
        return Option(view, terms, None, tuple(_judge_aftercare(message, recipient, candidate, terms)))
    visible = VisibleFacts(
        message.sender, recipient.agency, message.kind, message.marking, message.size_bytes, message.attachments
    )
    coverage = judge_message(terms, visible, message.content)
    findings = [*_judge_state(view), *coverage.findings]
    if candidate.is_step_hidden:
        sentence = f"{recipient.agency} has signed a step of it that the exchange has not shown"
        findings.append(Finding("step-hidden", sentence))
    if coverage.clause is not None and candidate.sent_today >= coverage.clause.daily_quota:
        sentence = f"the {coverage.clause.daily_quota} messages a day that were agreed have been sent"
        findings.append(Finding("quota-exhausted", sentence))
    return Option(view, terms, coverage.clause, tuple(findings))


def _judge_state(view: AgreementView) -> list[Finding]:
    if view.state is State.IN_FORCE:
        return []
    return [Finding(f"agreement-{view.state.value}", f"it is {view.state.value}: {view.because}")]


def _judge_aftercare(
    message: MessageFacts, recipient: RecipientFacts, candidate: Candidate, terms: Terms
) -> list[Finding]:
    """Judge one version for a message that follows another up: it passes in every state once that one has arrived."""
    original = recipient.original
    if original is None:
        return []
    cited = next((item.view for item in recipient.candidates if item.view.digest == original.agreement), None)
    if cited is None or cited.terms is None or cited.terms.id != terms.id:
        return [Finding("another-agreement", "the message it refers to was sent under another agreement")]
    if not candidate.view.binding:
        return _judge_state(candidate.view)
    findings = [*judge_follow_up(original.clauses, _describe_follow_up(message, original), message.content)]
    if message.kind == WITHDRAWAL_KIND or not original.is_own or not original.is_held:
        return findings
    held = "the message it refers to is held back: withdraw it, or follow it up once it has arrived"
    return [*findings, Finding("original-held", held), *_judge_state(candidate.view)]


def _describe_follow_up(message: MessageFacts, original: Original) -> FollowUpFacts:
    return FollowUpFacts(
        kind=message.kind,
        marking=message.marking,
        original_marking=original.marking,
        said_before=original.said_before,
    )


def _judge_original(message: MessageFacts, recipient: RecipientFacts) -> list[Finding]:
    original = recipient.original
    if not message.needs_original:
        return []
    if original is None:
        sentence = f"the message it refers to did not pass between {message.sender} and {recipient.agency}"
        return [Finding("reference-refused", sentence)]
    if original.has_ended:
        sentence = f"the message it refers to never reached {recipient.agency}, so there is nothing to follow up there"
        return [Finding("reference-refused", sentence)]
    if message.is_senders_alone and not original.is_own:
        sentence = f"only the agency that sent a message can follow it up by {with_article(message.kind)}"
        return [Finding("reference-refused", sentence)]
    return []


def _choose(options: Sequence[Option]) -> Option | None:
    allowing = [option for option in options if option.is_allowed]
    best = choose_narrowest([option.covering for option in allowing])
    return next((option for option in allowing if option.covering == best), None)


def _join_sentences(findings: Sequence[Finding]) -> str:
    return ", ".join(finding.sentence for finding in findings)
