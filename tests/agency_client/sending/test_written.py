"""What somebody wrote down: an alert alone, or with wishes of its own beside it; everything else is named."""

from datetime import UTC, datetime
from typing import Any

import pytest

from agency_client.errors import UsageError
from agency_client.sending.composing import Usual
from agency_client.sending.written import Wishes, make_draft, read_written
from schemas.markings import Purpose, Tlp, Urgency

USUAL = Usual("desk", "officer-1", Tlp.AMBER, datetime(2026, 11, 21, tzinfo=UTC))


def test_an_alert_alone_goes_as_everybody_asked() -> None:
    usual = Wishes(to=("VN",))
    assert read_written({"kind": "ping", "alert": 1}, usual) == ({"kind": "ping", "alert": 1}, usual)
    assert read_written({}, usual) == ({}, usual)


def test_what_stands_beside_an_alert_counts_for_it_alone() -> None:
    members = {"alert": {"kind": "ping"}, "to": ["BE", "VN"], "marking": "red", "deliver_within": 3}
    alert, wishes = read_written(members, Wishes(to=("VN",), necessity="n", reason="r"))
    assert alert == {"kind": "ping"}
    draft = make_draft(alert, wishes, USUAL, identity="x")
    assert (draft.recipients, draft.marking, draft.delivery_days) == (("BE", "VN"), Tlp.RED, 3)
    assert (draft.necessity, draft.purpose, draft.urgency) == ("n", Purpose.SYSTEM_TEST, Urgency.ROUTINE)
    assert draft.identity == "x"


def test_everyone_and_agencies_by_commas_are_told_apart() -> None:
    draft = make_draft({"kind": "ping"}, Wishes(to=("VN,BE", "agreements")), USUAL)
    assert (draft.recipients, draft.to_every_partner) == (("VN", "BE"), True)


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"alert": {}, "attach": ["/etc/passwd"]}, "attach"),
        ({"alert": {}, "override_old_status": "x"}, "override_old_status"),
        ({"alert": []}, "alert"),
        ({"alert": {}, "to": "VN"}, "to"),
        ({"alert": {}, "to": [1]}, "to"),
        ({"alert": {}, "deliver_within": True}, "deliver_within"),
        ({"alert": {}, "necessity": 1}, "necessity"),
    ],
)
def test_no_line_can_ask_for_more_than_may_stand_there(members: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_written(members, Wishes())
    assert caught.value.sentence.startswith(named)
