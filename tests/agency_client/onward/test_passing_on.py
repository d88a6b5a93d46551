"""A message goes on by the originator's leave alone, and the leave travels with it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.attachments.attaching import AttachedFile
from agency_client.attachments.fetching import AttachmentForgedError
from agency_client.attachments.listing import list_attachments
from agency_client.attachments.saving import Saving, save_attachments
from agency_client.attachments.sealing import PlainFile, SealedFiles
from agency_client.errors import ClientError, DeniedError, UsageError
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.content import limit_retention
from agency_client.local_store.duties import find_content_end
from agency_client.local_store.inbox import InboxMessage, InboxState
from agency_client.local_store.onward import find_original_of_copy, list_onward_copies
from agency_client.local_store.outbox import begin_attempt
from agency_client.local_store.problems import Problem
from agency_client.onward import passing_on
from agency_client.onward.passing_on import NoRightError, PassOn, pass_on
from agency_client.onward.rules import RightKind
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.publishing import publish_queued
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.receiving.flow import receive
from agency_client.refusals import UnansweredError
from agency_client.sending.delivery import deliver_messages
from agency_client.sending.draft import Draft
from agency_client.sending.flow import NotCoveredError, send_alert
from agency_client.sending.noticing import restrict, withdraw
from agency_client.sending.renewal import renew_refused
from agency_client.sending.seal import SealingOrder
from schemas.agreements.terms import OnwardRule
from schemas.markings import Purpose, Tlp
from tests.support.attached import make_bytes
from tests.support.lying_world import LyingWorld, make_ping
from tests.support.onward import AL, AUTHOR, BE, GB, PURPOSE, VN, Row, make_row


def read(row: Row, agency: str, arrived: InboxMessage) -> ReadMessage:
    """Read a message as an officer does."""
    found = read_message(row[agency], arrived.message_id, reason="case 74/08")
    assert isinstance(found, ReadMessage)
    return found


def count_sent(row: Row, agency: str) -> int:
    with row[agency].store.read() as snapshot:
        count: int = snapshot.fetch_value("SELECT count(*) FROM sent_message")
    return count


def test_what_the_originator_consented_to_arrives_with_its_consent(row: Row) -> None:
    held = row.send(VN, BE, handling={"codes": ["h0", "h2"]})
    consent = row.consent(BE, held, AL, conditions="For the comparison only.")
    copy = row.pass_on(BE, held, AL)
    arrived = row.take_in(AL, copy)

    assert (arrived.state, arrived.problem) == (InboxState.OPENED, None)
    with row[AL].store.read() as snapshot:
        origin = find_original_of_copy(snapshot, arrived.digest)
    assert origin is not None
    assert (origin.originator, origin.path, origin.consent_digest) == (VN, (VN, BE), consent.digest)
    assert (origin.original.id, origin.original.digest) == (held.message_id, held.digest)
    with row[BE].store.read() as snapshot:
        (known,) = list_onward_copies(snapshot, held.digest)
    assert (known.copy_digest, known.recipient, known.consent_digest) == (arrived.digest, AL, consent.digest)


def test_the_reader_of_a_copy_sees_the_originators_words_and_the_way_they_took(row: Row) -> None:
    held = row.send(VN, BE, subject="Series 77", caveats=[{"code": "no-contact-with-subject"}])
    row.consent(BE, held, AL, conditions="For the comparison only.")
    arrived = row.take_in(AL, row.pass_on(BE, held, AL))
    shown, original = read(row, AL, arrived), read(row, BE, held)

    assert shown.message.alert == original.message.alert
    assert shown.alert.caveats == original.alert.caveats
    assert original.origin is None
    assert shown.origin is not None
    assert shown.origin.right is RightKind.CONSENT
    assert shown.origin.decision is not None
    assert shown.origin.decision.conditions == "For the comparison only."
    day = f"{shown.origin.consent.accepted_at:%Y-%m-%d}" if shown.origin.consent else ""
    assert shown.origin.spell_way() == f"VN → BE → AL, consent of VN of {day}"
    assert shown.origin.original.is_pinned


def test_whom_the_originator_named_gets_it_without_a_question(row: Row) -> None:
    held = row.send(VN, BE, onward=[AL, GB])
    copy = row.pass_on(BE, held, AL)
    arrived = row.take_in(AL, copy)
    further = row.take_in(GB, row.pass_on(AL, arrived, GB))

    assert copy.right is RightKind.NAMED
    assert (arrived.state, further.state) == (InboxState.OPENED, InboxState.OPENED)
    shown, first = read(row, GB, further), read(row, AL, arrived)
    assert shown.origin is not None
    assert first.origin is not None
    assert shown.origin.spell_way() == "VN → BE → AL → GB, named by VN in the message"
    # However far it goes, it carries the originator's own message once.
    assert shown.message.provenance is not None
    assert first.message.provenance is not None
    assert shown.message.provenance.original == first.message.provenance.original


def test_without_a_right_nothing_is_sealed_and_the_question_to_ask_is_named(row: Row) -> None:
    held = row.send(VN, BE)
    before = count_sent(row, BE)
    with pytest.raises(NoRightError) as refused:
        row.pass_on(BE, held, AL)
    assert refused.value.code == "consent-missing"
    assert "VN has neither named AL nor consented since" in refused.value.sentence
    assert f"agency release request {held.message_id} --to AL --purpose document-integrity" in refused.value.fix
    assert count_sent(row, BE) == before
    with row[BE].store.read() as snapshot:
        (denied,) = list_entries(snapshot, AccessFilter(message=held.message_id, outcome="denied"))
    assert (denied.verb, denied.partner, denied.action.value) == ("pass-on", AL, "disclosure")


def test_a_consent_for_one_does_not_reach_another(row: Row) -> None:
    held = row.send(VN, BE)
    row.consent(BE, held, GB)
    with pytest.raises(NoRightError, match="the consent is for GB, not for AL"):
        row.pass_on(BE, held, AL)


def test_all_recipients_get_it_or_none(row: Row) -> None:
    held = row.send(VN, BE, onward=[AL])
    before = count_sent(row, BE)
    with pytest.raises(NoRightError):
        pass_on(row[BE], PassOn(held.message_id, (AL, GB), reason="case 74/08"))
    assert count_sent(row, BE) == before


def test_a_refusal_and_a_consent_that_has_ended_let_nothing_go_on(row: Row) -> None:
    held = row.send(VN, BE)
    row.consent(BE, held, AL, valid_until=row.in_hours(1))
    row.later(hours=2)
    with pytest.raises(NoRightError, match="the consent ended at") as refused:
        row.pass_on(BE, held, AL)
    assert refused.value.code == "consent-ended"


def test_another_purpose_and_a_lower_marking_are_refused(row: Row) -> None:
    held = row.send(VN, BE, onward=[AL])
    with pytest.raises(NoRightError, match="border-control needs a consent"):
        row.pass_on(BE, held, AL, purpose=Purpose.BORDER_CONTROL)
    with pytest.raises(NoRightError, match="TLP:GREEN is lower than") as refused:
        row.pass_on(BE, held, AL, marking=Tlp.GREEN)
    assert "nobody can allow this" in refused.value.fix


def test_for_another_purpose_or_marking_it_goes_again(row: Row) -> None:
    held = row.send(VN, BE, marking=Tlp.GREEN)
    both = (PURPOSE, Purpose.BORDER_CONTROL)
    question = row.ask(BE, held, recipients=(AL,), purposes=both)
    row.grant(VN, question)
    copies = [
        row.pass_on(BE, held, AL),
        row.pass_on(BE, held, AL, purpose=Purpose.BORDER_CONTROL),
        row.pass_on(BE, held, AL, marking=Tlp.AMBER),
    ]
    assert [copy.is_repeated for copy in copies] == [False] * 3
    assert len({copy.item.message_id for copy in copies}) == 3
    again = row.pass_on(BE, held, AL, purpose=Purpose.BORDER_CONTROL)
    assert (again.is_repeated, again.item.message_id) == (True, copies[1].item.message_id)


def test_done_again_it_sends_nothing_again(row: Row) -> None:
    held = row.send(VN, BE, onward=[AL])
    first = row.pass_on(BE, held, AL)
    again = row.pass_on(BE, held, AL)
    assert (first.is_repeated, again.is_repeated) == (False, True)
    assert again.item.message_id == first.item.message_id


def test_what_was_taken_back_does_not_go_on(row: Row) -> None:
    held = row.send(VN, BE, onward=[AL])
    withdraw(row[VN], held.message_id, AUTHOR, because="wrong")
    receive(row[BE])
    with pytest.raises(ClientError) as refused:
        row.pass_on(BE, held, AL)
    assert refused.value.code in {"withdrawn", "content-erased"}


def test_ones_own_message_needs_nobodys_consent(row: Row) -> None:
    held = row.send(VN, BE)
    with pytest.raises(UsageError, match="this agency's own"):
        row.pass_on(VN, held, BE)


def test_an_agreement_that_forbids_it_leaves_nobody_to_ask(four_agencies: LyingWorld) -> None:
    strict = make_row(four_agencies, "forbids", onward=OnwardRule.FORBIDDEN)
    held = strict.send(VN, BE)
    with pytest.raises(NoRightError, match="its agreement forbids passing it on") as refused:
        strict.pass_on(BE, held, AL)
    assert (refused.value.code, "release request" in refused.value.fix) == ("onward-forbidden", False)


def test_an_agreement_of_ones_own_must_cover_the_copy(four_agencies: LyingWorld) -> None:
    row = make_row(four_agencies, "narrow", onward_agencies=(AL,), onward=OnwardRule.LISTED)
    held = row.send(VN, BE, onward=[AL])
    with pytest.raises(NotCoveredError, match="amber-strict is above amber"):
        row.pass_on(BE, held, AL, marking=Tlp.AMBER_STRICT)
    assert row.take_in(AL, row.pass_on(BE, held, AL)).state is InboxState.OPENED


def test_who_leaves_out_where_it_comes_from_says_it_as_its_own(row: Row) -> None:
    """Nobody can tell from the copy: what is promised is that it is never shown as the originator's."""
    held = row.send(VN, BE, onward=[AL])
    alert = read(row, BE, held).message.alert
    sealed = row.world.craft(BE, AL, row.terms[BE, AL], alert=alert, purpose=Purpose.DOCUMENT_INTEGRITY)
    row.world.deliver(sealed, AL)
    receive(row[AL])
    shown = read(row, AL, row.find(AL, sealed.header.id))
    assert (shown.origin, shown.provenance.sender) == (None, BE)


