"""A table is taken in line by line: nothing half done, on record; what was refused can be mended and comes again."""

import csv
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from agency_client.errors import ConflictError, UsageError
from agency_client.interchange.tables.importing import (
    REFUSED_BECAUSE,
    REFUSED_LINE,
    JudgedLine,
    LinesRefusedError,
    TableCount,
    TableOrder,
    describe_problem,
    import_table,
    judge_table,
)
from agency_client.interchange.tables.mapping import MappingError, read_mapping
from agency_client.interchange.tables.reading import open_table
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.node import Node
from schemas.log.records import Action
from tests.agency_client.interchange.tables.tables import EXAMPLES, GOOD, HEADER, MAPPING, USUAL, judge, write_table
from tests.support.lying_world import lying_world

BAD = "L898902C3,gone,03.09.2026,Zenith"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with lying_world(tmp_path_factory.mktemp("tables"), "GB") as world:
        yield world["GB"]


def take(
    node: Node, folder: Path, lines: list[str], *, mapping: str = MAPPING, **order: Any
) -> tuple[TableCount, list[JudgedLine]]:
    """Import a table from a folder into it and return the count and what was told."""
    (folder / "mapping.toml").write_text(mapping)
    table = write_table(folder, lines)
    told: list[JudgedLine] = []
    members: dict[str, Any] = {"out": folder / "out.jsonl", "reason": "register of November"} | order
    count = import_table(
        node, TableOrder(table, folder / "mapping.toml", **members), USUAL, tell=told.append, advance=lambda _: None
    )  # fmt: skip
    return count, told


def list_reasons(node: Node) -> list[tuple[str, Action, str, str | None]]:
    with node.store.read() as snapshot:
        return [
            (entry.verb, entry.action, entry.reason, entry.case) for entry in list_entries(snapshot, AccessFilter())
        ]


def test_good_lines_are_taken_and_the_others_told_with_their_number(node: Node, tmp_path: Path) -> None:
    count, told = take(node, tmp_path, [HEADER, GOOD, BAD, GOOD], case="74/08")

    assert count == TableCount(taken=2, refused=1)
    assert [(item.line.number, [problem.column for problem in item.problems]) for item in told] == [(3, ["What"])]
    assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == 2
    assert list_reasons(node)[0] == ("import", Action.COLLECTION, "register of November", "74/08")


def test_drafts_in_a_folder_are_named_by_their_lines(node: Node, tmp_path: Path) -> None:
    take(node, tmp_path, [HEADER, BAD, GOOD], out=tmp_path / "drafts")

    (draft,) = (tmp_path / "drafts").iterdir()
    assert draft.name == "line-0000003.json"
    assert orjson.loads(draft.read_bytes())["details"]["number"] == "L898902C3"


@pytest.mark.parametrize(
    ("lines", "strict", "sentence"),
    [
        ([GOOD, BAD], True, "1 line was refused"),
        ([BAD, BAD], False, "2 lines were refused"),
        ([], False, "no lines below its header"),
    ],
)
def test_nothing_is_half_done(node: Node, tmp_path: Path, lines: list[str], *, strict: bool, sentence: str) -> None:
    refused = tmp_path / "mend.csv"

    with pytest.raises(LinesRefusedError, match=sentence):
        take(node, tmp_path, [HEADER, *lines], is_strict=strict, refused=refused, reason="half")

    assert not (tmp_path / "out.jsonl").exists()
    assert refused.exists() == (BAD in lines)
    assert "half" not in [reason for _, _, reason, _ in list_reasons(node)]


