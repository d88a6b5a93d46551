"""Bring a store's schema to this program's version: numbered steps, each one transaction, counted in `user_version`.

A step that has been released is never edited; what changes later is a new step at the end of `STEPS`.
"""

from pathlib import Path

from agency_client.local_store.engine import APPLICATION_ID, Store, StoreNewerError, Transaction, demand_store_file
from agency_client.local_store.migrations import (
    step_0001_first_schema,
    step_0002_unbelieved,
    step_0003_witnesses,
    step_0004_statuses,
    step_0005_epochs,
    step_0006_agreements,
    step_0007_terms,
    step_0008_onward,
    step_0009_aftercare,
    step_0010_retention,
    step_0011_duties,
    step_0012_keys,
    step_0013_settled,
    step_0015_compartment,
    step_0016_names,
    step_0017_following,
    step_0018_challenges,
    step_0019_sent_drafts,
    step_0020_corrected_index,
)

STEPS: tuple[tuple[str, ...], ...] = (
    step_0001_first_schema.STATEMENTS,
    step_0002_unbelieved.STATEMENTS,
    step_0003_witnesses.STATEMENTS,
    step_0004_statuses.STATEMENTS,
    step_0005_epochs.STATEMENTS,
    step_0006_agreements.STATEMENTS,
    step_0007_terms.STATEMENTS,
    step_0008_onward.STATEMENTS,
    step_0009_aftercare.STATEMENTS,
    step_0010_retention.STATEMENTS,
    step_0011_duties.STATEMENTS,
    step_0012_keys.STATEMENTS,
    step_0013_settled.STATEMENTS,
    step_0015_compartment.STATEMENTS,
    step_0016_names.STATEMENTS,
    step_0017_following.STATEMENTS,
    step_0018_challenges.STATEMENTS,
    step_0019_sent_drafts.STATEMENTS,
    step_0020_corrected_index.STATEMENTS,
)
"""Step n, counted from 1, brings `user_version` from n - 1 to n."""

SCHEMA_VERSION = len(STEPS)


def create_store(path: Path, key: bytes) -> Store:
    """Make a new store, mode 0600, with the present schema, and return it open.

    Raises:
        FileExistsError: something lies there already.
    """
    path.touch(mode=0o600, exist_ok=False)
    store = Store(path, key)
    migrate_store(store)
    return store


def open_store(path: Path, key: bytes) -> Store:
    """Return an existing store, its schema brought up to date.

    Raises:
        NotFoundError: no store lies there.
        StoreKeyError: another key sealed it.
        StoreNewerError: a later version of this program wrote it.
    """
    demand_store_file(path)
    store = Store(path, key)
    try:
        migrate_store(store)
    except BaseException:
        store.close()
        raise
    return store


def migrate_store(store: Store, steps: tuple[tuple[str, ...], ...] = STEPS) -> None:
    """Run the steps the store has not seen; two processes may do so at once.

    Raises:
        StoreNewerError: the store has seen more steps than this program knows.
    """
    with store.read() as snapshot:
        version: int = snapshot.fetch_value("PRAGMA user_version")
    if version > len(steps):
        raise StoreNewerError(
            f"the store has schema {version}, this program knows {len(steps)}",
            fix="use the program version that wrote it, or a later one",
        )
    for number in range(version + 1, len(steps) + 1):
        with store.write() as transaction:
            _run_step(transaction, number, steps[number - 1])


def _run_step(transaction: Transaction, number: int, statements: tuple[str, ...]) -> None:
    # Read again under the writer's lock: another process may have run this step since.
    if transaction.fetch_value("PRAGMA user_version") >= number:
        return
    for statement in statements:
        transaction.execute(statement)
    transaction.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    transaction.execute(f"PRAGMA user_version = {number}")
