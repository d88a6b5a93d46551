"""Keys are told of before they end, at 60, 30 and 7 days, and roots by how many of them may still be lost."""

from datetime import timedelta

import pytest

from agency_client.node import Node
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.reminders import KeyReminder, judge_end, judge_roots, list_key_reminders
from agency_client.witness.walker import walk_log
from keys.roots import load_root, make_roots
from schemas.signed import DocumentType, SignedDocument
from tests.support.log_simulator import FixedClock, LogSimulator
from tests.support.members import START, derive_seed

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
ROOTS = [load_root(derive_seed("reminded", n, "ed"), derive_seed("reminded", n, "ml")) for n in range(4)]


@pytest.mark.parametrize(
    ("left", "stage", "days_left"),
    [
        (61 * DAY, None, 61),
        (60 * DAY + SECOND, None, 60),
        (60 * DAY, 60, 60),
        (31 * DAY, 60, 31),
        (30 * DAY, 30, 30),
        (8 * DAY, 30, 8),
        (7 * DAY, 7, 7),
        (SECOND, 7, 0),
        (timedelta(), 0, 0),
        (-DAY, 0, 0),
    ],
)
def test_each_stage_is_reached_on_its_day(left: timedelta, stage: int | None, days_left: int) -> None:
    found = judge_end("key set", "key set 3", START + left, START, "act")
    assert (found.stage, found.days_left, found.ends_at) == (stage, days_left, START + left)
    assert found.fix == ("" if stage is None else "act")


@pytest.mark.parametrize(
    ("count", "threshold", "problem"),
    [(3, 2, ""), (4, 2, ""), (4, 3, ""), (3, 3, "lost"), (1, 1, "lost"), (3, 1, "stolen")],
)
def test_roots_that_none_may_be_lost_or_stolen_of_are_told(count: int, threshold: int, problem: str) -> None:
    found = judge_roots(make_roots(ROOTS[:count], threshold))
    assert f"{threshold} of {count} roots must sign" in found.sentence
    assert (found.stage == 0) == bool(problem)
    assert not problem or f"one that is {problem}" in found.sentence


@pytest.fixture
def node(node: Node, log: LogSimulator) -> Node:
    """The same, whose own keys stand in the log."""
    log.append_document("GB", DocumentType.KEY_SET, node.own_key_set().document)
    walk_log(node)
    return node


def find(node: Node) -> dict[str, KeyReminder]:
    return {item.what: item for item in list_key_reminders(node)}


def test_everything_that_ends_is_listed_and_what_renews_itself_only_when_it_did_not(
    node: Node, clock: FixedClock
) -> None:
    assert set(find(node)) == {"key set", "TLS CA", "roots"}
    node.identify()
    prepare_encryption_keys(node)
    found = find(node)
    assert set(found) == {"key set", "TLS CA", "roots", "certificate"}, "what no log has reaches nobody"
    assert {item.stage for item in found.values()} == {None}
    clock.moment = START + 88 * DAY
    found = find(node)
    assert found["certificate"].stage == 7
    assert found["opening keys"].stage == 0


def test_a_published_encryption_key_that_was_not_renewed_is_told(
    log: LogSimulator, node: Node, clock: FixedClock
) -> None:
    prepare_encryption_keys(node)
    with node.store.read() as snapshot:
        row = snapshot.fetch_one("SELECT body FROM dispatch WHERE kind = 'encryption-keys'")
    assert row is not None

    log.append_document("GB", DocumentType.ENCRYPTION_KEYS, SignedDocument.from_canonical(row["body"]))
    walk_log(node)
    assert find(node)["encryption key"].stage is None
    clock.moment = START + 40 * DAY
    assert find(node)["encryption key"].stage == 7
