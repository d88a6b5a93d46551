"""What partners say they saw is compared once: what fits is forgotten, what differs or is hidden is an alarm."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from agency_client.local_store.contradictions import list_contradictions
from agency_client.local_store.engine import Columns
from agency_client.local_store.sightings import SightingState, list_sightings
from agency_client.local_store.suspicions import list_suspicions
from agency_client.node import Node
from agency_client.refusals import RefusalDetails, RefusedError
from agency_client.witness.gossip import PATIENCE, compare_sightings, note_sighting
from agency_client.witness.walker import walk_log
from schemas.api import CONSISTENCY_PATH
from schemas.codec import b64u_encode
from schemas.envelope import SeenCheckpoint
from schemas.log.records import RecordType
from tests.support.bad_line import Refusing, Tampering, tampered
from tests.support.lying_world import LyingWorld, lying_world


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """GB at an exchange in memory."""
    with lying_world(tmp_path_factory.mktemp("gossip"), "GB") as world:
        yield world


@pytest.fixture
def world(one: LyingWorld) -> Iterator[LyingWorld]:
    """The same, with nothing said and a log that has grown by two leaves this node has read."""
    with one["GB"].store.write() as transaction:
        transaction.execute("DELETE FROM checkpoint_sighting")
        transaction.execute("DELETE FROM suspicious_record")
    for _ in range(2):
        one.exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)
    walk_log(one["GB"])
    yield one
    one.clock.ahead = timedelta()


def say(world: LyingWorld, agency: str, size: int, *, root: bytes | None = None, origin: str = "") -> None:
    """Let GB hear that an agency saw so many leaves, by default the true ones."""
    node, exchange = world["GB"], world.exchange
    found = exchange.tree.root(size) if root is None else root
    seen = SeenCheckpoint(origin=origin or exchange.sheet.origin, size=size, root=b64u_encode(found))
    with node.store.write() as transaction:
        note_sighting(node, transaction, agency, seen, at=world.clock.now())


def states(node: Node) -> list[tuple[str, int, SightingState]]:
    with node.store.read() as snapshot:
        return [(item.seen_by, item.size, item.state) for item in list_sightings(snapshot, node.sheet.origin)]


def test_what_fits_is_settled_by_one_proof_for_the_newest_of_each_partner(world: LyingWorld) -> None:
    gb, size = world["GB"], len(world.exchange.records)
    for seen in (size - 3, size - 1):
        say(world, "VN", seen)
    say(world, "BE", size)
    asked = Tampering(CONSISTENCY_PATH)
    with tampered(gb, asked):
        report = compare_sightings(gb)
    assert (report.fitting, report.alarms, report.problems) == (2, [], [])
    assert asked.calls == 1
    assert states(gb) == [("BE", size, SightingState.FITS), ("VN", size - 1, SightingState.FITS)]


@pytest.mark.parametrize("behind", [0, 1, 3], ids=["of the same size", "a smaller one", "one of a size seen before"])
def test_a_head_of_another_log_is_an_alarm_told_once_and_no_proof(world: LyingWorld, behind: int) -> None:
    gb, size = world["GB"], len(world.exchange.records) - behind
    say(world, "VN", size, root=bytes(32))
    report = compare_sightings(gb)
    assert [alarm.code for alarm in report.alarms] == ["checkpoint-differs"]
    assert f"agency trust checkpoint --size {size} -o FILE" in report.alarms[0].sentence
    assert compare_sightings(gb).alarms == []
    assert states(gb) == [("VN", size, SightingState.DIFFERS)]
    with gb.store.read() as snapshot:
        assert list_contradictions(snapshot) == []
        assert [(item.agency, item.leaf_index) for item in list_suspicions(snapshot)] == [("VN", size)]


def test_two_partners_in_the_same_other_view_are_two_alarms(world: LyingWorld) -> None:
    size = len(world.exchange.records)
    for agency in ("VN", "BE"):
        say(world, agency, size, root=bytes(32))
    assert len(compare_sightings(world["GB"]).alarms) == 2


def test_a_larger_head_waits_until_our_log_has_grown(world: LyingWorld) -> None:
    gb = world["GB"]
    world.exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)
    size = len(world.exchange.records)
    say(world, "VN", size)
    assert compare_sightings(gb).alarms == []
    assert states(gb) == [("VN", size, SightingState.PENDING)]
    walk_log(gb)
    assert compare_sightings(gb).fitting == 1


def test_a_log_that_is_shown_longer_to_a_partner_is_an_alarm_after_a_quarter_of_an_hour(world: LyingWorld) -> None:
    gb, size = world["GB"], len(world.exchange.records)
    say(world, "VN", size + 40, root=bytes(32))
    world.clock.ahead = PATIENCE - timedelta(seconds=5)
    assert compare_sightings(gb).alarms == []
    world.clock.ahead = PATIENCE + timedelta(seconds=5)
    (alarm,) = compare_sightings(gb).alarms
    assert alarm.code == "log-shown-shorter"
    assert alarm.sentence.startswith(f"the exchange shows VN {size + 40} leaves and us {size}")
    assert compare_sightings(gb).alarms == []


def test_a_partner_that_keeps_seeing_more_puts_no_alarm_off(world: LyingWorld) -> None:
    gb, size = world["GB"], len(world.exchange.records)
    alarms = []
    for turn in range(4):
        world.clock.ahead = turn * (PATIENCE - timedelta(minutes=5))
        say(world, "VN", size + 40 + turn, root=bytes(32))
        alarms += compare_sightings(gb).alarms
    (alarm,) = alarms
    assert alarm.sentence.startswith(f"the exchange shows VN {size + 40} leaves and us {size}")


def test_a_fork_that_grows_behind_what_a_partner_sees_is_found_at_every_size_it_reaches(world: LyingWorld) -> None:
    gb, size = world["GB"], len(world.exchange.records)
    say(world, "VN", size + 1, root=bytes(32))
    say(world, "VN", size + 50, root=bytes(32))
    assert compare_sightings(gb).alarms == []
    for _ in range(2):
        world.exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)
    walk_log(gb)
    assert [alarm.code for alarm in compare_sightings(gb).alarms] == ["checkpoint-differs"]


def test_a_log_nobody_here_has_accepted_is_told_every_time(world: LyingWorld) -> None:
    say(world, "VN", 5, origin="exchange.example/2")
    for _ in range(2):
        report = compare_sightings(world["GB"])
        assert [problem.code for problem in report.problems] == ["other-epoch"]
        assert "exchange.example/2" in report.problems[0].sentence


@pytest.mark.parametrize(("root", "codes"), [("A" * 43, []), ("B" * 42 + "A", ["checkpoint-differs"])])
def test_a_head_of_an_epoch_that_was_left_is_compared_with_what_was_seen_of_it(
    world: LyingWorld, root: str, codes: list[str]
) -> None:
    gb, old = world["GB"], "exchange.example/7"
    now, sheet = gb.clock.now(), gb.sheet.canonical()
    with gb.store.write() as transaction:
        row: Columns = {"origin": old, "name": gb.exchange, "anchor": "x", "sheet": sheet, "accepted_at": now}
        transaction.insert("exchange_sheet", {**row, "accepted_by": "x", "retired_at": now}, if_absent=True)
        seen: Columns = {"origin": old, "size": 5, "root": "A" * 43, "note": b"", "seen_at": now}
        transaction.insert("checkpoint", seen, if_absent=True)
        note_sighting(gb, transaction, "VN", SeenCheckpoint(origin=old, size=5, root=root), at=now)
    report = compare_sightings(gb)
    assert [alarm.code for alarm in report.alarms] == codes
    assert report.problems == []


def test_a_head_that_cannot_be_compared_waits_and_is_told(world: LyingWorld) -> None:
    gb, size = world["GB"], len(world.exchange.records)
    say(world, "VN", size - 1)
    refusal = RefusedError("no such leaves", RefusalDetails("range-refused", 416, (), "from"))
    with tampered(gb, Refusing(CONSISTENCY_PATH, refusal)):
        report = compare_sightings(gb)
    assert [problem.code for problem in report.problems] == ["log-not-proven"]
    assert compare_sightings(gb).fitting == 1


def test_the_empty_log_is_part_of_every_log(world: LyingWorld) -> None:
    say(world, "VN", 0)
    assert compare_sightings(world["GB"]).fitting == 1
