"""Revocations as a weapon: without reason or law, of other states' documents; challenges hidden, forged, shaken off.

An issuing state that looks past its own client, and an exchange that lets everything through, against the node that
holds the report and disputes it.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.challenges.answering import ChallengeAnswer, answer_challenge
from agency_client.local_store.inbox import InboxMessage, InboxState
from agency_client.local_store.sent import load_message
from agency_client.onward import exporting
from agency_client.onward.bundle import ExportUse
from agency_client.onward.exporting import Export, export_message
from agency_client.onward.passing_on import DisputedError, PassOn, pass_on
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.sending.correcting import ChangeRefusedError
from agency_client.sending.draft import AlertRefusedError
from agency_client.sending.flow import NotCoveredError
from agency_client.sending.noticing import correct, withdraw
from schemas.alerts.kinds.document_status import ChallengeState
from schemas.envelope import Reference
from schemas.markings import Purpose
from tests.schemas.alerts.filled import load
from tests.support.lying_world import LyingWorld, make_aftercare, make_alert
from tests.support.reports import AUTHOR, BE, GB, REVOCATION, VN, Reporters, agree_on_reports

UNFOUNDED = ("reason", "ordered_by", "ordered_on", "legal_reference")


@pytest.fixture(scope="module")
def agreed(three_agencies: LyingWorld) -> Reporters:
    """GB, which may report anything to VN and BE, as they may to each other."""
    return agree_on_reports(three_agencies)


@pytest.fixture
def reporters(agreed: Reporters, world: LyingWorld) -> Reporters:
    """The same, around an exchange that is honest until a test says otherwise."""
    world.clock.ahead += timedelta(minutes=1)
    return agreed


def force(reporters: Reporters, alert: dict[str, Any], sender: str, to: str, **header: Any) -> InboxMessage:
    """Let a member seal an alert past its own client, and the exchange deliver it; return it as it lies there."""
    world = reporters.world
    sealed = world.craft(
        sender, to, reporters.terms[sender, to], alert=alert, purpose=Purpose.DOCUMENT_INTEGRITY, **header
    )
    world.deliver(sealed, to)
    return world.receive(to, sealed)


def judge(message: InboxMessage) -> tuple[InboxState, str]:
    """Return what became of a message, and the code of the reason."""
    return message.state, message.problem.code if message.problem else ""


@pytest.mark.parametrize("missing", UNFOUNDED)
def test_a_state_revokes_and_does_not_say_on_whose_decision_or_under_which_law(
    reporters: Reporters, missing: str
) -> None:
    unfounded = {name: value for name, value in REVOCATION.items() if name != missing}
    with pytest.raises(AlertRefusedError, match=missing):
        reporters.report(VN, revocation=unfounded)
    alert = reporters.make_report(revocation=unfounded)
    assert judge(force(reporters, alert, GB, VN)) == (InboxState.REFUSED, "alert-invalid")


def test_a_state_revokes_and_says_nothing_of_it(reporters: Reporters) -> None:
    with pytest.raises(AlertRefusedError, match="revocation"):
        reporters.report(VN, revocation=None)
    assert judge(force(reporters, reporters.make_report(revocation=None), GB, VN))[0] is InboxState.REFUSED


def test_a_state_revokes_the_passport_of_another_state(reporters: Reporters) -> None:
    with pytest.raises(NotCoveredError, match="only the issuing state may report"):
        reporters.report(VN, issuing_state="VNM")
    foreign = reporters.make_report(issuing_state="VNM")
    assert judge(force(reporters, foreign, GB, VN)) == (InboxState.REFUSED, "not-the-issuer")


def test_a_member_tells_movements_of_a_third_states_citizen(reporters: Reporters) -> None:
    notice = load("movement-notice") | {"data_as_of": reporters.now()}
    del notice["retain_until"]
    notice["details"]["nationality"] = "VNM"
    with pytest.raises(NotCoveredError, match="Viet Nam"):
        reporters.send(notice, VN)
    assert judge(force(reporters, notice, GB, VN)) == (InboxState.REFUSED, "not-a-citizen")


def test_an_agency_challenges_what_it_never_received(reporters: Reporters) -> None:
    report = reporters.report(VN)[VN]
    challenge = make_challenge(reporters, report)
    found = force(reporters, challenge, BE, GB, refers_to=report)
    assert judge(found) == (InboxState.UNVERIFIABLE, "reference-refused")
    assert reporters.marks(GB, report) == ()


class Named:
    """A message as those who refer to it name it."""

    def __init__(self, reference: Reference) -> None:
        self.header, self.digest = reference, reference.digest


def force_correction(reporters: Reporters, about: Reference, **change: str) -> ReadMessage:
    """Let GB correct a field past its own client; return the message as VN reads it then."""
    alert = make_aftercare("correction", Named(about), reporters.world, changes=[change])  # type: ignore[arg-type]
    assert judge(force(reporters, alert, GB, VN, refers_to=about)) == (InboxState.OPENED, "")
    found = read_message(reporters.world[VN], about.id, reason="x")
    assert isinstance(found, ReadMessage)
    return found


@pytest.mark.parametrize(
    ("field", "now"), [("details.issuing_state", "VNM"), ("details.number", "X0000001")], ids=["state", "number"]
)
def test_a_state_corrects_the_report_of_its_own_document_into_one_of_another(
    reporters: Reporters, field: str, now: str
) -> None:
    alert = reporters.make_report()
    report = reporters.send(alert, VN)[VN]
    was = alert["details"][field.removeprefix("details.")]
    change = {"field": field, "was": was, "now": now}
    due = {"reason": "typing-error", "required_action": "amend", "acknowledge_by": reporters.now()}
    with pytest.raises(ChangeRefusedError, match="another document is reported in a report of its own"):
        correct(reporters.world[GB], report.id, AUTHOR, details={"changes": [change], **due})
    found = force_correction(reporters, report, **change)
    assert found.corrected is not None
    assert found.corrected.alert == found.alert
    assert found.corrected.fields[0].is_outside


def test_a_member_corrects_a_movement_into_one_of_a_third_states_citizen(reporters: Reporters) -> None:
    notice = load("movement-notice") | {"data_as_of": reporters.now()}
    del notice["retain_until"]
    told = reporters.send(notice, VN)[VN]
    was = notice["details"]["nationality"]
    found = force_correction(reporters, told, field="details.nationality", was=was, now="VNM")
    assert found.corrected is not None
    assert "Viet Nam" in found.corrected.fields[0].misfit
    assert found.corrected.alert == found.alert


def test_an_issuer_tells_of_a_challenge_of_another_document_by_naming_it_beside_its_own(reporters: Reporters) -> None:
    disputed = reporters.make_report()
    report = reporters.send(disputed, VN)[VN]
    reporters.challenge(report)
    told = {"lodged_on": "2026-11-20", "lodged_with": "x", "status": "upheld", "decided_on": "2026-11-21"}
    number = disputed["details"]["number"]
    documents = [{"type": "passport", "issuing_state": "UTO", "number": number}]
    for place in range(8):  # which of the two references stands first is as a key has it
        alert = reporters.make_report(challenge=told, national_reference=f"UTO-{place}")
        alert["persons"] = [{"ref": "p1", "role": "suspect", "names": [{"text": "ERIKSSON"}], "documents": documents}]
        assert force(reporters, alert, GB, VN).state is InboxState.OPENED
    assert reporters.marks(VN, report) == ("CHALLENGED",)


def make_challenge(reporters: Reporters, about: Reference) -> dict[str, Any]:
    """Return a challenge of any message."""
    details = {name: value for name, value in load("revocation-challenge")["details"].items() if name != "on_behalf_of"}
    return make_alert("revocation-challenge", details, in_reply_to=about.to_wire(), data_as_of=reporters.now())


def test_a_challenge_is_said_of_what_is_no_report(reporters: Reporters) -> None:
    ping = reporters.send(make_alert("ping", {"text": "hello"}), VN)[VN]
    found = force(reporters, make_challenge(reporters, ping), VN, GB, refers_to=ping)
    assert judge(found) == (InboxState.REFUSED, "challenge-misplaced")


def test_an_issuing_state_challenges_its_own_report_at_the_recipient(reporters: Reporters) -> None:
    report = reporters.report(VN)[VN]
    found = force(reporters, make_challenge(reporters, report), GB, VN, refers_to=report)
    assert judge(found) == (InboxState.REFUSED, "challenge-misplaced")
    assert reporters.marks(VN, report) == ()


@pytest.mark.parametrize(
    "disguise",
    [
        {},
        {"status": "lost", "revocation": None},
        {"status": "invalid", "revocation": None},
        {"revocation": REVOCATION | {"reason": "court-order", "court_reference": "UTO-C-1"}},
        {"type": "identity-card"},
    ],
)
def test_an_issuer_reports_the_same_document_anew_to_shake_the_challenge_off(
    reporters: Reporters, disguise: dict[str, Any]
) -> None:
    alert = reporters.make_report()
    report = reporters.send(alert, VN)[VN]
    reporters.challenge(report)
    number = alert["details"]["number"]
    spelled = f"{number[0]} {number[1:4]}-{number[4:]}".lower()
    again = reporters.make_report(number=spelled, **disguise)
    renewed = reporters.send(again | {"supersedes": report.to_wire()}, VN)[VN]
    assert reporters.marks(VN, renewed) == ("CHALLENGED",)
    assert reporters.marks(VN, report) == ("CHALLENGED",)


def test_another_agency_of_the_same_state_reports_it_in_the_issuers_place(reporters: Reporters) -> None:
    alert = reporters.make_report()
    report = reporters.send(alert, VN)[VN]
    reporters.challenge(report)
    renewed = force(reporters, reporters.make_report(number=alert["details"]["number"]), BE, VN)
    assert renewed.state is InboxState.OPENED
    assert reporters.marks(VN, Reference(id=renewed.message_id, digest=renewed.digest)) == ("CHALLENGED",)


def test_an_issuer_has_the_report_erased_and_reports_it_anew(reporters: Reporters) -> None:
    alert = reporters.make_report()
    report = reporters.send(alert, VN)[VN]
    reporters.challenge(report)
    withdraw(reporters.world[GB], report.id, AUTHOR, because="wrong")
    reporters.world.collect(VN)
    assert reporters.look_up(VN, report).erased_at is not None
    renewed = reporters.report(VN, number=alert["details"]["number"])[VN]
    assert reporters.marks(VN, renewed) == ("CHALLENGED",)


def test_an_issuer_takes_the_challenge_of_another_back(reporters: Reporters) -> None:
    report = reporters.report(VN)[VN]
    challenge = reporters.challenge(report).items[0]
    with reporters.world[VN].store.read() as snapshot:
        said = load_message(snapshot, challenge.message_id)
    target = Reference(id=said.message_id, digest=said.digest)

    forged = make_aftercare("withdrawal", Named(target), reporters.world)  # type: ignore[arg-type]
    found = force(reporters, forged, GB, VN, refers_to=target)
    assert judge(found) == (InboxState.UNVERIFIABLE, "reference-refused")
    assert reporters.marks(VN, report) == ("CHALLENGED",)


def test_an_issuer_dismisses_what_it_was_asked_and_falls_silent(reporters: Reporters) -> None:
    alert = reporters.make_report()
    report = reporters.send(alert, VN)[VN]
    challenge = reporters.challenge(report).items[0]
    dismissed = ChallengeAnswer(ChallengeState.DISMISSED, "Ministry of the Interior", "2026-11-22", "Not founded.")
    answer_challenge(reporters.world[GB], challenge.message_id, AUTHOR, dismissed)
    reporters.world.collect(VN)
    assert reporters.marks(VN, report) == ("CHALLENGED", "challenge dismissed")
    silent = reporters.report(VN, number=alert["details"]["number"], national_reference="UTO-RV-2026-2")[VN]
    assert reporters.marks(VN, silent) == ("CHALLENGED", "challenge dismissed")


def test_a_broker_withholds_the_challenge_and_it_stands_all_the_same(reporters: Reporters) -> None:
    report = reporters.report(VN)[VN]
    reporters.world.exchange.delivers = False
    try:
        reporters.challenge(report)
    finally:
        reporters.world.exchange.delivers = True
    assert reporters.marks(VN, report) == ("CHALLENGED",)
    found = read_message(reporters.world[VN], report.id, reason="x")
    assert isinstance(found, ReadMessage)
    assert found.standing.disputed.is_open


def test_a_holder_passes_on_what_it_disputes_as_if_it_did_not(reporters: Reporters) -> None:
    report = reporters.send(reporters.make_report() | {"onward": [BE]}, VN)[VN]
    reporters.challenge(report)
    with pytest.raises(DisputedError, match="CHALLENGED"):
        pass_on(reporters.world[VN], PassOn(report.id, (BE,), reason="x"))


def test_a_holder_shows_a_disputed_report_to_others(
    reporters: Reporters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "is_leaf_witnessed", lambda *_: True)
    report = reporters.report(VN)[VN]
    reporters.challenge(report)
    made = export_message(reporters.world[VN], tmp_path / "x.json", Export(report.id, ExportUse.OWN_FILE, "x"))
    assert made.disputed is not None
    assert made.disputed.marks == ("CHALLENGED",)
    assert [(item.lodged_by, item.ground.value) for item in made.disputed.challenges] == [(VN, "not-final")]
