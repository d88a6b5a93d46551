"""The safeguarding compartment in the store: its public key, its officers' containers, what is sealed and kept in it.

Everything of a victim that lies here lies sealed under keys of the compartment, which the store's own key does not
open. Here are rows alone; what opens them is `agency_client.safeguarding.compartment`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agency_client.errors import NotFoundError
from agency_client.local_store.approvals import name_person
from agency_client.local_store.engine import Columns, Row, Snapshot, Transaction, read_moment, read_optional_moment


@dataclass(frozen=True, slots=True)
class CompartmentRecord:
    """The compartment: its public key (canonical JWK), who made it, and who confirmed it; until then it is none."""

    root_key: bytes
    made_at: datetime
    made_by: str
    confirmed_at: datetime | None
    confirmed_by: str


@dataclass(frozen=True, slots=True)
class SafeguardingOfficer:
    """Who may open the compartment. `container` holds its secret under the officer's own passphrase."""

    officer: str
    container: bytes
    added_at: datetime
    added_by: str


def load_compartment(snapshot: Snapshot) -> CompartmentRecord | None:
    """Return the compartment, confirmed or not; None: nobody has made one."""
    row = snapshot.fetch_one("SELECT * FROM compartment")
    if row is None:
        return None
    confirmed_at = read_optional_moment(row["confirmed_at"])
    return CompartmentRecord(
        row["root_key"], read_moment(row["made_at"]), row["made_by"], confirmed_at, row["confirmed_by"]
    )


def find_root_key(snapshot: Snapshot) -> bytes | None:
    """Return the public key of the compartment; None: there is none yet, or it waits for a second officer."""
    found: bytes | None = snapshot.fetch_value("SELECT root_key FROM compartment WHERE confirmed_at IS NOT NULL")
    return found


def begin_compartment(transaction: Transaction, root_key: bytes, *, by: str, at: datetime) -> None:
    """Record a compartment that waits for a second officer, in place of one that nobody confirmed."""
    transaction.execute("DELETE FROM safeguarding_officer")
    transaction.execute("DELETE FROM compartment WHERE confirmed_at IS NULL")
    transaction.insert("compartment", {"id": 1, "root_key": root_key, "made_at": at, "made_by": by})


def confirm_compartment(transaction: Transaction, *, by: str, at: datetime) -> None:
    """Record who confirmed the compartment: from now on it counts."""
    transaction.execute("UPDATE compartment SET confirmed_at = ?, confirmed_by = ?", at, by)


def keep_officer(transaction: Transaction, officer: str, container: bytes, *, by: str, at: datetime) -> None:
    """Keep an officer's container, in place of one this person had."""
    transaction.execute("DELETE FROM safeguarding_officer WHERE person = ?", name_person(officer))
    row: Columns = {"person": name_person(officer), "officer": officer, "container": container}
    transaction.insert("safeguarding_officer", {**row, "added_at": at, "added_by": by})


def drop_officer(transaction: Transaction, officer: str) -> bool:
    """Destroy an officer's container; return whether there was one."""
    return transaction.execute("DELETE FROM safeguarding_officer WHERE person = ?", name_person(officer)) == 1


def list_officers(snapshot: Snapshot) -> list[SafeguardingOfficer]:
    """Return who may open the compartment, by name."""
    return [_read_officer(row) for row in snapshot.fetch_all("SELECT * FROM safeguarding_officer ORDER BY officer")]


def find_officer(snapshot: Snapshot, officer: str) -> SafeguardingOfficer | None:
    """Return an officer who may open the compartment, however the name is written."""
    row = snapshot.fetch_one("SELECT * FROM safeguarding_officer WHERE person = ?", name_person(officer))
    return None if row is None else _read_officer(row)


def keep_sealed_message(transaction: Transaction, digest: str, *, retain_until: datetime | None) -> None:
    """Record that a received message waits sealed, and when its bytes end unopened."""
    transaction.insert("sealed_message", {"digest": digest, "retain_until": retain_until}, if_absent=True)


def keep_summary(transaction: Transaction, digest: str, sealed_key: bytes, sealed_summary: bytes) -> None:
    """Keep what lists show of a message in the compartment, and the sealed key of its content."""
    row: Columns = {"digest": digest, "sealed_key": sealed_key, "sealed_summary": sealed_summary}
    transaction.insert("compartment_content", row, if_absent=True)


def load_summary(snapshot: Snapshot, digest: str) -> bytes | None:
    """Return the sealed summary of a message in the compartment; None: it is not in there, or was erased."""
    found: bytes | None = snapshot.fetch_value(
        "SELECT sealed_summary FROM compartment_content WHERE digest = ?", digest
    )
    return found


def is_in_compartment(snapshot: Snapshot, digest: str) -> bool:
    """Tell whether the content of a message lies in the compartment."""
    return load_summary(snapshot, digest) is not None


def is_for_officers(snapshot: Snapshot, digest: str) -> bool:
    """Tell whether a message whose content is here is for the safeguarding officers alone, opened or still sealed."""
    is_sealed = snapshot.fetch_one("SELECT 1 FROM sealed_message WHERE digest = ?", digest) is not None
    return is_sealed or is_in_compartment(snapshot, digest)


def keep_references(transaction: Transaction, digest: str, references: Iterable[bytes]) -> None:
    """Keep keyed references of the pseudonyms that a message in the compartment is about."""
    for reference in references:
        transaction.insert("compartment_reference", {"reference": reference, "message": digest}, if_absent=True)


def find_referred(snapshot: Snapshot, reference: bytes) -> list[str]:
    """Return the digests of the messages that are about a pseudonym, by its keyed reference."""
    rows = snapshot.fetch_all(
        "SELECT message FROM compartment_reference WHERE reference = ? ORDER BY message", reference
    )
    return [row["message"] for row in rows]


def demand_officer(snapshot: Snapshot, officer: str) -> SafeguardingOfficer:
    """Return an officer who may open the compartment.

    Raises:
        NotFoundError: this one may not.
    """
    found = find_officer(snapshot, officer)
    if found is None:
        raise NotFoundError(f"{officer} is no safeguarding officer here", fix="see: agency safeguarding officers")
    return found


def _read_officer(row: Row) -> SafeguardingOfficer:
    return SafeguardingOfficer(row["officer"], row["container"], read_moment(row["added_at"]), row["added_by"])
