"""By which right a message goes on to a further agency, or before a court: the one rule for holder and recipient. Pure.

An originator consents beforehand by naming agencies in the alert (`onward`), or afterwards by a signed decision. What
was agreed between two states bounds both: under a clause that forbids it nobody can consent. That an original, a path
or a decision is genuine is decided before (`agency_client.receiving.provenance`); which clause an original came under
is loaded before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.agreements.coverage import Finding
from schemas.agreements.terms import Clause, OnwardRule
from schemas.alerts.base import Alert
from schemas.alerts.kinds.release_decision import ReleaseDecision, ReleaseOutcome
from schemas.alerts.kinds.release_request import OriginalMessage, Proceeding, ReleaseUse
from schemas.alerts.kinds.victim_safeguarding import VictimSafeguarding
from schemas.alerts.registry import kind_of
from schemas.markings import HandlingCode, Purpose, Tlp
from schemas.wording import with_article

_NARROW = frozenset({Tlp.RED, Tlp.AMBER_STRICT})


class RightKind(StrEnum):
    """By which right a copy goes on: the originator named its recipient in the alert, or consented since.

    What follows a copy up, and an answer that is passed back, go where the copy or the question came by.
    """

    NAMED = "named"
    CONSENT = "consent"
    FOLLOWS = "follows"


@dataclass(frozen=True, slots=True)
class Passing:
    """One copy on its way: whose message, its own marking and purpose there; who holds it, to whom, what for, when.

    `path` are the agencies it went through, the originator first and the one that passes it on last.
    """

    original: OriginalMessage
    alert: Alert
    original_marking: Tlp
    original_purpose: Purpose
    path: tuple[str, ...]
    recipient: str
    marking: Tlp
    purpose: Purpose
    at: datetime

    @property
    def holder(self) -> str:
        """Return who passes it on."""
        return self.path[-1]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The decision on one copy: the right by which it goes on and the sentence that says so, or why there is none."""

    right: RightKind | None
    sentence: str
    findings: tuple[Finding, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Return whether the copy may go on."""
        return self.right is not None


@dataclass(frozen=True, slots=True)
class WantedUse:
    """A use that a decision must allow: of which message, by whom, for which purpose, when; for whom, or where."""

    use: ReleaseUse
    original: OriginalMessage
    holder: str
    purpose: Purpose
    at: datetime
    recipient: str | None = None
    court: Proceeding | None = None


def judge_passing(passing: Passing, decision: ReleaseDecision | None) -> Judgement:
    """Decide whether a copy may go on: by a decision where there is one, else by the alert's own list of agencies."""
    originator = passing.original.agency
    if decision is not None:
        against = judge_decision(decision, describe_use(passing))
        right, sentence = RightKind.CONSENT, f"{originator} consented to it"
    else:
        against = _judge_named(passing)
        right, sentence = RightKind.NAMED, f"{originator} names {passing.recipient} in the message itself"
    findings = (*judge_form(passing), *against, *_judge_confidential(passing, decision))
    if findings:
        return Judgement(None, "; ".join(finding.sentence for finding in findings), findings)
    return Judgement(right, sentence)


def judge_form(passing: Passing) -> list[Finding]:
    """Find what no consent allows: the wrong kind, a circle, a lower marking."""
    findings = []
    kind = kind_of(passing.alert.kind)
    if kind.is_aftercare or kind.needs_refers_to:
        sentence = (
            f"{with_article(kind.label.lower())} belongs to the message it follows and is not passed on by itself"
        )
        findings.append(Finding("kind-not-passed-on", sentence))
    if passing.recipient in passing.path:
        sentence = f"{passing.recipient} had it before: {spell_path(passing.path)}"
        findings.append(Finding("passed-in-a-circle", sentence))
    if passing.marking.rank < passing.original_marking.rank:
        sentence = f"{passing.marking.label} is lower than the originator's {passing.original_marking.label}"
        findings.append(Finding("marking-lowered", sentence))
    return findings


def _judge_confidential(passing: Passing, decision: ReleaseDecision | None) -> list[Finding]:
    """Find what keeps a message about a victim from another desk: the originator consents, and so does the person."""
    details = passing.alert.details
    if not isinstance(details, VictimSafeguarding):
        return []
    findings = []
    if decision is None:
        findings.append(Finding("consent-missing", "what is confidential goes on by the originator's consent alone"))
    if not details.is_onward_consented:
        sentence = "the person has not agreed that another safeguarding desk gets it"
        findings.append(Finding("victim-consent-missing", sentence))
    if passing.purpose is not Purpose.VICTIM_PROTECTION:
        findings.append(Finding("purpose-not-covered", "what is confidential goes on for victim-protection alone"))
    return findings


def find_consent_demand(alert: Alert, marking: Tlp) -> str | None:
    """Return why only a decision lets a message go on, whoever is named in it; None: a name is enough."""
    if kind_of(alert.kind).is_confidential:
        return "its confidence"
    if HandlingCode.H2 in alert.handling.codes:
        return HandlingCode.H2.label
    return f"its marking {marking.label}" if marking in _NARROW else None


def judge_clause(clause: Clause | None, recipients: Sequence[str]) -> list[Finding]:
    """Find what the clause under which a message was sent keeps even its originator from allowing."""
    if clause is None:
        return [Finding("clause-unknown", "no clause of its agreement covers it, so nothing says that it may go on")]
    if clause.onward is OnwardRule.FORBIDDEN:
        sentence = "its agreement forbids passing it on, and one party alone cannot widen what two agreed"
        return [Finding("onward-forbidden", sentence)]
    outside = sorted(set(recipients) - set(clause.onward_agencies)) if clause.onward is OnwardRule.LISTED else []
    if not outside:
        return []
    listed = ", ".join(clause.onward_agencies)
    return [Finding("onward-not-listed", f"its agreement lets it go on to {listed} only, not to {', '.join(outside)}")]


def judge_decision(decision: ReleaseDecision, wanted: WantedUse) -> list[Finding]:
    """Find every way in which a decision does not allow a use."""
    findings = []
    if decision.original != wanted.original:
        findings.append(Finding("consent-for-another-message", "the consent is for another message"))
    if decision.outcome is not ReleaseOutcome.GRANTED:
        findings.append(Finding("consent-refused", f"{decision.original.agency} refused it"))
    if decision.use is not wanted.use:
        findings.append(Finding("consent-for-another-use", f"the consent is for: {decision.use.label.lower()}"))
    if decision.held_by != wanted.holder:
        sentence = f"the consent lets {decision.held_by} do it, not {wanted.holder}"
        findings.append(Finding("consent-for-another-holder", sentence))
    if wanted.recipient is not None and wanted.recipient not in (decision.recipients or ()):
        named = ", ".join(decision.recipients or ()) or "nobody"
        sentence = f"the consent is for {named}, not for {wanted.recipient}"
        findings.append(Finding("consent-for-another-recipient", sentence))
    if wanted.court is not None and wanted.court != decision.court:
        findings.append(Finding("consent-for-another-court", "the consent is for another court or proceeding"))
    if wanted.purpose not in decision.purposes:
        purposes = ", ".join(purpose.value for purpose in decision.purposes)
        sentence = f"the consent is for {purposes}, not for {wanted.purpose.value}"
        findings.append(Finding("consent-for-another-purpose", sentence))
    if decision.valid_until is not None and wanted.at >= decision.valid_until:
        findings.append(Finding("consent-ended", f"the consent ended at {decision.valid_until:%Y-%m-%d %H:%M} UTC"))
    return findings


def describe_use(passing: Passing) -> WantedUse:
    """Return what a decision must allow for a copy to go on."""
    return WantedUse(
        use=ReleaseUse.ONWARD,
        original=passing.original,
        holder=passing.holder,
        purpose=passing.purpose,
        at=passing.at,
        recipient=passing.recipient,
    )


def spell_path(path: Sequence[str], recipient: str | None = None) -> str:
    """Return the way a message took, for a person: "VN → BE → AL"."""
    return " → ".join([*path, *([] if recipient is None else [recipient])])


def _judge_named(passing: Passing) -> list[Finding]:
    """Judge a copy without a decision: everyone on the way and at its end is named, for what it was sent for."""
    demand = find_consent_demand(passing.alert, passing.original_marking)
    if demand is not None:
        sentence = f"it goes on with the consent of {passing.original.agency} only: {demand}"
        return [Finding("consent-missing", sentence)]
    named = set(passing.alert.onward or ())
    unnamed = [agency for agency in (*passing.path[2:], passing.recipient) if agency not in named]
    if unnamed:
        sentence = f"{passing.original.agency} has neither named {', '.join(unnamed)} nor consented since"
        return [Finding("consent-missing", sentence)]
    if passing.purpose is not passing.original_purpose:
        sentence = f"it was sent for {passing.original_purpose.value}, and {passing.purpose.value} needs a consent"
        return [Finding("purpose-changed", sentence)]
    return []
