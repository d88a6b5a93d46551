"""Every leaf stands exactly once; things go by their normal form; a thing belongs to whom the nearest part names."""

import pytest

from agency_client.interchange.leaves import list_leaves
from agency_client.interchange.templates import TEMPLATES
from agency_client.interchange.things import Link, sort_things
from schemas.alerts import parse_alert
from tests.agency_client.interchange.exports import EXAMPLES
from tests.schemas.alerts.filled import load, load_changed


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_leaf_stands_exactly_once(kind: str) -> None:
    sorted_ = sort_things(EXAMPLES[kind])

    held = [item.path for thing in sorted_.things for item in thing.attributes]

    assert len(held) == len(set(held))
    assert set(held).isdisjoint(sorted_.rest)
    assert {*held, *sorted_.rest} == list_leaves(EXAMPLES[kind]).keys()


def test_every_template_is_met_in_some_example() -> None:
    met = {thing.template.name for alert in EXAMPLES.values() for thing in sort_things(alert).things}

    assert met == {template.name for template in TEMPLATES.values()}


def test_an_identifier_goes_by_its_normal_form_and_what_was_seen_stays() -> None:
    phone = {"as_seen": "+44 7700 900123", "normalised": "+447700900123", "findings": ["valid"]}
    wire = load_changed("facilitator", {"details.phones": [{"number": phone}]})

    sorted_ = sort_things(parse_alert(wire))

    (thing,) = [thing for thing in sorted_.things if thing.path == "details.phones.0.number"]
    assert [(item.relation, item.value) for item in thing.attributes] == [("msisdn", "+447700900123")]
    assert sorted_.rest["details.phones.0.number.as_seen"] == "+44 7700 900123"


def test_a_part_without_what_its_template_needs_has_no_object_and_loses_nothing() -> None:
    wire = load("facilitator")
    wire["persons"] = [{"ref": person["ref"], "role": "unidentified"} for person in wire["persons"]]

    sorted_ = sort_things(parse_alert(wire))

    assert not [thing for thing in sorted_.things if thing.template.name == "person"]
    assert sorted_.rest["persons.0.role"] == "unidentified"


def test_what_stands_beside_a_persons_name_is_theirs_and_not_the_subjects() -> None:
    sorted_ = sort_things(EXAMPLES["facilitator"])
    first = "persons.0"

    assert Link(first, "uses", "details.phones.0.number") in sorted_.links
    assert all(link.source.startswith("persons.") for link in sorted_.links)
    assert len(sorted_.links) == len(set(sorted_.links))


def test_a_thing_is_of_whom_the_nearest_part_names_and_not_of_who_is_named_further_out() -> None:
    vehicle = "details.conveyances.0.vehicle"

    about = {(link.source, link.kind) for link in sort_things(EXAMPLES["facilitator"]).links if link.target == vehicle}

    assert ("persons.1", "drives") in about
    assert ("persons.0", "uses") not in about
