"""A split view: found by what a partner's message says it saw, and proven by the notes two agencies give each other."""

from collections.abc import Iterator

import pytest

from agency_client.audit.evidence import EvidenceFile, check_evidence
from agency_client.errors import NotFoundError
from agency_client.local_store.checkpoints import has_checkpoint
from agency_client.local_store.contradictions import EquivocationError, list_contradictions
from agency_client.local_store.suspicions import list_suspicions
from agency_client.node import Node
from agency_client.refusals import NotSentError
from agency_client.sending.facts import SendingStoppedError, verify_may_send
from agency_client.syncing.rounds import GOSSIP, INBOX, LOG, run_round
from agency_client.witness.comparing import Comparison, compare_hidden_notes, compare_note, export_note, make_evidence
from agency_client.witness.observer import LogError
from agency_client.witness.walker import walk_log
from schemas.api import CHECKPOINT_PATH
from schemas.log.records import RecordType
from tests.support.bad_line import LostRequest, tampered
from tests.support.lying_exchange import LyingConnection, LyingExchange
from tests.support.lying_world import LyingWorld, lying_world


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """GB and VN, pinned with each other, with an agreement."""
    with lying_world(tmp_path_factory.mktemp("split"), "GB", "VN") as world:
        yield world


@pytest.fixture
def world(pair: LyingWorld) -> Iterator[LyingWorld]:
    """The same, with one log shown to both and nothing proven."""
    yield pair
    pair.exchange.inboxes.clear()
    for agency, node in pair.nodes.items():
        connect(node, LyingConnection(pair.exchange, agency))
        with node.store.write() as transaction:
            for table in ("checkpoint", "log_walk", "contradiction", "checkpoint_sighting"):
                transaction.execute(f"DELETE FROM {table}")  # noqa: S608 - names from here
        walk_log(node)
        with node.store.write() as transaction:
            transaction.execute("DELETE FROM suspicious_record")  # what was read twice


def connect(node: Node, connection: LyingConnection) -> None:
    node._connections[node.role] = connection  # type: ignore[assignment]
    node.observer._connection = connection  # type: ignore[assignment]


def split(world: LyingWorld, agency: str, leaves: int = 1) -> LyingExchange:
    """Show an agency a log of its own from here on, signed with the same true keys; both grow."""
    exchange = world.exchange
    other = LyingExchange(world.clock, name=exchange.name)
    other.records, other.steps = list(exchange.records), list(exchange.steps)
    other.tree = type(exchange.tree)(exchange.tree.leaf_hash(index) for index in range(len(exchange.records)))
    connect(world[agency], LyingConnection(other, agency))
    for _ in range(leaves):
        other.append(RecordType.TOKENS_ISSUED, (), agency=agency, count=7)
    exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)
    for node in world.nodes.values():
        walk_log(node)
    return other


def test_a_split_view_is_found_by_a_message_and_proven_by_two_notes(world: LyingWorld) -> None:
    gb, vn = world["GB"], world["VN"]
    terms = world.agree("GB", "VN", "before the split")
    other = split(world, "VN")
    assert len(other.records) == len(world.exchange.records)
    sealed = world.craft("VN", "GB", terms)
    world.deliver(sealed, "GB")
    report = run_round(gb, [LOG, INBOX, GOSSIP])
    assert world.look_up("GB", sealed).state.value == "opened"
    assert [alarm.code for alarm in report.stages[-1].alarms] == ["checkpoint-differs"]
    with pytest.raises(EquivocationError):
        compare_note(gb, export_note(vn))
    with gb.store.read() as snapshot:
        (kept,) = list_contradictions(snapshot)
        with pytest.raises(SendingStoppedError):
            verify_may_send(snapshot, gb.sheet.origin)
    file = EvidenceFile.from_canonical(make_evidence(gb, kept.number).canonical(), max_bytes=1 << 20)
    verdict = check_evidence(file, world.exchange.sheet)
    assert verdict.signer == world.exchange.sheet.origin
    assert "signed both notes" in verdict.sentences[0]


