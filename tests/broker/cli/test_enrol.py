"""`broker enrol`: nobody without a compared anchor, the same again changes nothing, and while the broker serves."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from keys.anchors import format_anchor_hex
from keys.key_sets import sign_key_set
from schemas.api import KEY_SETS_PATH, MEMBERS_PATH
from schemas.enrolment import EnrolmentFile
from tests.broker.cli.operating import read_json, run, write_enrolment
from tests.support.documents import sign_next_key_set
from tests.support.exchange import RunningExchange, make_live_member, running_exchange
from tests.support.members import succeed


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
