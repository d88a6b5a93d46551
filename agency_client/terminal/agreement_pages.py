"""How agreements look: one version in a line, one in full, for people and for programs."""

from collections.abc import Iterable

from agency_client.agreements.views import AgreementLine, AgreementPage
from agency_client.local_store.checkpoints import SignedCheckpoint
from agency_client.terminal.output import Cell, Output, Tone
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
    rows = [
        (
            f"{item.step.time:%Y-%m-%d %H:%M}",
            item.step.agency,
            item.step.action.value,
            "in the log" if item.is_logged else Cell("not in the log", Tone.CAUTION),
            " ".join((item.step.reason or "").split()),
        )
        for item in page.history
    ]
    output.show_table(("time", "party", "step", "log", "reason"), rows)
    for held in page.held:
        output.say(f"a step of {held.agency} waits: {held.sentence}", Tone.CAUTION)


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
        "history": [
            {
                "agency": item.step.agency,
                "action": item.step.action.value,
                "time": item.step.time,
                "digest": item.digest,
                "reason": item.step.reason,
                "is_logged": item.is_logged,
            }
            for item in page.history
        ],
        "held": [{"agency": held.agency, "code": held.code, "sentence": held.sentence} for held in page.held],
    }
