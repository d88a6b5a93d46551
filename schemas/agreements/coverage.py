"""Whether an agreement covers a message: one rule for the sender, the broker and the recipient.

`judge_visible` uses what the header shows and runs on all three; `judge_content` uses what only the two agencies see.
Quotas and states are the caller's: this module compares one message with the clauses of one version.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from schemas.agreements.terms import Clause, Terms
from schemas.envelope import CONFIDENTIAL_KIND
from schemas.markings import HandlingCode, Purpose, Tlp

SAFEGUARDING_KIND = "victim-safeguarding"


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
    """What only the two agencies see. `nationalities` are those of the persons named, as ICAO codes."""

    purpose: Purpose
    handling: frozenset[HandlingCode]
    nationalities: frozenset[str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason why a clause does not cover a message: a stable code and a sentence."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """The decision: the clause that covers the message, or why none does (the findings of the nearest clause)."""

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
    """Decide on everything: what is visible, and purpose, handling codes and nationalities beside it."""
    return _choose(terms, facts, lambda clause: [*_find_visible(clause, facts), *_find_content(clause, content)])


def _choose(terms: Terms, facts: VisibleFacts, find: Callable[[Clause], list[Finding]]) -> Coverage:
    nearest: list[Finding] | None = None
    for clause in terms.clauses:
        if (clause.sender, clause.recipient) != (facts.sender, facts.recipient):
            continue
        findings = find(clause)
        if not findings:
            return Coverage(clause, ())
        if nearest is None or len(findings) < len(nearest):
            nearest = findings
    if nearest is None:
        sentence = f"the agreement lets {facts.sender} send nothing to {facts.recipient}"
        nearest = [Finding("direction-not-covered", sentence)]
    return Coverage(None, tuple(nearest))


def _find_visible(clause: Clause, facts: VisibleFacts) -> list[Finding]:
    findings = []
    kind = SAFEGUARDING_KIND if facts.kind == CONFIDENTIAL_KIND else facts.kind
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


def _join(values: Iterable[str]) -> str:
    return ", ".join(values)
