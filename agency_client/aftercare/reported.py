"""What partners report of agencies further on: taken from their acknowledgements, and shown as their word.

The signature under an acknowledgement is the reporter's; what became of a notice further on is what it says of others.
"""

from datetime import datetime

from agency_client.local_store.aftercare import OnwardEffect, record_onward_effect
from agency_client.local_store.engine import Transaction
from schemas.alerts.acknowledgement import Acknowledgement


def record_reported(
    transaction: Transaction, notice: str, reporter: str, details: Acknowledgement, *, at: datetime
) -> None:
    """Keep what an acknowledgement of a notice (the digest of the message that carried it) says of others."""
    answered = {answer.agency for answer in details.onward}
    for agency in details.told_onward:
        if agency not in answered:
            record_onward_effect(transaction, OnwardEffect(notice, reporter, agency, (), "", None, at))
    for answer in details.onward:
        effect = "" if answer.effect is None else answer.effect.value
        found = OnwardEffect(notice, reporter, answer.agency, answer.path, effect, answer.at, at)
        record_onward_effect(transaction, found)
