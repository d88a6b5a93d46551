"""Put on record who looked through a list that shows what messages are about (Directive (EU) 2016/680, article 25).

A list shows subjects and parties without decrypting anything; seeing them is a consultation all the same. Its reason is
the officer's own where one was given, else that the list was looked through.
"""

from agency_client.local_store.access_log import append_entry
from agency_client.node import Node
from schemas.log.records import Action

USUAL_REASON = "looked through the list"


def note_listing(node: Node, verb: str, *, message: str | None = None) -> None:
    """Put on record that the list of a verb was looked through; before it is shown."""
    note = node.note_access(Action.CONSULTATION, f"list-{verb}", USUAL_REASON, message=message)
    with node.store.write() as transaction:
        append_entry(transaction, note)
