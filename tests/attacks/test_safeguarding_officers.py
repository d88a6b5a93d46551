"""Attacks on what is confidential from inside: officers without the role, by every verb there is, and the raw store.

Whatever is tried, the words about a victim stand nowhere outside the compartment: not in an answer, not in the store.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from agency_client.cli.app import build_app
from agency_client.cli.app import run as run_command
from agency_client.errors import DeniedError, NotAuthenticatedError
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.content import CompartmentLockedError, read_content
from agency_client.local_store.inbox import InboxFilter
from agency_client.local_store.migrations import open_store
from agency_client.node import Node
from agency_client.onward.bundle import ExportUse
from agency_client.onward.exporting import Export, export_message
from agency_client.onward.passing_on import NoRightError
from agency_client.profiles.key_store import KeyFileError, KeyMissingError
from agency_client.profiles.session import derive_store_key, open_secret
from agency_client.reading.lists import FOR_SAFEGUARDING, view_inbox
from agency_client.reading.messages import read_message
from agency_client.safeguarding.following import SaidOpenlyError
from agency_client.safeguarding.officers import open_compartment
from agency_client.sending.answering import acknowledge, report_outcome
from agency_client.sending.flow import push_past_client, send_alert
from agency_client.sending.noticing import correct
from agency_client.terminal.exit_codes import ExitCode
from schemas.agreements.terms import Terms
from schemas.alerts.kinds.release_request import Proceeding
from schemas.log.records import Action
from schemas.signed import EncryptionUse
from tests.attacks.care import AUTHOR, CONFIDENTIAL, GB, VN, Care
from tests.support.lying_world import find_encryption_key
from tests.support.nodes import PASSPHRASE
from tests.support.officers import acting_as
from tests.support.safeguarding import CARE, OFFICERS_PASSPHRASE, OTHER, SECRETS, caring, make_victim_draft


@pytest.fixture
def terms(care: Care, request: pytest.FixtureRequest) -> Iterator[Terms]:
    """An agreement of the test's own."""
    with care.agreed(request.node.name) as terms:
        yield terms


@pytest.fixture(scope="module")
def environment(care: Care) -> Iterator[dict[str, str]]:
    """The environment of VN's officer who has no role for victims, logged in at the command line."""
    home = care.world[VN].profile.folder.parent
    own = {"BILATERAL_HOME": str(home), "BILATERAL_PROFILE": "vn", "BILATERAL_OFFICER": OTHER}
    own |= {"XDG_RUNTIME_DIR": str(home.parent)}
    assert run_command(["unlock", "--passphrase-file", str(home.parent / "passphrase")], own) == 0
    yield own
    assert run_command(["lock"], own) == 0


def test_everybody_else_sees_that_something_came_and_for_whom(care: Care) -> None:
    rows = view_inbox(care.world[VN], InboxFilter(kind=CONFIDENTIAL)).rows
    assert rows
    assert {(row.subject, row.shown_subject, row.message.thread, row.message.summary) for row in rows} == {
        ("", FOR_SAFEGUARDING, None, None)
    }


def list_message_verbs() -> list[str]:
    """Return every command whose first argument is a message, as its help says."""
    command: Any = typer.main.get_command(build_app())

    def walk(group: Any, path: tuple[str, ...]) -> Iterator[str]:
        for name, below in group.commands.items():
            if hasattr(below, "commands"):
                yield from walk(below, (*path, name))
            elif any(item.name in ("message_id", "reference", "subject") for item in _list_arguments(below)):
                yield " ".join((*path, name))

    return [verb for verb in walk(command, ()) if not verb.startswith("agreement")]


def _list_arguments(command: Any) -> list[Any]:
    return [item for item in command.params if item.param_type_name == "argument"]


