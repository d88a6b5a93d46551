"""Whether a new log goes on from what this node saw: each way in which it may not, in words."""

from dataclasses import replace
from typing import Any

import pytest

from agency_client.epochs.errors import EpochRefusedError
from agency_client.epochs.rules import EpochFacts, EpochJudgement, judge_epoch
from schemas.codec import b64u_encode
from schemas.envelope import SeenCheckpoint
from schemas.log.records import Record
from schemas.model import format_timestamp
from tests.support.log_simulator import LogSimulator
from tests.support.members import EXCHANGE, START

SHEET = LogSimulator().sheet
ROOT, OTHER_ROOT = b64u_encode(bytes(32)), b64u_encode(bytes([1]) * 32)
HELD = SeenCheckpoint(origin=f"{EXCHANGE}/1", size=1240, root=ROOT)


def make_opening(checkpoint: SeenCheckpoint | None = HELD, record_type: str = "exchange-opened") -> Record:
    wire = {"v": 1, "type": record_type, "time": format_timestamp(START), "concerns": [], "detail": "opened"}
    return Record.from_wire(wire if checkpoint is None else wire | {"checkpoint": checkpoint.to_wire()})


def judge(*, past_skipped: bool = False, **changes: Any) -> EpochJudgement:
    offered = SHEET.model_copy(update={"origin": f"{EXCHANGE}/2"})
    facts = EpochFacts(accepted=SHEET, offered=offered, opening=make_opening(), held=HELD)
    return judge_epoch(replace(facts, **changes), past_skipped=past_skipped)


def commit_to(size: int = 1240, root: str = ROOT, origin: str = f"{EXCHANGE}/1") -> Record:
    return make_opening(SeenCheckpoint(origin=origin, size=size, root=root))


def test_a_log_that_goes_on_from_exactly_what_was_seen_is_told_as_such() -> None:
    assert judge() == EpochJudgement((), ("it commits to exactly what this node saw last, 1,240 leaves",))


def test_more_than_was_seen_is_accepted_and_told_to_be_unchecked() -> None:
    (sentence,) = judge(opening=commit_to(size=1300)).sentences
    assert sentence.startswith("it commits to 1,300 leaves, this node saw 1,240")
    assert "cannot be checked" in sentence


def test_a_node_that_never_saw_the_old_log_is_told_that_nothing_was_compared() -> None:
    assert "compares nothing" in judge(held=None).sentences[0]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"offered": SHEET}, "epoch-not-later"),
        ({"offered": SHEET.model_copy(update={"name": "other", "origin": "other/2"})}, "other-exchange"),
        ({"opening": make_opening(None)}, "no-commitment"),
        ({"opening": make_opening(None, "operator-action")}, "no-opening"),
        ({"opening": commit_to(origin=f"{EXCHANGE}/9")}, "other-predecessor"),
        ({"opening": commit_to(origin="other/1")}, "other-predecessor"),
        ({"opening": commit_to(size=1200)}, "epoch-behind"),
        ({"opening": commit_to(root=OTHER_ROOT)}, "epoch-forked"),
    ],
)
def test_what_does_not_go_on_from_it_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(EpochRefusedError) as refused:
        judge(**changes)
    assert refused.value.code == code


def test_an_exchange_that_lost_what_it_signed_is_told_how_much_and_what_to_do() -> None:
    with pytest.raises(EpochRefusedError) as refused:
        judge(opening=commit_to(size=1200))
    assert refused.value.sentence == (
        "the exchange commits to 1,200 leaves, this node holds its signature over 1,240: "
        "what it accepted in between would be lost unseen"
    )
    assert "agency trust checkpoint -o FILE" in refused.value.fix


def test_a_log_that_was_passed_over_is_named_and_needs_to_be_known() -> None:
    third = SHEET.model_copy(update={"origin": f"{EXCHANGE}/3"})
    opening = commit_to(origin=f"{EXCHANGE}/2", size=7)
    with pytest.raises(EpochRefusedError, match=f"{EXCHANGE}/2") as refused:
        judge(offered=third, opening=opening)
    assert refused.value.code == "epoch-skipped"
    judgement = judge(past_skipped=True, offered=third, opening=opening)
    assert judgement.skipped == (f"{EXCHANGE}/2",)
    assert "compared with nothing" in judgement.sentences[0]
