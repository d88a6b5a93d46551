"""Whether an agreement covers a message: one rule for the sender, the broker and the recipient.

`judge_visible` uses what the header shows and runs on all three. What only the two agencies see is judged by
`judge_message` before sealing and by `judge_received` before showing: the recipient keeps to the clause by itself where
a message asks for more time or less than was agreed, and refuses everything else. Quotas and states are the caller's:
this module compares one message with the clauses of one version. What the content says of itself is put together by
`schemas.agreements.content`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from schemas.agreements.terms import Clause, OnwardRule, Terms, TransferGroundKind
from schemas.alerts.base import CaveatCode, SpecialCategory, Transfer
from schemas.envelope import CONFIDENTIAL_KIND, SAFEGUARDING_KIND
from schemas.markings import HandlingCode, Purpose, Tlp, Urgency


@dataclass(frozen=True, slots=True)
class VisibleFacts:
    """What the header shows of a message: ids of the agencies, kind, marking, and sizes in bytes."""

    sender: str
    recipient: str
    kind: str
    marking: Tlp
    size_bytes: int
    attachments: int = 0


@dataclass(frozen=True, slots=True)
class ContentFacts:
    """What only the two agencies see. `nationalities` are those of the persons named, as ICAO codes.

    `reply_due` is absent where no answer is due by the agreement, `retain_until` is the last day. `is_passed_on`: it is
    another agency's alert, to the letter, so what it says of its own transfer and of onward use is not about this one.
    `is_personal`: the kind may hold personal data.
    """

    purpose: Purpose
    handling: frozenset[HandlingCode]
    nationalities: frozenset[str]
    urgency: Urgency
    issued_at: datetime
    caveats: frozenset[CaveatCode] = frozenset()
    special_categories: frozenset[SpecialCategory] = frozenset()
    onward: frozenset[str] = frozenset()
    transfer: Transfer | None = None
    reply_due: datetime | None = None
    retain_until: date | None = None
    is_passed_on: bool = False
    is_personal: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason why a clause does not cover a message: a stable code and a sentence.

    `is_limit`: the recipient need not refuse the message for it, since it can keep to the clause by itself.
    """

    code: str
    sentence: str
    is_limit: bool = False


@dataclass(frozen=True, slots=True)
class Coverage:
    """The decision: the clause that covers the message, or why none does (the findings of the nearest clause).

    A clause with findings is one that the recipient keeps to although the message asks for something else.
    """

    clause: Clause | None
    findings: tuple[Finding, ...]

    @property
    def is_covered(self) -> bool:
        """Return whether some clause covers the message."""
        return self.clause is not None


def judge_visible(terms: Terms, facts: VisibleFacts) -> Coverage:
    """Decide on what the broker can see: direction, kind, marking, size, attachments."""
    return _choose(terms, facts, lambda clause: _find_visible(clause, facts))


def judge_message(terms: Terms, facts: VisibleFacts, content: ContentFacts) -> Coverage:
    """Decide on everything, as a sender does before sealing: every term of one clause must hold."""
    return _choose(terms, facts, lambda clause: _find_all(terms, clause, facts, content))


def judge_received(terms: Terms, facts: VisibleFacts, content: ContentFacts) -> Coverage:
    """Decide on everything, as a recipient does before showing: limits come with the clause that sets them."""
    strict = judge_message(terms, facts, content)
    if strict.is_covered:
        return strict
    return _choose(terms, facts, lambda clause: _find_all(terms, clause, facts, content), keeps_limits=True)


def list_visible_clauses(terms: Terms, facts: VisibleFacts) -> list[Clause]:
    """Return every clause that holds as far as the header shows."""
    return [clause for clause in _list_direction(terms, facts) if not _find_visible(clause, facts)]


