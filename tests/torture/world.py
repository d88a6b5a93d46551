"""Two parties and the exchange between them, and every move that a plan can make in their world.

A move that the product refuses is a move that was made: officers try what makes no sense, and machines try what was
tried before. Which errors an honest world may never bring forth says `IMPOSSIBLE`.
"""

import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Self

from agency_client.agreements import flows
from agency_client.agreements.chains import Agreement, load_all
from agency_client.agreements.files import export_steps, import_steps
from agency_client.errors import ClientError, NotFoundError
from agency_client.local_store.contradictions import EquivocationError
from agency_client.local_store.engine import Store
from agency_client.node import Node
from agency_client.profiles.session import derive_store_key
from agency_client.retention.by_hand import erase_early
from agency_client.sending.flow import send_alert
from agency_client.statuses.files import export_status, import_status
from agency_client.syncing.rounds import (
    AFTERCARE,
    AGREEMENTS,
    INBOX,
    KEYS,
    LOG,
    OUTBOX,
    RECEIPTS,
    RETENTION,
    STATUSES,
    WITNESSES,
    RoundReport,
    run_round,
    wake_outbox,
)
from schemas.agreements.lifecycle import State
from schemas.agreements.steps import MAX_SKEW
from schemas.agreements.terms import Terms
from schemas.markings import Tlp
from tests.strategies.agreements import make_terms
from tests.support.drafts import make_draft
from tests.support.nodes import make_wide_clause
from tests.support.officers import sign_by_two
from tests.torture.book import is_held
from tests.torture.follow_ups import ANSWERS, NOTICES
from tests.torture.key_moves import KEY_MOVES
from tests.torture.plan import Move
from tests.torture.site import BrokerInProcess, Mishap, Site, SkewedClock, Wire, connect

MAX_LIVING = 4
"""So many agreements that have not ended at once: more would only make each one's life duller."""

AT_TABLE = (LOG, WITNESSES, KEYS, AGREEMENTS)
"""What two do who sit at one table: the rest of their rounds can wait until they have come to terms."""

STAGES = (LOG, WITNESSES, KEYS, AGREEMENTS, STATUSES, OUTBOX, INBOX, AFTERCARE, RECEIPTS, RETENTION)
PASSAGES = (
    *(timedelta(seconds=seconds) for seconds in (1, 1, 20, 90)),
    *(timedelta(minutes=minutes) for minutes in (4, 6, 30)),
    *(timedelta(hours=hours) for hours in (3, 7, 26)),
)
SKEWS = (
    *(timedelta() for _ in range(8)),
    *(timedelta(minutes=minutes) for minutes in (-4, 4, -8, 8)),
    *(timedelta(hours=hours) for hours in (-3, 3, -25, 25)),
)
_MINE = "SELECT message_id FROM sent_delivery ORDER BY n"
_CAME = "SELECT message_id FROM inbox_message WHERE state = 'opened' ORDER BY length(origin), origin, leaf_index"
IMPOSSIBLE = (EquivocationError,)
IMPOSSIBLE_CODES = frozenset({"not-ours", "chain-differs", "own-status-missing", "bad-answer"})
_ENDED = frozenset({State.REVOKED, State.EXPIRED, State.SUPERSEDED, State.WITHDRAWN, State.REJECTED, State.LAPSED})


class ViolationError(AssertionError):
    """The world is as it may never be."""


@dataclass
class Party:
    """One party: its node, its clock, its line to the exchange, and the officers' mood."""

    agency: str
    node: Node
    clock: SkewedClock
    wire: Wire
    roots_changed: int = 0


