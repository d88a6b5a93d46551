"""Attacks on what is confidential: a broker that relabels, a member that says it openly, officers without the role.

Whatever is tried, the words about a victim stand nowhere outside the compartment: not in an answer, not in the store.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer

from agency_client.cli.app import build_app
from agency_client.cli.app import run as run_command
from agency_client.errors import DeniedError, NotAuthenticatedError, NotFoundError
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.content import CompartmentLockedError, read_content
from agency_client.local_store.inbox import InboxFilter
from agency_client.local_store.migrations import open_store
from agency_client.local_store.received_work import list_owed_receipts
from agency_client.node import Node
from agency_client.onward.bundle import ExportUse
from agency_client.onward.exporting import Export, export_message
from agency_client.onward.passing_on import NoRightError
from agency_client.profiles.key_store import KeyFileError, KeyMissingError
from agency_client.profiles.session import derive_store_key, open_secret
from agency_client.reading.lists import FOR_SAFEGUARDING, view_inbox
from agency_client.reading.messages import read_message
from agency_client.retention.running import run_retention
from agency_client.safeguarding.compartment import Compartment
from agency_client.safeguarding.following import SaidOpenlyError
from agency_client.safeguarding.officers import open_compartment
from agency_client.safeguarding.reading import open_waiting
from agency_client.sending.answering import Author, acknowledge, report_outcome
from agency_client.sending.flow import push_past_client, send_alert
from agency_client.sending.noticing import correct, withdraw
from agency_client.terminal.exit_codes import ExitCode
from agency_client.witness.walker import walk_log
from keys.sealing import SealedMessage
from schemas.agreements.terms import AnswerDeadline, Terms
from schemas.alerts.kinds.release_request import Proceeding
from schemas.codec import b64u_decode, b64u_encode
from schemas.envelope import Header, Payload
from schemas.log.records import Action
from schemas.markings import Purpose, Urgency
from schemas.signed import EncryptionUse
from tests.schemas.alerts.filled import load
from tests.support.lying_world import LyingWorld, find_encryption_key, lying_world, make_aftercare, make_alert, refer_to
from tests.support.nodes import PASSPHRASE
from tests.support.officers import acting_as
from tests.support.safeguarding import (
    CARE,
    KIND,
    OFFICERS_PASSPHRASE,
    OTHER,
    SECRETS,
    agree_on_victims,
    caring,
    dump_store,
    make_compartment,
    make_victim_alert,
    make_victim_draft,
)

GB, VN = "GB", "VN"
CONFIDENTIAL = "confidential"


@dataclass
class Care:
    """GB and VN, each with a compartment, and one message about a victim that VN's officers have opened."""

    world: LyingWorld
    compartments: dict[str, Compartment]
    terms: Terms
    message_id: str
    environment: dict[str, str] = field(default_factory=dict)

    def craft(self, terms: Terms, **changes: Any) -> SealedMessage:
        """Return a message of GB about a victim, sealed past every check of its own client."""
        usual: dict[str, Any] = {
            "alert": make_victim_alert(self.world[GB]),
            "kind": CONFIDENTIAL,
            "purpose": Purpose.VICTIM_PROTECTION,
            "key": find_encryption_key(self.world[VN], EncryptionUse.SAFEGUARDING),
        }
        return self.world.craft(GB, VN, terms, **usual | changes)

    def demand_unknown(self, *agencies: str) -> None:
        """Demand that whoever has the key of a store finds no word about the victim in it."""
        for agency in agencies or (GB, VN):
            found = dump_store(self.world[agency])
            assert [word for word in SECRETS if word.encode() in found] == []


@pytest.fixture(scope="module")
def care(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Care]:
    """Two agencies with desks for victims, and one message between them, opened and locked away again."""
    with lying_world(tmp_path_factory.mktemp("care"), GB, VN) as world:
        compartments = {agency: make_compartment(world[agency]) for agency in (GB, VN)}
        terms = agree_on_victims(world, GB, VN, "victims")
        walk_log(world[GB])
        with caring(world[GB], compartments[GB]):
            (leg,) = send_alert(world[GB], make_victim_draft(world[GB], terms)).legs
        world.collect(VN)
        with caring(world[VN], compartments[VN]):
            open_waiting(world[VN])
        home = world[VN].profile.folder.parent
        own = {"BILATERAL_HOME": str(home), "BILATERAL_PROFILE": "vn", "BILATERAL_OFFICER": OTHER}
        own |= {"XDG_RUNTIME_DIR": str(home.parent)}
        assert run_command(["unlock", "--passphrase-file", str(home.parent / "passphrase")], own) == 0
        yield Care(world, compartments, terms, leg.message_id, own)
        assert run_command(["lock"], own) == 0


@pytest.fixture
def terms(care: Care, request: pytest.FixtureRequest) -> Iterator[Terms]:
    """An agreement of the test's own; the exchange is honest again after it."""
    yield agree_on_victims(care.world, GB, VN, request.node.name)
    care.world.exchange.tamper.clear()
    care.world.exchange.inboxes.clear()


