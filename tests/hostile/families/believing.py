"""The broker with a member at its side: whatever that member hands in is logged and passed on, judged by nobody."""

from schemas.api import LEASE_PATH, MESSAGES_PATH, Evidence, LeaseAnswer
from schemas.envelope import Envelope
from tests.hostile.calls import Call, Reply, make_reply
from tests.hostile.families.inboxes import add_messages
from tests.hostile.forging import log_acceptance, read_envelope
from tests.hostile.history import History
from tests.hostile.manipulation import Manipulation
from tests.hostile.operator import HostileOperator


class LetThrough(Manipulation):
    name = "let-through"
    sentence = "Accept and hand over whatever a member hands in: whoever signed it, and whatever the agreements say."
    on = (("POST", LEASE_PATH),)

    def __init__(self, against: str = "") -> None:
        super().__init__(against)
        self._passed: dict[str, list[Envelope]] = {}

    async def take(self, operator: HostileOperator, call: Call) -> Reply | None:
        """Accept a message; nothing is judged."""
        if call.address != ("POST", MESSAGES_PATH):
            return None
        envelope = Envelope.from_canonical(call.body, max_bytes=1 << 20)
        leaf = await log_acceptance(operator, envelope)
        for recipient in read_envelope(envelope)[1].recipients:
            self._passed.setdefault(recipient.agency, []).append(envelope)
        evidence = Evidence(leaf=leaf, proof=(), checkpoint=operator.view.note)
        return make_reply(201, History(operator).prove(call, evidence).canonical())

    async def change(self, operator: HostileOperator, call: Call, answer: LeaseAnswer) -> LeaseAnswer:
        """Hand over what was let through."""
        return await add_messages(operator, call, answer, self._passed.pop(call.agency, []))
