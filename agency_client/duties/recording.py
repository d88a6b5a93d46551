"""Record, in the transaction that keeps a message, whom it is about, what its reader is told, how it was grounded.

Nothing is decided here. What is recorded holds no content and outlives it (`agency_client.local_store.duties`,
`agency_client.local_store.subjects`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agency_client.duties.conditions import Conditions, join_agreed
from agency_client.local_store.duties import MessageDuty, TransferRecord, keep_duty, keep_mark, keep_transfer
from agency_client.local_store.engine import Transaction
from agency_client.local_store.subjects import compute_mark, keep_references
from agency_client.matching.indexing import index_message
from schemas.agreements.terms import Clause, Terms, TransferGroundKind
from schemas.alerts.base import Alert, CaveatCode
from schemas.alerts.registry import kind_of
from schemas.alerts.special import list_special_categories
from schemas.alerts.subjects import list_subject_keys
from schemas.codec import encode_canonical
from schemas.markings import Purpose, Tlp

_WITHHELD = frozenset({CaveatCode.NO_CONTACT_WITH_SUBJECT, CaveatCode.PROTECT_SOURCE})
"""Caveats that keep a message from the person concerned (article 15(1)); a person decides on each in the end."""
_NOT_COMPARED = frozenset(
    {
        *("thread", "data_as_of", "quality", "officer", "unit"),
        *("in_reply_to", "reply_due", "review_date", "urgency_reason"),
    }
)
"""Members in which two messages may differ and still say the same."""


@dataclass(frozen=True, slots=True)
class Passing:
    """One message as it passes: its digest, what it says, why, under which clauses, and when."""

    digest: str
    alert: Alert
    marking: Tlp
    purpose: Purpose
    clauses: tuple[Clause, ...]
    at: datetime


def record_passing(transaction: Transaction, passing: Passing) -> None:
    """Record of a message, sent or received, whom it is about, what its reader is told, and what it is found by."""
    alert, agreed = passing.alert, join_agreed(clause.conditions for clause in passing.clauses)
    conditions = Conditions(passing.marking, alert, agreed)
    duty = MessageDuty(
        digest=passing.digest,
        conditions=conditions.digest(),
        agreed=agreed,
        purpose=passing.purpose.value,
        is_withheld=any(caveat.code in _WITHHELD for caveat in alert.caveats),
        is_automatic=bool(getattr(alert.details, "is_automatic", False)),
    )
    keep_duty(transaction, duty)
    if kind_of(alert.kind).is_confidential:
        return  # Whom it is about stands in the compartment alone.
    keep_references(transaction, passing.digest, list_subject_keys(alert), at=passing.at)
    index_message(transaction, passing.digest, alert)


def record_sending(transaction: Transaction, passing: Passing, recipient: str, terms: Terms) -> None:
    """Record of a message that goes out, beside all that, what it says (as a mark) and how the transfer is grounded."""
    record_passing(transaction, passing)
    if not kind_of(passing.alert.kind).is_confidential:
        keep_mark(transaction, mark_content(transaction, passing.alert, at=passing.at), passing.digest, recipient)
    if kind_of(passing.alert.kind).forbids_persons:
        return
    record = describe_transfer(passing, recipient, terms)
    if record is not None:
        keep_transfer(transaction, record)


def mark_content(transaction: Transaction, alert: Alert, *, at: datetime) -> bytes:
    """Return the keyed mark of what an alert says, whoever wrote it and whenever."""
    said = {name: value for name, value in alert.to_wire().items() if name not in _NOT_COMPARED}
    return compute_mark(transaction, "content", encode_canonical(said).decode(), at=at)


def describe_transfer(passing: Passing, recipient: str, terms: Terms) -> TransferRecord | None:
    """Return the record of a transfer: the message's own ground before the agreement's; None where it is none."""
    own, agreed = passing.alert.transfer, terms.transfer_ground
    if own is None and agreed.kind is TransferGroundKind.NOT_A_TRANSFER:
        return None
    is_open = not kind_of(passing.alert.kind).is_confidential
    return TransferRecord(
        message=passing.digest,
        recipient=recipient,
        ground=own.ground.value if own is not None else agreed.kind.value,
        reference=agreed.reference,
        justification=(own.record or "") if own is not None and is_open else "",
        authorisation=(own.originator_authorisation or "") if own is not None and is_open else "",
        purpose=passing.purpose.value,
        data="; ".join(_describe_data(passing.alert)),
        at=passing.at,
    )


def _describe_data(alert: Alert) -> Iterable[str]:
    """Give the kinds of data in an alert, without any of them."""
    yield alert.kind
    if kind_of(alert.kind).is_confidential:
        return
    roles = [person.role.value for person in alert.persons]
    if roles:
        yield f"persons: {', '.join(f'{roles.count(role)} {role}' for role in dict.fromkeys(roles))}"
    types = sorted({identifier.type.value for identifier in alert.identifiers()})
    if types:
        yield f"identifiers: {', '.join(types)}"
    special = sorted(category.value for category in list_special_categories(alert))
    if special:
        yield f"special categories: {', '.join(special)}"