def state_of(care: Care, sealed: SealedMessage) -> tuple[str, str | None]:
    found = care.world.look_up(VN, sealed)
    return found.state.value, found.problem.code if found.problem else None


def relabel(sealed: SealedMessage, kind: str) -> Any:
    """Return the envelope with another kind in its header, under the old signatures."""
    payload = Payload.from_canonical(sealed.envelope.payload_bytes)
    header = Header.from_canonical(b64u_decode(payload.header))
    routing = header.routing.model_copy(update={"kind": kind})
    changed = payload.model_copy(
        update={"header": b64u_encode(header.model_copy(update={"routing": routing}).canonical())}
    )
    return sealed.envelope.model_copy(update={"payload": b64u_encode(changed.canonical())})


@pytest.mark.parametrize(("sent", "shown"), [(CONFIDENTIAL, "document-fraud"), ("document-fraud", CONFIDENTIAL)])
def test_a_broker_that_relabels_a_message_breaks_its_signatures(
    care: Care, terms: Terms, sent: str, shown: str
) -> None:
    sealed = care.craft(terms) if sent == CONFIDENTIAL else care.craft(terms, alert=load(sent), kind=sent, key=None)
    placed = care.world.exchange.deliver(relabel(sealed, shown), VN)
    care.world.collect(VN)
    with care.world[VN].store.read() as snapshot:
        rows = snapshot.fetch_all(
            "SELECT state, problem_code FROM inbox_message WHERE leaf_index = ?", placed.accepted.index
        )
    assert [tuple(row) for row in rows] == [("unverifiable", "signature-refused")]


SAID_OPENLY: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "under its own name": ({"kind": KIND, "key": None}, ("unverifiable", "kind-shown-openly")),
    "under another kind": ({"kind": "facilitator", "key": None}, ("unverifiable", "header-mismatch")),
    "under the key that all officers use": ({"key": None}, ("unverifiable", "encryption-key-not-current")),
    "under its own name and the right key": ({"kind": KIND}, ("unverifiable", "encryption-key-not-current")),
}


@pytest.mark.parametrize("how", SAID_OPENLY)
def test_a_member_that_speaks_of_a_victim_openly_is_refused_and_nothing_is_kept(
    care: Care, terms: Terms, how: str
) -> None:
    changes, refused = SAID_OPENLY[how]
    sealed = care.craft(terms, **changes)
    care.world.deliver(sealed, VN)
    care.world.collect(VN)
    assert state_of(care, sealed) == refused


def test_anything_else_under_the_key_for_victims_is_refused(care: Care, terms: Terms) -> None:
    sealed = care.craft(terms, alert=load("document-fraud"), kind="document-fraud")
    care.world.deliver(sealed, VN)
    care.world.collect(VN)
    assert state_of(care, sealed) == ("unverifiable", "encryption-key-not-current")


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"alert": make_alert("ping", {"text": "hello"})}, ("unverifiable", "header-mismatch")),
        ({"purpose": Purpose.CRIMINAL_INVESTIGATION}, ("refused", "purpose-not-covered")),
        ({"purpose": Purpose.HUMAN_TRAFFICKING}, ("refused", "purpose-not-covered")),
    ],
)
def test_what_hides_behind_the_confidential_kind_is_refused_when_it_is_opened(
    care: Care, terms: Terms, changes: dict[str, Any], refused: tuple[str, str]
) -> None:
    sealed = care.craft(terms, **changes)
    care.world.deliver(sealed, VN)
    care.world.collect(VN)
    assert state_of(care, sealed) == ("sealed", None)
    with caring(care.world[VN], care.compartments[VN]):
        open_waiting(care.world[VN])
    assert state_of(care, sealed) == refused


def test_an_alert_that_names_the_victim_is_refused_when_it_is_opened(care: Care, terms: Terms) -> None:
    named = make_victim_alert(care.world[GB]) | {
        "persons": [{"ref": "v1", "role": "victim", "names": [{"text": "ERIKSSON"}]}]
    }
    sealed = care.craft(terms, alert=named)
    care.world.deliver(sealed, VN)
    care.world.collect(VN)
    with caring(care.world[VN], care.compartments[VN]):
        open_waiting(care.world[VN])
    assert state_of(care, sealed) == ("refused", "alert-invalid")
    assert b"ERIKSSON" not in dump_store(care.world[VN])


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"details__nationality": "NGA"}, "nationality-not-covered"), ({"details__nail bar": 1}, "alert-invalid")],
)
def test_why_it_is_refused_says_nothing_of_it_outside_the_compartment(
    care: Care, request: pytest.FixtureRequest, changes: dict[str, Any], code: str
) -> None:
    clause = {"nationalities": ("GBR", "VNM")}
    terms = agree_on_victims(care.world, GB, VN, request.node.name, **clause)
    sealed = care.craft(terms, alert=make_victim_alert(care.world[GB], **changes))
    care.world.deliver(sealed, VN)
    care.world.collect(VN)
    with caring(care.world[VN], care.compartments[VN]):
        findings = {finding.digest: finding.problem for finding in open_waiting(care.world[VN])}
    told = findings[sealed.digest]
    assert told is not None
    assert "NGA" in told.sentence or "nail bar" in told.sentence
    assert state_of(care, sealed) == ("refused", code)
    kept = care.world.look_up(VN, sealed).problem
    assert kept is not None
    assert "NGA" not in kept.sentence
    care.demand_unknown(VN)


