"""A leaf proves a message only if every member of its record is about that very message."""

from typing import Any

import pytest

from agency_client.receiving.leaves import verify_accepted_leaf, verify_handed_over_leaf
from agency_client.witness.observer import LogError
from schemas.api import LoggedRecord
from schemas.codec import b64u_encode
from schemas.log.records import Record
from schemas.model import format_timestamp
from tests.agency_client.receiving.test_rules import ACCEPTED, make_facts

LEASE = "0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b"
FACTS = make_facts()


def change(leaf: LoggedRecord, **members: Any) -> LoggedRecord:
    """Return a leaf whose record says something else."""
    return leaf.model_copy(update={"record": Record.from_wire(leaf.record.to_wire() | members)})


def hand_over(index: int = 30, **members: Any) -> LoggedRecord:
    """Return the leaf of a hand-over of the message."""
    wire = {
        "v": 1,
        "type": "message-handed-over",
        "time": format_timestamp(ACCEPTED),
        "concerns": ["GB-HO", "VN"],
        "message": FACTS.sealed.reference.to_wire(),
        "agency": "GB-HO",
        "partner": "VN",
        "lease": LEASE,
    }
    return LoggedRecord(index=index, record=Record.from_wire(wire | members), salt=b64u_encode(bytes(32)))


def test_the_leaf_of_its_acceptance_names_the_message() -> None:
    verify_accepted_leaf(FACTS.leaf, FACTS.sealed, "VN")


@pytest.mark.parametrize(
    "lie",
    [
        {"message": {"id": LEASE, "digest": b64u_encode(bytes(32))}},
        {"agency": "BE"},
        {"kind": "ping"},
        {"marking": "red"},
        {"urgency": "urgent"},
        {"size": 7},
        {"refers_to": {"id": LEASE, "digest": b64u_encode(bytes(32))}},
        {"recipients": [{"agency": "VN", "agreement": b64u_encode(bytes(32))}]},
        {"recipients": []},
    ],
    ids=lambda lie: next(iter(lie)),
)
def test_a_record_that_says_anything_else_is_another_messages(lie: dict[str, Any]) -> None:
    with pytest.raises(LogError):
        verify_accepted_leaf(change(FACTS.leaf, **lie), FACTS.sealed, "VN")


def test_a_message_that_was_not_for_us_is_not_ours_by_its_leaf() -> None:
    with pytest.raises(LogError, match="BE"):
        verify_accepted_leaf(FACTS.leaf, FACTS.sealed, "BE")


def test_the_leaf_of_its_hand_over_names_message_recipient_and_lease() -> None:
    verify_handed_over_leaf(hand_over(), FACTS.leaf, FACTS.sealed, me="VN", lease=LEASE)


@pytest.mark.parametrize(
    "leaf",
    [hand_over(partner="BE"), hand_over(agency="BE"), hand_over(lease="0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2c")],
)
def test_another_hand_over_is_not_this_one(leaf: LoggedRecord) -> None:
    with pytest.raises(LogError):
        verify_handed_over_leaf(leaf, FACTS.leaf, FACTS.sealed, me="VN", lease=LEASE)


@pytest.mark.parametrize("leaf", [hand_over(3), hand_over(time="2026-11-01T00:00:00Z")])
def test_nothing_is_handed_over_before_it_was_accepted(leaf: LoggedRecord) -> None:
    with pytest.raises(LogError, match="before"):
        verify_handed_over_leaf(leaf, FACTS.leaf, FACTS.sealed, me="VN", lease=LEASE)
