"""Attachments reach the exchange before their message, whole, whatever is cut off; the message waits for them."""

from datetime import timedelta

import pytest

from agency_client.attachments import uploading
from agency_client.attachments.folder import list_outgoing
from agency_client.attachments.uploading import Uploader
from agency_client.local_store.outbox import OutboxItem, OutboxState, load_item
from agency_client.receiving.flow import receive
from agency_client.refusals import BadAnswerError, BusyError, NotSentError, RefusalDetails, RefusedError, read_refusal
from agency_client.sending.delivery import deliver_due, deliver_messages
from agency_client.sending.flow import send_alert
from keys.sealing import parse_envelope
from schemas.api import ATTACHMENTS_PATH
from schemas.attachments import UploadAnswer, measure_sealed
from schemas.problems import PROBLEMS, TYPE_PREFIX, ProblemDocument
from tests.support.attached import Attaching

SIZE = 100_000
PIECE = 40_000


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an upload take three pieces."""
    monkeypatch.setattr(uploading, "MAX_PIECE_BYTES", PIECE)


def load(attaching: Attaching, message_id: str) -> OutboxItem:
    with attaching.world["GB"].store.read() as snapshot:
        return load_item(snapshot, message_id)


def refused(code: str) -> RefusedError:
    return RefusedError(f"it is refused: {code}", RefusalDetails(code, 422, (), ""))


def test_the_message_goes_once_its_attachments_are_whole(attaching: Attaching) -> None:
    path = attaching.write("page.png", SIZE)
    report = attaching.send(path)
    (item,) = report.items
    assert item.state is OutboxState.TAKEN
    ((sender, message_id, _), upload) = next(iter(attaching.attached.uploads.items()))
    assert (sender, message_id) == ("GB", item.message_id)
    assert len(upload.data) == upload.size == measure_sealed(SIZE)
    assert path.read_bytes()[:32] not in bytes(upload.data), "what lies there is ciphertext"


@pytest.mark.parametrize("pieces", [0, 1, 2])
def test_an_upload_that_was_cut_off_goes_on_where_it_stood(attaching: Attaching, pieces: int) -> None:
    attaching.attached.cut_after(pieces, NotSentError("away"))
    report = attaching.send(attaching.write("page.png", SIZE))
    (item,) = report.items
    assert (item.state, item.problem and item.problem.code) == (OutboxState.QUEUED, "offline")
    assert not receive(attaching.world["VN"]).stored
    attaching.world.clock.ahead += timedelta(minutes=1)
    attaching.attached.asked.clear()
    assert deliver_due(attaching.world["GB"]).taken == [item.message_id]
    assert len(attaching.attached.asked) == 3 - pieces


def test_one_round_uploads_so_much_and_the_next_goes_on(attaching: Attaching) -> None:
    report = send_alert(attaching.world["GB"], attaching.draft(attaching.write("page.png", SIZE)), deliver=False)
    message_id = report.legs[0].message_id
    first = deliver_due(attaching.world["GB"], upload_bytes=PIECE)
    assert first.waiting[message_id].code == "upload-under-way"
    assert "39 % of it are at the exchange" in first.waiting[message_id].sentence
    assert first.uploaded_bytes == PIECE
    assert load(attaching, message_id).state is OutboxState.QUEUED
    assert deliver_due(attaching.world["GB"], upload_bytes=PIECE).waiting
    last = deliver_due(attaching.world["GB"], upload_bytes=PIECE)
    assert (last.taken, last.uploaded_bytes) == ([message_id], measure_sealed(SIZE) - 2 * PIECE)


def test_a_large_file_without_room_holds_up_no_other_message(attaching: Attaching) -> None:
    gb = attaching.world["GB"]
    large = send_alert(gb, attaching.draft(attaching.write("page.png", SIZE)), deliver=False).legs[0].message_id
    plain = send_alert(gb, attaching.draft(), deliver=False).legs[0].message_id
    attaching.attached.cut_after(0, BusyError("no room", code="storage-full", retry_after_seconds=300))
    report = deliver_due(gb)
    assert (report.taken, list(report.waiting)) == ([plain], [large])
    assert report.waiting[large].code == "storage-full"
    attaching.world.clock.ahead += timedelta(seconds=299)
    assert deliver_due(gb).taken == []
    attaching.world.clock.ahead += timedelta(seconds=2)
    assert deliver_due(gb).taken == [large]


def test_an_upload_that_the_exchange_throws_away_begins_anew_and_not_for_ever(attaching: Attaching) -> None:
    attaching.attached.cut_after(2, refused("attachments-refused"))
    assert attaching.send(attaching.write("one.png", SIZE)).items[0].state is OutboxState.TAKEN
    attaching.world.exchange.tamper[ATTACHMENTS_PATH] = _refuse
    report = attaching.send(attaching.write("two.png", SIZE))
    assert report.items[0].state is OutboxState.CANCELLED


def _refuse(_answer: object) -> object:
    raise refused("attachments-refused")


def test_a_message_that_has_lost_its_sealed_files_ends_and_says_so(attaching: Attaching) -> None:
    gb = attaching.world["GB"]
    report = send_alert(gb, attaching.draft(attaching.write("page.png", SIZE)), deliver=False)
    message_id = report.legs[0].message_id
    for kept in list(list_outgoing(gb.profile)):
        kept.path.unlink()
    delivered = deliver_messages(gb, [message_id])
    assert delivered.refused[message_id].code == "attachment-lost"
    assert load(attaching, message_id).state is OutboxState.CANCELLED


def test_an_exchange_that_claims_what_cannot_be_is_not_believed(attaching: Attaching) -> None:
    gb = attaching.world["GB"]
    report = send_alert(gb, attaching.draft(attaching.write("page.png", SIZE)), deliver=False)
    item = load(attaching, report.legs[0].message_id)
    assert item.envelope is not None
    sealed = parse_envelope(item.envelope).payload.attachments

    def answer(offset: int, *, complete: bool, other: bool = False) -> None:
        message = sealed[0].id if other else item.message_id
        said = UploadAnswer(message=message, id=sealed[0].id, offset=offset, complete=complete)
        attaching.world.exchange.tamper[ATTACHMENTS_PATH] = lambda _answer: said
        with pytest.raises(BadAnswerError):
            Uploader(gb).upload_all(item.message_id, sealed)

    answer(sealed[0].size + 1, complete=False)
    answer(5, complete=True)
    answer(sealed[0].size, complete=False)
    answer(0, complete=False, other=True)


@pytest.mark.parametrize("taken", [0, 1])
def test_an_exchange_that_never_gets_further_or_a_byte_at_a_time_is_left(attaching: Attaching, taken: int) -> None:
    attaching.attached.takes = lambda piece: piece[:taken]
    report = attaching.send(attaching.write("page.png", SIZE))
    (item,) = report.items
    assert (item.state, item.problem and item.problem.code) == (OutboxState.QUEUED, "bad-answer")


def test_an_exchange_without_room_says_when_to_come_again() -> None:
    for slug, status in (("storage-full", 507), ("upload-quota-exhausted", 429)):
        problem = ProblemDocument(type=TYPE_PREFIX + slug, title="no room", status=status, detail="no room now")
        error = read_refusal(status, {"retry-after": "50"}, problem.canonical())
        assert isinstance(error, BusyError)
        assert (error.code, error.retry_after_seconds) == (slug, 50)
        assert PROBLEMS[slug].status == status