@dataclass
class World:
    """Everything there is. `told` counts what happened, by words."""

    site: Site
    exchange: BrokerInProcess
    parties: tuple[Party, ...]
    told: Counter[str] = field(default_factory=Counter)
    proposals: int = 0
    ran_ahead: set[str] = field(default_factory=set)
    """Whose clock was ever further ahead than clocks may differ."""

    @classmethod
    def begin(cls, site: Site) -> Self:
        """Begin a world of its own in a copy of a site."""
        copy = site.copy(Path(mkdtemp(prefix="torture-", dir=site.folder.parent)))
        exchange = BrokerInProcess(copy.folder, SkewedClock(copy.time))
        world = cls(copy, exchange, ())
        world.parties = tuple(world._open(agency, SkewedClock(copy.time)) for agency in copy.opened)
        return world

    def close(self) -> None:
        """End everything and leave nothing."""
        self.leave()
        shutil.rmtree(self.site.folder)

    def leave(self) -> Site:
        """End everything and leave the site as it stands, for other worlds to begin with."""
        for party in self.parties:
            party.node.close()
        self.exchange.close()
        return self.site

    def play(self, move: Move) -> None:
        """Make one move.

        Raises:
            ViolationError: it brought forth what an honest world never may.
        """
        moves: dict[str, Callable[[Party, Move], None]] = {
            name.removeprefix("_move_"): getattr(self, name) for name in dir(self) if name.startswith("_move_")
        }
        party = self.parties[move.who]
        with self._trying(party, move.name):
            if move.name in KEY_MOVES:
                party.roots_changed = KEY_MOVES[move.name](party.node, party.roots_changed, move)
            else:
                moves[move.name](party, move)

    def other(self, party: Party) -> Party:
        """Return the other party."""
        return next(one for one in self.parties if one is not party)

    def load(self, party: Party) -> list[Agreement]:
        """Return the agreements as a party's store holds them."""
        with party.node.store.read() as snapshot:
            return load_all(snapshot)

    def run(self, party: Party, stages: Sequence[Any] | None = None) -> RoundReport:
        """Let a node do its round, or some stages of one."""
        report = run_round(party.node, stages)
        for stage in report.stages:
            found = [*stage.problems, *stage.alarms, *([stage.failure] if stage.failure else [])]
            for problem in found:
                self.told[f"{stage.stage}: {problem.code}"] += 1
                if problem.code in IMPOSSIBLE_CODES or problem.code == "equivocation":
                    raise ViolationError(f"{party.agency}, {stage.stage}: {problem.code}: {problem.sentence}")
        return report

    @contextmanager
    def _trying(self, party: Party, what: str) -> Iterator[None]:
        """Take a refusal for an answer, unless honest parties and an honest exchange never give it."""
        try:
            yield
        except ClientError as error:
            if isinstance(error, IMPOSSIBLE) or error.code in IMPOSSIBLE_CODES:
                raise ViolationError(f"{party.agency}, {what}: {error.code}: {error.sentence}") from error
            self.told[f"{what} refused: {error.code}"] += 1
        else:
            self.told[what] += 1

    def _open(self, agency: str, clock: SkewedClock) -> Party:
        one = self.site.opened[agency]
        fresh = replace(one, store=Store(one.profile.store_path, derive_store_key(one.secret)))
        node = Node(fresh, clock)
        return Party(agency, node, clock, connect(node, self.exchange))

    def _move_sync(self, party: Party, move: Move) -> None:
        if move.one % 4 == 0:
            wake_outbox(party.node)
        self.run(party)
        self.told["round"] += 1

    def _move_run_stage(self, party: Party, move: Move) -> None:
        self.run(party, [STAGES[move.one % len(STAGES)]])

    def _move_come_to_terms(self, party: Party, move: Move) -> None:
        """Both sit down at one table, with right clocks and a good line, and agree."""
        for one in self.parties:
            one.clock.skew, one.wire.mishaps = timedelta(), deque()
        proposed = sign_by_two(party.node, flows.propose, self._draft_fields(party, replace(move, two=1)))
        for verb, one in ((flows.accept, self.other(party)), (flows.confirm, party)):
            for _ in range(3):
                self._meet(AT_TABLE)
            with self._trying(one, "come to terms"):
                sign_by_two(one.node, verb, proposed.agreement)
        self._meet()

    def _meet(self, stages: Sequence[Any] | None = None) -> None:
        for one in self.parties:
            self.site.time.now += timedelta(seconds=5)
            wake_outbox(one.node)
            self.run(one, stages)

    def _move_propose(self, party: Party, move: Move) -> None:
        if sum(not _has_ended(agreement, party) for agreement in self.load(party)) >= MAX_LIVING:
            return
        self._widen(party, move, flows.propose, self._draft_fields(party, move))

    def _move_amend(self, party: Party, move: Move) -> None:
        agreement = self._choose(party, move, State.IN_FORCE, State.SUSPENDED, State.CONFIRMED)
        self._widen(party, move, flows.propose, self._draft_fields(party, move), amends=agreement.id)

    def _move_counter(self, party: Party, move: Move) -> None:
        agreement = self._choose(party, move, State.PROPOSED, State.COUNTERED)
        self._widen(party, move, flows.counter, agreement.id, self._draft_fields(party, move))

    def _move_accept(self, party: Party, move: Move) -> None:
        hours = (6, 30, 24 * 14)[move.two % 3]
        agreement = self._choose(party, move, State.PROPOSED, State.COUNTERED)
        until = party.clock.now() + timedelta(hours=hours)
        self._widen(party, move, flows.accept, self._name_version(agreement, move), confirm_by=until)

    def _move_confirm(self, party: Party, move: Move) -> None:
        agreement = self._choose(party, move, State.ACCEPTED)
        self._widen(party, move, flows.confirm, agreement.id)

    def _move_suspend(self, party: Party, move: Move) -> None:
        agreement = self._choose(party, move, State.IN_FORCE, State.CONFIRMED)
        flows.suspend(party.node, agreement.id, reason="no answer")

    def _move_resume(self, party: Party, move: Move) -> None:
        held = [one for one in self.load(party) if is_held(item.step for item in one.chains.get(party.agency, ()))]
        agreement = held[move.one % len(held)] if held else self._choose(party, move, State.SUSPENDED)
        self._widen(party, move, flows.resume, agreement.id)

    def _move_revoke(self, party: Party, move: Move) -> None:
        later = None if move.two % 2 else party.clock.now() + timedelta(hours=move.two % 40)
        agreement = self._choose(party, move)
        flows.revoke(party.node, agreement.id, reason="ended", effective_from=later)

    def _move_withdraw(self, party: Party, move: Move) -> None:
        agreement = self._choose(party, move, State.PROPOSED, State.ACCEPTED)
        flows.withdraw(party.node, self._name_version(agreement, move))

    def _move_reject(self, party: Party, move: Move) -> None:
        agreement = self._choose(party, move, State.PROPOSED, State.ACCEPTED)
        flows.reject(party.node, self._name_version(agreement, move))

    def _move_send(self, party: Party, move: Move) -> None:
        partner = self.other(party).agency
        marking = (Tlp.GREEN, Tlp.AMBER, Tlp.RED)[move.one % 3]
        days = (1, 2, 10)[move.two % 3]
        draft = make_draft(partner, written_at=party.clock.now(), marking=marking, delivery_days=days)
        report = send_alert(party.node, draft)
        self.told[f"sent: {report.items[0].state.value}"] += 1

    def _move_follow_up(self, party: Party, move: Move) -> None:
        """Follow a message of one's own up, or answer one that came."""
        if move.two % 2:
            came, chosen = self._list(party, _CAME), ANSWERS
        else:
            came, chosen = self._list(party, _MINE), NOTICES
        if came:
            name, follow_up = chosen[move.two // 2 % len(chosen)]
            with self._trying(party, name):
                follow_up(party.node, came[move.one % len(came)])

    def _move_erase(self, party: Party, move: Move) -> None:
        kept = self._list(party, _CAME)
        if kept:
            erase_early(party.node, kept[move.one % len(kept)], reason="no longer needed")

    def _move_let_time_pass(self, party: Party, move: Move) -> None:
        self.site.time.now += PASSAGES[move.one % len(PASSAGES)]

    def _move_set_clock(self, party: Party, move: Move) -> None:
        party.clock.skew = SKEWS[move.one % len(SKEWS)]
        if party.clock.skew > MAX_SKEW:
            self.ran_ahead.add(party.agency)

    def _move_spoil_line(self, party: Party, move: Move) -> None:
        mishaps = tuple(Mishap)
        skipped = (None,) * (move.one % 5)
        party.wire.mishaps.extend((*skipped, mishaps[move.two % len(mishaps)]))

    def _move_restart_node(self, party: Party, move: Move) -> None:
        party.node.close()
        fresh = self._open(party.agency, party.clock)
        fresh.wire.remembered = party.wire.remembered
        party.node, party.wire = fresh.node, fresh.wire

    def _move_restart_broker(self, party: Party, move: Move) -> None:
        self.exchange.restart()

    def _move_sweep(self, party: Party, move: Move) -> None:
        self.exchange.sweep()

    def _move_carry_status(self, party: Party, move: Move) -> None:
        partner = self.other(party)
        file = export_status(party.node, partner.agency).file
        import_status(partner.node, file)

    def _move_carry_steps(self, party: Party, move: Move) -> None:
        partner = self.other(party)
        agreement = self._choose(party, move)
        import_steps(partner.node, export_steps(party.node, agreement.id))

    def _widen(self, party: Party, move: Move, verb: Callable[..., flows.Said], *said: Any, **options: Any) -> None:
        """Say something that widens: by two officers, or now and then by one who finds no second."""
        if move.two % 16 == 15:
            verb(party.node, *said, **options)
        else:
            sign_by_two(party.node, verb, *said, **options)

    def _choose(self, party: Party, move: Move, *fitting: State) -> Agreement:
        """Return one of the agreements a party knows: mostly one with a version in a fitting state, if there is any."""
        known = self.load(party)
        if not known:
            raise NotFoundError("there is no agreement yet")
        now = party.clock.now()
        likely = [one for one in known if any(view.state in fitting for view in one.list_views(now))]
        chosen = likely if likely and move.one % 5 else known
        return chosen[move.one // 5 % len(chosen)]

    def _name_version(self, agreement: Agreement, move: Move) -> str:
        """Return the id, or now and then the digest of some version, be it the right one or not."""
        if move.two % 4:
            return agreement.id
        digests = sorted(agreement.list_terms(), key=lambda digest: _order_of(agreement, digest))
        return digests[move.two // 4 % len(digests)]

    def _draft_fields(self, party: Party, move: Move) -> dict[str, Any]:
        self.proposals += 1
        now, partner = self.site.time.now, self.other(party).agency
        starts = now - timedelta(hours=1) if move.two % 3 else now + timedelta(hours=move.two % 50)
        ends = starts + (timedelta(days=2) if move.two % 7 == 0 else timedelta(days=365))
        marking = (Tlp.GREEN, Tlp.AMBER, Tlp.RED)[move.one % 3]
        clauses = (
            make_wide_clause(party.agency, partner, highest_marking=marking),
            make_wide_clause(partner, party.agency, highest_marking=marking),
        )
        terms = make_terms(
            *sorted((party.agency, partner)),
            title=f"Memorandum {self.proposals}",
            clauses=clauses,
            in_force_from=starts,
            in_force_until=ends,
            review_by=ends - timedelta(hours=1),
        )
        filled_in = {"v", "exchange", "id", "version", "parties"}
        return {"partner": partner} | {name: value for name, value in terms.to_wire().items() if name not in filled_in}

    def _list(self, party: Party, sql: str) -> list[str]:
        with party.node.store.read() as snapshot:
            return [row["message_id"] for row in snapshot.fetch_all(sql)]


def _has_ended(agreement: Agreement, party: Party) -> bool:
    return all(view.state in _ENDED for view in agreement.list_views(party.clock.now()))


def _order_of(agreement: Agreement, digest: str) -> str:
    # By what does not depend on keys drawn at random: the same plan must choose the same version again.
    terms: Terms = agreement.list_terms()[digest]
    return f"{terms.version:05} {int(terms.title.rpartition(' ')[2]):08}"
