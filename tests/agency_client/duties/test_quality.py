"""No doubtful alert leaves without words, the words travel, and what nobody spoke to the reader's own check shows."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agency_client.duties.quality import QualityDoubtedError, find_open_doubts, parse_answers
from agency_client.errors import UsageError
from agency_client.local_store.access_log import list_entries
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.sending.draft import Draft
from agency_client.sending.flow import plan_alert, review_alert, send_alert
from schemas.model import format_timestamp
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld

WORDS = "confirmed by phone today"


def make_stale(world: LyingWorld, terms: Any, **changes: Any) -> Draft:
    """Return the draft of a false passport whose data are a hundred days old."""
    draft = make_draft("VN", agreement=terms.id, **changes)
    old = format_timestamp(world.clock.now() - timedelta(days=100))
    return replace(draft, alert={**draft.alert, "data_as_of": old})


def read_at_vn(world: LyingWorld, message_id: str) -> ReadMessage:
    """Return a message as VN reads it."""
    world.collect("VN")
    found = read_message(world["VN"], message_id, reason="case 74/08")
    assert isinstance(found, ReadMessage)
    return found


def test_a_sound_alert_asks_for_nothing_and_says_that_it_was_checked(world: LyingWorld, terms: Any) -> None:
    sent = send_alert(world["GB"], make_draft("VN", agreement=terms.id))
    found = read_at_vn(world, sent.legs[0].message_id)
    assert found.alert.quality is not None
    assert found.alert.quality.answered == ()
    assert found.told is not None
    assert found.told.doubts == ()


def test_a_doubtful_alert_stays_here_and_the_attempt_is_on_record(world: LyingWorld, terms: Any) -> None:
    with pytest.raises(QualityDoubtedError) as caught:
        send_alert(world["GB"], make_stale(world, terms))
    assert [doubt.code.value for doubt in caught.value.doubts] == ["stale-data"]
    assert '--quality stale-data="…"' in caught.value.fix
    with world["GB"].store.read() as snapshot:
        newest = list_entries(snapshot, limit=1)[0]
    assert (newest.verb, newest.outcome) == ("send", "denied")


def test_the_officers_words_travel_and_the_reader_sees_them(world: LyingWorld, terms: Any) -> None:
    sent = send_alert(world["GB"], make_stale(world, terms, quality={"stale-data": WORDS}))
    found = read_at_vn(world, sent.legs[0].message_id)
    assert found.alert.quality is not None
    (answer,) = found.alert.quality.answered
    assert (answer.code.value, answer.field, answer.words) == ("stale-data", "data_as_of", WORDS)
    assert found.told is not None
    assert found.told.doubts == (), "its sender spoke to it"


@pytest.mark.parametrize("quality", [{"bad-mood": "x"}, {"check-digits": "x"}])
def test_an_answer_to_no_doubt_there_is_refused(world: LyingWorld, terms: Any, quality: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="--quality"):
        send_alert(world["GB"], make_draft("VN", agreement=terms.id, quality=quality))


def test_words_that_cannot_be_sent_are_refused(world: LyingWorld, terms: Any) -> None:
    with pytest.raises(UsageError, match="stale-data"):
        send_alert(world["GB"], make_stale(world, terms, quality={"stale-data": "a\x1b[2Jb"}))


def test_nobody_states_a_check_by_hand(world: LyingWorld, terms: Any) -> None:
    draft = make_draft("VN", agreement=terms.id)
    stated = {"checked_at": format_timestamp(world.clock.now())}
    with pytest.raises(UsageError, match="quality"):
        send_alert(world["GB"], replace(draft, alert={**draft.alert, "quality": stated}))


def test_a_dry_run_shows_the_doubts_and_sends_nothing(world: LyingWorld, terms: Any) -> None:
    draft = make_stale(world, terms)
    report = review_alert(world["GB"], draft, plan_alert(world["GB"], draft))
    assert [doubt.code.value for doubt in report.unanswered] == ["stale-data"]
    answered = replace(draft, quality={"stale-data": WORDS})
    assert review_alert(world["GB"], answered, plan_alert(world["GB"], answered)).unanswered == ()


def test_the_same_is_not_sent_twice_by_mistake(world: LyingWorld, terms: Any) -> None:
    draft = make_draft("VN", agreement=terms.id)
    first = send_alert(world["GB"], draft)
    again = replace(draft, alert={**draft.alert, "data_as_of": format_timestamp(world.clock.now())})
    with pytest.raises(QualityDoubtedError) as caught:
        send_alert(world["GB"], again)
    assert first.legs[0].message_id in caught.value.sentence
    assert send_alert(world["GB"], replace(again, quality={"sent-before": "the first was lost"})).legs


def test_another_case_is_not_the_same(world: LyingWorld, terms: Any) -> None:
    for _ in range(2):
        send_alert(world["GB"], make_draft("VN", agreement=terms.id))


def test_a_reader_judges_by_itself_what_was_not_spoken_to(world: LyingWorld, terms: Any) -> None:
    """A client that leaves the check out, or claims to have checked long ago, hides nothing."""
    wire = dict(make_stale(world, terms).alert) | {"thread": "0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b"}
    claimed = {"checked_at": wire["data_as_of"]}
    for alert in (wire, wire | {"quality": claimed}):
        sealed = world.craft("GB", "VN", terms, alert=alert, purpose=make_draft("VN").purpose)
        world.deliver(sealed, "VN")
        found = read_at_vn(world, sealed.header.id)
        assert found.told is not None
        assert [doubt.code.value for doubt in found.told.doubts] == ["stale-data"]
        assert find_open_doubts(found.alert, found.alert.data_as_of) == ()


def test_answers_are_typed_one_way() -> None:
    assert parse_answers(["stale-data=a=b", "check-digits= as seen "]) == {
        "stale-data": "a=b",
        "check-digits": "as seen",
    }
    for wrong in (["stale-data"], ["=words"], ["stale-data= "], ["a=1", "a=2"]):
        with pytest.raises(UsageError, match="--quality"):
            parse_answers(wrong)
