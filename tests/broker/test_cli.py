"""The operator's command line: what it prints, what it changes, and the code it ends with."""

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from broker.audit.standing import Stop, StopReason
from broker.cli import app
from broker.exchange import read_sheet, write_stop
from broker.storage.engine import open_database
from tests.broker.cli.operating import run, run_process, write_enrolment
from tests.support.exchange import RunningExchange, found, make_live_member
from tests.support.members import START


@pytest.fixture
def resting(tmp_path: Path) -> RunningExchange:
    """An exchange that nobody serves."""
    return found(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("init", "--name", "alerts.example"), 2),
        (("init", "--name", "Alerts!", "--host", "localhost"), 2),
        (("status",), 3),
        (("verify-log",), 3),
        (("serve",), 3),
        (("migrate",), 3),
        (("enrol", "nothing.json"), 3),
        (("backup", "backup.tar"), 3),
        (("restore", "backup.tar"), 3),
        (("resume",), 2),
        (("resume", "--nothing-was-lost"), 3),
        (("rebase",), 3),
        (("no-such-verb",), 2),
    ],
)
def test_what_cannot_be_done_ends_with_its_code_and_no_traceback(
    tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    # The first verb of these sets up a process; the second is shown from one.
    how = run_process if arguments[0] in ("serve", "status") else run

    done = how(*arguments, *(() if arguments == ("no-such-verb",) else ("--data", tmp_path / "nowhere")))

    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
    assert done.stderr


@pytest.mark.parametrize("verb", [command.name for command in app.registered_commands])
def test_every_verb_explains_itself_with_an_example(verb: str) -> None:
    help_text = " ".join(run(verb, "--help").stdout.split())

    assert re.search(rf"Examples?: broker {verb} .*--data /var/lib/bilateral", help_text)


@pytest.mark.parametrize("verb", ["enrol", "serve", "status", "verify-log", "migrate"])
def test_another_database_is_refused_by_every_verb_and_not_repeated(
    resting: RunningExchange, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILATERAL_BROKER_DATABASE_URL", "postgresql://broker:secret@db/exchange")

    done = run(verb, "--data", resting.folder.path, *(["file.json"] if verb == "enrol" else []))

    assert (done.returncode, done.stdout) == (2, "")
    assert "broker init --database FILE" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.sqlite_only
@pytest.mark.parametrize("verb", ["serve", "status", "verify-log", "migrate"])
def test_a_database_of_a_newer_version_is_named_with_a_way_out_that_works(resting: RunningExchange, verb: str) -> None:
    database = open_database(resting.folder.database)
    with database.writing.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()

    done = run(verb, "--data", resting.folder.path)

    assert (done.returncode, done.stdout) == (1, "")
    assert "run the newer program" in done.stderr
    assert "broker migrate" not in done.stderr


@pytest.mark.sqlite_only
@pytest.mark.parametrize("verb", ["enrol", "purge", "resume", "rebase"])
def test_what_signs_beside_the_broker_follows_the_same_settings(
    resting: RunningExchange, tmp_path: Path, verb: str
) -> None:
    """A standby that is required, and that SQLite has not."""
    words: dict[str, tuple[object, ...]] = {
        "enrol": (write_enrolment(tmp_path, make_live_member("GB-HO")), "--yes"),
        "purge": (),
        "resume": ("--nothing-was-lost",),
        "rebase": ("--new-log-keys", "--yes"),
    }
    if verb == "resume":
        write_stop(resting.folder, Stop(v=1, reason=StopReason.RESTORED, since=START))
    (tmp_path / "broker.toml").write_text("[database]\nrequire_standby = true\n")

    done = run(verb, *words[verb], "--data", resting.folder.path, "--config", tmp_path / "broker.toml")

    assert (done.returncode, "database.require_standby is set" in done.stderr) == (1, True)
    assert read_sheet(resting.folder) == resting.sheet
