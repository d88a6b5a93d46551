"""A disputed report as officers meet it at the command line: of the agency that disputes it, and of the issuing one."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from agency_client.cli.app import run as run_command
from schemas.codec import decode_json
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.reports import GB, VN, Reporters, agree_on_reports

Officer = dict[str, str]


def unlock(world: LyingWorld, agency: str) -> Officer:
    """Unlock an agency's profile, and return the environment of its officer."""
    home = world[agency].profile.folder.parent
    secret = str(home.parent / "passphrase")
    own = {"BILATERAL_HOME": str(home), "BILATERAL_PROFILE": agency.lower(), "BILATERAL_OFFICER": f"officer-{agency}"}
    own |= {"XDG_RUNTIME_DIR": str(home.parent), "BILATERAL_PASSPHRASE_FILE": secret}
    assert run_command(["unlock", "--passphrase-file", secret], own) == 0
    return own


@pytest.fixture(scope="module")
def all_reporters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reporters]:
    with lying_world(tmp_path_factory.mktemp("reports"), GB, VN, "BE") as world:
        yield agree_on_reports(world)


@pytest.fixture
def reporters(all_reporters: Reporters) -> Iterator[Reporters]:
    """The same, the clock going on from where the test before left it."""
    yield all_reporters
    all_reporters.world.clock.ahead += timedelta(minutes=1)


@pytest.fixture(scope="module")
def officers(all_reporters: Reporters) -> Iterator[dict[str, Officer]]:
    """An officer of GB and one of VN, each with an open profile."""
    found = {agency: unlock(all_reporters.world, agency) for agency in (GB, VN)}
    yield found
    for own in found.values():
        assert run_command(["lock"], own) == 0


def test_nobody_reads_a_disputed_report_without_being_told(
    reporters: Reporters, officers: dict[str, Officer], capsys: pytest.CaptureFixture[str]
) -> None:
    report = reporters.report(VN)[VN]
    reporters.challenge(report)
    capsys.readouterr()

    def say(agency: str, *words: str) -> str:
        run_command(list(words), officers[agency])
        return capsys.readouterr().out

    page = say(VN, "read", report.id, "--reason", "case 74/08")
    assert "CHALLENGED by VN" in page
    assert "Nobody is to be held on this report alone" in page
    assert "CHALLENGED" in say(VN, "inbox", "--kind", "document-status")
    assert "The decision is not final" in say(GB, "challenge", "list")
    assert "The decision is not final" in say(GB, "aftercare")
    read = decode_json(say(GB, "--json", "read", report.id, "--reason", "case 74/08").encode())
    assert isinstance(read, dict)
    assert read["standing"]["challenged"]["challenges"][0]["by"] == VN
