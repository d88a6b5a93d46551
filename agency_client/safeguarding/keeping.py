"""How a message's content is kept: in the safeguarding compartment where it is confidential, else under its key."""

from datetime import datetime

from agency_client.local_store.compartment import keep_references
from agency_client.local_store.content import CompartmentLockedError, keep_content
from agency_client.local_store.engine import Transaction
from agency_client.safeguarding.compartment import Compartment, describe_alert, list_pseudonyms
from keys.container import KEY_BYTES, NONCE_BYTES
from keys.generation import generate_bytes
from schemas.alerts.base import Alert
from schemas.alerts.registry import kind_of


def demand_place(alert: Alert, compartment: Compartment | None) -> Compartment | None:
    """Return where the content of an alert is kept: the compartment, or None where it is not confidential.

    Raises:
        CompartmentLockedError: it is confidential, and the compartment is not unlocked.
    """
    if not kind_of(alert.kind).is_confidential:
        return None
    if compartment is None:
        raise CompartmentLockedError("confidential: only a safeguarding officer sends it, the compartment unlocked")
    return compartment


def keep_message(
    transaction: Transaction,
    digest: str,
    data: bytes,
    alert: Alert,
    compartment: Compartment | None,
    *,
    at: datetime,
    until: datetime | None,
) -> None:
    """Keep the exact bytes of a message under fresh keys until `until`, in the compartment where one is given."""
    key, nonce = generate_bytes(KEY_BYTES), generate_bytes(NONCE_BYTES)
    if compartment is None:
        keep_content(transaction, digest, data, key=key, nonce=nonce, at=at, retain_until=until)
        return
    keep_references(transaction, digest, map(compartment.refer_to, list_pseudonyms(alert)))
    keep_content(
        transaction,
        digest,
        data,
        key=key,
        nonce=nonce,
        at=at,
        retain_until=until,
        wrapping=compartment.wrap_keys(),
        summary=compartment.seal_summary(describe_alert(alert)),
    )
