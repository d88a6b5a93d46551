"""A partner's head counts when log and partner signed it, under its pinned roots, and it is part of our log."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from agency_client.local_store.contradictions import EquivocationError, list_contradictions
from agency_client.local_store.cosignatures import list_partner_heads
from agency_client.local_store.engine import Columns, Store
from agency_client.local_store.statuses import record_announced_revocations
from agency_client.node import Node
from agency_client.own_keys.publishing import publish_queued
from agency_client.own_keys.revoking import prepare_revocation
from agency_client.sending.facts import SendingStoppedError, verify_may_send
from agency_client.syncing.rounds import INBOX, LOG, WITNESSES, run_round
from agency_client.terminal.exit_codes import ExitCode
from agency_client.witness.collecting import collect_heads
from agency_client.witness.cosigning import cosign_newest
from agency_client.witness.standing import NotYetWitnessedError, demand_witnessed, load_quorum
from agency_client.witness.walker import walk_log
from keys.cosignatures import cosign_checkpoint
from keys.log_keys import sign_checkpoint
from schemas.api import COSIGNATURES_PATH, CosignedNote, CosignedNotes
from schemas.log.checkpoint import Checkpoint, parse_checkpoint
from schemas.log.cosignature import attach_cosignature, format_witness_name
from schemas.log.note import parse_note
from schemas.log.records import RecordType
from schemas.signed import KeyUse
from tests.support.lying_world import LyingWorld, lying_world


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """GB, VN and BE, all pinned with each other."""
    with lying_world(tmp_path_factory.mktemp("witnesses"), "GB", "VN", "BE") as world:
        yield world


@pytest.fixture
def world(three: LyingWorld) -> Iterator[LyingWorld]:
    """The same, with nothing cosigned and nothing proven."""
    three.exchange.cosignatures.clear()
    for node in three.nodes.values():
        forget(node.store)
    yield three
    three.exchange.tamper.clear()
    three.clock.ahead = timedelta()


def forget(store: Store) -> None:
    with store.write() as transaction:
        for table in ("own_cosignature", "partner_head", "contradiction", "suspicious_record"):
            transaction.execute(f"DELETE FROM {table}")  # noqa: S608 - names from here


def see(world: LyingWorld, *agencies: str) -> None:
    """Let these agencies walk and cosign."""
    for agency in agencies:
        walk_log(world[agency])
        cosign_newest(world[agency])


def cosign(node: Node, note: str, *, name: str | None = None) -> str:
    """Return a note with a node's true line under it, whatever the note is."""
    name = name or format_witness_name(node.exchange, node.agency)
    checkpoint = parse_checkpoint(parse_note(note.encode()).text)
    line = cosign_checkpoint(checkpoint, name, node.signer(KeyUse.WITNESS).keys[0], node.clock.now())
    return attach_cosignature(note.encode(), line).decode()


def list_heads(node: Node) -> list[str]:
    with node.store.read() as snapshot:
        return [head.agency for head in list_partner_heads(snapshot, node.sheet.origin)]


def test_what_two_partners_have_cosigned_is_witnessed(world: LyingWorld) -> None:
    gb, size = world["GB"], len(world.exchange.records)
    see(world, "GB", "VN")
    assert collect_heads(gb).news == ["VN"]
    assert load_quorum(gb).witnessed_size == 0
    see(world, "BE")
    assert collect_heads(gb).news == ["BE"]
    found = load_quorum(gb)
    assert (found.witnessed_size, found.is_complete) == (size, True)


def test_who_waits_is_told_who_is_missing_and_since_when(world: LyingWorld) -> None:
    gb = world["GB"]
    see(world, "GB", "VN", "BE")
    collect_heads(gb)
    seen = load_quorum(gb).witnessed_size
    world.exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)
    see(world, "GB", "VN")
    collect_heads(gb)
    with gb.store.read() as snapshot:
        demand_witnessed(gb, snapshot, seen, "this")
        with pytest.raises(NotYetWitnessedError, match=f"BE last at {seen}, on 20") as refused:
            demand_witnessed(gb, snapshot, seen + 1, "this")
    assert refused.value.code == "not-yet-witnessed"
    assert refused.value.exit_code is ExitCode.DENIED
    assert refused.value.fix == "run: agency sync; or ask BE to"


def test_a_partner_that_saw_more_takes_this_node_along(world: LyingWorld) -> None:
    gb = world["GB"]
    walk_log(gb)
    world.exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)
    see(world, "VN", "BE")
    collect_heads(gb)
    assert load_quorum(gb).witnessed_size == len(world.exchange.records)


