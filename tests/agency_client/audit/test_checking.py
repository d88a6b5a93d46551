"""An exported audit verified offline: each part of it can be shown false, and what is false is named."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.audit.asking import AuditOrder
from agency_client.audit.bundle import LineHash
from agency_client.audit.checking import AuditVerdict, BundleError, check_bundle, verify_ended
from agency_client.audit.exporting import export_audit
from agency_client.audit.purposes import LogPurpose
from agency_client.local_store.access_chain import AccessChainError, AccessEntry, ErasedEntry, make_link
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.cosignatures import list_partner_heads
from agency_client.statuses.signing import STATUS_ROUTES, sign_access_log_head
from agency_client.syncing.submitting import submit_due
from agency_client.witness.standing import NotYetWitnessedError
from schemas.codec import b64u_encode, decode_canonical, encode_canonical
from schemas.log.records import Action, RecordType
from schemas.model import format_timestamp
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.witnesses import see_together

TREE, RECORDS, KEYS = "leaves that hash", "records that their leaves", "members whose key"
CHECKPOINT, CHAIN, HEADS = "checkpoint signed", "entries of the agency's", "signed heads"

Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LyingWorld, list[bytes]]]:
    """An exchange of its own and VN's export from it, with a signed and logged head of its access log."""
    folder = tmp_path_factory.mktemp("audited")
    with lying_world(folder, "GB", "VN") as world:
        node = world["VN"]
        assert sign_access_log_head(node)
        submit_due(node, STATUS_ROUTES)
        see_together(*world.nodes.values())
        with node.store.write() as transaction:
            append_entry(transaction, node.note_access(Action.CONSULTATION, "read", "after the head"))
        export_audit(node, folder / "audit.jsonl", AuditOrder("inspection", LogPurpose.SELF_MONITORING))
        yield world, (folder / "audit.jsonl").read_bytes().splitlines()


@pytest.fixture
def world(audited: tuple[LyingWorld, list[bytes]]) -> Iterator[LyingWorld]:
    """The exchange of the export, honest again after every test."""
    yield audited[0]
    audited[0].exchange.tamper.clear()


@pytest.fixture
def exported(audited: tuple[LyingWorld, list[bytes]]) -> Lines:
    """The export as decoded lines, without its end."""
    return [decode_canonical(line) for line in audited[1]][:-1]


def check(world: LyingWorld, lines: Lines, *, now: datetime | None = None) -> AuditVerdict:
    """Verify lines with an end that fits them."""
    running, data = LineHash(), []
    for line in lines:
        data.append(encode_canonical(line))
        running.add(data[-1])
    return check_bundle([*data, running.make_end().canonical()], world.exchange.sheet, now=now)


def failing(verdict: AuditVerdict) -> dict[str, list[str]]:
    """Return the parts that do not hold, with what is said of them."""
    return {part.name: part.failures for part in verdict.parts if not part.holds}


def pick(lines: Lines, line_type: str) -> list[dict[str, Any]]:
    """Return the lines of a type."""
    return [line for line in lines if line["type"] == line_type]


def test_an_honest_export_holds_in_every_part(world: LyingWorld, exported: Lines) -> None:
    verdict = check(world, exported)
    assert failing(verdict) == {}
    assert verdict.holds
    assert all(part.holding > 0 for part in verdict.parts), "nothing was checked in vain"
    assert {record.record.type.value for record in verdict.records} >= {"key-set", "access-log-head"}


