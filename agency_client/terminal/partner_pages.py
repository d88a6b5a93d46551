"""How partners look: one in a line, one in full, and the mark beside whatever comes from one whose status is old.

A mark says how old and why, and whom to call; it also stands on the partner's page.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from agency_client.agreements.desks import say_whom_to_call, spell_desks
from agency_client.local_store.inbound_streams import VoidedMessage
from agency_client.local_store.statuses import StoredStatus
from agency_client.statuses.freshness import Freshness, StatusAge, spell_age
from agency_client.statuses.gaps import spell_numbers
from agency_client.statuses.standing import PartnerStanding
from agency_client.terminal.moments import spell_moment
from agency_client.terminal.output import Cell, Output, Tone

_TONES = {
    Freshness.FRESH: Tone.GOOD,
    Freshness.OLD: Tone.CAUTION,
    Freshness.STALE: Tone.BAD,
    Freshness.NOT_DUE: Tone.QUIET,
}


def mark_agency(agency: str, ages: Mapping[str, StatusAge]) -> Cell:
    """Return an agency as a cell; marked with the age of its status where that is old."""
    age = ages.get(agency)
    if age is None or not age.is_marked:
        return Cell(agency)
    return Cell(f"{agency} (status {spell_age(age.age)} old)", _TONES[age.state])


def warn_of_ages(output: Output, ages: Iterable[StatusAge], whom: Mapping[str, str]) -> None:
    """Say beside the data whose status is old, why, and whom to call there (by agency)."""
    for age in ages:
        if age.is_marked:
            output.say(f"{age.sentence}; {whom[age.agency]}", _TONES[age.state])


def warn_of_gaps(output: Output, standings: Iterable[PartnerStanding]) -> None:
    """Say beside the data which messages of partners are missing, and whom to ask."""
    for standing in standings:
        for alarm in standing.alarms:
            call = say_whom_to_call(standing.agency, standing.desks)
            output.say(f"ALARM {alarm.sentence}; {call}; more: agency partner show {standing.agency}", Tone.BAD)


def show_age(age: StatusAge) -> Cell:
    """Return how a partner stands by its status, as a cell."""
    words = "none due" if age.state is Freshness.NOT_DUE else f"{age.state.value}, {spell_age(age.age)}"
    return Cell(words, _TONES[age.state])


def describe_age(age: StatusAge) -> dict[str, Any]:
    """Return how a partner stands by its status, for a program."""
    return {
        "state": age.state.value,
        "since": age.since,
        "age_seconds": int(age.age.total_seconds()),
        "asked_since": age.is_asked,
        "sentence": age.sentence,
    }


def list_row(standing: PartnerStanding) -> list[str | Cell]:
    """Return one partner as a line."""
    missing = sum(gap.last - gap.first + 1 for gap in standing.gaps)
    return [
        standing.agency,
        show_age(standing.age),
        str(standing.status.seq) if standing.status else "none",
        _spell_key_set(standing),
        Cell(str(missing) if missing else "", Tone.BAD if standing.alarms else Tone.CAUTION),
        ", ".join(f"{count} {state}" for state, count in _count_states(standing).items()) or "none in force",
        spell_desks(standing.desks),
    ]


def show_asked(output: Output, standings: Iterable[PartnerStanding]) -> None:
    """Say how old the answer is: when the exchange was last asked for statuses."""
    asked_at = next((standing.asked_at for standing in standings), None)
    never = "the exchange was never asked for statuses; run: agency sync"
    output.say(never if asked_at is None else f"the exchange was last asked for statuses on {spell_moment(asked_at)}")


def show_standing(output: Output, standing: PartnerStanding) -> None:
    """Show one partner in full: whether to trust what comes from it now, what is missing, and whom to call."""
    status, ours = standing.status, standing.ours
    output.show_details(
        [
            ("partner", standing.agency),
            ("status", show_age(standing.age)),
            ("because", standing.age.sentence),
            ("its last", "none has come" if status is None else _spell_status(status)),
            ("our last for it", "none was signed" if ours is None else _spell_status(ours)),
            ("its key set", _spell_key_set(standing)),
            *(("hidden", Cell(words, Tone.BAD)) for words in standing.hidden),
            *(("missing", Cell(alarm.sentence, Tone.BAD)) for alarm in standing.alarms),
            *(("on its way", spell_numbers(gap)) for gap in standing.young_gaps),
            *(("voided", Cell(words, Tone.CAUTION)) for words in map(_spell_voided, standing.voided)),
            *(("agreement", f"{view.terms.title}: {view.state.value}") for view in standing.agreements if view.terms),
            *(("duty desk", Cell(f"{desk.name}, {desk.phone}", Tone.STRONG)) for desk in standing.desks),
            ("asked", "never; run: agency sync" if standing.asked_at is None else spell_moment(standing.asked_at)),
        ]
    )
    if standing.age.stops_sending:
        words = "nothing new is sent there but a threat to life: agency send … --override-old-status REASON"
        output.say(words, Tone.BAD)
    if standing.age.is_marked:
        output.say("a status travels as a file too: agency partner export, there; agency partner import, here")


def describe_standing(standing: PartnerStanding) -> dict[str, Any]:
    """Return one partner for a program."""
    return {
        "agency": standing.agency,
        "partner_status": describe_age(standing.age),
        "last": _describe_status(standing.status),
        "ours": _describe_status(standing.ours),
        "key_set": standing.shown_key_set,
        "announced_key_set": standing.announced_key_set,
        "hidden": standing.hidden,
        "gaps": [
            {
                "stream": gap.stream,
                "first": gap.first,
                "last": gap.last,
                "since": gap.since,
                "tail": gap.is_tail,
                "alarm": any(alarm.gap == gap for alarm in standing.alarms),
            }
            for gap in standing.gaps
        ],
        "voided": [{"digest": item.digest, "n": item.n} for item in standing.voided],
        "agreements": [
            {"id": view.terms.id, "digest": view.digest, "title": view.terms.title, "state": view.state.value}
            for view in standing.agreements
            if view.terms
        ],
        "duty_desks": [{"name": desk.name, "phone": desk.phone} for desk in standing.desks],
        "asked_at": standing.asked_at,
    }


def _spell_key_set(standing: PartnerStanding) -> str:
    shown, announced = standing.shown_key_set, standing.announced_key_set
    if shown is None or announced is None:
        return str(shown or "unknown")
    return str(shown) if announced <= shown else f"{shown}, it says {announced}"


def _count_states(standing: PartnerStanding) -> dict[str, int]:
    counts: dict[str, int] = {}
    for view in standing.agreements:
        counts[view.state.value] = counts.get(view.state.value, 0) + 1
    return counts


def _spell_status(status: StoredStatus) -> str:
    place = "no leaf seen" if status.logged_at is None else f"in the log since {spell_moment(status.logged_at)}"
    return f"number {status.seq}, signed {spell_moment(status.signed_at)}, {place}"


def _spell_voided(voided: VoidedMessage) -> str:
    return f"it holds that its message {voided.n} never arrived, and it is here"


def _describe_status(status: StoredStatus | None) -> dict[str, Any] | None:
    if status is None:
        return None
    return {
        "seq": status.seq,
        "digest": status.digest,
        "signed_at": status.signed_at,
        "recorded_at": status.recorded_at,
        "logged_at": status.logged_at,
    }
