"""The operator's command line: what it prints, what it changes, and the code it ends with."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from broker.audit.standing import Stop, StopReason
from broker.cli import app
from broker.exchange import ExchangeFolder, read_sheet, write_stop
from broker.storage.engine import open_database
from keys.anchors import format_anchor_hex, parse_anchor
from keys.key_sets import sign_key_set
from schemas.api import KEY_SETS_PATH, MEMBERS_PATH
from schemas.codec import decode_canonical
from schemas.enrolment import EnrolmentFile
from schemas.key_documents import ExchangeSheet, compute_exchange_anchor
from tests.support.documents import sign_next_key_set
from tests.support.exchange import RunningExchange, found, make_enrolment, make_live_member, running_exchange
from tests.support.members import START, Member, succeed


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run `broker` in this process, with nobody to ask: what it does is the same, and nothing is imported anew."""
    words = [str(argument) for argument in arguments]
    done = CliRunner().invoke(app, words)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


def run_process(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `broker` in a process of its own, with nobody to ask."""
    return subprocess.run(
        [sys.executable, "-m", "broker", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env=os.environ | environment,
    )


def read_json(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = decode_canonical(done.stdout.strip().encode())
    return value


def write_enrolment(folder: Path, member: Member) -> Path:
    (file,) = make_enrolment(member)
    path = folder / f"{member.agency}.json"
    path.write_bytes(file.canonical())
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with running_exchange(tmp_path_factory.mktemp("cli"), "GB-HO") as running:
        yield running


@pytest.fixture
def resting(tmp_path: Path) -> RunningExchange:
    """An exchange that nobody serves."""
    return found(tmp_path)


def test_init_makes_an_exchange_and_prints_the_anchor_to_hand_out(tmp_path: Path) -> None:
    path = tmp_path / "exchange"

    made = run_process("init", "--data", path, "--name", "alerts.example", "--host", "localhost")

    assert made.returncode == 0, made.stderr
    sheet = ExchangeSheet.from_canonical((path / "exchange.json").read_bytes())
    words, _, hexadecimal = made.stdout.strip().split("\n")
    assert parse_anchor(words) == compute_exchange_anchor(sheet) == parse_anchor(hexadecimal)
    assert "not under a passphrase" in made.stderr
    again = run("init", "--data", path, "--name", "alerts.example", "--host", "localhost")
    assert (again.returncode, again.stdout) == (8, "")


def test_init_for_scripts_prints_one_line(tmp_path: Path) -> None:
    (tmp_path / "phrase").write_text("correct horse battery staple\n")
    (tmp_path / "phrase").chmod(0o600)

    made = read_json(
        run("init", "--json", "--data", tmp_path / "x", "--name", "alerts.example", "--host", "localhost",
            "--passphrase-file", tmp_path / "phrase")
    )  # fmt: skip

    assert made["origin"] == "alerts.example/1"
    assert (tmp_path / "x" / "secrets.sealed").exists()


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
    how = (
        run_process if arguments[0] in ("serve", "status") else run
    )  # the first sets up a process, the second shows one

    done = how(*arguments, *(() if arguments == ("no-such-verb",) else ("--data", tmp_path / "nowhere")))

    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
    assert done.stderr


@pytest.mark.parametrize(
    "verb",
    [
        "init",
        "enrol",
        "serve",
        "status",
        "verify-log",
        "migrate",
        "backup",
        "restore",
        "resume",
        "rebase",
        "purge",
        "dead-letters",
    ],
)
def test_every_verb_explains_itself_with_an_example(verb: str) -> None:
    help_text = run(verb, "--help").stdout

    assert f"broker {verb} --data /var/lib/bilateral" in help_text


@pytest.mark.sqlite_only
def test_a_member_is_enrolled_where_nobody_serves_and_again_changes_nothing(
    tmp_path: Path, resting: RunningExchange
) -> None:
    member = make_live_member("GB-HO")
    file = write_enrolment(tmp_path, member)

    first = read_json(run("enrol", "--data", resting.folder.path, "--yes", "--json", file))
    second = read_json(run("enrol", "--data", resting.folder.path, "--yes", "--json", file))

    assert (first["agency"], first["is_new_member"], first["new_key_sets"]) == ("GB-HO", True, 1)
    assert (second["is_new_member"], second["new_key_sets"]) == (False, 0)
    assert first["anchor"]["hex"] == format_anchor_hex(member.anchor)
    status = read_json(run("status", "--data", resting.folder.path, "--json"))
    assert [one["agency"] for one in status["members"]] == ["GB-HO"]
    assert status["log"]["size"] == 4  # opened; enrolled, key set, the operator's action
    assert "serving" not in status


def test_nobody_is_enrolled_unless_somebody_compared_the_anchor(tmp_path: Path, resting: RunningExchange) -> None:
    done = run("enrol", "--data", resting.folder.path, write_enrolment(tmp_path, make_live_member("GB-HO")))

    assert (done.returncode, done.stdout) == (2, "")
    assert format_anchor_hex(make_live_member("GB-HO").anchor) in done.stderr
    assert "--yes" in done.stderr


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("says", "code", "members"), [("n", 5, []), ("y", 0, ["GB-HO"])])
def test_at_a_terminal_the_operator_is_asked_whether_the_anchor_is_the_one_on_paper(
    tmp_path: Path, resting: RunningExchange, says: str, code: int, members: list[str]
) -> None:
    file = write_enrolment(tmp_path, make_live_member("GB-HO"))
    operator, terminal = pty.openpty()
    command = [sys.executable, "-m", "broker", "enrol", "--data", str(resting.folder.path), str(file)]
    with subprocess.Popen(command, stdin=terminal, stderr=terminal, stdout=subprocess.DEVNULL) as process:
        os.close(terminal)
        shown = b""
        while b"on the paper" not in shown:
            shown += os.read(operator, 4096)
        os.write(operator, f"{says}\n".encode())
        assert process.wait(60) == code
    os.close(operator)

    assert format_anchor_hex(make_live_member("GB-HO").anchor).encode() in shown
    status = read_json(run("status", "--data", resting.folder.path, "--json"))
    assert [one["agency"] for one in status["members"]] == members


def test_a_member_is_enrolled_while_the_broker_serves_and_can_connect_at_once(
    tmp_path: Path, served: RunningExchange
) -> None:
    member = make_live_member("BE-OE")

    done = run("enrol", "--data", served.folder.path, "--yes", write_enrolment(tmp_path, member))

    assert (done.returncode, done.stdout) == (0, "BE-OE is enrolled.\n")
    assert served.caller(member).get(MEMBERS_PATH).status_code == 200


def test_a_file_that_is_refused_says_why_and_changes_nothing(tmp_path: Path, served: RunningExchange) -> None:
    member = make_live_member("XX-FALSE")
    false = sign_key_set(member.key_set.model_copy(update={"exchange": "staging.example"}), member.roots[:2])
    path = tmp_path / "false.json"
    path.write_bytes(EnrolmentFile(v=1, key_sets=(false,)).canonical())
    before = read_json(run("status", "--data", served.folder.path, "--json"))

    done = run("enrol", "--data", served.folder.path, "--yes", path)

    assert (done.returncode, done.stdout) == (5, "")
    assert "staging.example" in done.stderr
    assert read_json(run("status", "--data", served.folder.path, "--json"))["log"] == before["log"]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"key_sets":[],"v":1}', b"\x00" * 64])
def test_a_file_that_is_no_enrolment_is_a_mistake_of_use(
    tmp_path: Path, served: RunningExchange, content: bytes
) -> None:
    (tmp_path / "file.json").write_bytes(content)

    done = run("enrol", "--data", served.folder.path, "--yes", tmp_path / "file.json")

    assert (done.returncode, done.stdout) == (2, "")


def test_a_member_whose_keys_are_all_lost_comes_back_by_a_longer_chain(tmp_path: Path) -> None:
    """Key set 2 by its roots, through the operator: with an expired or revoked request key no token could be had."""
    with running_exchange(tmp_path, "GB-HO") as exchange:
        member = exchange.members["GB-HO"]
        path = tmp_path / "longer.json"
        second = sign_next_key_set(member, name="Agency, restored")
        path.write_bytes(EnrolmentFile(v=1, key_sets=(member.verified.document, second)).canonical())

        done = read_json(run("enrol", "--data", exchange.folder.path, "--yes", "--json", path))

        assert (done["is_new_member"], done["new_key_sets"], done["name"]) == (False, 1, "Agency, restored")
        assert exchange.caller("GB-HO").post(KEY_SETS_PATH, second).status_code == 200
        assert succeed(member).seq == 2


def test_dead_letters_and_needs_are_told_of_a_serving_exchange_without_a_key(served: RunningExchange) -> None:
    told = read_json(run("dead-letters", "--data", served.folder.path, "--json"))
    assert (told["counts"], told["letters"], told["needs"]) == ({"expired": 0, "held": 0, "returned": 0}, [], [])
    status = read_json(run("status", "--data", served.folder.path, "--json"))
    assert (status["dead_letters"], status["needs"]) == (told["counts"], [])
    words = run("dead-letters", "--data", served.folder.path, "--days", "30")
    assert words.stdout.endswith(": 0 expired, 0 held, 0 returned\n")


@pytest.mark.sqlite_only
def test_a_member_whose_keys_end_soon_is_named_by_status_where_nothing_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = found(tmp_path)
    member = make_live_member("GB-HO")
    monkeypatch.setattr("broker.dead_letters.rules.ENDS_WITHIN", timedelta(days=10_000))
    read_json(run("enrol", "--data", exchange.folder.path, "--yes", "--json", write_enrolment(tmp_path, member)))
    status = read_json(run("status", "--data", exchange.folder.path, "--json"))
    assert [(need["code"], need["agency"]) for need in status["needs"]] == [
        ("key-set-ending", "GB-HO"),
        ("authority-ending", "GB-HO"),
    ]
    assert "NEEDED key-set-ending" in run("status", "--data", exchange.folder.path).stdout
    assert "NEEDED key-set-ending" in run("dead-letters", "--data", exchange.folder.path).stdout


def test_status_says_where_a_broker_serves(served: RunningExchange) -> None:
    status = read_json(run("status", "--data", served.folder.path, "--json"))
    words = run("status", "--data", served.folder.path)

    assert status["serving"]["url"] == served.url
    assert served.process is not None
    assert status["serving"]["pid"] == served.process.pid
    assert f"serving at {served.url}" in words.stdout
    assert decode_canonical(served.folder.address.read_bytes().strip()) == status["serving"]


def test_a_second_broker_over_the_same_folder_does_not_start(served: RunningExchange) -> None:
    done = run_process("serve", "--data", served.folder.path, "--port", "0")

    assert (done.returncode, done.stdout) == (8, "")
    assert "another process" in done.stderr


def test_a_sealed_exchange_serves_with_its_passphrase_and_not_without(tmp_path: Path) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text("correct horse battery staple\n")
    phrase.chmod(0o600)
    path = tmp_path / "exchange"
    run("init", "--data", path, "--name", "alerts.example", "--host", "127.0.0.1", "--passphrase-file", phrase)

    assert run_process("serve", "--data", path, "--port", "0").returncode == 4
    with subprocess.Popen(
        [sys.executable, "-m", "broker", "serve", "--data", path, "--port", "0", "--passphrase-file", phrase],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert b"serving" in process.stdout.readline()
        process.terminate()
    assert process.returncode == 0
    phrase.chmod(0o644)
    assert run_process("serve", "--data", path, "--port", "0", "--passphrase-file", phrase).returncode == 2


def test_a_failpoint_is_refused_where_it_is_no_test(resting: RunningExchange) -> None:
    done = run_process("serve", "--data", resting.folder.path, "--port", "0", BILATERAL_FAILPOINT="commit.after-commit")

    assert (done.returncode, done.stdout) == (2, "")


def test_a_sound_log_is_said_to_be_sound_even_while_the_broker_serves(served: RunningExchange) -> None:
    report = read_json(run("verify-log", "--data", served.folder.path, "--json"))

    assert report["sound"]
    assert report["leaves"] >= 4
    assert report["findings"] == []
    assert "the log is sound" in run("verify-log", "--data", served.folder.path).stdout


@pytest.mark.sqlite_only
def test_a_changed_record_is_found_and_the_broker_does_not_serve_a_changed_tree(tmp_path: Path) -> None:
    exchange = found(tmp_path)
    run("enrol", "--data", exchange.folder.path, "--yes", write_enrolment(tmp_path, make_live_member("GB-HO")))
    change(
        exchange.folder,
        "UPDATE log_leaf SET record = CAST(replace(record, 'opened', 'closed') AS BLOB) WHERE leaf_index = 0",
    )

    done = run("verify-log", "--data", exchange.folder.path)

    assert done.returncode == 6
    assert "leaf 0: its record is not the one that was committed to" in done.stderr
    change(exchange.folder, "UPDATE log_leaf SET leaf_hash = zeroblob(32) WHERE leaf_index = 0")
    assert run_process("serve", "--data", exchange.folder.path, "--port", "0").returncode == 6


def test_migrate_runs_over_a_database_of_this_version_and_not_under_a_serving_broker(
    resting: RunningExchange, served: RunningExchange
) -> None:
    assert run("migrate", "--data", resting.folder.path).returncode == 0
    assert run("migrate", "--data", served.folder.path).returncode == 8


def change(folder: ExchangeFolder, statement: str) -> None:
    database = open_database(folder.database)
    with database.writing.begin() as connection:
        connection.execute(text(statement))
    database.close()


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


def test_a_backup_comes_back_stopped_and_a_new_epoch_opens_it_again(tmp_path: Path, resting: RunningExchange) -> None:
    folder, backup = resting.folder.path, tmp_path / "backup.tar"
    saved = read_json(run("backup", "--json", "--data", folder, backup, "--with-open-keys"))
    assert (saved["origin"], saved["size"], saved["keys"]) == (resting.sheet.origin, 1, "secrets.json")
    assert run("backup", "--data", folder, backup).returncode == 8
    assert run("rebase", "--data", folder, "--yes").returncode == 8  # its log may grow: nothing to move on from
    assert read_json(run("restore", "--json", "--data", tmp_path / "made", backup))["size"] == 1
    stopped = read_json(run("status", "--json", "--data", tmp_path / "made"))["stopped"]
    assert stopped["reason"] == "restored"
    assert "STOPPED since" in run("status", "--data", tmp_path / "made").stdout
    enrolment = write_enrolment(tmp_path, make_live_member("GB-HO"))
    assert run("enrol", "--yes", "--data", tmp_path / "made", enrolment).returncode == 8
    asked = run("rebase", "--data", tmp_path / "made")
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "give --yes" in asked.stderr
    done = read_json(run("rebase", "--json", "--yes", "--data", tmp_path / "made"))
    assert (done["origin"], done["after"]["size"]) == ("exchange.example/2", 1)
    assert "stopped" not in read_json(run("status", "--json", "--data", tmp_path / "made"))
    assert run("verify-log", "--data", done["archive"]).returncode == 0


def test_an_exchange_without_members_has_nobody_to_ask_before_it_resumes(
    tmp_path: Path, resting: RunningExchange
) -> None:
    run("backup", "--data", resting.folder.path, tmp_path / "backup.tar", "--with-open-keys")
    run("restore", "--data", tmp_path / "made", tmp_path / "backup.tar")
    assert run("resume", "--nothing-was-lost", "--without", "GB-HO", "--data", tmp_path / "made").returncode == 5
    assert read_json(run("resume", "--json", "--nothing-was-lost", "--data", tmp_path / "made"))["size"] == 2
    assert run("resume", "--nothing-was-lost", "--data", tmp_path / "made").returncode == 8


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