WHY = ("--reason", "curiosity")
WORDS: dict[str, tuple[str, ...]] = {
    "ack": WHY,
    "attachments fetch": WHY,
    "attachments list": WHY,
    "attachments save": WHY,
    "breach": (*WHY, "--nature", "confidentiality", "--found-at", "2026-11-21T16:10:00Z", "--consequences", "c",
               "--measures", "m", "--contact", "duty desk"),
    "challenge lodge": (*WHY, "--ground", "other", "--words", "x"),
    "correct": (*WHY, "--change", "subject=a=>b"),
    "erase": WHY,
    "export": (*WHY, "--out", "stolen.json"),
    "misused-identity": (*WHY, "--person", "persons.0"),
    "outcome": (*WHY, "--result", "no-match", "--usefulness", "1"),
    "pass-on": (*WHY, "--to", "BE"),
    "read": WHY,
    "refuse": (*WHY, "--ground", "not-competent"),
    "release grant": WHY,
    "release refuse": (*WHY, "--ground", "ongoing-investigation"),
    "release request": (*WHY, "--to", "BE", "--because", "b"),
    "reply": (*WHY, "--no-record"),
    "restrict": (*WHY, "--ground", "accuracy-contested"),
    "status": ("--offline",),
    "verify": WHY,
    "withdraw": WHY,
}  # fmt: skip
"""What a command needs beside the message, for those that need something."""

DENIED = frozenset({"read", "verify", "export", "pass-on", "release request", "ack", "outcome", "erase"})
"""Commands that would show or destroy it, or say something by it: denied, and on record as that."""


def count_denied(care: Care) -> int:
    with care.world[VN].store.read() as snapshot:
        return len(list_entries(snapshot, AccessFilter(outcome="denied"), limit=10_000))


