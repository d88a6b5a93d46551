"""What must hold after every move; what must have come true at the end says `tests.torture.rest`.

Three look at each agreement: both parties by their stores, and the exchange by its log. Whoever looks, by whatever
clock, sees nothing that both did not sign, and never again what one of them has ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from agency_client.agreements.chains import Agreement, parse_step
from agency_client.local_store.contradictions import list_contradictions
from agency_client.local_store.held_steps import list_held_steps
from agency_client.local_store.inbox import InboxState
from schemas.agreements.lifecycle import State
from schemas.agreements.steps import NARROWING_ACTIONS, Step, StepAction
from schemas.alerts import kind_of
from schemas.log.records import Record, RecordType
from schemas.signed import SignedDocument
from tests.torture.book import TAKING_BACK, Said, is_held, is_signed_by_both, list_in_force, list_versions
from tests.torture.deliveries import Deliveries
from tests.torture.world import Party, ViolationError, World

NEVER_HELD_FOR = frozenset({"step-refused", "equivocation", "not-ours", "anchor-mismatch"})


@dataclass
class Watch:
    """Remembers what may never be taken back, and how far the exchange's log was read."""

    world: World
    read: int = 0
    steps: dict[str, dict[str, list[Step]]] = field(default_factory=dict)
    accepted: dict[str, Record] = field(default_factory=dict)
    fates: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    """The leaf at which a message was last refused."""
    held: dict[str, list[Agreement]] = field(default_factory=dict)
    """The agreements as each party's store holds them at this look."""
    ended: dict[str, set[tuple[str, str, str, str]]] = field(default_factory=dict)
    opened: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin to watch the deliveries as well."""
        self.deliveries = Deliveries(self.world)

    def look(self) -> None:
        """Look at everything.

        Raises:
            ViolationError: something is as it may never be.
        """
        self._read_log()
        self.held = {party.agency: self.world.load(party) for party in self.world.parties}
        now = self.world.exchange.clock.now()
        for agreement, said in self.steps.items():
            self._look_at("the exchange", agreement, said, now)
        for party in self.world.parties:
            for found in self.held[party.agency]:
                self._look_at_agreement(party, found)
            self._look_at_messages(party)
        self.deliveries.look()

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
        return {
            agency: [item.step for item in found.chains.get(agency, ())]
            for agency, held in self.held.items()
            for found in held
            if found.id == agreement
        }

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
        if any(code not in self.list_excuses(party) for _, code in broken):
            raise ViolationError(f"{party.agency} cannot verify {broken}, which are honest")
        opened = {digest for digest, state in states.items() if state == InboxState.OPENED}
        before = self.opened.setdefault(party.agency, set())
        gone = before - opened - {digest for digest, state in states.items() if state == InboxState.WITHDRAWN}
        if gone:
            raise ViolationError(f"{party.agency} has lost messages that it had opened: {sorted(gone)}")
        before |= opened

    def list_excuses(self, party: Party) -> frozenset[str]:
        """Return for what a party may set honest messages aside, and tells their sender.

        One whose own clock ran ahead takes what was accepted meanwhile for dated back: it cannot tell the two apart.
        Nor does it know, then, what follows such a message up.
        """
        excuses = frozenset({"leaf-dated-back", "reference-unknown"})
        return excuses if party.agency in self.world.ran_ahead else frozenset()

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
            elif record.type is RecordType.REFUSED and record.problem == "agreement-not-in-force":
                self._judge_refusal(record)
            if record.message is not None:
                self._note_leaf(record, index)
                self.fates.setdefault(record.message.digest, []).append(record.type.value)
                self.world.told[f"log: {record.type.value}"] += 1

    def _take_step(self, document: bytes) -> None:
        step = parse_step(SignedDocument.model_validate_json(document)).step
        self.steps.setdefault(step.agreement, {}).setdefault(step.agency, []).append(step)
        self.world.told[f"logged: {step.action.value}"] += 1

    def _note_leaf(self, record: Record, index: int) -> None:
        assert record.message is not None
        self.deliveries.note_leaf(record.message.digest, record.type, index)
        if record.type is RecordType.REFUSED:
            self.refused[record.message.digest] = index

    def _judge_acceptance(self, record: Record) -> None:
        assert record.message is not None
        assert record.recipients is not None
        if record.message.digest in self.accepted:
            raise ViolationError(f"the exchange accepted message {record.message.id} twice")
        self.accepted[record.message.digest] = record
        if kind_of(record.kind or "").is_aftercare:
            return
        if not self._is_in_force(record):
            raise ViolationError(f"the exchange accepted {record.message.id} under what was not in force at that leaf")
        self.world.told["accepted under an agreement in force"] += 1

    def _judge_refusal(self, record: Record) -> None:
        if self._is_in_force(record):
            raise ViolationError(f"the exchange refused {record.message} under what was in force at that leaf")
        self.world.told["refused under an agreement not in force"] += 1

    def _is_in_force(self, record: Record) -> bool:
        """Say whether the agreement that a record's message cites was in force at its leaf, by the book."""
        assert record.recipients is not None
        (recipient,) = record.recipients
        agreement = next((said for said in self.steps.values() if recipient.agreement in list_versions(said)), {})
        return recipient.agreement in list_in_force(agreement, record.time)


def _ends(step: Step) -> bool:
    return step.action in NARROWING_ACTIONS and step.action is not StepAction.SUSPEND


def _name(agreement: str, step: Step) -> tuple[str, str, str, str]:
    digest = step.digest if step.action in TAKING_BACK else ""
    return agreement, step.agency, step.action.value, digest
