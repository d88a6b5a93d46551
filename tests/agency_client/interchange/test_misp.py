"""An event holds every leaf, is for nobody else and for no detection, and is the same when made again."""

import pytest

from agency_client.interchange.leaves import list_leaves
from agency_client.interchange.misp import make_event
from schemas.codec import encode_canonical
from tests.agency_client.interchange.exports import EXAMPLES, ORIGIN


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_event_holds_every_leaf_under_its_path(kind: str) -> None:
    event = make_event(EXAMPLES[kind], ORIGIN)["Event"]

    held = {item["comment"]: item["value"] for thing in event["Object"] for item in thing["Attribute"]}

    assert held == {
        path: str(int(value)) if isinstance(value, bool) else str(value)
        for path, value in list_leaves(EXAMPLES[kind]).items()
    }


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_event_is_for_this_organisation_alone_and_for_no_detection(kind: str) -> None:
    event = make_event(EXAMPLES[kind], ORIGIN)["Event"]
    attributes = [item for thing in event["Object"] for item in thing["Attribute"]]

    assert {item["distribution"] for item in (event, *event["Object"], *attributes)} == {"0"}
    assert not any(item["to_ids"] for item in attributes)
    assert event["published"] is False
    assert {"name": "tlp:amber+strict"} in event["Tag"]
    assert {"name": EXAMPLES[kind].pap.label} in event["Tag"]


def test_an_event_made_again_is_the_same_and_another_messages_is_another() -> None:
    alert = EXAMPLES["facilitator"]
    other = type(ORIGIN)(ORIGIN.message_id, "cd" * 32, ORIGIN.sender, ORIGIN.sent_at, ORIGIN.marking)

    first = make_event(alert, ORIGIN)

    assert encode_canonical(make_event(alert, ORIGIN)) == encode_canonical(first)
    assert make_event(alert, other)["Event"]["uuid"] != first["Event"]["uuid"]


def test_every_reference_leads_to_an_object_of_the_event() -> None:
    event = make_event(EXAMPLES["facilitator"], ORIGIN)["Event"]
    there = {thing["uuid"] for thing in event["Object"]}
    references = [item for thing in event["Object"] for item in thing["ObjectReference"]]

    assert references
    assert {item["referenced_uuid"] for item in references} <= there
