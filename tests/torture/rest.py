"""What must have come true when clocks are right, lines are whole and time has passed: all agree, and nothing is left.

First comes a rest of a day and a half. Then every deadline passes, and the patience of whoever waits: by then each
message has an end, and its sender knows which.
"""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from agency_client.local_store.dispatch import list_dispatches
from agency_client.local_store.engine import read_moment
from agency_client.local_store.inbox import InboxMessage, InboxState, load_by_digest
from agency_client.local_store.outbox import OutboxState
from agency_client.local_store.sent import DeliveryFact, compute_delivery_state, list_facts
from agency_client.receiving.verification import PATIENCE
from schemas.agreements.lifecycle import view_agreement
from schemas.alerts import kind_of
from schemas.envelope import MAX_DELIVERY_DAYS
from tests.torture.book import Said, describe_said, list_versions
from tests.torture.watch import Watch
from tests.torture.world import Party, ViolationError, World

FINAL = frozenset({"message-returned", "message-withdrawn", "message-expired"})
NEVER_REFUSED_FOR = frozenset(
    {"agreement-not-in-force", "agreement-suspended", "agreement-revoked", "agreement-expired", "not-covered"}
    | {"agreement-withdrawn", "agreement-rejected", "quota-exhausted", "step-hidden"}
)
"""What follows up a message that was handed over passes in every state of an agreement, and outside its quotas."""
UNSENT = (OutboxState.QUEUED, OutboxState.IN_DOUBT)
SETTLING_ROUNDS = 8
SETTLING_TIME = timedelta(hours=30)
"""Longer than any clock was wrong: what a party signed too early has become timely by then."""
LEAP = timedelta(days=6)
"""Shorter than the life that is left of an encryption key when it is replaced."""
LEAPS = 1 + (timedelta(days=MAX_DELIVERY_DAYS) + PATIENCE) // LEAP
_KNOWN_AS: Mapping[InboxState, frozenset[DeliveryFact]] = {
    InboxState.OPENED: frozenset(
        {
            DeliveryFact.VERIFIED,
            DeliveryFact.OPENED,
            DeliveryFact.ACCEPTED,
            DeliveryFact.ACTED,
            DeliveryFact.ANSWERED,
            DeliveryFact.ERASED,
            DeliveryFact.REFUSED,  # by an officer who has read it
        }
    ),
    InboxState.REFUSED: frozenset({DeliveryFact.REFUSED}),
    InboxState.UNVERIFIABLE: frozenset({DeliveryFact.UNVERIFIABLE}),
}
"""What a sender knows of a message, by what its recipient made of it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as its sender has it."""

    message_id: str
    state: OutboxState
    kind: str
    expires_at: datetime
    problem_code: str
    refers_to: str | None
    fact: DeliveryFact | None


def settle(world: World, watch: Watch) -> None:
    """Set the clocks right, mend the lines, let everything come to rest and to its end, and see that all three agree.

    Raises:
        ViolationError: they do not, or a message is nowhere or has no end.
    """
    for party in world.parties:
        party.clock.skew, party.wire.mishaps = timedelta(), deque()
    for number in range(SETTLING_ROUNDS):
        is_long = number < SETTLING_ROUNDS - 4
        _let_all_run(world, watch, SETTLING_TIME / (SETTLING_ROUNDS - 4) if is_long else timedelta(minutes=11))
    _compare_views(world, watch)
    for party in world.parties:
        _look_for_what_waits(party)
        _account_for_messages(world, watch, party)
    _let_deadlines_pass(world, watch)
    for party in world.parties:
        _look_at_ends(world, watch, party)


def _let_all_run(world: World, watch: Watch, span: timedelta) -> None:
    world.site.time.now += span
    world.exchange.sweep()
    for party in world.parties:
        world.run(party)
    watch.look()


def _let_deadlines_pass(world: World, watch: Watch) -> None:
    for _ in range(LEAPS):
        if not any(_has_open(world, party) for party in world.parties):
            return
        _let_all_run(world, watch, LEAP)
        _let_all_run(world, watch, timedelta(minutes=11))


def _has_open(world: World, party: Party) -> bool:
    """Say whether anything that a party sent, or got, still waits for something."""
    is_under_way = any(one.state in (*UNSENT, OutboxState.TAKEN) for one in _load_sent(world, party).values())
    return is_under_way or any(one.state is InboxState.NEW for one in _load_came(party).values())


def _compare_views(world: World, watch: Watch) -> None:
    now = world.site.time.now
    logged = {agreement: describe_said(said) for agreement, said in watch.steps.items()}
    for party in world.parties:
        held = {}
        for agreement in world.load(party):
            chains: Said = {agency: [item.step for item in chain] for agency, chain in agreement.counting.items()}
            held[agreement.id] = describe_said({agency: steps for agency, steps in chains.items() if steps})
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


def _look_for_what_waits(party: Party) -> None:
    """See that nothing a party signed is still tried: what the exchange will never take must not be tried for ever."""
    with party.node.store.read() as snapshot:
        waiting = [(item.kind.value, item.attempts, item.problem) for item in list_dispatches(snapshot)]
    if waiting:
        raise ViolationError(f"{party.agency} still tries to hand in {waiting}")


