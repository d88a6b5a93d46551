"""`agency search` and the inbox narrowed by it: what is shown, what a program gets, what is said of nobody."""

from collections.abc import Callable
from typing import Any

import pytest

from agency_client.cli.app import run
from agency_client.sending.flow import send_alert
from schemas.agreements.terms import Terms
from schemas.codec import decode_json
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld

WHY = ("--reason", "case 12/26")
Search = Callable[..., tuple[int, list[dict[str, Any]], str, str]]


@pytest.fixture
def message_id(world: LyingWorld, terms: Terms) -> str:
    """A message about a false passport of ERIKSSON that VN has received."""
    leg = send_alert(world["GB"], make_draft("VN", agreement=terms.id)).legs[0]
    world.collect("VN")
    return leg.message_id


@pytest.fixture
def agency(world: LyingWorld, capsys: pytest.CaptureFixture[str]) -> Search:
    """Give VN's command; it returns the exit code, the lines of JSON, the page and what was said."""
    home = world["VN"].profile.folder.parent
    environment = {
        "BILATERAL_OFFICER": "t.nguyen",
        "XDG_RUNTIME_DIR": str(home.parent),
        "BILATERAL_HOME": str(home),
        "BILATERAL_PROFILE": world["VN"].profile.name,
        "BILATERAL_PASSPHRASE_FILE": str(home.parent / "passphrase"),
        "COLUMNS": "300",
    }

    def invoke(*arguments: str) -> tuple[int, list[dict[str, Any]], str, str]:
        capsys.readouterr()
        code = run(arguments, environment)
        said = capsys.readouterr()
        lines = [decode_json(line.encode()) for line in said.out.splitlines() if line.startswith("{")]
        return code, lines, said.out, said.err

    return invoke


def test_a_program_gets_each_candidate_with_its_reasons(agency: Search, message_id: str) -> None:
    code, found, _, _ = agency("--json", "search", "Эрикссон", "Анна", "--birth", "1974-08-12", "--limit", "400", *WHY)
    assert code == 0
    (hit,) = [hit for hit in found if hit["id"] == message_id]
    assert (hit["level"], hit["found_as"], hit["direction"], hit["partner"]) == ("strong", "holder", "received", "GB")
    assert hit["why"][0] == "the same birth date"
    assert "Эрикссон / ERIKSSON: a transliteration of it" in hit["why"]
    assert float(hit["score"]) > 0.8


def test_an_officer_reads_why_and_that_a_person_decides(agency: Search, message_id: str) -> None:
    code, _, page, said = agency("--plain", "search", "--document", "UTO:L898902C3", "--limit", "400", *WHY)
    assert code == 0
    assert message_id[:8] in page
    assert "Document number L898902C3: the same" in page
    assert "you decide" in said


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("Nobody Known", *WHY), 3, "nothing that may be used"),
        (("Anna",), 2, "--reason"),
    ],
)
def test_what_finds_nobody_says_so(agency: Search, arguments: tuple[str, ...], code: int, word: str) -> None:
    ended, found, _, said = agency("--json", "search", *arguments)
    assert (ended, found) == (code, [])
    assert word in said


def test_the_inbox_is_narrowed_to_a_person_and_a_document(agency: Search, message_id: str) -> None:
    narrowed = ("--person", "Эрикссон Анна Мария", "--document", "l898902-c3")
    code, found, _, _ = agency("--json", "inbox", *narrowed, "--limit", "10000")
    assert code == 0
    assert message_id in {row["id"] for row in found}
    assert agency("--json", "inbox", "--person", "Nobody Known")[1] == []
