"""What every manipulation is: a name, a sentence, and what it does to one member's calls and answers."""

from typing import Any, ClassVar

from tests.hostile.calls import Address, Call, Reply
from tests.hostile.operator import HostileOperator


class Manipulation:
    """One lie. By itself it tells none: a subclass takes a call, changes an answer, or spoils its bytes.

    `against` is the one member that is lied to, "" for everybody; `told` counts the lies.
    """

    name: ClassVar[str]
    sentence: ClassVar[str]
    on: ClassVar[tuple[Address, ...]] = ()
    """The addresses whose answers `change` is given; none stands for all of them."""

    def __init__(self, against: str = "") -> None:
        self.against = against
        self.told = 0

    def is_for(self, call: Call) -> bool:
        """Return whether this call is lied to."""
        return call.agency != "" and self.against in ("", call.agency)

    async def begin(self, operator: HostileOperator) -> None:
        """Do what must be done when the switch is turned on."""

    async def take(self, operator: HostileOperator, call: Call) -> Reply | None:
        """Answer a call in the broker's place, or leave it to the broker."""
        return None

    async def change(self, operator: HostileOperator, call: Call, answer: Any) -> Any:
        """Return another answer of the same model, or the broker's own."""
        return answer

    def spoil(self, call: Call, reply: Reply) -> Reply:
        """Return other bytes, or the broker's own."""
        return reply