def test_what_is_restricted_stays_where_it_is(row: Row) -> None:
    held = row.send(VN, BE, onward=[AL])
    restrict(row[VN], held.message_id, AUTHOR, ground="accuracy-contested", still_allowed=("legal-claim",))
    receive(row[BE])
    with pytest.raises(DeniedError) as refused:
        row.pass_on(BE, held, AL)
    assert refused.value.code == "restricted"
    with pytest.raises(DeniedError) as refused:
        row.ask(BE, held, recipients=(AL,))
    assert refused.value.code == "restricted"


def test_a_copy_that_is_sealed_again_is_still_a_copy(row: Row) -> None:
    held = row.send(VN, BE, onward=[AL])
    ends_at = row[BE].clock.now() + timedelta(days=3)
    with row[BE].store.write() as transaction:
        limit_retention(transaction, held.digest, ends_at)
    (copy,) = pass_on(row[BE], PassOn(held.message_id, (AL,), reason="case 74/08"), deliver=False)
    with row[BE].store.read() as snapshot:
        (known,) = list_onward_copies(snapshot, held.digest)
        assert find_content_end(snapshot, known.copy_digest) == ends_at, "the words end here with the message"
    for _ in range(2):
        publish_queued(row[AL], prepare_encryption_keys(row[AL]))
    now = row[BE].clock.now()
    with row[BE].store.write() as transaction:
        begin_attempt(transaction, copy.item.message_id, at=now, in_doubt_until=now)
    problem = Problem("encryption-key-not-current", "the key named is no current key of AL")
    leg = renew_refused(row[BE], copy.item.message_id, problem)
    assert leg is not None
    deliver_messages(row[BE], [leg.message_id])
    receive(row[AL])
    arrived = row.find(AL, leg.message_id)
    assert (arrived.state, arrived.problem) == (InboxState.OPENED, None)
    with row[BE].store.read() as snapshot:
        (known,) = list_onward_copies(snapshot, held.digest)
        assert find_content_end(snapshot, known.copy_digest) == ends_at
    assert (known.copy_id, known.copy_digest) == (leg.message_id, arrived.digest)
    shown = read(row, AL, arrived)
    assert shown.origin is not None
    assert shown.origin.path == (VN, BE)


