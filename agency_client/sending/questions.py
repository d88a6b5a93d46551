"""Which messages ask something, by which kind they are answered, and what an answer takes over from them. Pure.

Whoever answers says the rest; how it is sent, once, and receipted is `agency_client.sending.answering`.
"""

from dataclasses import dataclass
from typing import Any

from schemas.alerts.base import Alert

Wire = dict[str, Any]

TOLD_MEMBERS = ("statements", "persons", "grading", "special_categories", "caveats", "translated_from")
"""Members of the common part in which an answer may tell something; the rest follows from the question."""


@dataclass(frozen=True, slots=True)
class ReplyKind:
    """How one kind of question is answered.

    `taken_over` are members of its details that the answer repeats, `usual` those that it has unless it says otherwise,
    `refused` those of a refusal beside its ground. `is_final`: one answer is enough, whatever the second would say.
    """

    name: str
    taken_over: tuple[str, ...]
    usual: Wire
    refused: Wire
    is_final: bool = False


REPLIES: dict[str, ReplyKind] = {
    "document-verification": ReplyKind(
        "document-verification-reply",
        ("document", "subject_reference"),
        {"is_automatic": False},
        {"outcome": "refused"},
        is_final=True,
    ),
    "information-request": ReplyKind("information-reply", (), {"is_automatic": False}, {"outcome": "refused"}),
    "joint-operation": ReplyKind("joint-operation-reply", ("name",), {}, {"stance": "decline"}),
}
"""By the kind of the question."""
REPLY_KINDS = frozenset(reply.name for reply in REPLIES.values())


def begin_reply(question: Alert) -> Wire:
    """Return the details with which the answer to a question begins.

    Raises:
        KeyError: the message asks nothing.
    """
    reply, details = REPLIES[question.kind], question.to_wire()["details"]
    return {name: details[name] for name in reply.taken_over if name in details} | reply.usual


def begin_refusal(question: Alert, refusal: Wire) -> Wire:
    """Return the details of an answer that refuses a question on a ground.

    Raises:
        KeyError: the message asks nothing.
    """
    return begin_reply(question) | REPLIES[question.kind].refused | {"refusal": refusal}


def sum_up(details: Wire) -> str:
    """Return one line that sums an answer up, where nobody wrote one."""
    said = details.get("outcome") or details.get("stance") or "answered"
    return f"Reply: {said}"
