"""Who opens the safeguarding compartment: founded by two officers, opened by each of its own with an own passphrase.

The compartment's secret is drawn once and lies sealed under each safeguarding officer's passphrase, apart from the
profile's. The first officer makes it and is one of its officers; until a second officer has confirmed that, it has no
key and receives nothing. A further officer is added by one who has it unlocked; nobody else can. Everything is on
record, refusals too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from agency_client.errors import ConflictError, DeniedError, NotAuthenticatedError, NotFoundError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.approvals import (
    PERSONS,
    Approval,
    ApprovalEnd,
    ApprovalKind,
    end_approvals,
    give_approval,
)
from agency_client.local_store.compartment import (
    SafeguardingOfficer,
    begin_compartment,
    confirm_compartment,
    demand_officer,
    drop_officer,
    find_officer,
    find_root_key,
    keep_officer,
    list_officers,
    load_compartment,
)
from agency_client.local_store.content import CompartmentLockedError
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.node import Node
from agency_client.own_keys.encryption import list_due_uses, prepare_encryption_keys
from agency_client.profiles.session import lock_compartment, unlock_compartment
from agency_client.safeguarding.compartment import SECRET_BYTES, Compartment
from keys.container import NONCE_BYTES, SALT_BYTES, WrongPassphraseError, open_container, seal_container
from keys.generation import generate_bytes
from schemas.codec import hash_text
from schemas.log.records import Action

MAX_HOURS, USUAL_HOURS = 8, 1
"""For how long it may stay unlocked, and does where nothing is said: shorter than the profile, which others use too."""
_PURPOSE = "safeguarding-secret"


@dataclass(frozen=True, slots=True)
class Founding:
    """What one officer's approval of the compartment came to: who has approved, and whether it counts by now."""

    approvals: tuple[Approval, ...]
    is_confirmed: bool


def found_compartment(node: Node, passphrase: str, reason: str) -> Founding:
    """Make the compartment with this officer as its first; it counts once a second officer has confirmed it.

    Raises:
        ConflictError: there is one that counts.
        UsageError: the reason is empty.
    """
    compartment, now = Compartment(generate_bytes(SECRET_BYTES)), node.clock.now()
    container = _seal_secret(compartment, passphrase)
    with node.store.write() as transaction:
        if find_root_key(transaction) is not None:
            raise ConflictError(
                "there is a safeguarding compartment on this node", fix="see: agency safeguarding officers"
            )
        begin_compartment(transaction, compartment.public_key.canonical(), by=node.officer, at=now)
        keep_officer(transaction, node.officer, container, by=node.officer, at=now)
        return _approve(node, transaction, reason)


def confirm_founding(node: Node, reason: str) -> Founding:
    """Approve, as a second officer, of the compartment and of its first officer; draw its first key then.

    Raises:
        NotFoundError: nobody has made one.
        ConflictError: it was confirmed before.
        UsageError: the reason is empty.
    """
    with node.store.write() as transaction:
        record = load_compartment(transaction)
        if record is None:
            raise NotFoundError("nobody has made a compartment", fix="run: agency safeguarding found")
        if record.confirmed_at is not None:
            raise ConflictError(f"the compartment was confirmed by {record.confirmed_by}")
        founding = _approve(node, transaction, reason)
    due = list_due_uses(node) if founding.is_confirmed else ()
    if due:
        prepare_encryption_keys(node, due)
    return founding


def add_officer(node: Node, officer: str, passphrase: str, reason: str) -> None:
    """Let a further officer open the compartment, with a passphrase that this person types; or give a new passphrase.

    Raises:
        CompartmentLockedError: who adds is no safeguarding officer, or has not unlocked it; the attempt is on record.
    """
    compartment = demand_compartment(node, "safeguarding-add", reason)
    container = _seal_secret(compartment, passphrase)
    with node.store.write() as transaction:
        keep_officer(transaction, officer, container, by=node.officer, at=node.clock.now())
        append_entry(transaction, node.note_access(Action.KEYS, "safeguarding-add", f"{reason} ({officer})"))


