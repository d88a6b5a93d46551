"""The frame: options anywhere, every failure an exit code with its fix, no traceback, a quick start."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

import agency_client.cli.app as app_module
from agency_client.cli.app import build_app, hoist_global_options, run
from agency_client.errors import (
    ClientError,
    ConflictError,
    DeniedError,
    LockedError,
    NotFoundError,
    OfflineError,
    UsageError,
    VerificationFailedError,
)
from agency_client.profiles.profile import Profile
from keys.container import ContainerError
from schemas.codec import NotCanonicalError
from schemas.log.tree import ConsistencyError
from tests.agency_client.cli.conftest import Agency

HEAVY = {
    "fastapi",
    "starlette",
    "uvicorn",
    "pydantic",
    "cryptography",
    "sqlcipher3",
    "httpx",
    "sqlalchemy",
    "rich.console",
}


def test_without_arguments_it_helps(agency: Agency) -> None:
    ended = agency()
    assert ended.code == 0
    assert "Examples:" in ended.stdout
    assert "unlock" in ended.stdout
    assert agency("--help") == agency("-h") == ended


def test_the_version_is_said_to_people_and_programs(agency: Agency) -> None:
    assert agency("--version").stdout.startswith("agency 0.")
    assert json.loads(agency("--version", "--json").stdout).keys() == {"v", "version"}


def test_every_verb_says_what_it_does_with_an_example() -> None:
    commands = typer.main.get_command(build_app()).commands  # type: ignore[attr-defined]
    leaves = [leaf for command in commands.values() for leaf in getattr(command, "commands", {"": command}).values()]
    assert len(leaves) >= 6
    for leaf in leaves:
        assert "\b\nExample" in (leaf.help or ""), leaf.name


def test_a_verb_nobody_knows_is_a_usage_error_in_the_form_asked_for(agency: Agency) -> None:
    plain, machine = agency("inboxx"), agency("inboxx", "--json")
    assert (plain.code, machine.code, plain.stdout, machine.stdout) == (2, 2, "", "")
    assert "inboxx" in plain.stderr
    assert json.loads(machine.stderr)["error"]["code"] == "usage"


def test_an_id_that_begins_with_a_dash_is_written_after_two(agency: Agency) -> None:
    taken = agency("keys", "revoke", "-ROBr2ad3hRv", "--reason", "device-lost")
    assert (taken.code, "agency keys revoke … -- -ROBr2ad3hRv" in taken.stderr) == (2, True)
    given = agency("keys", "revoke", "--reason", "device-lost", "--", "-ROBr2ad3hRv")
    assert "option" not in given.stderr


def test_a_wrong_option_names_the_help_of_its_own_verb(agency: Agency) -> None:
    ended = agency("unlock", "--hours", "9")
    assert ended.code == 2
    assert "run: agency unlock --help" in ended.stderr


def test_a_language_without_words_is_refused(agency: Agency) -> None:
    ended = agency("whoami", "--lang", "xx")
    assert (ended.code, "use one of: en, fr, ar, vi, zh, sq" in ended.stderr) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--profile", "gb", "--json", "profile", "show"],
        ["profile", "show", "--profile", "gb", "--json"],
        ["profile", "--json", "show", "--profile=gb"],
    ],
)
def test_global_options_stand_anywhere(agency: Agency, profile: Profile, arguments: list[str]) -> None:
    ended = agency(*arguments)
    assert json.loads(ended.stdout)["agency"] == "GB-IE"
    assert ended.code == 0


@given(st.lists(st.sampled_from(["read", "--json", "--profile", "gb", "--lang=en", "--reason=--json", "--", "x"])))
def test_hoisting_loses_no_word_and_stops_at_the_double_dash(words: list[str]) -> None:
    hoisted = hoist_global_options(words)
    assert sorted(hoisted) == sorted(words)
    if "--" in words:
        tail = words[words.index("--") :]
        assert hoisted[len(hoisted) - len(tail) :] == tail


def test_a_value_that_looks_global_can_be_written_with_an_equals_sign() -> None:
    assert hoist_global_options(["read", "1", "--reason=--json"]) == ["read", "1", "--reason=--json"]


class UnforeseenError(Exception):
    """Something nobody foresaw; its text may hold personal data."""


FAILURES = [
    (ClientError("x"), 1, "failed"),
    (UsageError("x"), 2, "usage"),
    (NotFoundError("x"), 3, "not-found"),
    (LockedError("x"), 4, "locked"),
    (DeniedError("x"), 5, "denied"),
    (VerificationFailedError("x"), 6, "verification-failed"),
    (OfflineError("x"), 7, "offline"),
    (ConflictError("x", code="busy"), 8, "busy"),
    (ContainerError("damaged"), 6, "container-damaged"),
    (NotCanonicalError("spaces"), 6, "not-canonical"),
    (ConsistencyError("no prefix"), 6, "consistency-not-proven"),
    (FileNotFoundError(2, "No such file", "/x"), 3, "file-missing"),
    (FileExistsError(17, "File exists", "/x"), 8, "file-exists"),
    (PermissionError(13, "Permission denied", "/x"), 1, "system"),
    (OSError("odd"), 1, "system"),
    (UnforeseenError("ERIKSSON"), 1, "internal"),
]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> object:
    """Let `agency fail` raise what a test says."""

    def install(error: BaseException) -> None:
        def fail() -> None:
            raise error

        app = build_app()
        app.command("fail")(fail)
        monkeypatch.setattr(app_module, "build_group", lambda: typer.main.get_group(app))

    return install


@pytest.mark.parametrize(("error", "exit_code", "code"), FAILURES)
def test_every_failure_has_its_exit_code_and_no_traceback(
    agency: Agency, failing: object, error: BaseException, exit_code: int, code: str
) -> None:
    assert callable(failing)
    failing(error)
    ended = agency("fail", "--json")
    assert ended.code == exit_code
    assert json.loads(ended.stderr)["error"]["code"] == code
    assert "Traceback" not in agency("fail").stderr


def test_a_mistake_names_its_place_but_not_its_content(agency: Agency, failing: object) -> None:
    assert callable(failing)
    failing(UnforeseenError("ERIKSSON"))
    quiet = agency("fail")
    assert "UnforeseenError at test_app.py:" in quiet.stderr
    assert "ERIKSSON" not in quiet.stderr
    assert "Traceback" in agency("fail", BILATERAL_DEBUG="1").stderr


def test_what_a_mistake_repeats_steers_no_terminal_even_when_all_of_it_is_shown(
    agency: Agency, failing: object
) -> None:
    assert callable(failing)
    failing(UnforeseenError("\x1b[2J\u202e"))
    shown = agency("fail", BILATERAL_DEBUG="1").stderr
    assert "UnforeseenError: <U+001B>[2J<U+202E>" in shown


def test_a_crash_leaves_no_core_file_with_an_open_profile_in_it() -> None:
    program = (
        "import resource as r, agency_client.cli as cli, sys; hard = r.getrlimit(r.RLIMIT_CORE)[1];"
        "r.setrlimit(r.RLIMIT_CORE, (hard, hard)); sys.argv = ['agency', '--version']\n"
        "try: cli.main()\nexcept SystemExit: print(r.getrlimit(r.RLIMIT_CORE)[0])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "0"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), EOFError()])
def test_an_interruption_ends_with_130(agency: Agency, failing: object, error: BaseException) -> None:
    assert callable(failing)
    failing(error)
    ended = agency("fail")
    assert ended.code == 130
    assert "Traceback" not in ended.stderr


def test_a_verb_may_end_with_a_code_of_its_own(agency: Agency, failing: object) -> None:
    assert callable(failing)
    failing(typer.Exit(7))
    assert agency("fail").code == 7


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from agency_client.cli.app import run; code = run(['--help'], {});"
        f"print(sorted({HEAVY!r} & set(sys.modules)), code)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[] 0"


def test_the_installed_command_runs_and_survives_a_closed_pipe(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agency_client", "--help"]
    read_end, write_end = os.pipe()
    os.close(read_end)
    closed = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write_end)
    assert closed.returncode == 1
    assert closed.stderr == ""
    environment = os.environ | {"BILATERAL_HOME": str(tmp_path), "PYTHONIOENCODING": "ascii"}
    listed = subprocess.run(
        [*command[:-1], "profile", "list"], env=environment, capture_output=True, text=True, check=True
    )
    assert "run: agency init" in listed.stderr


def test_a_terminal_that_is_not_utf8_shows_escapes(
    tmp_path: Path, environment: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    home = str(tmp_path / "zuhause-ü")
    script = (
        "import sys; from agency_client.cli.app import run; sys.exit(run(['profile', 'list'], {'BILATERAL_HOME': %r}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script % home],
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, rb"zuhause-\xfc" in ended.stderr) == (0, True)


def test_run_returns_a_plain_number(environment: dict[str, str]) -> None:
    assert run(["--version"], environment) == 0