@pytest.mark.parametrize("retired_at", [None, 1], ids=["pinned", "not pinned"])
def test_a_copy_waits_until_the_log_has_shown_its_originator_here(row: Row, retired_at: int | None) -> None:
    held = row.send(VN, BE, onward=[AL])
    with row[AL].store.write() as transaction:
        transaction.execute("UPDATE key_document SET agency = 'hidden' WHERE agency = 'VN'")
        transaction.execute("UPDATE agency_pin SET retired_at = ? WHERE agency = 'VN'", retired_at)
    try:
        arrived = row.take_in(AL, row.pass_on(BE, held, AL))
    finally:
        with row[AL].store.write() as transaction:
            transaction.execute("UPDATE key_document SET agency = 'VN' WHERE agency = 'hidden'")
            transaction.execute("UPDATE agency_pin SET retired_at = NULL WHERE agency = 'VN'")
    assert (arrived.state, arrived.problem and arrived.problem.code) == (InboxState.NEW, "originator-unknown")
    receive(row[AL])
    assert row.find(AL, arrived.message_id).state is InboxState.OPENED


def send_with_file(row: Row, path: Path, **members: Any) -> InboxMessage:
    """Let VN send BE a message with a file."""
    draft = Draft(
        alert=make_ping(onward=[AL], **members),
        purpose=Purpose.DOCUMENT_INTEGRITY,
        necessity="It is needed there.",
        reason="case 74/08",
        recipients=(BE,),
        agreement=row.terms[VN, BE].id,
        attachments=(AttachedFile(path, "The data page"),),
    )
    return row.take_in(BE, send_alert(row[VN], draft))


