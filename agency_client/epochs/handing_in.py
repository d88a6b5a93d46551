"""After a new log was begun: hand in again what this agency signed and the new log does not show.

A document is missing there when the log, or the agreements pulled from it, were read to their end and did not have it.
While something of a message's sender, recipient or agreement is missing, the message waits: refused for that reason it
would be refused for good.
"""

from agency_client.agreements.chains import load_agreement
from agency_client.local_store.agreements import list_unshown_steps
from agency_client.local_store.checkpoints import load_walk
from agency_client.local_store.dispatch import DispatchKind, queue_again
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.trust import list_unshown
from agency_client.node import Node
from schemas.signed import DocumentType

_KINDS = {
    DocumentType.KEY_SET: DispatchKind.KEY_SET,
    DocumentType.ENCRYPTION_KEYS: DispatchKind.ENCRYPTION_KEYS,
    DocumentType.REVOCATION: DispatchKind.REVOCATION,
}


def queue_missing_keys(node: Node) -> int:
    """Queue every own key document that the present log was read not to have; return how many wait now."""
    now = node.clock.now()
    with node.store.write() as transaction:
        if load_walk(transaction, node.sheet.origin) is None:
            return 0
        return sum(
            queue_again(
                transaction, digest=item.digest, kind=_KINDS[DocumentType(item.type)], body=item.document, at=now
            )
            for item in list_unshown(transaction, node.agency)
        )


def has_missing_steps(node: Node) -> bool:
    """Tell whether an earlier log had own steps that the present one was not seen to have yet."""
    with node.store.read() as snapshot:
        return bool(list_unshown_steps(snapshot, party=node.agency))


def queue_missing_steps(node: Node) -> int:
    """Queue every own step that the present log was not seen to have, after a pull; return how many wait now."""
    now = node.clock.now()
    with node.store.write() as transaction:
        return sum(
            queue_again(
                transaction,
                digest=item.digest,
                kind=DispatchKind.AGREEMENT_STEP,
                body=item.document,
                partner=_find_partner(node, transaction, item.agreement),
                at=now,
            )
            for item in list_unshown_steps(transaction, party=node.agency)
        )


def describe_missing(node: Node, snapshot: Snapshot, recipient: str, agreement: str | None) -> str | None:
    """Return what the present log does not show yet of what a message to a recipient needs; None: it shows all."""
    for agency in (node.agency, recipient):
        if list_unshown(snapshot, agency):
            return f"the exchange's new log does not show all key documents of {agency} yet"
    steps = [] if agreement is None else list_unshown_steps(snapshot, agreement=agreement)
    if steps:
        return f"the exchange's new log does not show all steps of the agreement yet: {steps[0].party} hands them in"
    return None


def _find_partner(node: Node, snapshot: Snapshot, agreement: str) -> str:
    terms = load_agreement(snapshot, agreement).list_terms()
    return next((item.counterpart_of(node.agency) for item in terms.values()), "")
