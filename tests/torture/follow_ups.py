"""What officers say about messages later: every kind of notice about their own, every answer to what came."""

from collections.abc import Callable

from agency_client.node import Node
from agency_client.sending.answering import Author, acknowledge, refuse, report_outcome
from agency_client.sending.noticing import (
    Breach,
    correct,
    lift_restriction,
    mark_misused_identity,
    report_breach,
    restrict,
    withdraw,
)

AUTHOR = Author(reason="case 74/08", unit="Duty desk", pseudonym="officer-1")
BREACH = Breach(("confidentiality",), "2026-11-21T16:10:00Z", "It may be known.", "Keys changed.", "+441632960961")
CHANGE = {"field": "details.document.holder.birth_place", "was": "ZENITH", "now": "NADIR"}

FollowUp = Callable[[Node, str], object]


def _correct(node: Node, message_id: str) -> object:
    return correct(node, message_id, AUTHOR, details={"changes": [CHANGE], "reason": "typing-error"})


def _mark_victim(node: Node, message_id: str) -> object:
    return mark_misused_identity(node, message_id, AUTHOR, subjects=("details.document.holder",))


def _restrict(node: Node, message_id: str) -> object:
    return restrict(node, message_id, AUTHOR, ground="accuracy-contested", still_allowed=("legal-claim",))


def _lift(node: Node, message_id: str) -> object:
    return lift_restriction(node, message_id, AUTHOR)


def _withdraw(node: Node, message_id: str) -> object:
    return withdraw(node, message_id, AUTHOR, because="wrong")


def _tell_of_breach(node: Node, message_id: str) -> object:
    return report_breach(node, message_id, AUTHOR, BREACH)


def _acknowledge(node: Node, message_id: str) -> object:
    return acknowledge(node, message_id, AUTHOR)


def _refuse(node: Node, message_id: str) -> object:
    return refuse(node, message_id, AUTHOR, ground="not-proportionate")


def _report_outcome(node: Node, message_id: str) -> object:
    return report_outcome(node, message_id, AUTHOR, details={"result": "no-match", "usefulness": 3})


NOTICES: tuple[tuple[str, FollowUp], ...] = (
    ("correction", _correct),
    ("misused identity", _mark_victim),
    ("restriction", _restrict),
    ("end of a restriction", _lift),
    ("withdrawal", _withdraw),
    ("breach notice", _tell_of_breach),
)
"""About messages of one's own."""
ANSWERS: tuple[tuple[str, FollowUp], ...] = (
    ("acknowledgement", _acknowledge),
    ("refusal", _refuse),
    ("outcome", _report_outcome),
    ("breach notice back", _tell_of_breach),
)
"""About messages that came."""