def test_the_file_is_private_and_never_overwrites(world: LyingWorld, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    export_audit(world["VN"], path, AuditOrder("first", LogPurpose.SELF_MONITORING))
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        export_audit(world["VN"], path, AuditOrder("second", LogPurpose.SELF_MONITORING))
    assert path.read_bytes() == before


def test_an_export_stands_on_what_the_witnesses_have_seen(world: LyingWorld, exported: Lines, tmp_path: Path) -> None:
    with world["VN"].store.read() as snapshot:
        (head,) = list_partner_heads(snapshot, world.exchange.sheet.origin)
    assert pick(exported, "checkpoint")[0]["note"] == head.note.decode()
    world.exchange.append(RecordType.ACCESS_LOG_HEAD, ("VN",), agency="VN", digest="A" * 43, count=1)
    report = export_audit(world["VN"], tmp_path / "later.jsonl", AuditOrder("later", LogPurpose.SELF_MONITORING))
    assert (report.leaves, report.left_out > 0) == (head.size, True)


def test_without_witnesses_nothing_is_exported(world: LyingWorld, tmp_path: Path) -> None:
    with world["VN"].store.write() as transaction:
        rows = transaction.fetch_all("SELECT * FROM partner_head")
        transaction.execute("DELETE FROM partner_head")
    with pytest.raises(NotYetWitnessedError, match="GB has cosigned nothing yet"):
        export_audit(world["VN"], tmp_path / "audit.jsonl", AuditOrder("too early", LogPurpose.SELF_MONITORING))
    assert list(tmp_path.iterdir()) == []
    with world["VN"].store.write() as transaction:
        for row in rows:
            transaction.insert("partner_head", dict(row))


def test_a_cosignature_that_does_not_hold_is_named(world: LyingWorld, exported: Lines) -> None:
    (line,) = pick(exported, "checkpoint")
    head, _, last = line["note"].rstrip("\n").rpartition("\n")
    name, _, blob = last.rpartition(" ")
    line["note"] = f"{head}\n{name} {blob[:-8]}{'A' * 4 if blob[-8:-4] != 'A' * 4 else 'B' * 4}{blob[-4:]}\n"
    assert list(failing(check(world, exported))) == ["cosignatures of agencies under the checkpoint"]


def test_half_an_export_is_not_left_behind(world: LyingWorld, tmp_path: Path) -> None:
    from agency_client.refusals import NotSentError
    from schemas.api import LEAVES_PATH

    def fail(answer: Any) -> Any:
        raise NotSentError("away")

    world.exchange.tamper[LEAVES_PATH] = fail
    with pytest.raises(NotSentError):
        export_audit(world["VN"], tmp_path / "audit.jsonl", AuditOrder("x", LogPurpose.SELF_MONITORING))
    assert list(tmp_path.iterdir()) == []


def change_leaf(lines: Lines) -> None:
    """Change one commitment."""
    pick(lines, "leaves")[0]["commitments"][2] = b64u_encode(bytes(32))


def change_class(lines: Lines) -> None:
    """Call a private leaf public."""
    line = pick(lines, "leaves")[0]
    line["public"] = sorted({*line["public"], next(n for n in range(99) if n not in line["public"])})


def drop_leaf(lines: Lines) -> None:
    """Leave the last leaf out."""
    pick(lines, "leaves")[-1]["commitments"].pop()


def change_record(lines: Lines) -> None:
    """Change what a record says."""
    pick(lines, "record")[-1]["record"]["agency"] = "XX"


def double_record(lines: Lines) -> None:
    """Let a record stand twice."""
    at = next(place for place, line in enumerate(lines) if line["type"] == "record")
    lines.insert(at, lines[at])


def move_record(lines: Lines) -> None:
    """Put a record under another leaf."""
    pick(lines, "record")[0]["index"] += 1


def change_note(lines: Lines) -> None:
    """Claim another size."""
    (line,) = pick(lines, "checkpoint")
    line["note"] = line["note"].replace("\n", "\n9", 1)


def change_entry(lines: Lines) -> None:
    """Change the reason of an access."""
    pick(lines, "access-entry")[0]["entry"]["reason"] = "another"


def drop_entry(lines: Lines) -> None:
    """Leave an access out."""
    lines.remove(pick(lines, "access-entry")[1])


def cut_entries(lines: Lines) -> None:
    """Leave the newest accesses out, signed ones among them."""
    for line in pick(lines, "access-entry")[1:]:
        lines.remove(line)


def drop_head(lines: Lines) -> None:
    """Leave a signed head out that the log has."""
    lines.remove(pick(lines, "access-head")[0])


def forge_head(lines: Lines) -> None:
    """Break a head's signature."""
    document = pick(lines, "access-head")[0]["document"]
    document["signatures"] = document["signatures"][:1]


def erase_entries(lines: Lines) -> None:
    """Leave nothing but the links of all accesses up to the last one, as if their term were over."""
    for line in pick(lines, "access-entry")[:-1]:
        line["entry"] = make_link(AccessEntry.from_wire(line["entry"])).to_wire()


@pytest.mark.parametrize(
    ("lie", "parts"),
    [
        (change_leaf, {TREE}),
        (change_class, {TREE}),
        (drop_leaf, {TREE}),
        (change_record, {RECORDS}),
        (double_record, {RECORDS}),
        (move_record, {RECORDS}),
        (change_note, {CHECKPOINT, TREE}),
        (change_entry, {CHAIN}),
        (drop_entry, {CHAIN}),
        (cut_entries, {CHAIN}),
        (erase_entries, {CHAIN}),
        (drop_head, {HEADS}),
        (forge_head, {HEADS}),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_a_changed_export_fails_where_it_was_changed(
    world: LyingWorld, exported: Lines, lie: Callable[[Lines], None], parts: set[str]
) -> None:
    lie(exported)
    verdict = check(world, exported)
    assert not verdict.holds
    names = failing(verdict)
    assert all(any(name.find(part) >= 0 for name in names) for part in parts), names
    assert all(names.values()), "what fails is named"


def test_what_was_erased_holds_once_its_term_is_over_and_nobody_dates_the_file_ahead_for_it(
    world: LyingWorld, exported: Lines
) -> None:
    erase_entries(exported)
    later = world.clock.now() + timedelta(days=400)
    exported[0]["made_at"] = format_timestamp(later)
    assert failing(check(world, exported)) == {}
    assert "only the links are left" in next(part.name for part in check(world, exported).parts if CHAIN in part.name)
    early = failing(check(world, exported, now=later - timedelta(days=2)))
    assert any("which has not come" in sentence for sentences in early.values() for sentence in sentences)
    assert failing(check(world, exported, now=later)) == {}


def test_an_entry_that_was_dated_back_is_as_old_as_the_newest_head_without_it() -> None:
    made_at, dated_back = datetime(2028, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    erased = [ErasedEntry(v=2, n=n, time=dated_back, commitment="A" * 43) for n in (1, 2)]
    verify_ended(erased, [(2, made_at)], made_at)
    verify_ended(erased, [(1, made_at - timedelta(days=330))], made_at)
    with pytest.raises(AccessChainError, match="written on 2027-12-02") as refused:
        verify_ended(erased, [(1, made_at - timedelta(days=30))], made_at)
    assert refused.value.n == 2


def test_keys_that_do_not_verify_are_named_by_their_member(world: LyingWorld, exported: Lines) -> None:
    keys = [line for line in pick(exported, "record") if line["record"]["type"] == "key-set"]
    exported.remove(keys[0])
    names = failing(check(world, exported))
    assert any("no key set yet" in sentence for sentences in names.values() for sentence in sentences)


@pytest.mark.parametrize("lie", ["an end missing", "a line more", "a line less", "two lines swapped", "a changed line"])
def test_a_file_that_is_not_as_it_was_written_says_so(world: LyingWorld, exported: Lines, lie: str) -> None:
    running = LineHash()
    data = [encode_canonical(line) for line in exported]
    for line in data:
        running.add(line)
    end = running.make_end().canonical()
    head = pick(exported, "access-entry")[-1]
    changed = encode_canonical(head | {"entry": head["entry"] | {"reason": "another"}})
    broken = {
        "an end missing": data,
        "a line more": [*data, end, data[-1]],
        "a line less": [*data[:-1], end],
        "two lines swapped": [data[0], data[2], data[1], *data[3:], end],
        "a changed line": [changed if line == encode_canonical(head) else line for line in [*data, end]],
    }[lie]
    names = failing(check_bundle(broken, world.exchange.sheet))
    assert any("as they were written" in name for name in names)


def test_a_file_without_a_header_is_no_export(world: LyingWorld, exported: Lines) -> None:
    with pytest.raises(BundleError, match="header"):
        check_bundle([encode_canonical(line) for line in exported[1:]], world.exchange.sheet)


@pytest.mark.parametrize("line", [b"", b"{}", b'{"type":"poem"}', b'{"type": "end"}', b"\xff"])
def test_a_line_of_another_form_is_named_by_its_number(world: LyingWorld, line: bytes) -> None:
    with pytest.raises(BundleError, match="line 1"):
        check_bundle([line], world.exchange.sheet)


def test_an_empty_file_is_no_export(world: LyingWorld) -> None:
    with pytest.raises(BundleError):
        check_bundle([], world.exchange.sheet)


def test_an_export_of_another_exchange_does_not_hold(world: LyingWorld, exported: Lines) -> None:
    other = world.exchange.sheet.model_copy(update={"name": "other.example", "origin": "other.example/1"})
    running, data = LineHash(), []
    for line in exported:
        data.append(encode_canonical(line))
        running.add(data[-1])
    verdict = check_bundle([*data, running.make_end().canonical()], other)
    assert not verdict.holds
