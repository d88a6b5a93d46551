"""How old a partner's newest status is, and what follows: a warning after 24 hours, no new sends after 72. Pure.

An age counts from the earliest moment that speaks for the status: the time its signer wrote into it, the time of its
leaf, the moment it came here. So neither a partner's clock that runs ahead, nor an exchange that logs or hands over
late, makes a status younger. No clock is read and nothing is fetched here; whom to call is the caller's to add.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

OLD_AFTER = timedelta(hours=24)
STALE_AFTER = timedelta(hours=72)
_SURELY_ANOTHER = timedelta(hours=12)
"""A node that is there signs another status within six hours."""


class Freshness(StrEnum):
    """How a partner stands by its newest status.

    `NOT_DUE`: there is no status, and no agreement in force that would call for one.
    """

    NOT_DUE = "not-due"
    FRESH = "fresh"
    OLD = "old"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class StatusTimes:
    """A verified status' number and moments: what its signer wrote, its leaf's time if there is one, when it came."""

    seq: int
    signed_at: datetime
    logged_at: datetime | None
    received_at: datetime

    @property
    def basis(self) -> datetime:
        """Return the moment its age counts from."""
        return min(moment for moment in (self.signed_at, self.logged_at, self.received_at) if moment is not None)


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """What is known of one partner's statuses.

    `agreed_since`: when the oldest agreement that is in force with it came into force, None without one. `asked_at`:
    when the exchange last showed this node what it has, None if never. `heard_at`: the newest moment that the partner
    itself wrote into a message that was verified here. `last_moment`: the newest time the log gave any status.
    """

    agency: str
    newest: StatusTimes | None
    agreed_since: datetime | None = None
    asked_at: datetime | None = None
    heard_at: datetime | None = None
    last_moment: datetime | None = None


@dataclass(frozen=True, slots=True)
class StatusAge:
    """The judgement: the state, since when it counts, how long that is, and why in one sentence.

    `is_asked`: the exchange was asked when the status was old already, so the age is not this node's own doing.
    """

    agency: str
    state: Freshness
    since: datetime | None
    age: timedelta
    is_asked: bool
    sentence: str

    @property
    def is_marked(self) -> bool:
        """Return whether what is shown from this partner bears a mark."""
        return self.state in (Freshness.OLD, Freshness.STALE)

    @property
    def stops_sending(self) -> bool:
        """Return whether nothing new may be sent to this partner but an override."""
        return self.state is Freshness.STALE


def judge_age(facts: StatusFacts, now: datetime) -> StatusAge:
    """Judge how a partner stands by its newest status.

    A partner that never had one is judged by how long an agreement has been in force. Where this node itself has not
    asked, the age counts all the same: it cannot know what was narrowed meanwhile.
    """
    since = facts.agreed_since if facts.newest is None else facts.newest.basis
    if since is None:
        nothing = f"no status of {facts.agency} is due: no agreement with it is in force"
        return StatusAge(facts.agency, Freshness.NOT_DUE, None, timedelta(), is_asked=False, sentence=nothing)
    # A clock of this node that was set back makes nothing younger than the log itself says.
    moment = now if facts.last_moment is None else max(now, facts.last_moment)
    age = max(moment - since, timedelta())
    state = Freshness.STALE if age > STALE_AFTER else Freshness.OLD if age > OLD_AFTER else Freshness.FRESH
    is_asked = facts.asked_at is not None and facts.asked_at - since > OLD_AFTER
    return StatusAge(facts.agency, state, since, age, is_asked, _explain(facts, age, state, is_asked))


def spell_age(age: timedelta) -> str:
    """Return an age in whole hours, as the two limits are counted; minutes under an hour."""
    minutes = int(age.total_seconds() // 60)
    return f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"


def _explain(facts: StatusFacts, age: timedelta, state: Freshness, is_asked: bool) -> str:
    what = _name_newest(facts, age)
    if state is Freshness.FRESH:
        return what
    return f"{what}; {_name_reason(facts, is_asked)}"


def _name_newest(facts: StatusFacts, age: timedelta) -> str:
    if facts.newest is None:
        return f"no status of {facts.agency} has come in the {spell_age(age)} that an agreement has been in force"
    basis = facts.newest.basis
    return f"status {facts.newest.seq} of {facts.agency} is {spell_age(age)} old ({basis:%Y-%m-%d %H:%M} UTC)"


def _name_reason(facts: StatusFacts, is_asked: bool) -> str:
    """Say whose doing it may be, and never more than is known."""
    if facts.asked_at is None:
        return "this node has never asked the exchange for one"
    if not is_asked:
        return f"this node last asked the exchange on {facts.asked_at:%Y-%m-%d %H:%M} UTC"
    if facts.newest is not None and facts.newest.logged_at is None:
        return f"it came as a file, and the exchange shows none as new; {_name_partner(facts)}"
    gives = "the exchange shows none" if facts.newest is None else "the exchange gives us none newer"
    return f"{gives}; {_name_partner(facts)}"


def _name_partner(facts: StatusFacts) -> str:
    since = facts.agreed_since if facts.newest is None else facts.newest.basis
    if facts.heard_at is not None and since is not None and facts.heard_at - since > _SURELY_ANOTHER:
        return f"{facts.agency} itself wrote on {facts.heard_at:%Y-%m-%d %H:%M} UTC: its statuses may be kept back"
    return f"{facts.agency} has signed none, or they are kept back"