def _choose(
    terms: Terms, facts: VisibleFacts, find: Callable[[Clause], list[Finding]], *, keeps_limits: bool = False
) -> Coverage:
    """Return the first clause without findings, or those of the nearest; a limit kept to is no reason against one."""
    nearest: list[Finding] | None = None
    limited: Coverage | None = None
    for clause in _list_direction(terms, facts):
        findings = find(clause)
        against = [finding for finding in findings if not (keeps_limits and finding.is_limit)]
        if not against and (limited is None or len(findings) < len(limited.findings)):
            limited = Coverage(clause, tuple(findings))
        if nearest is None or len(against) < len(nearest):
            nearest = against
    if limited is not None:
        return limited
    if nearest is None:
        sentence = f"the agreement lets {facts.sender} send nothing to {facts.recipient}"
        nearest = [Finding("direction-not-covered", sentence)]
    return Coverage(None, tuple(nearest))


def _list_direction(terms: Terms, facts: VisibleFacts) -> list[Clause]:
    direction = (facts.sender, facts.recipient)
    return [clause for clause in terms.clauses if (clause.sender, clause.recipient) == direction]


def _find_all(terms: Terms, clause: Clause, facts: VisibleFacts, content: ContentFacts) -> list[Finding]:
    return [
        *_find_visible(clause, facts),
        *_find_purpose(facts, content),
        *_find_content(clause, content),
        *_find_marks(clause, content),
        *_find_onward(clause, content),
        *_find_transfer(terms.transfer_ground.kind, content),
        *_find_limits(clause, content),
    ]


def _find_visible(clause: Clause, facts: VisibleFacts) -> list[Finding]:
    findings = []
    kind = SAFEGUARDING_KIND if facts.kind == CONFIDENTIAL_KIND else facts.kind
    if facts.kind == SAFEGUARDING_KIND:
        findings.append(Finding("kind-shown-openly", f"the header shows {CONFIDENTIAL_KIND} and not {facts.kind}"))
    if kind not in clause.kinds:
        findings.append(Finding("kind-not-covered", f"{facts.kind} is not among {_join(clause.kinds)}"))
    if facts.marking.rank > clause.highest_marking.rank:
        sentence = f"{facts.marking.value} is above {clause.highest_marking.value}, the highest marking agreed"
        findings.append(Finding("marking-too-high", sentence))
    if facts.attachments and not clause.attachments:
        findings.append(Finding("attachments-not-covered", "attachments were not agreed"))
    if facts.size_bytes > clause.max_bytes:
        findings.append(Finding("too-large", f"{facts.size_bytes} bytes, at most {clause.max_bytes} were agreed"))
    return findings


def _find_purpose(facts: VisibleFacts, content: ContentFacts) -> list[Finding]:
    """Find a purpose for which what is confidential is never sent, whatever was agreed."""
    if facts.kind != CONFIDENTIAL_KIND or content.purpose is Purpose.VICTIM_PROTECTION:
        return []
    only, given = Purpose.VICTIM_PROTECTION.value, content.purpose.value
    return [Finding("purpose-not-covered", f"what is {CONFIDENTIAL_KIND} is sent for {only} alone, not for {given}")]


def _find_content(clause: Clause, content: ContentFacts) -> list[Finding]:
    findings = []
    if content.purpose not in clause.purposes:
        findings.append(
            Finding("purpose-not-covered", f"{content.purpose.value} is not among {_join(clause.purposes)}")
        )
    handling = content.handling - set(clause.handling)
    if handling:
        sentence = f"handling {_join(sorted(handling))} is not among {_join(clause.handling)}"
        findings.append(Finding("handling-not-covered", sentence))
    if clause.nationalities is not None:
        foreign = content.nationalities - set(clause.nationalities)
        if foreign:
            sentence = f"nationals of {_join(sorted(foreign))} are outside {_join(clause.nationalities)}"
            findings.append(Finding("nationality-not-covered", sentence))
    return findings


