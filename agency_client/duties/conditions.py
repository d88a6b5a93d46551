"""The conditions of processing that a recipient is told (Directive (EU) 2016/680, article 9(3)), and their digest.

Pure. They are the sender's (marking, permitted actions, handling, caveats) and the agreement's (conditions of the
clause, in words). The digest goes into the access log with every reading: it proves what the reader was told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from schemas.alerts.base import Alert
from schemas.codec import encode_canonical, hash_text
from schemas.markings import Tlp


@dataclass(frozen=True, slots=True)
class Conditions:
    """What may be done with a message, and what never. `agreed` are the agreement's own words."""

    marking: Tlp
    alert: Alert
    agreed: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Return the conditions as plain values for programs and exports, the digest with them."""
        return self._members() | {"digest": self.digest()}

    def digest(self) -> str:
        """Return the digest of the conditions, in their one spelling."""
        return hash_text("processing-conditions", encode_canonical(self._members()))

    def _members(self) -> dict[str, Any]:
        wire = self.alert.to_wire()
        return {
            "marking": self.marking.value,
            "pap": wire["pap"],
            "handling": wire["handling"],
            "caveats": wire.get("caveats", []),
            "agreed": list(self.agreed),
        }


def spell_codes(alert: Alert) -> str:
    """Return the sender's conditions in a few codes, as a list shows them: `amber h1 h2 no-death-penalty`."""
    return " ".join([alert.pap, *alert.handling.codes, *(caveat.code for caveat in alert.caveats)])


def join_agreed(conditions: Iterable[Iterable[str] | None]) -> tuple[str, ...]:
    """Return the conditions of all clauses that govern a message, each once."""
    return tuple(dict.fromkeys(words for clause in conditions for words in clause or ()))