def test_shams_that_the_exchange_invents_are_not_taken_in(world: LyingWorld) -> None:
    gb, exchange = world["GB"], world.exchange
    walk_log(gb)
    shams = {"XA", "XB", "XC"}
    for sham in shams:
        exchange.cosignatures[sham] = cosign(world["VN"], exchange.sign_note(), name=f"{gb.exchange}/witness/{sham}")

    def add_shams(answer: CosignedNotes) -> CosignedNotes:
        notes = tuple(CosignedNote(agency=sham, note=exchange.cosignatures[sham]) for sham in sorted(shams))
        return answer.model_copy(update={"notes": (*answer.notes, *notes)})

    exchange.tamper[COSIGNATURES_PATH] = add_shams
    assert collect_heads(gb).news == []
    assert list_heads(gb) == []
    assert load_quorum(gb).witnessed_size == 0


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        (
            lambda world: cosign(world["BE"], world.exchange.sign_note(), name="exchange.example/witness/VN"),
            "signature",
        ),
        (lambda world: world.exchange.sign_note(), "signature"),
        (lambda world: cosign(world["VN"], _sign_as_another_log(world)), "signature"),
        (lambda _: "no note at all", "note"),
    ],
    ids=["by another member's key", "by nobody", "of another log's keys", "no note"],
)
def test_a_head_that_is_not_the_partners_does_not_count(world: LyingWorld, forge: object, code: str) -> None:
    gb = world["GB"]
    walk_log(gb)
    assert callable(forge)
    world.exchange.cosignatures["VN"] = forge(world)
    report = collect_heads(gb)
    assert report.news == []
    assert report.problems["VN"].code.startswith(code)
    assert list_heads(gb) == []


def _sign_as_another_log(world: LyingWorld) -> str:
    note = world.exchange.sign_note()
    body, _, rest = note.partition("\n\n")
    ed25519, ml_dsa = rest.splitlines(keepends=True)
    name, blob = ed25519.rsplit(" ", 1)
    return f"{body}\n\n{name} {blob[:-6]}{'AAAA' if blob[-6:-2] != 'AAAA' else 'BBBB'}{blob[-2:]}{ml_dsa}"


def test_a_head_of_another_history_is_proof_and_stops_sending(world: LyingWorld) -> None:
    gb, exchange = world["GB"], world.exchange
    walk_log(gb)
    exchange.cosignatures["VN"] = cosign(world["VN"], exchange.sign_note(root=bytes(32)))
    report = run_round(gb, [LOG, WITNESSES, INBOX])
    assert [stage.stage for stage in report.stages] == ["log", "witnesses"]
    assert report.stages[-1].failure is not None
    assert report.stages[-1].failure.code == "equivocation"
    with gb.store.read() as snapshot:
        (kept,) = list_contradictions(snapshot)
        with pytest.raises(SendingStoppedError):
            verify_may_send(snapshot, gb.sheet.origin)
    assert kept.second.decode() == exchange.cosignatures["VN"]


def test_a_smaller_head_of_another_history_is_proof_by_the_exchanges_own_path(world: LyingWorld) -> None:
    gb, exchange = world["GB"], world.exchange
    exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)
    walk_log(gb)
    exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)
    unseen = len(exchange.records)
    exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)
    walk_log(gb)
    exchange.cosignatures["VN"] = cosign(world["VN"], exchange.sign_note(unseen, root=bytes(32)))
    with pytest.raises(EquivocationError):
        collect_heads(gb)
    with gb.store.read() as snapshot:
        (kept,) = list_contradictions(snapshot)
    assert kept.proof is not None


def test_what_a_partner_cosigned_of_an_epoch_that_was_left_is_let_lie(world: LyingWorld) -> None:
    gb = world["GB"]
    walk_log(gb)
    now, old = gb.clock.now(), "exchange.example/7"
    with gb.store.write() as transaction:
        row: Columns = {"origin": old, "name": gb.exchange, "anchor": "x", "sheet": b"", "accepted_at": now}
        transaction.insert("exchange_sheet", {**row, "accepted_by": "x", "retired_at": now})
    head = Checkpoint(old, 5, bytes(32))
    world.exchange.cosignatures["VN"] = cosign(world["VN"], sign_checkpoint(head, world.exchange.signer).decode())
    report = collect_heads(gb)
    assert (report.news, report.problems) == ([], {})


def test_a_witness_key_that_its_owner_calls_revoked_counts_no_longer_though_the_exchange_hides_it(
    world: LyingWorld,
) -> None:
    gb, vn = world["GB"], world["VN"]
    see(world, "GB", "VN", "BE")
    collect_heads(gb)
    kids = vn.signer(KeyUse.WITNESS).kids
    with gb.store.write() as transaction:
        record_announced_revocations(transaction, "VN", kids, at=gb.clock.now())
    assert "VN" in collect_heads(gb).problems
    assert list_heads(gb) == ["BE"]
    with gb.store.write() as transaction:
        transaction.execute("DELETE FROM announced_revocation")


def test_a_revoked_witness_counts_no_longer(world: LyingWorld) -> None:
    gb, vn = world["GB"], world["VN"]
    see(world, "GB", "VN", "BE")
    collect_heads(gb)
    assert list_heads(gb) == ["BE", "VN"]
    kid = vn.signer(KeyUse.WITNESS).kids[0]
    publish_queued(vn, prepare_revocation(vn, [kid], reason="device-lost"))
    walk_log(gb)
    assert collect_heads(gb).news == []
    assert list_heads(gb) == ["BE"]
