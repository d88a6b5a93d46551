"""Which clauses a message came under: what follows it up is judged by them (`schemas.agreements.following`).

What follows another message up came under no clause itself; there the first message of the row counts.
"""

from agency_client.agreements.chains import load_agreement
from agency_client.local_store.agreements import find_agreement_of_terms
from agency_client.local_store.applied import list_applied
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.following import find_passage
from agency_client.retention.rules import list_direction
from schemas.agreements.lifecycle import find_signed_terms
from schemas.agreements.terms import Clause, Terms

_MAX_ROW = 64
"""So many messages that follow each other up are looked through."""


def load_covering_clauses(snapshot: Snapshot, agency: str, digest: str) -> tuple[Clause, ...]:
    """Return the clauses that a message, by its digest, may have come under at this agency: one of them is enough.

    Where none was recorded (it was never opened here) those of its direction; none where its terms are not here, or
    were never signed by both.
    """
    last = None
    for _ in range(_MAX_ROW):
        passage = find_passage(snapshot, agency, digest)
        if passage is None:
            break
        recorded, last = _list_recorded(snapshot, digest), passage
        if recorded:
            return recorded
        if passage.refers_to is None:
            break
        digest = passage.refers_to
    terms = None if last is None else _find_signed(snapshot, last.agreement)
    return () if terms is None or last is None else list_direction(terms, last.sender, last.recipient)


def find_terms(snapshot: Snapshot, digest: str) -> Terms | None:
    """Return the terms of an agreement's version, if they are here."""
    agreement = find_agreement_of_terms(snapshot, digest)
    return None if agreement is None else load_agreement(snapshot, agreement).list_terms().get(digest)


def _find_signed(snapshot: Snapshot, digest: str) -> Terms | None:
    agreement = find_agreement_of_terms(snapshot, digest)
    return None if agreement is None else find_signed_terms(digest, load_agreement(snapshot, agreement).counting)


def _list_recorded(snapshot: Snapshot, digest: str) -> tuple[Clause, ...]:
    found = [(find_terms(snapshot, row.agreement), row.clause) for row in list_applied(snapshot, digest)]
    return tuple(terms.clauses[place] for terms, place in found if terms is not None)
