"""A bundle holds every leaf, refers to nothing outside itself, and is the same when made again."""

from typing import Any

import pytest

from agency_client.interchange.leaves import list_leaves
from agency_client.interchange.stix import FIELDS_EXTENSION, make_bundle
from schemas.alerts import parse_alert
from schemas.codec import encode_canonical
from tests.agency_client.interchange.exports import EXAMPLES, ORIGIN
from tests.schemas.alerts.filled import load_changed


def find(bundle: dict[str, Any], type_: str) -> list[dict[str, Any]]:
    return [item for item in bundle["objects"] if item["type"] == type_]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_bundle_holds_every_leaf_under_its_path(kind: str) -> None:
    bundle = make_bundle(EXAMPLES[kind], ORIGIN)
    fields = [
        field
        for item in bundle["objects"]
        for field in item.get("extensions", {}).get(FIELDS_EXTENSION, {}).get("fields", ())
    ]

    assert {field["path"]: field["value"] for field in fields} == list_leaves(EXAMPLES[kind])
    assert len(fields) == len(list_leaves(EXAMPLES[kind]))


@pytest.mark.parametrize("kind", EXAMPLES)
def test_nothing_in_a_bundle_refers_outside_and_everything_is_marked(kind: str) -> None:
    objects = make_bundle(EXAMPLES[kind], ORIGIN)["objects"]
    there = {item["id"] for item in objects}
    named = {
        ref
        for item in objects
        for name, value in item.items()
        if name.endswith(("_ref", "_refs"))
        for ref in (value if isinstance(value, list) else [value])
    }

    assert len(there) == len(objects)
    assert named <= there
    unmarked = [item["type"] for item in objects if "object_marking_refs" not in item]
    assert set(unmarked) == {"identity", "marking-definition", "extension-definition"}
    assert unmarked.count("identity") == 1


def test_the_report_names_everything_that_the_alert_is_about() -> None:
    bundle = make_bundle(EXAMPLES["facilitator"], ORIGIN)
    (report,) = find(bundle, "report")
    apart = {"report", "marking-definition", "extension-definition"}

    authors = {report["created_by_ref"]}
    about = {item["id"] for item in bundle["objects"] if item["type"] not in apart} - authors

    assert set(report["object_refs"]) == about
    assert report["name"] == EXAMPLES["facilitator"].subject


def test_a_bundle_made_again_is_the_same() -> None:
    alert = EXAMPLES["facilitator"]

    assert encode_canonical(make_bundle(alert, ORIGIN)) == encode_canonical(make_bundle(alert, ORIGIN))


@pytest.mark.parametrize(
    "written", ["hxxps://crossings.example.org/", "https://crossings[.]example.org/", "ftp://x.example"]
)
def test_an_address_made_harmless_stays_so_and_is_no_url(written: str) -> None:
    wire = load_changed("online-recruitment", {})
    url = next(place for place in list_leaves(parse_alert(wire)) if place.endswith("url.as_seen"))
    changed = load_changed("online-recruitment", {url: written})

    bundle = make_bundle(parse_alert(changed), ORIGIN)

    assert written not in {item["value"] for item in find(bundle, "url")}
    assert written in encode_canonical(bundle).decode()


def test_a_place_in_a_state_is_a_location_in_stix_own_terms() -> None:
    locations = find(make_bundle(EXAMPLES["conveyance"], ORIGIN), "location")

    assert locations
    assert {item["country"] for item in locations} == {"BE"}