def test_a_table_that_breaks_half_way_leaves_nothing(node: Node, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 4: a quotation mark is opened and never closed") as refusal:
        take(node, tmp_path, [HEADER, GOOD, BAD, '"broken'], refused=tmp_path / "mend.csv")

    assert refusal.value.code == "table"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mapping.toml", "table.csv"]


@pytest.mark.parametrize("name", ["out", "refused"])
def test_nothing_is_overwritten(node: Node, tmp_path: Path, name: str) -> None:
    there = tmp_path / "there.jsonl"
    there.write_text("something else")

    changes: dict[str, Any] = {name: there}
    with pytest.raises(ConflictError, match="exists already"):
        take(node, tmp_path, [HEADER, BAD], **changes)

    assert there.read_text() == "something else"


def test_refused_lines_are_mended_in_their_own_table_and_taken_under_the_same_mapping(
    node: Node, tmp_path: Path
) -> None:
    wrong = '=1+1,gone,03.09.2026,"@Zenith;-2, \'+3"'
    mend = tmp_path / "mend.csv"

    take(node, tmp_path, [HEADER + ",Remarks", GOOD + ",", wrong + ",-"], refused=mend)
    with mend.open(encoding="utf-8-sig", newline="") as file:
        header, row = csv.reader(file)
    again = tmp_path / "again"
    again.mkdir()
    mended = mend.read_text("utf-8-sig").replace("gone", "verloren")
    count, told = take(node, again, mended.splitlines())

    assert header == ["Number", "What", "When", "Where", "Remarks", REFUSED_LINE, REFUSED_BECAUSE]
    assert row[:6] == ["'=1+1", "gone", "03.09.2026", "'@Zenith;'-2, ''+3", "'-", "3"]
    assert row[6].startswith("What → details.status: is none of the mapping's values")
    assert (count, told) == (TableCount(taken=1), [])
    assert orjson.loads((again / "out.jsonl").read_bytes())["details"] | {"status": ""} == {
        "type": "passport",
        "issuing_state": "UTO",
        "national_reference": "UTO-7",
        "number": "=1+1",
        "happened_on": "2026-09-03",
        "place": "@Zenith;-2, '+3",
        "status": "",
    }


def test_what_is_refused_again_has_its_new_reason_alone(node: Node, tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    take(node, tmp_path, [HEADER, GOOD, BAD], refused=first)
    lines = first.read_text("utf-8-sig").replace("gone", "lost again").splitlines()
    again = tmp_path / "again"
    again.mkdir()

    take(node, again, [*lines, '"L898902C3","verloren","2.2.2026","+7","",""'], refused=second)

    with second.open(encoding="utf-8-sig", newline="") as file:
        header, row = csv.reader(file)
    assert header == ["Number", "What", "When", "Where", REFUSED_LINE, REFUSED_BECAUSE]
    assert row[:5] == ["L898902C3", "lost again", "03.09.2026", "Zenith", "2"]


def test_a_refused_table_is_written_as_the_mapping_reads(node: Node, tmp_path: Path) -> None:
    form = 'ignore = ["Remarks"]\ndelimiter = ";"\nencoding = "windows-1252"'
    (tmp_path / "mapping.toml").write_text(MAPPING.replace('ignore = ["Remarks"]', form))
    table = write_table(tmp_path, [HEADER.replace(",", ";"), "L1;häh;09.2026;Köln"], encoding="cp1252")
    order = TableOrder(table, tmp_path / "mapping.toml", tmp_path / "out", "why", refused=tmp_path / "mend.csv")

    with pytest.raises(LinesRefusedError):
        import_table(node, order, USUAL, tell=lambda _: None, advance=lambda _: None)

    line = (tmp_path / "mend.csv").read_bytes().splitlines()[1].decode("cp1252")
    assert line.startswith('"L1";"häh";"09.2026";"Köln";"2";"What')


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("Number,What,When", "has no column Where; there are: Number, What, When"),
        ("Number,What,When,Where,What", "the column What more than once"),
    ],
)
def test_a_table_without_the_mappings_columns_is_refused(
    node: Node, tmp_path: Path, header: str, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence) as refusal:
        take(node, tmp_path, [header, GOOD])

    assert refusal.value.code == "mapping"


def test_columns_that_nobody_speaks_of_are_named_and_those_left_out_on_purpose_are_not(
    node: Node, tmp_path: Path
) -> None:
    count, _ = take(node, tmp_path, [f"{HEADER},Remarks,Phone,", f"{GOOD},r,+44 7700 900123,"])

    assert count.unread_columns == ("Phone",)


@pytest.mark.parametrize("line", [GOOD + ",more", "L898902C3,gestohlen"])
def test_a_line_with_more_or_fewer_cells_than_the_header_is_refused(tmp_path: Path, line: str) -> None:
    (judged,) = judge(write_table(tmp_path, [HEADER, line]))

    assert [describe_problem(item) for item in judged.problems] == [
        f"it has {line.count(',') + 1} cells, and the header 4"
    ]


def test_what_is_doubtful_is_taken_and_told(node: Node, tmp_path: Path) -> None:
    mapping = MAPPING.replace("[alert]", '[alert]\ndata_as_of = "2024-11-21T18:40:00Z"')

    count, told = take(node, tmp_path, [HEADER, GOOD], mapping=mapping)

    assert count == TableCount(taken=1, doubtful=1)
    assert [doubt.code.value for doubt in told[0].doubts] == ["stale-data"]


@pytest.mark.parametrize(("name", "refused"), [("stolen-blanks", [4]), ("false-documents", [4])])
def test_the_published_examples_do_what_they_say(name: str, refused: list[int]) -> None:
    judged = judge(EXAMPLES / f"{name}.csv", (EXAMPLES / f"{name}.toml").read_text())

    assert [item.line.number for item in judged if item.draft is None] == refused
    assert not [item for item in judged if item.doubts]


def test_memory_does_not_grow_with_the_table(tmp_path: Path) -> None:
    mapping = read_mapping(MAPPING)
    peaks = []
    for count in (50, 400):
        path = write_table(tmp_path, [HEADER, *[GOOD] * count])
        tracemalloc.start()
        with open_table(path, encoding="utf-8", delimiter=",") as table:
            assert sum(item.draft is not None for item in judge_table(table, mapping, USUAL)) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < peaks[0] + 200_000


def test_how_far_it_is_adds_up_to_the_whole_file(node: Node, tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text(MAPPING)
    table = write_table(tmp_path, [HEADER, *[GOOD] * 500])
    steps: list[int] = []
    order = TableOrder(table, tmp_path / "mapping.toml", tmp_path / "out.jsonl", "why")

    import_table(node, order, USUAL, tell=lambda _: None, advance=steps.append)

    assert sum(steps) == table.stat().st_size
    assert len(steps) > 1


def test_a_mapping_that_is_not_there_or_is_none_is_said(node: Node, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="kind: Field required"):
        take(node, tmp_path, [HEADER, GOOD], mapping="[columns.A]\nfield = 'subject'")
    with pytest.raises(MappingError):
        read_mapping("")
