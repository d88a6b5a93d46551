"""withdrawal: a message is taken back. It follows the original to everyone it reached."""

from typing import ClassVar

from schemas.alerts.coded import RequiredAction
from schemas.alerts.notice import Notice
from schemas.alerts.registry import register
from schemas.alerts.shapes import FreeText
from schemas.coded import CodedValue


class WithdrawalReason(CodedValue):
    """Why a message is taken back."""

    SENT_BY_MISTAKE = "sent-by-mistake", "Sent by mistake"
    WRONG_RECIPIENT = "wrong-recipient", "Sent to the wrong recipient"
    WRONG = "wrong", "Its content is wrong"
    UNLAWFUL = "unlawful", "It was not lawful to send it"
    NO_LONGER_NEEDED = "no-longer-needed", "No longer needed"
    COURT_OR_SUPERVISOR = "court-or-supervisor", "Ordered by a court or a supervisory authority"
    REQUEST_OF_PERSON = "request-of-person", "Asked for by the person concerned"


@register(
    "withdrawal", "Withdrawal", is_aftercare=True, needs_refers_to=True, acts_by_itself=True, is_senders_alone=True
)
class Withdrawal(Notice):
    """Why the message this refers to is taken back, what to do, by when to say it was done."""

    actions: ClassVar = frozenset({RequiredAction.AMEND, RequiredAction.DELETE, RequiredAction.STOP_USING})

    reason: WithdrawalReason
    words: FreeText | None = None