def _account_for_messages(world: World, watch: Watch, party: Party) -> None:
    """Find every message that the exchange accepted from a party: handed over and judged, ended, or still held."""
    sent, came = _load_sent(world, party), _load_came(world.other(party))
    for digest, one in sent.items():
        if one.problem_code in NEVER_REFUSED_FOR and _passes_always(watch, digest, one):
            raise ViolationError(f"{party.agency} may not send {one.kind} {digest}: {one.problem_code}")
        if one.state in UNSENT:
            world.told["message waits at its sender"] += 1
        elif one.state in (OutboxState.TAKEN, OutboxState.SETTLED) and digest not in watch.accepted:
            raise ViolationError(f"{party.agency} holds {digest} for taken, and the exchange never accepted it")
    for digest, record in watch.accepted.items():
        if record.agency != party.agency:
            continue
        if digest not in sent or sent[digest].state in (*UNSENT, OutboxState.CANCELLED):
            raise ViolationError(f"{party.agency} does not know that {digest} was accepted: {sent.get(digest)}")
        if digest not in came and _was_lost_and_taken_back(watch, sent, digest):
            world.told["message at rest: lost on its way and taken back"] += 1
            continue
        excuses = {"agreement-suspended", *watch.list_excuses(world.other(party))}
        _account_for(world, digest, watch.fates[digest], came.get(digest), excuses)


def _was_lost_and_taken_back(watch: Watch, sent: Mapping[str, Sent], digest: str) -> bool:
    """Say whether a message was handed over in an answer that may have been lost, and withdrawn by its sender since.

    The exchange does not hand it over again: the withdrawal alone comes, and what its recipient signs of that ends it.
    """
    withdrawals = [
        one for one, follower in sent.items() if (follower.kind, follower.refers_to) == ("withdrawal", digest)
    ]
    return watch.fates.get(digest, [""])[-1] == "message-handed-over" and any(
        one in watch.accepted for one in withdrawals
    )


def _passes_always(watch: Watch, digest: str, one: Sent) -> bool:
    """Say whether a message, when it was refused, took part in the right of aftercare (§4): to pass in every state.

    While the message it follows is under way, only a withdrawal does.
    """
    if not kind_of(one.kind).is_aftercare:
        return False
    refused, handed_over = watch.refused.get(digest), watch.deliveries.handed_over.get(one.refers_to or "")
    return refused is None or one.kind == "withdrawal" or (handed_over is not None and handed_over < refused)


def _account_for(
    world: World, digest: str, fates: list[str], there: InboxMessage | None, excuses: Collection[str]
) -> None:
    is_ended, is_waiting = bool(FINAL & set(fates)), fates[-1] in ("message-held", "message-accepted")
    if there is None and not is_ended and not is_waiting:
        raise ViolationError(f"{digest} is nowhere: {fates}")
    is_unheld = there is None or there.state is InboxState.NEW
    if is_unheld and not is_ended and fates[-1] == "message-accepted":
        raise ViolationError(f"{digest} was accepted and never offered: {fates}")
    code = there.problem.code if there is not None and there.problem is not None else ""
    if there is not None and there.state is InboxState.NEW and code not in excuses:
        raise ViolationError(f"{digest} waits at its recipient for {code or 'nothing'}: {fates}")
    world.told[f"message at rest: {fates[-1] if there is None else there.state.value} {code}".rstrip()] += 1


def _look_at_ends(world: World, watch: Watch, party: Party) -> None:
    """See that each message of a party has an end, and that the party knows which."""
    came, sent = _load_came(world.other(party)), _load_sent(world, party)
    for digest, one in sent.items():
        there = came.get(digest)
        if one.state in (*UNSENT, OutboxState.TAKEN) or (there is not None and there.state is InboxState.NEW):
            raise ViolationError(f"{digest} has no end: {one}, and with its recipient {there and there.problem}")
        if there is not None and there.state in _KNOWN_AS and one.fact not in _KNOWN_AS[there.state]:
            raise ViolationError(f"{party.agency} takes {digest} for {one.fact}; its recipient holds it {there.state}")
        is_ended = FINAL & set(watch.fates.get(digest, ())) or _was_lost_and_taken_back(watch, sent, digest)
        if there is None and digest in watch.accepted and not is_ended:
            raise ViolationError(f"{digest} never ended: {watch.fates[digest]}")
        world.told[f"message at its end: {one.fact}"] += 1


def _load_sent(world: World, party: Party) -> dict[str, Sent]:
    recipient = world.other(party).agency
    with party.node.store.read() as snapshot:
        rows = snapshot.fetch_all(
            "SELECT digest, message_id, state, kind, expires_at, problem_code, refers_to FROM outbox JOIN sent_message"
            " USING (message_id) ORDER BY created_at, message_id"
        )
        facts = {row["digest"]: compute_delivery_state(list_facts(snapshot, row[1], recipient)) for row in rows}
    return {
        digest: Sent(
            name, OutboxState(state), kind, read_moment(until), code, follows, getattr(facts[digest], "fact", None)
        )
        for digest, name, state, kind, until, code, follows in rows
    }


def _load_came(party: Party) -> dict[str, InboxMessage]:
    with party.node.store.read() as snapshot:
        digests = [row["digest"] for row in snapshot.fetch_all("SELECT digest FROM inbox_message ORDER BY digest")]
        return {digest: load_by_digest(snapshot, digest) for digest in digests}
