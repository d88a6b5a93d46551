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
    assert judge(opening=commit_to(size=1300)).sentences == (
        (
            "it commits to 1,300 leaves, this node saw 1,240: that these are the first of those cannot be checked "
            "without the old log"
        ),
    )


def test_a_node_that_never_saw_the_old_log_is_told_that_nothing_was_compared() -> None:
    assert judge(held=None).sentences == (
        "it commits to 1,240 leaves; this node never saw the old log, and compares nothing",
    )


COMMITS = "the new log commits to a head of"
CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "the log accepted": (
        {"offered": SHEET},
        "epoch-not-later",
        f"{EXCHANGE}/1 is no later log than {EXCHANGE}/1, which is accepted here",
    ),
    "another exchange's": (
        {"offered": SHEET.model_copy(update={"name": "other", "origin": "other/2"})},
        "other-exchange",
        f"the sheet is of other, this node belongs to {EXCHANGE}",
    ),
    "without a head": (
        {"opening": make_opening(None)},
        "no-commitment",
        "the new log commits to no head of the log before it",
    ),
    "without an opening": (
        {"opening": make_opening(None, "operator-action")},
        "no-opening",
        "the new log begins with a record of the type operator-action",
    ),
    "of another log before": (
        {"opening": commit_to(origin=f"{EXCHANGE}/9")},
        "other-predecessor",
        f"{COMMITS} {EXCHANGE}/9, expected is one of {EXCHANGE}/1",
    ),
    "of another exchange's log before": (
        {"opening": commit_to(origin="other/1")},
        "other-predecessor",
        f"{COMMITS} other/1, expected is one of {EXCHANGE}/1",
    ),
    "another history": (
        {"opening": commit_to(root=OTHER_ROOT)},
        "epoch-forked",
        "the exchange commits to another history of 1,240 leaves than the one it signed for this node",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_go_on_from_it_is_refused_in_words(case: str) -> None:
    changes, code, sentence = CASES[case]
    with pytest.raises(EpochRefusedError) as refused:
        judge(**changes)
    assert (refused.value.code, refused.value.sentence) == (code, sentence)


def test_two_histories_are_a_matter_for_the_duty_desks() -> None:
    with pytest.raises(EpochRefusedError) as refused:
        judge(opening=commit_to(root=OTHER_ROOT))
    assert refused.value.fix == "call the partners' duty desks, and compare what they saw; accept nothing"


def test_an_exchange_that_lost_what_it_signed_is_told_how_much_and_what_to_do() -> None:
    with pytest.raises(EpochRefusedError) as refused:
        judge(opening=commit_to(size=1200))
    assert refused.value.sentence == (
        "the exchange commits to 1,200 leaves, this node holds its signature over 1,240: "
        "what it accepted in between would be lost unseen"
    )
    assert refused.value.code == "epoch-behind"
    assert refused.value.fix == (
        "give the exchange's operator the newest note that this node holds (agency trust checkpoint -o FILE); "
        "it must begin its new log from that"
    )


def test_logs_that_were_passed_over_are_named_and_need_to_be_known() -> None:
    fourth = SHEET.model_copy(update={"origin": f"{EXCHANGE}/4"})
    opening = commit_to(origin=f"{EXCHANGE}/3", size=7)
    with pytest.raises(EpochRefusedError) as refused:
        judge(offered=fourth, opening=opening)
    assert (refused.value.code, refused.value.sentence) == (
        "epoch-skipped",
        (
            f"between {EXCHANGE}/1 and {EXCHANGE}/4 lie logs that were never accepted here: {EXCHANGE}/2, "
            f"{EXCHANGE}/3; nothing shows that they went on from what this node saw"
        ),
    )
    assert refused.value.fix == "compare with partners what they saw; to accept it all the same: --past-skipped"
    assert judge(past_skipped=True, offered=fourth, opening=opening) == EpochJudgement(
        (f"{EXCHANGE}/2", f"{EXCHANGE}/3"),
        (f"passed over, and compared with nothing: {EXCHANGE}/2, {EXCHANGE}/3",),
    )
