"""What must hold after every move, and what must have come true when everything has come to rest.

Three look at each agreement: both parties by their stores, and the exchange by its log. Whoever looks, by whatever
clock, sees nothing that both did not sign, and never again what one of them has ended.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agency_client.agreements.chains import Agreement, parse_step
from agency_client.local_store.contradictions import list_contradictions
from agency_client.local_store.held_steps import list_held_steps
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.outbox import OutboxState
from schemas.agreements.lifecycle import State, view_agreement
from schemas.agreements.steps import NARROWING_ACTIONS, Step, StepAction
from schemas.alerts import kind_of
from schemas.log.records import Record, RecordType
from schemas.signed import SignedDocument
from tests.torture.book import TAKING_BACK, Said, is_held, is_signed_by_both, list_in_force, list_versions
from tests.torture.world import Party, ViolationError, World

FINAL = frozenset({"message-returned", "message-withdrawn", "message-expired"})
NEVER_HELD_FOR = frozenset({"step-refused", "equivocation", "not-ours", "anchor-mismatch"})
NEVER_REFUSED_FOR = frozenset(
    {"agreement-not-in-force", "agreement-suspended", "agreement-revoked", "agreement-expired", "not-covered"}
    | {"agreement-withdrawn", "agreement-rejected", "quota-exhausted", "step-hidden"}
)
"""What follows a message up passes in every state of an agreement, and outside its quotas."""
SETTLING_ROUNDS = 8
SETTLING_TIME = timedelta(hours=30)
"""Longer than any clock was wrong: what a party signed too early has become timely by then."""


@dataclass
class Watch:
    """Remembers what may never be taken back, and how far the exchange's log was read."""

    world: World
    read: int = 0
    steps: dict[str, dict[str, list[Step]]] = field(default_factory=dict)
    accepted: dict[str, Record] = field(default_factory=dict)
    fates: dict[str, list[str]] = field(default_factory=dict)
    ended: dict[str, set[tuple[str, str, str, str]]] = field(default_factory=dict)
    opened: dict[str, set[str]] = field(default_factory=dict)

    def look(self) -> None:
        """Look at everything.

        Raises:
            ViolationError: something is as it may never be.
        """
        self._read_log()
        now = self.world.exchange.clock.now()
        for agreement, said in self.steps.items():
            self._look_at("the exchange", agreement, said, now)
        for party in self.world.parties:
            for found in self.world.load(party):
                self._look_at_agreement(party, found)
            self._look_at_messages(party)

    def _look_at_agreement(self, party: Party, found: Agreement) -> None:
        now = party.clock.now()
        counting = {agency: [item.step for item in chain] for agency, chain in found.counting.items()}
        self._look_at(party.agency, found.id, counting, now)
        shown = sorted(view.digest for view in found.list_views(now) if view.state is State.IN_FORCE)
        if shown != list_in_force(counting, now):
            raise ViolationError(
                f"{party.agency} takes {shown} for in force; the book says {list_in_force(counting, now)}"
            )

    def _look_at(self, viewer: str, agreement: str, said: Said, now: datetime) -> None:
        in_force = list_in_force(said, now)
        if len(in_force) > 1:
            raise ViolationError(f"{viewer} has several versions of {agreement} in force: {in_force}")
        for digest in in_force:
            if not is_signed_by_both(digest, self._list_all_signed(agreement)):
                raise ViolationError(f"{viewer} has {digest} in force, which the parties never both signed")
        self._look_for_what_was_ended(viewer, agreement, said, in_force)

    def _look_for_what_was_ended(self, viewer: str, agreement: str, said: Said, in_force: Sequence[str]) -> None:
        """Whatever narrowed for a viewer once narrows for it ever after; only a resumption undoes a suspension."""
        ended = self.ended.setdefault(viewer, set())
        standing = {_name(agreement, step) for steps in said.values() for step in steps if _ends(step)}
        known = {"", *list_versions(said)}  # what takes back terms that nobody proposed any more ends with them
        lost = {item for item in ended if item[0] == agreement and item[3] in known} - standing
        if lost:
            raise ViolationError(f"{viewer} has forgotten what narrowed: {sorted(lost)}")
        ended |= standing
        holders = [agency for agency, steps in said.items() if is_held(steps)]
        if in_force and holders:
            raise ViolationError(f"{viewer} has {in_force} in force, which {holders} suspended")

    def _list_all_signed(self, agreement: str) -> Said:
        """Return every step that each party signed by its own store: nobody else has its key."""
        signed: dict[str, list[Step]] = {}
        for party in self.world.parties:
            for found in self.world.load(party):
                if found.id == agreement:
                    signed[party.agency] = [item.step for item in found.chains.get(party.agency, ())]
        return signed

    def _look_at_messages(self, party: Party) -> None:
        with party.node.store.read() as snapshot:
            contradictions = list_contradictions(snapshot)
            refused = [held for held in list_held_steps(snapshot) if held.code in NEVER_HELD_FOR]
            rows = snapshot.fetch_all("SELECT digest, state, problem_code FROM inbox_message")
        if contradictions:
            raise ViolationError(f"{party.agency} holds a proof against {contradictions[0].signer}, who is honest")
        if refused:
            raise ViolationError(
                f"{party.agency} does not believe a step of {refused[0].agency}: {refused[0].sentence}"
            )
        states = {row["digest"]: row["state"] for row in rows}
        broken = [(row["digest"], row["problem_code"]) for row in rows if row["state"] == InboxState.UNVERIFIABLE]
        if any(code not in self._list_excuses(party) for _, code in broken):
            raise ViolationError(f"{party.agency} cannot verify {broken}, which are honest")
        opened = {digest for digest, state in states.items() if state == InboxState.OPENED}
        before = self.opened.setdefault(party.agency, set())
        gone = before - opened - {digest for digest, state in states.items() if state == InboxState.WITHDRAWN}
        if gone:
            raise ViolationError(f"{party.agency} has lost messages that it had opened: {sorted(gone)}")
        before |= opened

    def _list_excuses(self, party: Party) -> frozenset[str]:
        """Return for what a party may set honest messages aside, and tells their sender.

        One whose own clock ran ahead takes what was accepted meanwhile for dated back: it cannot tell the two apart.
        """
        return frozenset({"leaf-dated-back"}) if party.agency in self.world.ran_ahead else frozenset()

    def _read_log(self) -> None:
        """Read what the exchange has logged since, and hold each acceptance against the book at that very leaf."""
        with self.world.exchange.broker.database.read() as connection:
            sql = "SELECT leaf_index, record FROM log_leaf WHERE leaf_index >= ? ORDER BY leaf_index"
            rows = connection.exec_driver_sql(sql, (self.read,)).all()
            sql = "SELECT leaf_index, document FROM agreement_step WHERE leaf_index >= ?"
            documents = {row[0]: row[1] for row in connection.exec_driver_sql(sql, (self.read,))}
        for index, data in rows:
            self.read = index + 1
            record = Record.model_validate_json(data)
            if record.type is RecordType.AGREEMENT_STEP:
                self._take_step(documents[index])
            elif record.type is RecordType.MESSAGE_ACCEPTED:
                self._judge_acceptance(record)
            if record.message is not None:
                self.fates.setdefault(record.message.digest, []).append(record.type.value)
                self.world.told[f"log: {record.type.value}"] += 1

    def _take_step(self, document: bytes) -> None:
        step = parse_step(SignedDocument.model_validate_json(document)).step
        self.steps.setdefault(step.agreement, {}).setdefault(step.agency, []).append(step)
        self.world.told[f"logged: {step.action.value}"] += 1

    def _judge_acceptance(self, record: Record) -> None:
        assert record.message is not None
        assert record.recipients is not None
        if record.message.digest in self.accepted:
            raise ViolationError(f"the exchange accepted message {record.message.id} twice")
        self.accepted[record.message.digest] = record
        (recipient,) = record.recipients
        if kind_of(record.kind or "").is_aftercare:
            return
        agreement = next((said for said in self.steps.values() if recipient.agreement in list_versions(said)), {})
        if recipient.agreement not in list_in_force(agreement, record.time):
            raise ViolationError(f"the exchange accepted {record.message.id} under what was not in force at that leaf")
        self.world.told["accepted under an agreement in force"] += 1