def _find_marks(clause: Clause, content: ContentFacts) -> list[Finding]:
    """Find what every message of the clause must carry, and what it may carry only where it was agreed (art. 10)."""
    findings = []
    missing = [code for code in clause.caveats or () if code not in content.caveats]
    if missing:
        sentence = f"every message of this clause carries the caveat {_join(missing)}"
        findings.append(Finding("caveat-missing", sentence))
    allowed = clause.special_categories or ()
    special = content.special_categories - set(allowed)
    if special:
        sentence = (
            f"special categories {_join(sorted(special))} are not among {_join(allowed) or 'any that were agreed'}"
        )
        findings.append(Finding("special-category-not-covered", sentence))
    return findings


def _find_onward(clause: Clause, content: ContentFacts) -> list[Finding]:
    """Find agencies to whom the originator may not let it go on in advance (`onward`)."""
    if content.is_passed_on or not content.onward or clause.onward is OnwardRule.WITH_CONSENT:
        return []
    if clause.onward is OnwardRule.FORBIDDEN:
        sentence = f"nothing is passed on under this clause, and onward names {_join(sorted(content.onward))}"
        return [Finding("onward-not-covered", sentence)]
    outside = content.onward - set(clause.onward_agencies)
    if not outside:
        return []
    sentence = f"onward names {_join(sorted(outside))}, which is not among {_join(clause.onward_agencies)}"
    return [Finding("onward-not-covered", sentence)]


def _find_transfer(agreed: TransferGroundKind, content: ContentFacts) -> list[Finding]:
    """Find what the ground of this transfer lacks (Directive (EU) 2016/680 art. 35, 37 and 38).

    A message may repeat the agreement's ground and name no other: article 38 is for what neither an adequacy decision
    nor safeguards carry, so it never stands beside them. Under a derogation each message is a transfer of its own, with
    its record (art. 38(3)) and the authorisation of the state the data come from (art. 35(1)(c)), which only an
    immediate threat makes dispensable (art. 35(2)).
    """
    if not content.is_personal or (content.is_passed_on and agreed is not TransferGroundKind.DEROGATION):
        return []
    stated = None if content.is_passed_on else content.transfer
    if stated is None and agreed is TransferGroundKind.DEROGATION:
        sentence = "under a derogation each message names its own transfer: ground, record, authorisation"
        return [Finding("transfer-not-covered", sentence)]
    if stated is not None and stated.ground.value != agreed.value:
        sentence = f"the transfer rests on {stated.ground.value}, the agreement on {agreed.value}"
        return [Finding("transfer-not-covered", sentence)]
    if agreed is not TransferGroundKind.DEROGATION or content.urgency is Urgency.THREAT_TO_LIFE:
        return []
    if stated is not None and stated.originator_authorisation is None:
        sentence = "a derogation names the authorisation of the state the data come from (originator_authorisation)"
        return [Finding("transfer-not-authorised", sentence)]
    return []


def _find_limits(clause: Clause, content: ContentFacts) -> list[Finding]:
    """Find what asks for an earlier answer or a longer keeping than was agreed. A threat to life sets its own time."""
    if content.is_passed_on:
        return []
    findings = []
    minutes = find_answer_minutes(clause, content.urgency)
    if minutes is not None and content.reply_due is not None and content.urgency is not Urgency.THREAT_TO_LIFE:
        agreed = content.issued_at + timedelta(minutes=minutes)
        if content.reply_due < agreed:
            sentence = f"reply_due comes before {agreed:%Y-%m-%d %H:%M} UTC: {minutes} minutes to answer were agreed"
            findings.append(Finding("reply-due-too-soon", sentence, is_limit=True))
    last = (content.issued_at + timedelta(days=clause.retention_days)).date()
    if content.retain_until is not None and content.retain_until > last:
        sentence = f"retain_until lies after {last}: {clause.retention_days} days were agreed"
        findings.append(Finding("retention-too-long", sentence, is_limit=True))
    return findings


def find_answer_minutes(clause: Clause, urgency: Urgency) -> int | None:
    """Return how many minutes the recipient has to answer, None where nothing was agreed."""
    agreed: Sequence[int] = [item.minutes for item in clause.answer_within if item.urgency is urgency]
    return min(agreed, default=None)


def _join(values: Iterable[str]) -> str:
    return ", ".join(values)
