"""joint-operation and its reply: each stage and each stance with what belongs to it, and somebody to call."""

from typing import Any

import pytest

from tests.schemas.alerts.filled import ABSENT, fields_refused

KIND, REPLY = "joint-operation", "joint-operation-reply"
COUNTS = [{"what": "false-documents", "count": 11}, {"what": "victims-found", "count": 0}]
DESK = {"agency": "VN-IMM", "name": "Operations room", "phone": "+441632960962", "is_around_the_clock": True}


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, []),
        ({"details.stage": "agreed"}, []),
        ({"details.stage": "concluded"}, ["details.counts"]),
        ({"details.stage": "concluded", "details.counts": COUNTS}, []),
        ({"details.counts": COUNTS}, ["details.counts"]),
        ({"details.stage": "concluded", "details.counts": [*COUNTS, COUNTS[0]]}, ["details.counts"]),
        ({"details.stage": "called-off"}, ["details.called_off_because"]),
        ({"details.stage": "called-off", "details.called_off_because": "No staff."}, []),
        ({"details.called_off_because": "No staff."}, ["details.called_off_because"]),
    ],
)
def test_a_stage_stands_with_what_belongs_to_it(changes: dict[str, Any], refused: list[str]) -> None:
    assert fields_refused(KIND, changes) == refused


def test_the_lead_can_be_called_and_leads() -> None:
    assert fields_refused(KIND, {"details.liaison": [DESK]}) == ["details.liaison"]
    assert fields_refused(KIND, {"details.units.1.role": "lead"}) == ["details.units"]


def test_a_unit_without_powers_has_no_powers() -> None:
    assert fields_refused(KIND, {"details.units.1.powers": ["none", "interview"]}) == ["details.units.1.powers"]
    assert fields_refused(KIND, {"details.units.1.powers": ["none"]}) == []


def test_a_period_has_an_order_as_far_as_it_is_known() -> None:
    assert fields_refused(KIND, {"details.period.ends_on": "2026-12-06"}) == ["details.period.ends_on"]
    assert fields_refused(KIND, {"details.period.ends_on": "2026-12"}) == []
    assert fields_refused(KIND, {"details.period.begins_on": "2027"}) == ["details.period.ends_on"]


def test_what_is_asked_beyond_the_list_is_said_in_words() -> None:
    assert fields_refused(KIND, {"details.asked": [{"resource": "other"}]}) == ["details.asked.0.note"]


@pytest.mark.parametrize("phone", ["01632960961", "+44 1632 960961", "call me"])
def test_a_desk_is_called_by_a_number_that_works_from_anywhere(phone: str) -> None:
    assert fields_refused(KIND, {"details.liaison.0.phone": phone}) == ["details.liaison.0.phone"]


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, []),
        ({"details.counter": ABSENT}, ["details.counter"]),
        ({"details.counter": {"asked": [{"resource": "funds"}]}}, []),
        ({"details.stance": "accept"}, ["details.counter"]),
        ({"details.stance": "accept", "details.counter": ABSENT}, []),
        ({"details.stance": "accept", "details.counter": ABSENT, "details.liaison": ABSENT}, ["details.liaison"]),
        ({"details.stance": "decline", "details.counter": ABSENT}, ["details.refusal"]),
        (
            {"details.stance": "decline", "details.counter": ABSENT, "details.refusal": {"ground": "not-competent"}},
            ["details.offered"],
        ),
        (
            {
                "details.stance": "decline",
                "details.counter": ABSENT,
                "details.offered": ABSENT,
                "details.refusal": {"ground": "not-competent"},
            },
            [],
        ),
    ],
)
def test_a_stance_stands_with_what_belongs_to_it(changes: dict[str, Any], refused: list[str]) -> None:
    assert fields_refused(REPLY, changes) == refused


def test_a_counter_offer_says_what_would_be_otherwise() -> None:
    from schemas.alerts.kinds.joint_operation import CounterOffer
    from schemas.model import DocumentError

    with pytest.raises(DocumentError, match="otherwise"):
        CounterOffer.from_wire({})