def test_two_views_of_different_length_are_proven_by_the_exchanges_own_path(world: LyingWorld) -> None:
    gb, vn = world["GB"], world["VN"]
    split(world, "VN", leaves=1)
    world.exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)
    note = export_note(vn)
    with gb.store.write() as transaction:
        transaction.execute("DELETE FROM checkpoint WHERE size > ?", len(world.exchange.records) - 2)
    walk_log(gb)
    with gb.store.read() as snapshot:
        assert not has_checkpoint(snapshot, gb.sheet.origin, int(note.splitlines()[1]))
    with pytest.raises(EquivocationError):
        compare_note(gb, note)
    with gb.store.read() as snapshot:
        (kept,) = list_contradictions(snapshot)
    file = make_evidence(gb, kept.number)
    assert file.prefix is not None
    assert "the path leads to the other" in check_evidence(file, gb.sheet).sentences[1]


def test_a_note_of_the_same_log_fits_whoever_is_ahead(world: LyingWorld) -> None:
    gb, vn = world["GB"], world["VN"]
    assert compare_note(gb, export_note(vn)).comparison is Comparison.FITS
    world.exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)
    walk_log(vn)
    assert compare_note(gb, export_note(vn)).comparison is Comparison.FITS
    with gb.store.read() as snapshot:
        assert list_contradictions(snapshot) == []


def test_a_note_of_more_than_the_exchange_shows_is_an_alarm_and_kept(world: LyingWorld) -> None:
    gb, size = world["GB"], len(world.exchange.records)
    note = world.exchange.sign_note(size + 40, root=bytes(32))
    found = compare_note(gb, note)
    assert found.comparison is Comparison.HIDDEN
    assert f"shows this node {size}" in found.sentence
    with gb.store.read() as snapshot:
        (doubt,) = list_suspicions(snapshot)
    assert (doubt.code, doubt.record.decode()) == ("log-shown-shorter", note)


def test_a_note_that_was_hidden_is_compared_once_the_exchange_shows_so_many_leaves(world: LyingWorld) -> None:
    gb, size = world["GB"], len(world.exchange.records)
    world.exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)
    true, false = world.exchange.sign_note(size + 1), world.exchange.sign_note(size + 2, root=bytes(32))
    shown = world.exchange.sign_note(size)
    world.exchange.tamper[CHECKPOINT_PATH] = lambda answer: answer.model_copy(update={"checkpoint": shown})
    assert [compare_note(gb, note).comparison for note in (true, false)] == [Comparison.HIDDEN] * 2
    assert compare_hidden_notes(gb) == 0
    del world.exchange.tamper[CHECKPOINT_PATH]
    walk_log(gb)
    assert (compare_hidden_notes(gb), compare_hidden_notes(gb)) == (1, 0)
    with gb.store.read() as snapshot:
        assert {item.code for item in list_suspicions(snapshot)} == {"log-shown-late", "log-shown-shorter"}
    world.exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=2)
    walk_log(gb)
    with pytest.raises(EquivocationError):
        compare_hidden_notes(gb)
    with gb.store.read() as snapshot:
        assert len(list_contradictions(snapshot)) == 1


def test_offline_what_is_held_here_is_enough_where_it_is_enough(world: LyingWorld) -> None:
    gb, vn = world["GB"], world["VN"]
    with tampered(gb, LostRequest(CHECKPOINT_PATH)):
        with pytest.raises(NotSentError):
            walk_log(gb)
        assert compare_note(gb, export_note(vn)).comparison is Comparison.FITS


@pytest.mark.parametrize("note", ["", "no note\n", "other.example/1\n5\nAAAA\n\n— x y\n"])
def test_what_is_no_note_of_this_log_is_refused(world: LyingWorld, note: str) -> None:
    with pytest.raises(LogError) as refused:
        compare_note(world["GB"], note)
    assert refused.value.code == "note-refused"


def test_a_note_is_written_by_its_size_if_it_is_held(world: LyingWorld) -> None:
    gb, size = world["GB"], len(world.exchange.records)
    assert export_note(gb) == export_note(gb, size)
    with pytest.raises(NotFoundError, match=f"nearest below has {size}"):
        export_note(gb, size + 1)
