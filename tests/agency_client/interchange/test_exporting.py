"""A file for other tools is new and private, on record, marked as the message is here; some messages have none."""

import stat
from pathlib import Path

import orjson
import pytest

from agency_client.errors import ConflictError, NotFoundError
from agency_client.interchange.exporting import Format, NoFileError, NotCarried, export_alert, list_not_carried
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.inbox import InboxMessage
from agency_client.receiving.flow import receive
from agency_client.sending.noticing import withdraw
from schemas.log.records import Action
from schemas.markings import Tlp
from tests.agency_client.interchange.exports import EXAMPLES
from tests.support.lying_world import LyingWorld
from tests.support.nodes import make_wide_clause
from tests.support.onward import AUTHOR, GB, VN, Row, make_row

REASON = "case 74/08"


@pytest.fixture(scope="module")
def row(two_agencies: LyingWorld) -> Row:
    """VN and GB under a wide agreement of this module alone."""
    return make_row(two_agencies, "interchange", (VN, GB))


@pytest.fixture(scope="module")
def row_up_to_red(two_agencies: LyingWorld) -> Row:
    """The same where everything up to TLP:RED is covered."""
    clauses = tuple(make_wide_clause(*pair, highest_marking=Tlp.RED) for pair in ((VN, GB), (GB, VN)))
    terms = two_agencies.agree(VN, GB, "interchange up to red", clauses=clauses)
    return Row(two_agencies, {(VN, GB): terms})


@pytest.fixture(scope="module")
def held(row: Row) -> InboxMessage:
    """A message of VN at GB."""
    return row.send(VN, GB)


def test_a_file_is_private_and_names_its_origin_and_marking(row: Row, held: InboxMessage, tmp_path: Path) -> None:
    path = tmp_path / "alert.json"

    written = export_alert(row[GB], path, held.message_id, Format.MISP, reason=REASON)

    event = orjson.loads(path.read_bytes())["Event"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert event["Orgc"]["name"] == VN
    assert {"name": "tlp:amber"} in event["Tag"]
    assert held.digest in event["Object"][-1]["comment"]
    assert (written.marks, written.not_carried) == ((), ())


def test_making_the_file_is_on_record_with_its_reason(row: Row, held: InboxMessage, tmp_path: Path) -> None:
    export_alert(row[GB], tmp_path / "alert.json", held.message_id, Format.STIX, reason="file 75/08", case="75/08")

    with row[GB].store.read() as snapshot:
        newest = list_entries(snapshot, AccessFilter(message=held.message_id))[0]
    assert (newest.verb, newest.action, newest.reason, newest.case) == (
        "export",
        Action.CONSULTATION,
        "file 75/08",
        "75/08",
    )


def test_nothing_is_overwritten_and_nothing_is_read_for_it(row: Row, held: InboxMessage, tmp_path: Path) -> None:
    path = tmp_path / "alert.json"
    path.write_text("something else")

    with pytest.raises(ConflictError, match="exists already"):
        export_alert(row[GB], path, held.message_id, Format.STIX, reason="not on record")

    assert path.read_text() == "something else"
    with row[GB].store.read() as snapshot:
        assert "not on record" not in {entry.reason for entry in list_entries(snapshot, AccessFilter())}


def test_red_has_no_file_for_tools(row_up_to_red: Row, tmp_path: Path) -> None:
    row = row_up_to_red
    held = row.send(VN, GB, marking=Tlp.RED)

    with pytest.raises(NoFileError, match="named people"):
        export_alert(row[GB], tmp_path / "alert.json", held.message_id, Format.STIX, reason=REASON)

    assert not list(tmp_path.iterdir())


def test_what_was_taken_back_has_no_file(row: Row, tmp_path: Path) -> None:
    held = row.send(VN, GB)
    withdraw(row[VN], held.message_id, AUTHOR, because="wrong")
    receive(row[GB])

    with pytest.raises(NotFoundError, match="withdrawal"):
        export_alert(row[GB], tmp_path / "alert.json", held.message_id, Format.STIX, reason=REASON)

    assert not list(tmp_path.iterdir())


def test_ones_own_message_has_a_file_too(row: Row, held: InboxMessage, tmp_path: Path) -> None:
    path = tmp_path / "alert.json"

    export_alert(row[VN], path, held.message_id, Format.STIX, reason=REASON)

    bundle = orjson.loads(path.read_bytes())
    assert [item["name"] for item in bundle["objects"] if item.get("identity_class") == "organization"] == [VN]


def test_the_files_of_a_message_are_named_as_not_in_it() -> None:
    alert = EXAMPLES["document-fraud"]

    assert alert.attachments
    assert list_not_carried(alert) == [
        NotCarried(f"attachments.{place}", "a file of its own: agency attachments save")
        for place in range(len(alert.attachments))
    ]
