"""How agreements look: one version in a line, one in full, for people and for programs."""

from collections import Counter
from collections.abc import Iterable, Sequence

from agency_client.agreements.chains import Version
from agency_client.agreements.comparing import Change, Effect
from agency_client.agreements.spelling import spell_field
from agency_client.agreements.versions import Pair
from agency_client.agreements.views import AgreementLine, AgreementPage, SignedStepLine
from agency_client.local_store.checkpoints import SignedCheckpoint
from agency_client.terminal.output import Cell, Output, Tone
from schemas.agreements.lifecycle import State
from schemas.agreements.terms import Clause

_TONES = {
    "in-force": Tone.GOOD,
    "confirmed": Tone.GOOD,
    "suspended": Tone.BAD,
    "revoked": Tone.BAD,
    "rejected": Tone.BAD,
    "proposed": Tone.CAUTION,
    "countered": Tone.CAUTION,
    "accepted": Tone.CAUTION,
    "draft": Tone.CAUTION,
}


_EFFECT_TONES = {Effect.WIDENS: Tone.CAUTION, Effect.NARROWS: Tone.GOOD, Effect.CHANGES: Tone.NORMAL}


def show_state(line: AgreementLine) -> Cell:
    """Return a state as a cell."""
    return Cell(line.state.value, _TONES.get(line.state.value, Tone.QUIET))


def show_as_of(output: Output, checkpoint: SignedCheckpoint | None) -> None:
    """Say how old the answer is: it is what this node has read in the log, without asking the exchange."""
    if checkpoint is None:
        output.say("as of never; run: agency sync")
    else:
        output.say(f"as of {checkpoint.seen_at:%Y-%m-%d %H:%M} UTC, log size {checkpoint.size}; to renew: agency sync")


def remind_of_agreements(output: Output, lines: Iterable[AgreementLine]) -> None:
    """Say in one line beside other data which agreements need something from this agency, and where to see what."""
    due = [(line, reminder) for line in lines for reminder in line.reminders if reminder.is_ours]
    if not due:
        return
    line, first = min(due, key=lambda pair: (pair[1].due_at is None, pair[1].due_at or pair[0].terms.in_force_until))
    rest = f", and {len(due) - 1} more" if len(due) > 1 else ""
    words = f"agreements: {line.terms.title} with {line.partner}: {first.sentence}{rest}; see: agency agreements"
    output.say(words, Tone.CAUTION)


def tell_of_several(output: Output, lines: Iterable[AgreementLine]) -> None:
    """Say which partners have several agreements in force with us, and how one is chosen for a message."""
    standing = Counter(line.partner for line in lines if line.state is State.IN_FORCE)
    for partner, count in sorted(standing.items()):
        if count > 1:
            output.say(
                f"{count} agreements with {partner} are in force: a message goes under the narrowest that covers it;"
                " agency send … --dry-run says which and why, --agreement names another"
            )


def show_page(output: Output, page: AgreementPage, partner_status: Cell) -> None:
    """Show an agreement in full: how it and its partner stand, its terms, and who signed what."""
    line, terms = page.line, page.line.terms
    output.show_details(
        [
            ("agreement", line.agreement),
            ("version", str(terms.version)),
            ("digest", line.digest),
            ("title", terms.title),
            ("parties", " and ".join(terms.agencies)),
            ("state", show_state(line)),
            ("because", line.because),
            (f"status of {line.partner}", partner_status),
            ("due", line.due or "-"),
            ("in force", f"{terms.in_force_from:%Y-%m-%d} to {terms.in_force_until:%Y-%m-%d}"),
            ("review by", f"{terms.review_by:%Y-%m-%d}"),
            ("notice", f"{terms.notice_days} days"),
            ("transfer ground", f"{terms.transfer_ground.kind.value}: {terms.transfer_ground.reference}"),
            *(("legal basis", basis) for basis in terms.legal_basis),
            *(("duty desk", f"{desk.agency}: {desk.name}, {desk.phone}") for desk in terms.duty_desks),
            *(("signatory", f"{who.agency}: {who.name}, {who.office}") for who in terms.signatories),
        ]
    )
    for number, clause in enumerate(terms.clauses, start=1):
        output.show_details(_list_clause(number, clause))
    show_steps(output, page.history)
    for held in page.held:
        output.say(f"a step of {held.agency} waits: {held.sentence}", Tone.CAUTION)


def show_steps(output: Output, history: Iterable[SignedStepLine]) -> None:
    """Show who signed what, in the log's order."""
    rows = [
        (
            f"{item.step.time:%Y-%m-%d %H:%M}",
            item.step.agency,
            item.step.action.value,
            f"leaf {item.leaf_index}" if item.is_logged else Cell("not in the log", Tone.CAUTION),
            " ".join((item.step.reason or "").split()),
        )
        for item in history
    ]
    output.show_table(("time", "party", "step", "log", "reason"), rows)


