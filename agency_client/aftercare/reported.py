"""What partners report of agencies further on: taken from their acknowledgements, and shown as their word.

The signature under an acknowledgement is the reporter's; what became of a notice further on is what it says of others.
"""

from collections.abc import Iterator
from datetime import datetime

from agency_client.local_store.aftercare import OnwardEffect, list_onward_effects, record_onward_effect
from agency_client.local_store.engine import Transaction
from schemas.alerts.kinds.acknowledgement import MAX_TOLD, Acknowledgement


def record_reported(
    transaction: Transaction, notice: str, reporter: str, details: Acknowledgement, *, at: datetime
) -> None:
    """Keep what an acknowledgement of a notice (the digest of the message that carried it) says of others.

    Of all that one partner acknowledges it names no more agencies than a single acknowledgement can.
    """
    known = {(item.agency, item.path) for item in list_onward_effects(transaction, notice) if item.reporter == reporter}
    for found in _list_effects(notice, reporter, details, at):
        known.add((found.agency, found.path))
        if len(known) > MAX_TOLD:
            return
        record_onward_effect(transaction, found)


def _list_effects(notice: str, reporter: str, details: Acknowledgement, at: datetime) -> Iterator[OnwardEffect]:
    answered = {answer.agency for answer in details.onward}
    for answer in details.onward:
        effect = "" if answer.effect is None else answer.effect.value
        yield OnwardEffect(notice, reporter, answer.agency, answer.path, effect, answer.at, at)
    for agency in details.told_onward:
        if agency not in answered:
            yield OnwardEffect(notice, reporter, agency, (), "", None, at)
