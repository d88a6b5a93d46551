"""The steps of every agreement this agency is a party to, and its own drafts.

Steps are facts; what state they make is computed from them (`schemas.agreements.lifecycle`) and never stored.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

from agency_client.errors import ConflictError, NotFoundError
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError
from agency_client.local_store.engine import Row, Snapshot, Transaction, read_moment


@dataclass(frozen=True, slots=True)
class StoredStep:
    """A verified, signed step.

    `leaf` is its canonical `LoggedRecord`, absent until the broker has logged an own step. `origin` is the log in which
    it stands, the first that was read to have the step; `shown_in` is the newest one that has it.
    """

    digest: str
    agreement: str
    party: str
    party_seq: int
    action: str
    terms_digest: str
    document: bytes
    leaf: bytes | None
    recorded_at: datetime
    origin: str | None = None
    shown_in: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """Terms somebody is still writing: canonical JSON, signed by nobody."""

    name: str
    terms: bytes
    changed_at: datetime
    changed_by: str


def record_step(transaction: Transaction, step: StoredStep) -> bool:
    """Record a verified step at the end of its party's chain; return whether it was new.

    An own step is recorded, and queued in `dispatch`, before it leaves: a partner never learns of one this node forgot.

    Raises:
        EquivocationError: this party signed another step with the same number.
        ConflictError: the step before it is not here yet.
    """
    present = _find_same_place(transaction, step)
    if present is not None and present["digest"] != step.digest:
        raise EquivocationError(
            f"{step.party} signed two different steps number {step.party_seq} of agreement {step.agreement}",
            kind=ContradictionKind.AGREEMENT_STEP,
            signer=step.party,
            documents=(present["document"], step.document),
        )
    if present is not None:
        add_step_leaf(transaction, step.digest, step.leaf, step.origin)
        return False
    _demand_next(transaction, step)
    transaction.insert("agreement_step", {**asdict(step), "shown_in": step.shown_in or step.origin})
    return True


def add_step_leaf(transaction: Transaction, digest: str, leaf: bytes | None, origin: str | None) -> None:
    """Note where in a log a step stands; the first leaf that was verified stays, `shown_in` follows the newest."""
    if leaf is not None:
        transaction.execute(
            "UPDATE agreement_step SET origin = CASE WHEN leaf IS NULL THEN ?1 ELSE origin END,"
            " leaf = coalesce(leaf, ?2), shown_in = ?1 WHERE digest = ?3",
            origin,
            leaf,
            digest,
        )


def list_unshown_steps(
    snapshot: Snapshot, *, party: str | None = None, agreement: str | None = None
) -> list[StoredStep]:
    """Return the steps that an earlier log had and the present one was not read to have, in their chains' order."""
    rows = snapshot.fetch_all(
        "SELECT * FROM agreement_step WHERE leaf IS NOT NULL AND (?1 IS NULL OR party = ?1)"
        " AND (?2 IS NULL OR agreement = ?2)"
        " AND shown_in IS NOT (SELECT origin FROM exchange_sheet WHERE retired_at IS NULL)"
        " ORDER BY recorded_at, agreement, party, party_seq",
        party,
        agreement,
    )
    return [_read_step(row) for row in rows]


def replace_step_document(transaction: Transaction, digest: str, document: bytes) -> None:
    """Let the same step under fresh signatures take the place of one that no log has."""
    transaction.execute("UPDATE agreement_step SET document = ? WHERE digest = ? AND leaf IS NULL", document, digest)


def retract_step(transaction: Transaction, digest: str) -> None:
    """Take back an own step at its chain's end that the broker refused: it is in no log, and never counted.

    Raises:
        ConflictError: the log has it, or another step follows it.
    """
    removed = transaction.execute(
        "DELETE FROM agreement_step AS step WHERE digest = ?1 AND leaf IS NULL AND NOT EXISTS (SELECT 1"
        " FROM agreement_step AS later WHERE later.agreement = step.agreement AND later.party = step.party"
        " AND later.party_seq > step.party_seq)",
        digest,
    )
    if removed != 1:
        raise ConflictError("only the last step of a chain that no log has can be taken back", code="step-stands")