def settle(world: World, watch: Watch) -> None:
    """Set the clocks right, mend the lines, let everything come to rest, and see that all three agree.

    Raises:
        ViolationError: they do not, or a message is nowhere.
    """
    for party in world.parties:
        party.clock.skew, party.wire.mishaps = timedelta(), deque()
    for number in range(SETTLING_ROUNDS):
        is_long = number < SETTLING_ROUNDS - 4
        world.site.time.now += SETTLING_TIME / (SETTLING_ROUNDS - 4) if is_long else timedelta(minutes=11)
        world.exchange.sweep()
        for party in world.parties:
            world.run(party)
        watch.look()
    _compare_views(world, watch)
    for party in world.parties:
        _account_for_messages(world, watch, party)


def _compare_views(world: World, watch: Watch) -> None:
    now = world.site.time.now
    logged = {agreement: _describe(said) for agreement, said in watch.steps.items()}
    for party in world.parties:
        held = {}
        for agreement in world.load(party):
            chains: Said = {agency: [item.step for item in chain] for agency, chain in agreement.counting.items()}
            held[agreement.id] = _describe({agency: steps for agency, steps in chains.items() if steps})
            for digest in list_versions(chains):
                state = view_agreement(digest, agreement.counting, now).state
                world.told[f"at rest: {state.value}"] += 1
        held = {agreement: said for agreement, said in held.items() if said}
        if held != logged:
            wrong = sorted(key for key in held.keys() | logged.keys() if held.get(key) != logged.get(key))
            raise ViolationError(
                f"{party.agency} and the exchange see {wrong} differently at rest: "
                f"{held.get(wrong[0])} and {logged.get(wrong[0])}"
            )


