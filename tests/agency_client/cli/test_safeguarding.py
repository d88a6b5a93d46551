"""`agency safeguarding` in an officer's hands: found by two, opened by one, and nothing shown to anybody else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.node import Node
from agency_client.terminal.exit_codes import ExitCode
from schemas.codec import decode_json
from schemas.identifiers.pseudonyms import is_pseudonym
from tests.agency_client.safeguarding.test_officers import found
from tests.support.command_line import CommandLine
from tests.support.nodes import PASSPHRASE
from tests.support.officers import acting_as
from tests.support.safeguarding import CARE, OFFICERS_PASSPHRASE, OTHER

WHY = ("--reason", "care case 7")
PSEUDONYM = "V-7KQ2-M4XD-9TRB-H3CF"


@pytest.fixture
def line(node: Node, tmp_path: Path) -> Iterator[CommandLine]:
    """The command line of that node, unlocked, with the files of both passphrases."""
    for name, words in (("profile.pass", PASSPHRASE), ("officer.pass", OFFICERS_PASSPHRASE)):
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_text(words)
    made = CommandLine(tmp_path, "gb")
    assert made.run("unlock", "--passphrase-file", "profile.pass")[0] == 0
    yield made
    made.run("lock")


def run(line: CommandLine, officer: str, *words: str, code: int = 0) -> dict[str, object]:
    line.environment["BILATERAL_OFFICER"] = officer
    found, out, err = line.run("safeguarding", *words, form="--json")
    assert found == code, err
    return dict(decode_json(out.splitlines()[0].encode())) if out else {}


def test_two_officers_found_it_and_one_opens_it(line: CommandLine) -> None:
    own = ("--officer-passphrase-file", "officer.pass")
    assert run(line, CARE, "found", *WHY, *own)["confirmed"] is False
    assert run(line, CARE, "officers")["confirmed"] is False
    run(line, OTHER, "confirm", *WHY, code=ExitCode.OFFLINE_QUEUED)  # its key waits for the exchange
    shown = run(line, CARE, "officers")
    assert (shown["confirmed"], shown["unlocked_seconds"]) == (True, 0)
    run(line, CARE, "inbox", code=ExitCode.DENIED)
    assert run(line, CARE, "unlock", *WHY, *own)["opened"] == 0
    try:
        assert run(line, CARE, "inbox") == {}
        run(line, OTHER, "inbox", code=ExitCode.DENIED)
        assert run(line, CARE, "add", "m.dupont", *WHY, *own) == {"v": 1, "officer": "m.dupont", "added": True}
        assert run(line, CARE, "remove", "m.dupont", *WHY)["removed"] is True
    finally:
        assert run(line, CARE, "lock")["was_unlocked"] is True
    run(line, CARE, "add", "m.dupont", *WHY, *own, code=ExitCode.DENIED)


def test_what_a_person_may_ask_for_is_found_by_the_pseudonym_and_on_record(line: CommandLine, node: Node) -> None:
    found(node)
    own = ("--officer-passphrase-file", "officer.pass")
    run(line, CARE, "about", PSEUDONYM, *WHY, code=ExitCode.DENIED)
    run(line, CARE, "unlock", *WHY, *own)
    try:
        assert run(line, CARE, "about", PSEUDONYM, *WHY) == {}
        run(line, CARE, "inbox")
    finally:
        run(line, CARE, "lock")
    with node.store.read() as snapshot:
        entries = [(item.verb, item.outcome) for item in list_entries(snapshot, AccessFilter(officer=CARE))]
    assert [item for item in entries if item[0] == "safeguarding-about"] == [
        ("safeguarding-about", "done"),
        ("safeguarding-about", "denied"),
    ]
    assert ("list-safeguarding", "done") in entries


def test_a_wrong_passphrase_opens_nothing(line: CommandLine, node: Node) -> None:
    found(node)
    run(line, CARE, "unlock", *WHY, "--officer-passphrase-file", "profile.pass", code=ExitCode.NOT_AUTHENTICATED)
    run(line, OTHER, "unlock", *WHY, "--officer-passphrase-file", "officer.pass", code=ExitCode.DENIED)
    with acting_as(node, CARE):
        assert node.compartment is None


def test_a_pseudonym_is_drawn_anew_each_time(line: CommandLine) -> None:
    first, second = (str(run(line, CARE, "pseudonym")["pseudonym"]) for _ in range(2))
    assert is_pseudonym(first)
    assert first != second
