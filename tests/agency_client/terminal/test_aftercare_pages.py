"""Aftercare on a page: both values side by side, victims named where they stand, late agencies in words."""

from datetime import UTC, datetime, timedelta
from typing import Any

from agency_client.aftercare.changing import Correction, apply_corrections
from agency_client.aftercare.overview import AgencyActing, NoticeLine, Overview
from agency_client.aftercare.rules import NOTHING_SAID, compute_standing
from agency_client.local_store.aftercare import StoredNotice
from agency_client.terminal.aftercare_pages import (
    CORRECTED,
    list_acting_rows,
    list_change_lines,
    make_corrected_page,
    name_subject,
)
from agency_client.terminal.alert_page import make_page
from agency_client.terminal.output import Cell
from schemas.alerts import parse_alert
from schemas.alerts.coded import NoticeEffect
from schemas.alerts.kinds.correction import Change
from tests.agency_client.aftercare.test_rules import say
from tests.schemas.alerts.filled import load

NOW = datetime(2026, 11, 24, 13, tzinfo=UTC)
FRAUD = parse_alert(load("document-fraud"))


def correct(**change: Any) -> Any:
    """Return the example corrected by one change."""
    return apply_corrections(FRAUD, [Correction("d", "GB", NOW, (Change(**change),))])


def make_view(*agencies: AgencyActing) -> Overview:
    """Return an overview of one notice whose time is over."""
    notice = StoredNotice(
        "d", "d", "t", "GB", "restriction", "restrict", (), (), NOW - timedelta(days=4), NOW - timedelta(hours=1), True
    )
    return Overview((NoticeLine(notice, "notice-id", "target-id", agencies),), (), {}, NOW)


def spell(cell: str | Cell) -> str:
    """Return the words of a cell."""
    return cell.text if isinstance(cell, Cell) else cell


def test_a_page_without_corrections_is_the_alerts_own() -> None:
    assert make_corrected_page(FRAUD, None) == make_page(FRAUD)
    misfit = correct(field="details.nonsense", was="1", now="2")
    assert make_corrected_page(FRAUD, misfit) == make_page(FRAUD)
    assert "NOT APPLIED" in spell(list_change_lines(misfit)[0][1])


def test_both_values_stand_one_under_the_other() -> None:
    was = FRAUD.to_wire()["details"]["document"]["number"]
    corrected = correct(field="details.document.number", was=was, now="L898902C4")
    lines = [line for block in make_corrected_page(FRAUD, corrected) for line in block.lines]
    place = next(number for number, (_, text) in enumerate(lines) if text == was)
    assert lines[place + 1] == (CORRECTED, "L898902C4")
    assert spell(list_change_lines(corrected)[0][1]).startswith(f"{was} → L898902C4, GB")


def test_what_was_taken_away_is_said_to_be() -> None:
    corrected = correct(field="details.supplier", was=FRAUD.to_wire()["details"]["supplier"])
    lines = [line for block in make_corrected_page(FRAUD, corrected) for line in block.lines]
    assert (CORRECTED, "(taken away)") in lines


def test_a_victim_is_named_where_it_stands_and_nobody_else_is() -> None:
    standing = compute_standing([say("misused-identity", subjects=("persons.0",))])
    titles = [block.title for block in make_corrected_page(FRAUD, None, standing) if block.title.startswith("Person")]
    marked = [title for title in titles if title.endswith("VICTIM OF MISUSED IDENTITY")]
    assert len(marked) == 1
    assert marked[0].startswith(f"Person {FRAUD.persons[0].ref}: ")
    unmarked = make_corrected_page(FRAUD, None, NOTHING_SAID)
    assert not any("VICTIM" in block.title for block in unmarked)


def test_a_path_that_leads_nowhere_names_whoever_stands_there() -> None:
    assert name_subject(FRAUD, "persons.99") == "whoever stands there"
    assert name_subject(FRAUD, "details.nothing.here") == "whoever stands there"


def test_each_agency_has_its_row_and_who_is_late_is_told_apart() -> None:
    rows = list_acting_rows(
        make_view(
            AgencyActing("VN", NoticeEffect.RESTRICTED, NOW, is_late=True),
            AgencyActing("BE", None, None),
            AgencyActing("AL", None, None, ended="returned"),
            AgencyActing("FR", NoticeEffect.ERASED, NOW, reported_by="BE", path=("LU",)),
        )
    )
    assert [(spell(row[3]), spell(row[4])) for row in rows] == [
        ("VN", "Restricted, late"),
        ("BE", "NOT YET"),
        ("AL", "never reached it: returned"),
        ("FR (further on, by the word of BE → LU)", "Erased"),
    ]
    late = list_acting_rows(make_view(AgencyActing("BE", None, None)), only_overdue=True)
    assert len(late) == 1
