"""Lies about what lies in an inbox: kept back, repeated, turned around, given to another, said to be taken back."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from broker.inbox.envelopes import join_envelope
from keys.generation import generate_id, generate_salt
from schemas.api import LEASE_PATH, MESSAGES_PATH, LeaseAnswer, LoggedRecord, MessageItem, OutcomeItem
from schemas.envelope import Envelope, Reference
from schemas.log.records import RecordType
from tests.hostile.calls import Call, Reply, make_reply
from tests.hostile.forging import make_item, read_envelope
from tests.hostile.history import History
from tests.hostile.manipulation import Manipulation
from tests.hostile.operator import HostileOperator

_LEASE = timedelta(seconds=60)
MADE_UP = 1 << 40
"""Where the numbers of items that the true broker does not know begin."""


class LieAboutInbox(Manipulation):
    """What changes a lease as a whole."""

    on = (("POST", LEASE_PATH),)


class WithheldInbox(LieAboutInbox):
    name = "withheld-inbox"
    sentence = "Say that every inbox is empty."

    async def take(self, operator: HostileOperator, call: Call) -> Reply | None:
        """Answer that there is nothing."""
        if call.path != LEASE_PATH:
            return None
        nothing = LeaseAnswer(withdrawn=(), items=(), more=False, checkpoint=operator.view.note)
        return make_reply(200, nothing.canonical())


class WithheldMessage(LieAboutInbox):
    name = "withheld-message"
    sentence = "Keep the oldest message of every lease back, and hand the others over."

    async def change(self, operator: HostileOperator, call: Call, answer: LeaseAnswer) -> LeaseAnswer:
        """Leave out the first message."""
        messages = [item for item in answer.items if isinstance(item, MessageItem)]
        if len(messages) < 2:
            return answer
        oldest = min(messages, key=lambda item: item.number)
        return answer.model_copy(update={"items": tuple(item for item in answer.items if item is not oldest)})


class ReorderedMessages(LieAboutInbox):
    name = "reordered-messages"
    sentence = "Hand over the newest message first."

    async def change(self, operator: HostileOperator, call: Call, answer: LeaseAnswer) -> LeaseAnswer:
        """Turn the items around."""
        return answer.model_copy(update={"items": answer.items[::-1]})


class ReplayedMessages(LieAboutInbox):
    name = "replayed-messages"
    sentence = "Hand over again, on every lease, all that was handed over before: under new leaves, as if new."

    def __init__(self, against: str = "") -> None:
        super().__init__(against)
        self._seen: dict[str, list[Envelope]] = {}

    async def change(self, operator: HostileOperator, call: Call, answer: LeaseAnswer) -> LeaseAnswer:
        """Add what this member had before."""
        before = list(self._seen.setdefault(call.agency, []))
        self._seen[call.agency] += [item.envelope for item in answer.items if isinstance(item, MessageItem)]
        return await add_messages(operator, call, answer, before)


class DeliveredToAnother(LieAboutInbox):
    name = "delivered-to-another"
    sentence = "Hand over to one member what was sent to another."

    async def change(self, operator: HostileOperator, call: Call, answer: LeaseAnswer) -> LeaseAnswer:
        """Add every message that waits for somebody else."""
        rows = operator.select(
            "SELECT m.document, c.content FROM message m JOIN inbox_content c USING (recipient, number)"
            " WHERE m.recipient <> :me",
            me=call.agency,
        )
        others = [Envelope.from_canonical(join_envelope(row.document, row.content), max_bytes=1 << 20) for row in rows]
        return await add_messages(operator, call, answer, others)


class FalseWithdrawal(LieAboutInbox):
    name = "false-withdrawal"
    sentence = "Say of every message that its sender has taken it back."

    async def change(self, operator: HostileOperator, call: Call, answer: LeaseAnswer) -> LeaseAnswer:
        """Name every message as withdrawn."""
        messages = [item for item in answer.items if isinstance(item, MessageItem)]
        named = tuple(read_envelope(item.envelope)[2] for item in messages)
        return answer.model_copy(update={"withdrawn": (*answer.withdrawn, *named)})


class MadeUpOutcome(LieAboutInbox):
    name = "made-up-outcome"
    sentence = "Tell every sender that its messages were returned, by a record that was never logged."

    async def change(self, operator: HostileOperator, call: Call, answer: LeaseAnswer) -> LeaseAnswer:
        """Add an outcome of the newest message that this member sent."""
        rows = operator.select(
            "SELECT id, digest, recipient FROM message WHERE sender = :me ORDER BY number DESC LIMIT 1", me=call.agency
        )
        if not rows:
            return answer
        accepted = operator.view.size - 1
        made_up = {
            "v": 1,
            "type": RecordType.MESSAGE_RETURNED.value,
            "time": operator.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "concerns": sorted({call.agency, rows[0].recipient}),
            "message": {"id": rows[0].id, "digest": rows[0].digest},
            "agency": call.agency,
            "partner": rows[0].recipient,
            "reasons": ["agreement-revoked"],
        }
        leaf = LoggedRecord.from_wire({"index": accepted, "record": made_up, "salt": generate_salt()})
        item = OutcomeItem(type="outcome", number=MADE_UP, leaf=leaf, proof=())
        return History(operator).prove(call, open_lease(operator, answer, item))


class HiddenWithdrawal(Manipulation):
    name = "hidden-withdrawal"
    sentence = "Take a withdrawal, tell nobody, and hand over what it took back."
    on = (("POST", MESSAGES_PATH), ("POST", LEASE_PATH))

    def __init__(self, against: str = "") -> None:
        super().__init__(against)
        self._kept: list[_Kept] = []

    async def take(self, operator: HostileOperator, call: Call) -> Reply | None:
        """Keep what the true broker is about to destroy."""
        if call.address == ("POST", MESSAGES_PATH):
            _, header, reference = read_envelope(Envelope.from_canonical(call.body, max_bytes=1 << 20))
            if header.routing.kind == "withdrawal" and header.refers_to is not None:
                self._kept += _keep(operator, header.refers_to, reference)
        return None

    async def change(self, operator: HostileOperator, call: Call, answer: Any) -> Any:
        """Hand over the original, and never its withdrawal."""
        if not isinstance(answer, LeaseAnswer):
            return answer
        mine = [kept for kept in self._kept if kept.recipient == call.agency]
        hidden = {kept.withdrawal for kept in mine}
        shown = tuple(
            item
            for item in answer.items
            if not isinstance(item, MessageItem) or read_envelope(item.envelope)[2].digest not in hidden
        )
        if not mine or (not shown and not answer.items):
            return answer
        trimmed = answer.model_copy(update={"items": shown})
        return await add_messages(operator, call, trimmed, [kept.envelope for kept in mine])


@dataclass(frozen=True, slots=True)
class _Kept:
    """A message that its sender took back, for the recipient who is not told so."""

    recipient: str
    envelope: Envelope
    withdrawal: str


def _keep(operator: HostileOperator, original: Reference, withdrawal: Reference) -> list[_Kept]:
    rows = operator.select(
        "SELECT m.recipient, m.document, c.content FROM message m JOIN inbox_content c USING (recipient, number)"
        " WHERE m.digest = :digest",
        digest=original.digest,
    )
    return [
        _Kept(
            row.recipient,
            Envelope.from_canonical(join_envelope(row.document, row.content), max_bytes=1 << 20),
            withdrawal.digest,
        )
        for row in rows
    ]


class LostMessages(Manipulation):
    name = "lost-messages"
    sentence = "Accept every message, prove it, and throw it away."
    on = (("POST", MESSAGES_PATH),)

    async def change(self, operator: HostileOperator, call: Call, answer: Any) -> Any:
        """Close the item that the acceptance opened; the answer itself is true."""
        await operator.execute(
            "UPDATE inbox_item SET is_open = :open, state = 'handed-over' WHERE number = :number",
            number=answer.leaf.index,
            open=False,
        )
        await operator.execute("DELETE FROM inbox_content WHERE number = :number", number=answer.leaf.index)
        self.told += 1
        return answer


class FalseAcceptance(Manipulation):
    name = "false-acceptance"
    sentence = "Prove the acceptance of a message by a leaf about another."
    on = (("POST", MESSAGES_PATH),)

    async def change(self, operator: HostileOperator, call: Call, answer: Any) -> Any:
        """Show a true leaf of the acceptance of something else."""
        record = answer.leaf.record
        members = {
            name: value
            for name in ("recipients", "kind", "marking", "urgency", "size", "refers_to")
            if (value := getattr(record, name)) is not None
        }
        other = Reference(id=generate_id(), digest=record.message.digest)
        leaf = await operator.append(record.type, record.concerns, message=other, agency=record.agency, **members)
        return History(operator).prove(call, answer.model_copy(update={"leaf": leaf}))


async def add_messages(
    operator: HostileOperator, call: Call, answer: LeaseAnswer, envelopes: list[Envelope]
) -> LeaseAnswer:
    """Return a lease with these envelopes in it as well, each under true leaves of its own."""
    if not envelopes:
        return answer
    lease = answer.lease or generate_id()
    items = [
        await make_item(operator, envelope, call.agency, lease, MADE_UP + at) for at, envelope in enumerate(envelopes)
    ]
    return History(operator).prove(call, open_lease(operator, answer, *items, lease=lease))


def open_lease(operator: HostileOperator, answer: LeaseAnswer, *items: Any, lease: str = "") -> LeaseAnswer:
    """Return a lease with more items; one that was empty gets an id and an end."""
    until = answer.leased_until or (operator.clock.now() + _LEASE).replace(microsecond=0)
    members = {"lease": answer.lease or lease or generate_id(), "leased_until": until}
    return answer.model_copy(update={**members, "items": (*answer.items, *items)})