def show_versions(output: Output, lines: Iterable[AgreementLine]) -> None:
    """Show the versions of one agreement, the newest first."""
    rows = [
        (
            str(line.terms.version),
            show_state(line),
            line.proposer or "-",
            f"{line.terms.in_force_from:%Y-%m-%d}",
            f"{line.terms.in_force_until:%Y-%m-%d}",
            line.digest,
            line.because,
        )
        for line in lines
    ]
    output.show_table(("version", "state", "proposed by", "from", "until", "digest", "because"), rows)


def show_changes(output: Output, pair: Pair, changes: Sequence[Change]) -> None:
    """Show what differs between two versions, what widens first."""
    output.say(f"from {_name_version(pair.old)} to {_name_version(pair.new)}")
    rows = [
        (
            Cell(change.effect.value, _EFFECT_TONES[change.effect]),
            change.where or "terms",
            change.field,
            change.sentence,
        )
        for effect in Effect
        for change in changes
        if change.effect is effect
    ]
    output.show_table(("effect", "where", "field", "in words"), rows, empty="they say the same")


def describe_pair(pair: Pair, changes: Sequence[Change]) -> dict[str, object]:
    """Return two versions and what differs, for a program."""
    return {
        "agreement": pair.new.agreement.id,
        "old": {"version": pair.old.terms.version, "digest": pair.old.digest, "state": pair.old.view.state.value},
        "new": {"version": pair.new.terms.version, "digest": pair.new.digest, "state": pair.new.view.state.value},
        "widens": any(change.effect is Effect.WIDENS for change in changes),
        "changes": [
            {
                "effect": change.effect.value,
                "where": change.where,
                "field": change.field,
                "was": change.was,
                "now": change.now,
                "sentence": change.sentence,
            }
            for change in changes
        ],
    }


def _name_version(version: Version) -> str:
    return f"version {version.terms.version} ({version.digest[:8]}, {version.view.state.value})"


def _list_clause(number: int, clause: Clause) -> list[tuple[str, str | Cell]]:
    nationalities = "any" if clause.nationalities is None else ", ".join(clause.nationalities)
    answers = ", ".join(f"{item.urgency.value} {item.minutes} min" for item in clause.answer_within)
    return [
        (f"clause {number}", f"{clause.sender} to {clause.recipient}"),
        ("  kinds", ", ".join(clause.kinds)),
        ("  purposes", ", ".join(purpose.value for purpose in clause.purposes)),
        ("  nationals of", nationalities),
        ("  up to", f"{clause.highest_marking.label}, {', '.join(code.value.upper() for code in clause.handling)}"),
        ("  onward", " ".join((clause.onward.value, *clause.onward_agencies))),
        ("  a day", f"{clause.daily_quota} messages of {clause.max_bytes} bytes"),
        ("  answers within", answers or "-"),
        ("  kept", f"{clause.retention_days} days, evidence {clause.evidence_days}"),
        ("  attachments", "allowed" if clause.attachments else "not allowed"),
        ("  receipts", spell_field("receipts", clause.receipts) or "-"),
        *(("  caveat of every message", caveat.label) for caveat in clause.caveats or ()),
        *(("  special category", category.label) for category in clause.special_categories or ()),
        *(("  condition", condition) for condition in clause.conditions or ()),
    ]


def describe_line(line: AgreementLine) -> dict[str, object]:
    """Return a version for a program."""
    return {
        "agreement": line.agreement,
        "version": line.terms.version,
        "digest": line.digest,
        "title": line.terms.title,
        "partner": line.partner,
        "state": line.state.value,
        "because": line.because,
        "proposer": line.proposer,
        "due": line.due,
        "reminders": [
            {
                "kind": item.kind.value,
                "sentence": item.sentence,
                "is_ours": item.is_ours,
                "due_at": item.due_at,
                "notice_days": item.notice_days,
            }
            for item in line.reminders
        ],
        "in_force_from": line.terms.in_force_from,
        "in_force_until": line.terms.in_force_until,
    }


def describe_page(page: AgreementPage) -> dict[str, object]:
    """Return an agreement in full for a program."""
    return {
        **describe_line(page.line),
        "terms": page.line.terms.to_wire(),
        "history": describe_steps(page.history),
        "held": [{"agency": held.agency, "code": held.code, "sentence": held.sentence} for held in page.held],
    }


def describe_steps(history: Iterable[SignedStepLine]) -> list[dict[str, object]]:
    """Return who signed what, for a program."""
    return [
        {
            "agency": item.step.agency,
            "action": item.step.action.value,
            "time": item.step.time,
            "digest": item.digest,
            "reason": item.step.reason,
            "is_logged": item.is_logged,
            "leaf": item.leaf_index,
            "origin": item.origin or None,
            "kids": list(item.kids),
        }
        for item in history
    ]
