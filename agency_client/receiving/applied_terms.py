"""Record under which clauses a message was opened, and what of it went beyond them: limits kept to, a quota passed.

A message beyond the quota is shown: who sent too much is for the agencies to settle, and the next one may be about a
life. That the exchange let it pass is kept as a suspicion, with the leaf that shows it.
"""

from agency_client.local_store.applied import AppliedClauseRow, count_received, keep_applied, note_excess
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.problems import Problem
from agency_client.local_store.suspicions import Suspicion, record_suspicion
from agency_client.receiving.content_rules import AppliedClause
from agency_client.receiving.rules import MessageFacts, describe_visible
from schemas.agreements.coverage import list_visible_clauses
from schemas.agreements.terms import Terms

QUOTA_EXCEEDED = "quota-exceeded"


def record_applied_terms(
    transaction: Transaction, facts: MessageFacts, applied: tuple[AppliedClause, ...], *, origin: str
) -> None:
    """Keep the clauses that an opened message came under, and each term it went beyond; `origin` names its log."""
    digest, accepted_on = facts.sealed.digest, facts.leaf.record.time.date()
    cited = facts.sealed.find_recipient(facts.me).agreement
    for item in applied:
        agreement = item.terms.digest()
        if agreement == cited:
            _note_quota(transaction, facts, item.terms, origin)
        row = AppliedClauseRow(
            digest,
            agreement,
            item.terms.clauses.index(item.clause),
            accepted_on,
            tuple(receipt.value for receipt in item.clause.receipts),
        )
        keep_applied(transaction, row)
        note_excess(transaction, digest, [Problem(limit.code, limit.sentence) for limit in item.limits])


def find_quota_excess(snapshot: Snapshot, facts: MessageFacts, terms: Terms) -> Problem | None:
    """Return what is wrong with one message more on the day of this one, counting those opened here.

    Of several clauses the widest counts, as at the broker, so that nobody is suspected of what was allowed. There is
    one at least: that under which the message was opened.
    """
    sender, day = facts.sealed.header.sender.agency, facts.leaf.record.time.date()
    quota = max(clause.daily_quota for clause in list_visible_clauses(terms, describe_visible(facts)))
    if count_received(snapshot, sender, terms.digest(), day) < quota:
        return None
    sentence = f"{sender} sent more than the {quota} messages agreed for {day}, and the exchange let them pass"
    return Problem(QUOTA_EXCEEDED, sentence)


def _note_quota(transaction: Transaction, facts: MessageFacts, terms: Terms, origin: str) -> None:
    excess = find_quota_excess(transaction, facts, terms)
    if excess is None:
        return
    note_excess(transaction, facts.sealed.digest, [excess])
    sender, leaf = facts.sealed.header.sender.agency, facts.leaf
    suspicion = Suspicion(origin, leaf.index, excess.code, sender, excess.sentence, leaf.canonical(), facts.now)
    record_suspicion(transaction, suspicion)
