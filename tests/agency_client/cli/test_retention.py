"""`agency retention` and `agency erase`: what is listed, named, erased and said."""

from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from agency_client.cli.app import run
from keys.sealing import SealedMessage
from schemas.codec import decode_json
from tests.support.lying_world import LyingWorld, lying_world

Agency = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("retention")


@pytest.fixture(scope="module")
def world(folder: Path) -> Iterator[LyingWorld]:
    with lying_world(folder, "GB", "VN") as found:
        yield found


@pytest.fixture(scope="module")
def messages(world: LyingWorld) -> list[SealedMessage]:
    """Two messages that VN has received."""
    terms = world.agree("GB", "VN", "retention")
    sealed = [world.craft("GB", "VN", terms) for _ in range(2)]
    for item in sealed:
        world.deliver(item, "VN")
    world.collect("VN")
    return sealed


@pytest.fixture(scope="module")
def agency(folder: Path, world: LyingWorld) -> Agency:
    """Give VN's command; it returns the exit code, the answer, and what was said."""
    environment = {
        "BILATERAL_OFFICER": "t.nguyen",
        "XDG_RUNTIME_DIR": str(folder),
        "BILATERAL_HOME": str(world["VN"].profile.folder.parent),
        "BILATERAL_PROFILE": world["VN"].profile.name,
        "BILATERAL_PASSPHRASE_FILE": str(folder / "passphrase"),
    }

    def invoke(*arguments: str) -> tuple[int, dict[str, Any], str]:
        stdout, stderr = StringIO(), StringIO()
        with redirect_stdout(stdout), redirect_stderr(stderr):
            code = run([*arguments, "--json"], environment)
        lines = stdout.getvalue().splitlines()
        return code, decode_json(lines[-1].encode()) if lines else {}, stderr.getvalue()

    return invoke


def test_what_is_kept_is_listed_with_its_end_and_filtered(agency: Agency, messages: list[SealedMessage]) -> None:
    code, answer, _ = agency("retention", "list", "--partner", "GB", "--part", "content")
    assert code == 0
    assert {item["subject"] for item in answer["endings"]} == {sealed.digest for sealed in messages}
    assert {(item["part"], item["direction"], item["partner"]) for item in answer["endings"]} == {
        ("content", "in", "GB")
    }
    assert agency("retention", "list", "--partner", "BE")[1]["endings"] == []
    assert agency("retention", "list", "--within", "1", "--part", "content")[1]["endings"] == []
    assert agency("retention", "list", "--part", "everything")[0] == 2


def test_a_dry_run_and_a_run_name_the_same(agency: Agency, messages: list[SealedMessage]) -> None:
    dry, done = agency("retention", "run", "--dry-run")[1], agency("retention", "run")[1]
    assert (dry["dry_run"], done["dry_run"]) == (True, False)
    assert (dry["due"], dry["counts"]) == (done["due"], done["counts"])
    assert "erased" not in dry
    assert set(done["erased"].values()) == {0}


def test_an_officer_erases_one_message_with_a_reason(agency: Agency, messages: list[SealedMessage]) -> None:
    first = messages[0].header.id
    assert agency("erase", first)[0] == 2, "the reason is asked for"
    code, answer, _ = agency("erase", first, "--reason", "the case was closed")
    assert (code, answer["erased"]["message"]) == (0, first)


def test_the_logs_own_term_is_shown_and_set_with_a_reason(agency: Agency, messages: list[SealedMessage]) -> None:
    assert agency("retention", "log", "--days", "1095")[0] == 2, "the reason is asked for"
    assert agency("retention", "log", "--days", "1095", "--reason", "records schedule")[1]["access_log_days"] == 1095


def test_a_list_of_erasures_is_repeated(agency: Agency, world: LyingWorld, messages: list[SealedMessage]) -> None:
    ledger = world["VN"].profile.folder.with_name(f"{world['VN'].profile.name}.erasures")
    named = agency("retention", "repeat", str(ledger))[1]
    assert (named["named"], named["repeated"]) == (1, 0)
