"""What is attached, as its sender says, and where its bytes are: at the exchange, here, or nowhere any more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agency_client.attachments import fetching
from agency_client.attachments.listing import Place, fetch_attachments, list_attachments
from agency_client.errors import UsageError
from agency_client.local_store.inbox import InboxFilter, InboxMessage
from agency_client.reading.lists import view_inbox
from agency_client.refusals import UnansweredError
from agency_client.sending.flow import send_alert
from agency_client.terminal.attachment_pages import describe_line, spell_size
from tests.support.attached import Attaching
from tests.support.lying_world import make_ping


def find_places(attaching: Attaching, message: InboxMessage) -> list[Place | None]:
    _, lines = list_attachments(attaching.world["VN"], message.message_id, reason="case 74/08")
    return [line.place for line in lines]


def fetch(attaching: Attaching, message: InboxMessage) -> tuple[str, ...]:
    return fetch_attachments(attaching.world["VN"], message.message_id, (), reason="case 74/08")


def test_it_is_listed_with_caption_size_and_what_it_seems_to_be(attaching: Attaching) -> None:
    message = attaching.arrive(attaching.write("page.png", 5000))
    _, (line,) = list_attachments(attaching.world["VN"], message.message_id, reason="case 74/08")
    assert (line.caption, line.name, line.media_type, line.size) == ("page.png", "page.png", "image/png", 5000)
    assert (line.place, line.until) == (Place.AT_THE_EXCHANGE, message.expires_at)
    shown = describe_line(line)
    assert (shown["where"], shown["size"]) == ("at-the-exchange", 5000)
    (row,) = [
        row for row in view_inbox(attaching.world["VN"], InboxFilter()).rows if row.message.digest == message.digest
    ]
    assert row.attachments == 1


def test_it_is_here_once_it_was_fetched_and_gone_when_its_delivery_has_ended(
    attaching: Attaching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MAX_PIECE_BYTES", 40_000)
    message = attaching.arrive(attaching.write("page.png"))
    attaching.attached.cut_after(1, UnansweredError("gone"))
    with pytest.raises(UnansweredError):
        fetch(attaching, message)
    assert find_places(attaching, message) == [Place.IN_PART]
    attaching.world.clock.ahead = timedelta(days=11)
    assert find_places(attaching, message) == [Place.GONE]
    attaching.world.clock.ahead = timedelta()
    assert len(fetch(attaching, message)) == 1
    assert find_places(attaching, message) == [Place.HERE]


def test_what_was_only_named_is_told_apart(attaching: Attaching) -> None:
    gb = attaching.world["GB"]
    draft = attaching.draft(attaching.write("page.png"))
    report = send_alert(gb, replace(draft, alert=make_ping(own_reference="listed", subject="One")))
    found, (line,) = list_attachments(gb, report.legs[0].message_id, reason="case 74/08")
    assert line.place is Place.SENT
    assert found.alert.attachments[0].id == line.id
    with pytest.raises(UsageError, match="this agency's own"):
        fetch_attachments(gb, report.legs[0].message_id, (), reason="case 74/08")


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (1 << 30, "1.0 GiB"), (3 << 40, "3072.0 GiB")],
)
def test_sizes_are_said_in_the_unit_a_person_reads(size: int, words: str) -> None:
    assert spell_size(size) == words