def remove_officer(node: Node, officer: str, reason: str, *, environment: Mapping[str, str]) -> None:
    """Take the compartment from an officer, and end that one's session. The last one stays.

    Raises:
        CompartmentLockedError: as `add_officer`.
        NotFoundError: there is no such officer.
        ConflictError: it is the last one; without any, nobody could open what is in there.
    """
    demand_compartment(node, "safeguarding-remove", reason)
    with node.store.write() as transaction:
        found = demand_officer(transaction, officer)
        if len(list_officers(transaction)) == 1:
            raise ConflictError(f"{found.officer} is the last safeguarding officer", fix="add another one first")
        drop_officer(transaction, officer)
        append_entry(transaction, node.note_access(Action.KEYS, "safeguarding-remove", f"{reason} ({found.officer})"))
    node.store.truncate_wal()
    lock_compartment(node.profile, found.officer, environment=environment)


def unlock(node: Node, passphrase: str, reason: str, *, environment: Mapping[str, str], seconds: float) -> None:
    """Open the compartment for this officer for so long, 8 hours at most.

    Raises:
        DeniedError: this officer is none of its officers; the attempt is on record.
        NotAuthenticatedError: the passphrase is another; that too.
    """
    compartment = open_compartment(node, passphrase, reason)
    seconds = min(seconds, MAX_HOURS * 3600)
    unlock_compartment(node.profile, node.officer, compartment.secret, environment=environment, seconds=seconds)


def open_compartment(node: Node, passphrase: str, reason: str) -> Compartment:
    """Return the compartment, opened with this officer's passphrase; who opens it, and why, is on record.

    Raises:
        DeniedError, NotAuthenticatedError: as `unlock`.
    """
    verb = "safeguarding-unlock"
    with node.store.read() as snapshot:
        found = _find_counting(snapshot, node.officer)
    if found is None:
        _note(node, verb, reason, outcome="denied")
        raise DeniedError(
            f"{node.officer} is no safeguarding officer",
            fix="ask one: agency safeguarding officers",
            code="not-a-safeguarding-officer",
        )
    try:
        secret = open_container(found.container, passphrase, purpose=_PURPOSE)
    except WrongPassphraseError as error:
        _note(node, verb, reason, outcome="denied")
        raise NotAuthenticatedError("the passphrase does not open the compartment", code=error.code) from error
    _note(node, verb, reason)
    return Compartment(secret)


def demand_compartment(node: Node, verb: str, reason: str, *, message: str | None = None) -> Compartment:
    """Return the compartment if this officer has it unlocked.

    Raises:
        CompartmentLockedError: not so; the attempt is on record.
    """
    found = node.compartment
    if found is None:
        _note(node, verb, reason, outcome="denied", message=message)
        raise CompartmentLockedError
    return found


def _find_counting(snapshot: Snapshot, officer: str) -> SafeguardingOfficer | None:
    return None if find_root_key(snapshot) is None else find_officer(snapshot, officer)


def _approve(node: Node, transaction: Transaction, reason: str) -> Founding:
    record, now, kind = load_compartment(transaction), node.clock.now(), ApprovalKind.COMPARTMENT
    assert record is not None  # noqa: S101 - both callers have just seen it
    subject = hash_text("approval", kind.encode(), record.root_key)
    what = f"a safeguarding compartment, with {record.made_by} as its first officer"
    approvals = give_approval(transaction, kind, subject, what=what, officer=node.officer, reason=reason, at=now)
    append_entry(transaction, node.note_access(Action.KEYS, "safeguarding-found", reason))
    is_confirmed = len(approvals) >= PERSONS
    if is_confirmed:
        end_approvals(transaction, kind, subject, ApprovalEnd.USED, by=node.officer, at=now)
        confirm_compartment(transaction, by=node.officer, at=now)
    return Founding(tuple(approvals), is_confirmed)


def _seal_secret(compartment: Compartment, passphrase: str) -> bytes:
    salt, nonce = generate_bytes(SALT_BYTES), generate_bytes(NONCE_BYTES)
    return seal_container(compartment.secret, passphrase, salt=salt, nonce=nonce, purpose=_PURPOSE)


def _note(node: Node, verb: str, reason: str, *, outcome: str = "done", message: str | None = None) -> None:
    note = node.note_access(Action.KEYS, verb, reason, message=message, outcome=outcome)
    with node.store.write() as transaction:
        append_entry(transaction, note)
