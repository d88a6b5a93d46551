"""Joining an exchange by commands alone: ceremony, init, request, signing, install, enrolment, publishing, pinning.

A real broker over TLS. One agency joins by processes of their own, the others by the same command inside this one.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from keys.anchors import format_anchor_words
from schemas.enrolment import EnrolmentFile
from schemas.key_documents import compute_exchange_anchor
from tests.support.desk import Desk, enrol_by_command
from tests.support.exchange import RunningExchange, running_exchange

FALSE_WORDS = format_anchor_words("A" * 43)

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with running_exchange(tmp_path_factory.mktemp("exchange")) as running:
        yield running


@pytest.fixture(scope="module")
def vn(exchange: RunningExchange, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = Desk(tmp_path_factory.mktemp("vn") / "desk", "VN", officer="nguyen", is_in_process=True)
    desk.join(exchange, state="VNM")
    return desk


@pytest.fixture(scope="module")
def gb(exchange: RunningExchange, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = Desk(tmp_path_factory.mktemp("gb") / "desk", "GB", officer="eriksson")
    desk.join(exchange, state="GBR")
    return desk


def test_from_the_ceremony_to_trust_no_command_asks_and_no_secret_lies_open(gb: Desk, vn: Desk) -> None:
    gb.pin(vn)
    members = {member["agency"]: member for member in gb.agency("trust", "list").data["members"]}
    assert members["VN"]["standing"] == "trusted"
    assert members["VN"]["pinned_by"] == "eriksson"
    assert members["VN"]["name"] == "Agency VN"
    for path in gb.profile_folder.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert sorted(path.name.partition(".")[0] for path in (gb.profile_folder / "keys").glob("*.key")) == [
        "agreement", "encryption", "message", "receipt", "request", "rotation", "tls-ca", "tls-node", "witness",
    ]  # fmt: skip
    assert not list(gb.profile_folder.rglob("*root*"))


def test_every_key_lies_here_and_stands_in_the_log(gb: Desk) -> None:
    keys = gb.agency("keys", "list").data["keys"]
    uses = {"message", "agreement", "receipt", "request", "witness", "rotation", "encryption"}
    assert {key["use"] for key in keys} == uses
    assert all(key["state"] == "current" and key["is_here"] and key["is_logged"] for key in keys)


def test_a_sheet_that_is_not_the_one_on_paper_makes_no_node(exchange: RunningExchange, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", "BE", is_in_process=True)
    ended = desk.initialise(exchange, **{"exchange-anchor": FALSE_WORDS})
    assert (ended.code, ended.error["code"]) == (6, "anchor-mismatch")
    assert not desk.profile_folder.exists()


def test_a_slip_in_a_word_is_noticed_before_anything_is_compared(exchange: RunningExchange, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", "BE", is_in_process=True)
    words = format_anchor_words(compute_exchange_anchor(exchange.sheet)).split()
    words[0], words[1] = words[1], words[0]
    ended = desk.initialise(exchange, **{"exchange-anchor": " ".join(words)})
    assert ended.code == 2
    assert "check word" in ended.error["sentence"]
    assert not desk.profile_folder.exists()


def test_too_few_roots_sign_nothing_that_installs(exchange: RunningExchange, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", "BE", is_in_process=True)
    desk.hold_ceremony()
    assert desk.initialise(exchange).code == 0
    request = desk.request("--roots", "roots/BE-roots.json", "--name", "Agency BE", "--state", "BEL")
    once = desk.sign(request, 2, out="once.json")
    ended = desk.agency("keys", "install", once, code=6)
    assert "2 must" in ended.error["sentence"]
    twice = desk.sign(once, 3, out="twice.json")
    assert desk.agency("keys", "install", twice, "--out", "enrolment.json").data["seq"] == 1
    assert desk.agency("keys", "install", twice, "--out", "enrolment.json").data["seq"] == 1


def test_a_request_of_another_node_does_not_install_here(gb: Desk, exchange: RunningExchange, tmp_path: Path) -> None:
    other = Desk(tmp_path / "desk", "GB", is_in_process=True)
    (other.folder / "roots").symlink_to(gb.folder / "roots")
    assert other.initialise(exchange).code == 0
    ended = other.agency("keys", "install", gb.folder / "key-set-1.json", code=6)
    assert ended.error["code"] == "keys-not-here"


def test_a_wrong_root_passphrase_is_said_and_nothing_is_signed(gb: Desk) -> None:
    ended = gb.agency(
        "ceremony", "sign", "GB-request-1.json", "--root", "roots/GB-root-1.key",
        "--root-passphrase-file", "root-passphrase-2", "--out", "never.json", code=4,
    )  # fmt: skip
    assert ended.error["code"] == "wrong-passphrase"
    assert not (gb.folder / "never.json").exists()


def test_roots_are_not_made_inside_a_profile(gb: Desk) -> None:
    ended = gb.agency("ceremony", "roots", "--agency", "GB", "--out", gb.profile_folder / "roots", code=2)
    assert ended.error["code"] == "roots-online"


def test_no_prompt_where_nobody_sits(gb: Desk) -> None:
    ended = gb.agency("trust", "pin", "BE", code=2)
    assert ended.error["code"] == "needs-answer"
    assert "--words" in ended.error["fix"]


def test_words_of_somebody_else_are_not_pinned_where_the_log_says_otherwise(gb: Desk, vn: Desk) -> None:
    ended = vn.agency("trust", "pin", "GB", "--words", FALSE_WORDS, code=6)
    assert ended.error["code"] == "anchor-mismatch"
    standing = {member["agency"]: member["standing"] for member in vn.agency("trust", "list").data["members"]}
    assert standing["GB"] == "unpinned"


def test_an_oversight_body_joins_the_same_way_and_reads_the_log(exchange: RunningExchange, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", "OVERSIGHT", is_in_process=True)
    desk.join(exchange, agency_class="oversight")
    findings = {item["check"]: item for item in desk.agency("doctor").data["findings"]}
    assert findings["access"]["sentence"].endswith("known there as oversight")
    assert desk.agency("keys", "publish", code=5).error["sentence"].startswith("only members of class agency")


def test_an_unenrolled_node_is_told_so(exchange: RunningExchange, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", "BE", is_in_process=True)
    desk.hold_ceremony()
    assert desk.initialise(exchange).code == 0
    assert desk.agency("keys", "publish", code=3).error["code"] == "keys-not-installed"
    request = desk.request("--roots", "roots/BE-roots.json", "--name", "Agency BE", "--state", "BEL")
    desk.agency("keys", "install", desk.sign(request, 1, 2, out="key-set.json"))
    file = EnrolmentFile.from_canonical((desk.folder / "BE-enrolment.json").read_bytes())
    assert len(file.key_sets) == 1
    ended = desk.agency("keys", "publish", code=7)
    assert "never enrolled" in ended.error["fix"]
    findings = {item["check"]: item for item in desk.agency("doctor", code=1).data["findings"]}
    assert findings["encryption key"]["level"] == "fail"
    assert (findings["broker"]["level"], "hangs up" in findings["broker"]["sentence"]) == ("fail", True)
    enrol_by_command(exchange, desk.folder / "BE-enrolment.json")
    desk.agency("keys", "publish")


def test_a_rotated_key_and_a_new_key_set_are_published_and_a_revoked_key_is_named(gb: Desk, vn: Desk) -> None:
    before = [key["kids"] for key in gb.agency("keys", "list").data["keys"] if key["use"] == "encryption"]
    gb.agency("keys", "rotate-encryption")
    keys = gb.agency("keys", "list").data["keys"]
    assert sum(key["use"] == "encryption" and key["state"] == "current" for key in keys) == len(before) + 1
    request = gb.request()
    gb.agency("keys", "install", gb.sign(request, 2, 3, out="key-set-2.json"))
    replaced = [key for key in gb.agency("keys", "list").data["keys"] if key["state"] == "replaced"]
    assert len(replaced) == 6
    (kid,) = (
        key["kids"][0]
        for key in gb.agency("keys", "list").data["keys"]
        if (key["use"], key["state"]) == ("message", "current")
    )
    gb.agency("keys", "revoke", "--reason", "device-lost", "--", kid[:12])
    states = {key["kids"][0]: key["state"] for key in gb.agency("keys", "list").data["keys"]}
    assert states[kid] == "revoked"
    vn.agency("keys", "publish")
    assert vn.agency("trust", "contradictions").data == {"v": 1, "contradictions": [], "suspicions": []}
