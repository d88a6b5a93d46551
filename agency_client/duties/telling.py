"""Tell who reads a message under which conditions it may be processed, and prove that it was told (article 9(3)).

What is told was fixed when the message was opened: the sender's conditions and those of the clause it came under. The
digest stands in the access-log entry that is written before anything is shown.
"""

from dataclasses import dataclass
from datetime import datetime

from agency_client.duties.conditions import Conditions
from agency_client.duties.quality import find_open_doubts
from agency_client.errors import VerificationFailedError
from agency_client.local_store.duties import MessageDuty, find_duty
from agency_client.node import Node
from schemas.alerts.base import Alert
from schemas.alerts.quality import Doubt
from schemas.alerts.registry import FieldProblem
from schemas.alerts.special import find_undeclared
from schemas.markings import Tlp


@dataclass(frozen=True, slots=True)
class Told:
    """What a reader is told beside the alert.

    `doubts` are what this node finds doubtful by itself and the sender did not speak to; `undeclared` the special
    categories of data that are there and were not declared.
    """

    conditions: Conditions
    doubts: tuple[Doubt, ...] = ()
    undeclared: tuple[FieldProblem, ...] = ()


def load_told_digest(node: Node, digest: str) -> str | None:
    """Return the digest of the conditions that the reader of a message is told, None where none were fixed."""
    with node.store.read() as snapshot:
        duty = find_duty(snapshot, digest)
    return None if duty is None else duty.conditions


def tell(node: Node, digest: str, alert: Alert, marking: Tlp, *, as_of: datetime) -> Told:
    """Return what the reader of a message is told; `as_of` is when it was accepted, whatever its sender says.

    Raises:
        VerificationFailedError: the conditions are not those that were fixed when it was opened or sealed.
    """
    with node.store.read() as snapshot:
        duty = find_duty(snapshot, digest)
    conditions = Conditions(marking, alert, () if duty is None else duty.agreed)
    _verify_fixed(duty, conditions)
    return Told(conditions, find_open_doubts(alert, as_of), find_undeclared(alert))


def _verify_fixed(duty: MessageDuty | None, conditions: Conditions) -> None:
    if duty is not None and duty.conditions != conditions.digest():
        raise VerificationFailedError(
            "the conditions of processing in the store are not those that were fixed when the message was kept",
            fix="restore the last backup",
            code="conditions-changed",
        )
