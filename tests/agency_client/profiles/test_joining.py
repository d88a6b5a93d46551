"""Making a node: nothing before the exchange on the paper is the exchange in the file."""

from pathlib import Path

import pytest

from agency_client.errors import ConflictError, UsageError, VerificationFailedError
from agency_client.local_store.access_log import list_entries
from agency_client.local_store.settings import Setting, read_setting
from agency_client.local_store.trust import load_exchange
from agency_client.profiles.joining import accept_sheet, initialise_node, read_exchange_sheet
from agency_client.profiles.profile import Profile, load_profile
from agency_client.profiles.session import open_profile
from keys.anchors import format_anchor_words
from schemas.key_documents import compute_exchange_anchor
from tests.support.log_simulator import FixedClock, LogSimulator
from tests.support.nodes import PASSPHRASE

SHEET = LogSimulator().sheet
WORDS = format_anchor_words(compute_exchange_anchor(SHEET))


def initialise(home: Path, *, agency: str = "GB", node: str = "n1", url: str = "https://broker.example/") -> Profile:
    return initialise_node(
        home,
        "gb",
        agency=agency,
        node=node,
        broker_url=url,
        accepted=accept_sheet(SHEET, WORDS),
        passphrase=PASSPHRASE,
        clock=FixedClock(),
        environment={"BILATERAL_OFFICER": "eriksson"},
    )


def test_a_node_knows_whose_it_is_and_which_exchange_was_accepted(tmp_path: Path) -> None:
    profile = initialise(tmp_path / "home")
    assert profile.settings.broker_url == "https://broker.example"
    (tmp_path / "p").touch(0o600)
    (tmp_path / "p").write_text(PASSPHRASE)
    opened = open_profile(load_profile(tmp_path / "home", "gb"), environment={}, passphrase_file=tmp_path / "p")
    with opened, opened.store.read() as snapshot:
        settings = [read_setting(snapshot, name) for name in (Setting.AGENCY, Setting.NODE, Setting.EXCHANGE)]
        accepted, (entry,) = load_exchange(snapshot), list_entries(snapshot)
    assert settings == ["GB", "n1", SHEET.name]
    assert accepted is not None
    assert (accepted.sheet, accepted.accepted_by) == (SHEET.canonical(), "eriksson")
    assert (entry.verb, entry.officer) == ("init", "eriksson")
    with pytest.raises(ConflictError):
        initialise(tmp_path / "home")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("agency", "gb"),
        ("node", "N 1"),
        ("url", "http://broker.example"),
        ("url", "https://broker example"),
        ("url", "broker.example"),
    ],
)
def test_a_wrong_name_or_address_makes_nothing(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(UsageError):
        initialise(tmp_path / "home", **{name: value})
    assert not (tmp_path / "home").exists()


def test_another_exchange_than_on_the_paper_is_refused() -> None:
    other = LogSimulator(name="staging.example").sheet
    with pytest.raises(VerificationFailedError) as caught:
        accept_sheet(other, WORDS)
    assert caught.value.code == "anchor-mismatch"


def test_a_file_that_is_no_sheet_is_told(tmp_path: Path) -> None:
    (tmp_path / "sheet.json").write_bytes(SHEET.canonical() + b"\n")
    with pytest.raises(VerificationFailedError):
        read_exchange_sheet(tmp_path / "sheet.json")
    (tmp_path / "sheet.json").write_bytes(SHEET.canonical())
    assert read_exchange_sheet(tmp_path / "sheet.json") == SHEET
    with pytest.raises(UsageError, match="there is no"):
        read_exchange_sheet(tmp_path / "nothing.json")
