"""What holds of each delivery at every moment, whichever way the two parties and the exchange came to it.

What was erased stays erased, what ended or was acknowledged is handed over no more, and no sender knows more of a
message than its recipient signed.
"""

from dataclasses import dataclass, field

from schemas.log.records import RecordType
from schemas.receipts import ReceiptType
from tests.torture.world import ViolationError, World

FINAL = frozenset({RecordType.MESSAGE_RETURNED, RecordType.MESSAGE_WITHDRAWN, RecordType.MESSAGE_EXPIRED})
_SIGNED = (
    "SELECT type, message FROM receipt JOIN receipt_subject ON receipt.digest = receipt_subject.receipt"
    " WHERE direction = 'out'"
)
_BELIEVED = "SELECT fact, digest FROM delivery_fact JOIN sent_message USING (message_id)"
_RETURNED = "SELECT digest FROM content JOIN content_erasure USING (digest)"


@dataclass
class Deliveries:
    """Remembers by message what its recipient signed, at which leaf it was first handed over, and where it ended."""

    world: World
    handed_over: dict[str, int] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    signed: set[tuple[str, str]] = field(default_factory=set)

    def note_leaf(self, digest: str, record_type: RecordType, index: int) -> None:
        """Take a leaf about a message into account.

        Raises:
            ViolationError: it hands over what ended, or what its recipient has acknowledged.
        """
        if record_type is RecordType.MESSAGE_HANDED_OVER:
            if digest in self.ended:
                raise ViolationError(f"{digest} was handed over after its end: {self.ended[digest]}")
            if self.world.exchange.acknowledged.get(digest, index) < index:
                raise ViolationError(f"{digest} was handed over again after its recipient had acknowledged it")
            self.handed_over.setdefault(digest, index)
        elif record_type in FINAL:
            self.ended[digest] = record_type.value

    def look(self) -> None:
        """Look into both stores.

        Raises:
            ViolationError: a sender believes what nobody signed, or what was erased is there again.
        """
        believed: set[tuple[str, str]] = set()
        for party in self.world.parties:
            with party.node.store.read() as snapshot:
                self.signed |= {(row[0], row[1]) for row in snapshot.fetch_all(_SIGNED)}
                believed |= {(row[0], row[1]) for row in snapshot.fetch_all(_BELIEVED)}
                returned = [row["digest"] for row in snapshot.fetch_all(_RETURNED)]
            if returned:
                raise ViolationError(f"{party.agency} holds again what it had erased: {returned}")
        self._judge_believed({item for item in believed if item[0] in set(ReceiptType)})

    def _judge_believed(self, believed: set[tuple[str, str]]) -> None:
        for fact, digest in sorted(believed):
            if (fact, digest) not in self.signed:
                raise ViolationError(f"the sender of {digest} takes it for {fact}, which its recipient never signed")
            if digest not in self.handed_over:
                raise ViolationError(f"the sender of {digest} takes it for {fact}, and it was never handed over")