@pytest.mark.parametrize("verb", list_message_verbs())
def test_no_verb_shows_an_officer_without_the_role_a_word_of_it_and_each_attempt_is_on_record(
    care: Care,
    environment: dict[str, str],
    verb: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = count_denied(care)
    code = run_command([*verb.split(), *WORDS.get(verb, ()), "--", care.message_id], environment)
    said = "".join(capsys.readouterr())
    assert "Traceback" not in said
    assert [word for word in SECRETS if word in said] == []
    assert list(tmp_path.iterdir()) == []
    if code == ExitCode.DENIED:
        assert count_denied(care) > before, said
    if verb in DENIED:
        assert code == ExitCode.DENIED, said
        with care.world[VN].store.read() as snapshot:
            newest = list_entries(snapshot, AccessFilter(message=care.message_id), limit=1)[0]
        assert (newest.officer, newest.outcome, newest.reason) == (OTHER, "denied", "curiosity")


@pytest.mark.parametrize("verb", ["inbox", "sent", "outbox", "subject report --document UTO:L898902C3 --reason x"])
def test_no_list_says_what_it_is_about(
    environment: dict[str, str], verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_command(["--json", *verb.split()], environment)
    said = "".join(capsys.readouterr())
    assert [word for word in SECRETS if word in said] == []


def test_whoever_reads_the_raw_store_finds_ciphertexts_alone(care: Care) -> None:
    for agency in (GB, VN):
        node = care.world[agency]
        store = open_store(node.profile.store_path, derive_store_key(open_secret(node.profile, PASSPHRASE)))
        with store.read() as snapshot:
            rows = snapshot.fetch_all("SELECT digest, sealed_key, sealed_summary FROM compartment_content")
            plain = snapshot.fetch_all("SELECT digest FROM content_key")
        store.close()
        assert rows
        assert not {row["digest"] for row in rows} & {row["digest"] for row in plain}
    care.demand_unknown()


def test_another_compartments_key_opens_nothing(care: Care) -> None:
    node = care.world[VN]
    with node.store.read() as snapshot:
        digest = snapshot.fetch_value("SELECT digest FROM compartment_content")
    note = node.note_access(Action.CONSULTATION, "read", "another key")
    with pytest.raises(ValueError, match="does not open"):
        read_content(node.store, digest, note, compartment_key=care.compartments[GB].content_key)


def test_the_stores_own_secret_opens_no_key_for_victims(care: Care) -> None:
    node = care.world[VN]
    kid, _ = find_encryption_key(node, EncryptionUse.SAFEGUARDING)
    with pytest.raises(KeyMissingError):
        node.opening_key(kid)
    with pytest.raises(KeyFileError):
        node.keys.load_seed(EncryptionUse.SAFEGUARDING, kid)
    with pytest.raises(KeyFileError, match="another compartment"):
        node.keys.load_compartment_key(kid, care.compartments[GB].root)


def test_the_unlocked_compartment_is_its_officers_alone(care: Care) -> None:
    node = care.world[VN]
    with caring(node, care.compartments[VN]):
        assert node.compartment == care.compartments[VN]
        with acting_as(node, OTHER), pytest.raises(CompartmentLockedError):
            read_message(node, care.message_id, reason="borrowed session")
    with caring(node, care.compartments[GB]):
        assert node.compartment is None  # the secret of another compartment is none here


@pytest.mark.parametrize(("officer", "passphrase"), [(OTHER, OFFICERS_PASSPHRASE), (CARE, PASSPHRASE)])
def test_neither_the_passphrase_nor_the_role_is_enough_alone(care: Care, officer: str, passphrase: str) -> None:
    node = care.world[VN]
    with acting_as(node, officer), pytest.raises((NotAuthenticatedError, DeniedError)):
        open_compartment(node, passphrase, "curiosity")
    with node.store.read() as snapshot:
        newest = list_entries(snapshot, AccessFilter(), limit=1)[0]
    assert (newest.verb, newest.officer, newest.outcome) == ("safeguarding-unlock", officer, "denied")


def test_nobody_sends_it_without_the_role_whatever_is_switched_off(care: Care, terms: Terms) -> None:
    for send in (send_alert, push_past_client):
        with pytest.raises(CompartmentLockedError):
            send(care.world[GB], make_victim_draft(care.world[GB], terms))


def test_it_goes_before_no_court_and_into_no_file_for_one(care: Care, tmp_path: Path) -> None:
    node = care.world[VN]
    court = Proceeding(court="Regional court", proceeding="7/26")
    wanted = Export(care.message_id, ExportUse.COURT, "trial", court=court)
    with caring(node, care.compartments[VN]), pytest.raises(NoRightError, match="never used in court"):
        export_message(node, tmp_path / "court.json", wanted)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_repeats_nothing_of_it_outside_the_compartment(care: Care) -> None:
    node = care.world[VN]
    with caring(node, care.compartments[VN]):
        report = acknowledge(node, care.message_id, AUTHOR)
    care.world.collect(GB)
    for reader in (node, care.world[GB]):
        said = read_message(reader, report.items[0].message_id, reason="no role").message.canonical()
        assert [word for word in SECRETS if word.encode() in said] == []
    care.demand_unknown()


def bring(care: Care, terms: Terms) -> str:
    """Let VN's officers receive and open one more message about a victim; return its id."""
    sealed = care.craft(terms)
    care.deliver(sealed)
    care.open_waiting()
    return sealed.header.id


FOLLOWED_OPENLY: dict[str, Callable[[Node, str], object]] = {
    "words beside an acknowledgement": lambda node, message_id: acknowledge(
        node, message_id, AUTHOR, words="The young woman of the nail bar is safe."
    ),
    "an outcome": lambda node, message_id: report_outcome(
        node, message_id, AUTHOR, details={"result": "no-match", "usefulness": 1}
    ),
}


@pytest.mark.parametrize("how", FOLLOWED_OPENLY)
def test_what_would_speak_of_it_openly_is_not_sealed(care: Care, terms: Terms, how: str) -> None:
    node, message_id = care.world[VN], bring(care, terms)
    with caring(node, care.compartments[VN]), pytest.raises(SaidOpenlyError, match="openly"):
        FOLLOWED_OPENLY[how](node, message_id)


def test_a_correction_would_repeat_it_and_is_not_sealed(care: Care) -> None:
    node = care.world[GB]
    change = {"field": "subject", "was": "Young adult from a nail bar, asks not to be sent back yet", "now": "Another"}
    details = {"changes": [change], "reason": "typing-error"}
    with caring(node, care.compartments[GB]), pytest.raises(SaidOpenlyError, match="would speak openly"):
        correct(node, care.message_id, AUTHOR, details=details)


def test_no_subject_key_leads_to_it(care: Care) -> None:
    for agency in (GB, VN):
        with care.world[agency].store.read() as snapshot:
            confidential = [row[0] for row in snapshot.fetch_all("SELECT digest FROM compartment_content")]
            keyed = {row[0] for row in snapshot.fetch_all("SELECT message FROM subject_reference")}
            marked = {row[0] for row in snapshot.fetch_all("SELECT message FROM content_mark")}
        assert confidential
        assert not {*confidential} & (keyed | marked)


def test_after_all_that_was_tried_no_word_of_it_stands_outside_the_compartment(care: Care) -> None:
    care.demand_unknown()
