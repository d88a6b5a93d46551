"""What is due of agreements, wherever an officer looks: in their list, below the inbox, and in the doctor."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.cli.app import run as run_command
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from schemas.codec import decode_json
from tests.agency_client.cli.conftest import Agency, Ended
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.nodes import make_terms_of, take_step

DAY = timedelta(days=1)
CALL = "call VN: Duty desk, +441632960961"
Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    """Give two nodes whose agreements are those of this module alone: one near its review, one proposed by VN."""
    folder: Path = tmp_path_factory.mktemp("region")
    with lying_world(folder, "GB", "VN") as made:
        now = made.clock.now()
        made.agree("GB", "VN", "due", review_by=now + 20 * DAY)
        made.agree("GB", "VN", "long")
        offered = make_terms_of(made["GB"], made["VN"], "offered")
        take_step(made["VN"], offered, StepAction.PROPOSE, made["GB"], made["VN"])
        yield made


@pytest.fixture(scope="module")
def unlocked(region: LyingWorld) -> Iterator[dict[str, str]]:
    """Unlock GB's profile for the tests of this module."""
    home = region["GB"].profile.folder.parent
    own = {"BILATERAL_HOME": str(home), "BILATERAL_PROFILE": "gb", "BILATERAL_OFFICER": "officer-of-gb"}
    own |= {"XDG_RUNTIME_DIR": str(home.parent)}
    assert run_command(["unlock", "--passphrase-file", str(home.parent / "passphrase")], own) == 0
    yield own
    assert run_command(["lock"], own) == 0


@pytest.fixture
def run(agency: Agency, unlocked: dict[str, str]) -> Run:
    """Give the command of GB's officer."""
    return lambda *arguments: agency(*map(str, arguments), **unlocked)


@pytest.fixture
def review(region: LyingWorld) -> str:
    """Give the day of the review that is near."""
    return f"{find_terms(region, 'Memorandum due').review_by:%Y-%m-%d}"


def find_terms(region: LyingWorld, title: str) -> Terms:
    from agency_client.agreements.views import list_lines

    return next(line.terms for line in list_lines(region["GB"]) if line.terms.title == title)


def read_json(ended: Ended) -> dict[str, Any]:
    answer: dict[str, Any] = decode_json(ended.stdout.encode())
    return answer


def test_the_list_says_what_is_due_and_how_one_of_several_is_chosen(run: Run, review: str) -> None:
    ended = run("agreements", "--plain")
    rows = {cells[6]: cells for cells in (line.split("\t") for line in ended.stdout.splitlines()[1:])}
    assert rows["Memorandum due"][5] == f"review by {review}"
    assert rows["Memorandum long"][5] == ""
    assert rows["Memorandum offered"][5] == "you accept, counter or reject"
    assert "2 agreements with VN are in force: a message goes under the narrowest that covers it" in ended.stderr


def test_a_program_reads_what_is_due_by_kind_and_day(run: Run, region: LyingWorld) -> None:
    listed = read_json(run("agreements", "--json"))["agreements"]
    (reminder,) = next(item["reminders"] for item in listed if item["title"] == "Memorandum due")
    assert (reminder["kind"], reminder["is_ours"], reminder["notice_days"]) == ("review", True, 30)
    assert reminder["due_at"].startswith(f"{find_terms(region, 'Memorandum due').review_by:%Y-%m-%d}")


def test_below_the_inbox_stands_the_most_pressing_and_how_many_more(run: Run, review: str) -> None:
    words = f"agreements: Memorandum due with VN: review by {review}, and 1 more; see: agency agreements"
    ended = run("inbox", "--plain")
    assert words in ended.stderr.splitlines()
    assert words not in ended.stdout


def test_the_doctor_names_each_with_the_partners_desk(run: Run, review: str) -> None:
    findings = [item for item in read_json(run("doctor", "--json"))["findings"] if item["check"] == "agreements"]
    found = {item["sentence"].partition(" (")[0]: item for item in findings}
    assert set(found) == {"Memorandum due", "Memorandum offered"}
    assert found["Memorandum due"]["level"] == "warn"
    assert found["Memorandum due"]["sentence"].endswith(f"version 1): review by {review}")
    assert all(CALL in item["fix"] for item in findings)


def test_what_waits_for_a_partners_eyes_says_whom_to_call_there(run: Run, region: LyingWorld) -> None:
    agreement = find_terms(region, "Memorandum offered").id
    ended = run("agreement", "accept", agreement, "--wait", "0", "--json")
    error = decode_json(ended.stderr.splitlines()[-1].encode())["error"]
    assert (ended.code, error["code"]) == (5, "not-yet-witnessed")
    assert error["fix"].endswith(f"or ask VN to; {CALL}")