def save(row: Row, agency: str, message: InboxMessage, folder: Path) -> bytes:
    """Let an agency save the one attachment of a message, and return its bytes."""
    (saved,) = save_attachments(row[agency], Saving(message.message_id, folder, "case 74/08"))
    return saved.path.read_bytes()


def test_attachments_go_on_as_the_originator_sent_them_or_stay_named_alone(row: Row, tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    path.write_bytes(make_bytes("page", 20_000))
    held = send_with_file(row, path)
    arrived = row.take_in(AL, row.pass_on(BE, held, AL))
    assert (arrived.state, arrived.problem) == (InboxState.OPENED, None)
    assert save(row, AL, arrived, tmp_path) == path.read_bytes()
    first, copy = read(row, BE, held).message.attachments, read(row, AL, arrived).message.attachments
    assert [item.sha256 for item in copy] == [item.sha256 for item in first]
    assert copy[0].key != first[0].key, "each copy is under a key of its own"

    named = send_with_file(row, path, subject="Once more")
    bare = row.take_in(AL, row.pass_on(BE, named, AL, leaves_attachments=True))
    _, (line,) = list_attachments(row[AL], bare.message_id, reason="case 74/08")
    assert (line.caption, line.place) == ("The data page", None)


def test_a_copy_with_another_file_than_the_originators_is_not_shown(row: Row, tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    path.write_bytes(make_bytes("page", 5_000))
    held = send_with_file(row, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passing_on, "plan_resealing", lambda *_: _plan_other_bytes(held, row))
        copy = row.pass_on(BE, held, AL)
    arrived = row.take_in(AL, copy)
    assert (arrived.state, arrived.problem and arrived.problem.code) == (InboxState.UNVERIFIABLE, "provenance-refused")


def _plan_other_bytes(held: InboxMessage, row: Row) -> PlainFile:
    (first,) = read(row, BE, held).message.attachments
    return PlainFile(first.id, first.name, first.media_type, first.size, lambda: iter([bytes(first.size)]))


def test_an_attachment_that_is_not_what_its_sender_said_goes_on_to_nobody(row: Row, tmp_path: Path) -> None:
    path, make_files = tmp_path / "page.png", SealingOrder.find_files
    path.write_bytes(make_bytes("page", 5_000))

    def lie(order: SealingOrder, recipient: str) -> SealedFiles:
        files = make_files(order, recipient)
        return replace(files, inside=tuple(item.model_copy(update={"sha256": "A" * 43}) for item in files.inside))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SealingOrder, "find_files", lie)
        held = send_with_file(row, path)
    before = count_sent(row, BE)
    with pytest.raises(AttachmentForgedError, match="content is not the one its sender named"):
        row.pass_on(BE, held, AL)
    assert count_sent(row, BE) == before


def test_a_copy_waits_for_attachments_that_cannot_be_fetched(row: Row, tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    path.write_bytes(make_bytes("page", 5_000))
    held = send_with_file(row, path)
    before = count_sent(row, BE)
    row.world.exchange.attached.cut_after(0, UnansweredError("gone"))
    with pytest.raises(UnansweredError):
        row.pass_on(BE, held, AL)
    assert count_sent(row, BE) == before
    assert row.take_in(AL, row.pass_on(BE, held, AL)).state is InboxState.OPENED
