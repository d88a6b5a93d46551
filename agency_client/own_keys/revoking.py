"""Revoke operational keys of this agency: at once, without the roots, by the rotation key."""

from datetime import datetime

from agency_client.errors import UsageError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.dispatch import DispatchKind
from agency_client.local_store.engine import Snapshot
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_key_sets
from agency_client.own_keys.key_sets import load_verified_key_sets
from agency_client.own_keys.publishing import record_own_document
from agency_client.statuses.signing import request_everywhere
from keys.encryption_keys import sign_revocation, verify_revocation
from keys.errors import KeysError
from schemas.key_documents import Revocation
from schemas.log.records import Action
from schemas.signed import KeyUse

MIN_NAME_CHARACTERS = 6


def prepare_revocation(node: Node, wanted: list[str], reason: str, effective_from: datetime | None = None) -> str:
    """Sign and queue the revocation of operational keys, named by a kid or its beginning, and return its digest.

    A key is revoked with both of its halves.

    Raises:
        UsageError: a name fits no key, or several; or the reason is no code.
        KeySetUnusableError: there is no rotation key left to sign with.
    """
    now = node.clock.now()
    with node.store.read() as snapshot:
        kids = sorted({kid for name in wanted for kid in find_operational_key(node, snapshot, name)})
    rotation = node.signer(KeyUse.ROTATION, even_expired=True)
    revocation = _make_revocation(node, kids, reason, effective_from or now, now)
    signed = sign_revocation(revocation, rotation)
    with node.store.write() as transaction:
        try:
            counting = node.read_own_key_set(transaction).digest
            sets = load_verified_key_sets(node, transaction)
            verified = verify_revocation(signed, next(item for item in sets if item.digest == counting))
        except KeysError as error:
            raise UsageError(f"the revocation cannot be made: {error}") from error
        record_own_document(node, transaction, DispatchKind.REVOCATION, signed, verified.digest, None, at=now)
        append_entry(transaction, node.note_access(Action.KEYS, "keys-revoke", reason))
        request_everywhere(node, transaction, f"revoked: {reason}")
    return verified.digest


def find_operational_key(node: Node, snapshot: Snapshot, name: str) -> tuple[str, ...]:
    """Return the kids of the one operational key of this agency whose kid begins with `name`.

    Raises:
        UsageError: none does, or several do.
    """
    sets = load_own_key_sets(snapshot, node.agency)
    logical = {key.kids for own in sets for key in own.key_set.keys}
    found = [
        kids
        for kids in sorted(logical)
        if len(name) >= MIN_NAME_CHARACTERS and any(kid.startswith(name) for kid in kids)
    ]
    if len(found) != 1:
        problem = "no operational key" if not found else f"{len(found)} operational keys"
        raise UsageError(f"{problem} of {node.agency} begins with {name!r}", fix="see: agency keys list")
    return found[0]


def _make_revocation(node: Node, kids: list[str], reason: str, effective_from: datetime, now: datetime) -> Revocation:
    try:
        return Revocation(
            v=1,
            exchange=node.exchange,
            agency=node.agency,
            kids=tuple(kids),
            effective_from=effective_from,
            issued_at=now,
            reason=reason,
        )
    except ValueError as error:
        raise UsageError(
            f"{reason[:64]!r} is no reason's code", fix="use small letters and hyphens, like: device-lost"
        ) from error