def forget_unlogged_steps(transaction: Transaction, agreement: str, party: str, first: int) -> int:
    """Forget a party's steps from a number on that no log has; return how many there were."""
    return transaction.execute(
        "DELETE FROM agreement_step WHERE agreement = ? AND party = ? AND party_seq >= ? AND leaf IS NULL",
        agreement,
        party,
        first,
    )


def load_chains(snapshot: Snapshot, agreement: str) -> dict[str, list[StoredStep]]:
    """Return every party's chain of one agreement, oldest step first."""
    rows = snapshot.fetch_all("SELECT * FROM agreement_step WHERE agreement = ? ORDER BY party, party_seq", agreement)
    chains: dict[str, list[StoredStep]] = {}
    for row in rows:
        chains.setdefault(row["party"], []).append(_read_step(row))
    return chains


def load_chain_end(snapshot: Snapshot, agreement: str, party: str) -> StoredStep | None:
    """Return the newest step of one party's chain: what the next one names as its `party_prev`."""
    row = snapshot.fetch_one(
        "SELECT * FROM agreement_step WHERE agreement = ? AND party = ? ORDER BY party_seq DESC LIMIT 1",
        agreement,
        party,
    )
    return None if row is None else _read_step(row)


def list_agreements(snapshot: Snapshot) -> list[str]:
    """Return the ids of every agreement of which a step is here, in the order they came."""
    rows = snapshot.fetch_all(
        "SELECT agreement FROM agreement_step GROUP BY agreement ORDER BY min(recorded_at), agreement"
    )
    return [row["agreement"] for row in rows]


def find_agreement_of_terms(snapshot: Snapshot, terms_digest: str) -> str | None:
    """Return the id of the agreement whose terms have this digest."""
    found: str | None = snapshot.fetch_value(
        "SELECT agreement FROM agreement_step WHERE terms_digest = ? LIMIT 1", terms_digest
    )
    return found


def save_draft(transaction: Transaction, draft: Draft) -> None:
    """Keep or replace a draft."""
    transaction.execute(
        "INSERT INTO agreement_draft (name, terms, changed_at, changed_by) VALUES (?, ?, ?, ?) ON CONFLICT (name)"
        " DO UPDATE SET terms = excluded.terms, changed_at = excluded.changed_at, changed_by = excluded.changed_by",
        draft.name,
        draft.terms,
        draft.changed_at,
        draft.changed_by,
    )


def load_draft(snapshot: Snapshot, name: str) -> Draft:
    """Return a draft.

    Raises:
        NotFoundError: there is none of that name.
    """
    row = snapshot.fetch_one("SELECT * FROM agreement_draft WHERE name = ?", name)
    if row is None:
        raise NotFoundError(f"there is no draft named {name}", fix="run: agency agreements --drafts")
    return _read_draft(row)


def list_drafts(snapshot: Snapshot) -> list[Draft]:
    """Return every draft by name."""
    return [_read_draft(row) for row in snapshot.fetch_all("SELECT * FROM agreement_draft ORDER BY name")]


def delete_draft(transaction: Transaction, name: str) -> None:
    """Remove a draft, usually in the transaction that records the proposal made of it."""
    transaction.execute("DELETE FROM agreement_draft WHERE name = ?", name)


def _find_same_place(snapshot: Snapshot, step: StoredStep) -> Row | None:
    return snapshot.fetch_one(
        "SELECT * FROM agreement_step WHERE digest = ? OR (agreement = ? AND party = ? AND party_seq = ?)",
        step.digest,
        step.agreement,
        step.party,
        step.party_seq,
    )


def _demand_next(transaction: Transaction, step: StoredStep) -> None:
    end = load_chain_end(transaction, step.agreement, step.party)
    expected = 1 if end is None else end.party_seq + 1
    if step.party_seq != expected:
        raise ConflictError(
            f"step {step.party_seq} of {step.party} in agreement {step.agreement} cannot follow: {expected} is next",
            code="step-out-of-order",
        )


def _read_step(row: Row) -> StoredStep:
    return StoredStep(**{**dict(row), "recorded_at": read_moment(row["recorded_at"])})


def _read_draft(row: Row) -> Draft:
    return Draft(**{**dict(row), "changed_at": read_moment(row["changed_at"])})
