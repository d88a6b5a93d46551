"""The statement of quality as it travels: known codes, words for each, no doubt twice."""

from typing import Any

from tests.schemas.alerts.filled import fields_refused, parse_changed

CHECK: dict[str, Any] = {"checked_at": "2026-11-21T18:41:00Z"}
ANSWER = {"code": "stale-data", "field": "data_as_of", "words": "confirmed by phone today"}


def test_a_check_without_doubts_and_one_with_answers_are_read() -> None:
    assert fields_refused("document-fraud", {"quality": CHECK}) == []
    alert = parse_changed("document-fraud", {"quality": CHECK | {"answered": [ANSWER]}})
    assert alert.quality is not None
    assert alert.quality.answered[0].words == "confirmed by phone today"


def test_an_answer_has_a_known_code_and_words() -> None:
    for wrong, field in (({"code": "bad-mood"}, "code"), ({"words": ""}, "words")):
        changed = {"quality": CHECK | {"answered": [ANSWER | wrong]}}
        assert fields_refused("document-fraud", changed) == [f"quality.answered.0.{field}"]


def test_a_doubt_is_answered_once_in_each_place() -> None:
    twice = CHECK | {"answered": [ANSWER, ANSWER | {"words": "said otherwise"}]}
    assert fields_refused("document-fraud", {"quality": twice}) == ["quality.answered"]
    elsewhere = CHECK | {"answered": [ANSWER, ANSWER | {"field": "statements.0"}]}
    assert fields_refused("document-fraud", {"quality": elsewhere}) == []


def test_an_empty_list_of_answers_is_left_out() -> None:
    assert fields_refused("document-fraud", {"quality": CHECK | {"answered": []}}) == ["quality.answered"]