def test_until_it_is_opened_its_sender_knows_no_more_than_that_it_arrived(care: Care, terms: Terms) -> None:
    sealed = care.craft(terms)
    care.world.deliver(sealed, VN)
    care.world.collect(VN)
    with care.world[VN].store.read() as snapshot:
        before = {owed.type for owed in list_owed_receipts(snapshot) if owed.digest == sealed.digest}
    with caring(care.world[VN], care.compartments[VN]):
        open_waiting(care.world[VN])
    with care.world[VN].store.read() as snapshot:
        after = {owed.type for owed in list_owed_receipts(snapshot) if owed.digest == sealed.digest}
    assert (before, after) == ({"handed-over"}, {"handed-over", "verified"})


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
    care: Care, verb: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = count_denied(care)
    code = run_command([*verb.split(), *WORDS.get(verb, ()), "--", care.message_id], care.environment)
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
def test_no_list_says_what_it_is_about(care: Care, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    run_command(["--json", *verb.split()], care.environment)
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


AUTHOR = Author(reason="care case 7", unit="Care desk", pseudonym="care-04")


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
    care.world.deliver(sealed, VN)
    care.world.collect(VN)
    with caring(care.world[VN], care.compartments[VN]):
        open_waiting(care.world[VN])
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


@pytest.mark.parametrize("kind", ["correction", "misused-identity", "withdrawal"])
def test_a_notice_that_says_more_than_it_must_is_refused_by_who_gets_it(care: Care, terms: Terms, kind: str) -> None:
    original = care.craft(terms)
    care.world.deliver(original, VN)
    care.world.collect(VN)
    alert = make_aftercare(kind, original, care.world) | {"subject": "About the young adult from a nail bar"}
    notice = care.world.craft(GB, VN, terms, alert=alert, refers_to=refer_to(original), purpose=Purpose.DATA_QUALITY)
    care.world.deliver(notice, VN)
    care.world.collect(VN)
    assert state_of(care, notice) == ("refused", "said-openly")


def test_what_is_taken_back_sealed_is_gone_and_was_never_opened(care: Care, terms: Terms) -> None:
    node = care.world[GB]
    with caring(node, care.compartments[GB]):
        (leg,) = send_alert(node, make_victim_draft(node, terms)).legs
        care.world.collect(VN)
        withdraw(node, leg.message_id, AUTHOR, because="sent-by-mistake")
    care.world.collect(VN)
    with care.world[VN].store.read() as snapshot:
        row = snapshot.fetch_one("SELECT state, envelope FROM inbox_message WHERE digest = ?", leg.digest)
        assert snapshot.fetch_one("SELECT 1 FROM sealed_message WHERE digest = ?", leg.digest) is None
    assert row is not None
    assert tuple(row) == ("withdrawn", None)
    with caring(care.world[VN], care.compartments[VN]):
        assert leg.digest not in {finding.digest for finding in open_waiting(care.world[VN])}


def test_what_nobody_opens_is_due_as_agreed_and_ends_unopened(care: Care, request: pytest.FixtureRequest) -> None:
    within = (AnswerDeadline(urgency=Urgency.ROUTINE, minutes=60),)
    days = {"retention_days": 20, "evidence_days": 60, "answer_within": within}
    sealed = care.craft(agree_on_victims(care.world, GB, VN, request.node.name, **days))
    placed = care.world.deliver(sealed, VN)
    care.world.collect(VN)
    accepted = placed.accepted.record.time
    assert care.world.look_up(VN, sealed).reply_due == accepted + timedelta(minutes=60)
    node, held = care.world[VN], care.world.clock.ahead
    care.world.clock.ahead = timedelta(days=19)  # its sealed bytes outlive the delivery deadline, which is ten days
    run_retention(node, confirmed="the test moves the clock")
    assert care.world.look_up(VN, sealed).envelope is not None
    care.world.clock.ahead = timedelta(days=21)
    run_retention(node, confirmed="the test moves the clock")
    care.world.clock.ahead = held
    found = care.world.look_up(VN, sealed)
    assert (found.state.value, found.envelope, found.erased_at is not None) == ("sealed", None, True)
    with node.store.read() as snapshot:
        owed = [item for item in list_owed_receipts(snapshot) if item.digest == sealed.digest]
    assert [(item.type, item.reason) for item in owed if item.type != "handed-over"] == [("erased", "retention-ended")]
    with caring(node, care.compartments[VN]):
        assert sealed.digest not in {finding.digest for finding in open_waiting(node)}
        with pytest.raises(NotFoundError, match="erased"):
            read_message(node, sealed.header.id, reason="too late")
    assert care.world.look_up(VN, sealed).state.value == "sealed"


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
