"""Confidential messages as they arrive: verified and numbered like any, then kept sealed for the safeguarding officers.

What an agreement sets a time for is kept to unopened: what is not opened by the end of the shortest retention is
destroyed, and an answer is due as for any message of that urgency. Once opened, everything of it goes into the
compartment.
"""

from collections.abc import Iterator
from datetime import timedelta

from agency_client.local_store.compartment import keep_sealed_message
from agency_client.local_store.engine import Transaction
from agency_client.local_store.inbox import Opened, mark_sealed
from agency_client.node import Node
from agency_client.receiving.content_rules import AcceptedContent
from agency_client.receiving.rules import MessageFacts, describe_visible, find_governing_terms
from agency_client.safeguarding.compartment import Compartment
from keys.algorithms import OpeningKey
from schemas.agreements.coverage import find_answer_minutes, list_visible_clauses
from schemas.agreements.terms import Clause
from schemas.envelope import CONFIDENTIAL_KIND


def is_confidential(facts: MessageFacts) -> bool:
    """Return whether a message is for the safeguarding officers alone."""
    return facts.sealed.header.routing.kind == CONFIDENTIAL_KIND


def load_opening_key(node: Node, kid: str, compartment: Compartment | None) -> OpeningKey:
    """Return the private side of an encryption key: the compartment's, for what is opened in it, else the node's own.

    Raises:
        KeyMissingError: it was destroyed, or never here.
    """
    return node.opening_key(kid) if compartment is None else node.keys.load_compartment_key(kid, compartment.root)


def keep_sealed(transaction: Transaction, facts: MessageFacts) -> None:
    """Keep a verified message as it came, for the safeguarding officers to open.

    Raises:
        ConflictError: another verified message of this sender has the same id.
    """
    digest, accepted_at = facts.sealed.digest, facts.leaf.record.time
    clauses, urgency = list(_list_clauses(facts)), facts.sealed.header.routing.urgency
    minutes = [found for clause in clauses if (found := find_answer_minutes(clause, urgency)) is not None]
    days = [clause.retention_days for clause in clauses]
    mark_sealed(transaction, digest, reply_due=accepted_at + timedelta(minutes=min(minutes)) if minutes else None)
    keep_sealed_message(transaction, digest, retain_until=accepted_at + timedelta(days=min(days)) if days else None)


def describe_opened(content: AcceptedContent, facts: MessageFacts) -> Opened:
    """Return what the lists may show of a message: of a confidential one when an answer is due, and nothing else."""
    if is_confidential(facts):
        return Opened(kind=CONFIDENTIAL_KIND, thread=None, reply_due=content.reply_due, summary=None)
    alert = content.alert
    return Opened(kind=alert.kind, thread=alert.thread, reply_due=content.reply_due, summary=content.summary)


def _list_clauses(facts: MessageFacts) -> Iterator[Clause]:
    for terms in find_governing_terms(facts):
        yield from list_visible_clauses(terms, describe_visible(facts))