def _account_for_messages(world: World, watch: Watch, party: Party) -> None:
    """Find every message that the exchange accepted from a party: handed over and opened, ended, or still held."""
    other = world.other(party)
    with party.node.store.read() as snapshot:
        rows = snapshot.fetch_all(
            "SELECT digest, state, kind, problem_code FROM outbox JOIN sent_message USING (message_id)"
        )
    with other.node.store.read() as snapshot:
        inbox = {row["digest"]: row["state"] for row in snapshot.fetch_all("SELECT digest, state FROM inbox_message")}
    for row in rows:
        if kind_of(row["kind"]).is_aftercare and row["problem_code"] in NEVER_REFUSED_FOR:
            raise ViolationError(f"{party.agency} may not send {row['kind']} {row['digest']}: {row['problem_code']}")
    sent = {row["digest"]: OutboxState(row["state"]) for row in rows}
    for digest, record in watch.accepted.items():
        if record.agency != party.agency:
            continue
        fates, state = watch.fates[digest], inbox.get(digest)
        if sent.get(digest) in (None, OutboxState.QUEUED, OutboxState.IN_DOUBT, OutboxState.CANCELLED):
            raise ViolationError(f"{party.agency} does not know that {digest} was accepted: {sent.get(digest)}")
        is_ended, is_waiting = bool(FINAL & set(fates)), fates[-1] in ("message-held", "message-accepted")
        if state is None and not is_ended and not is_waiting:
            raise ViolationError(f"{digest} is nowhere: {fates}")
        if state in (None, InboxState.NEW) and not is_ended and fates[-1] == "message-accepted":
            raise ViolationError(f"{digest} was accepted and never offered: {fates}")
        if state == InboxState.NEW:
            raise ViolationError(f"{digest} is new for ever: {fates}")
        world.told[f"message at rest: {state or fates[-1]}"] += 1
    for digest, outbox_state in sent.items():
        if outbox_state in (OutboxState.QUEUED, OutboxState.IN_DOUBT):
            world.told["message waits at its sender"] += 1
        elif outbox_state in (OutboxState.TAKEN, OutboxState.SETTLED) and digest not in watch.accepted:
            raise ViolationError(f"{party.agency} holds {digest} for taken, and the exchange never accepted it")


def _ends(step: Step) -> bool:
    return step.action in NARROWING_ACTIONS and step.action is not StepAction.SUSPEND


def _name(agreement: str, step: Step) -> tuple[str, str, str, str]:
    digest = step.digest if step.action in TAKING_BACK else ""
    return agreement, step.agency, step.action.value, digest


def _describe(said: Said) -> dict[str, list[str]]:
    return {
        agency: [f"{step.party_seq} {step.action.value}" for step in steps] for agency, steps in sorted(said.items())
    }
