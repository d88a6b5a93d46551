"""A STIX 2.1 bundle of an alert (OASIS STIX 2.1): standard objects where there are some, MISP's for the others. Pure.

MISP's own way of writing its objects in STIX is kept (labels, `x-misp-object`, `x_misp_*`), since that is what tools
around it read whole. Every object also carries the leaves it is made of, by path, in an extension of ours; the report
carries the rest. So our own reader gets the alert back to the letter, and no other loses what it does not know.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from agency_client.interchange.leaves import Leaf
from agency_client.interchange.misp import NAMESPACE, REST, Origin, list_labels, list_rest, make_id
from agency_client.interchange.things import Attribute, Thing, Things, sort_things
from schemas.alerts.base import Alert
from schemas.codec import encode_canonical
from schemas.identifiers.alpha_2 import find_alpha_2
from schemas.markings import Tlp

SPEC = "2.1"
TLP_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
FIELDS_EXTENSION = f"extension-definition--{uuid5(NAMESPACE, 'fields')}"
MISP_OBJECT_EXTENSION = f"extension-definition--{uuid5(NAMESPACE, 'x-misp-object')}"
MISP_PROPERTIES_EXTENSION = f"extension-definition--{uuid5(NAMESPACE, 'x_misp')}"

_OBSERVABLES = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
"""Under it lie the ids of cyber-observable objects (STIX 2.1, section 2.9)."""
_MADE_BY_MISP = 'misp:tool="MISP-STIX-Converter"'
_TLP_IDS = {
    Tlp.CLEAR: "94868c89-83c2-464b-929b-a1a8aa3c8487",
    Tlp.GREEN: "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.AMBER: "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.AMBER_STRICT: "939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.RED: "e828b379-4e03-4974-9ac4-e53a884c97c1",
}
"""The ids of the TLP 2.0 marking definitions (OASIS, STIX best practices guide)."""
_PERSON_PROPERTIES = {"alias", "gender", "nationality", "place-of-birth"}
_COUNTRY = "x_misp_country"
_NOT_A_URI = re.compile(r"^(?!https?://)|[^!-~]|[][{}|^`<>\"\\\\]", re.IGNORECASE)
"""An address written so that nobody opens it by mistake (`hxxps`, `[.]`) stays as it is, and is no URI."""

Object = dict[str, Any]


def make_bundle(alert: Alert, origin: Origin) -> Object:
    """Return the bundle; every leaf of the alert is in it."""
    maker = _Maker(origin)
    sorted_ = sort_things(alert)
    made = {thing.path: maker.make_objects(thing) for thing in sorted_.things}
    links = [
        maker.make_link(link.kind, made[link.source][0]["id"], made[link.target][0]["id"]) for link in sorted_.links
    ]
    contents = [item for objects in made.values() for item in objects]
    rest = maker.make_rest(sorted_)
    report = maker.make_report(alert, [item["id"] for item in (*contents, rest, *links)])
    objects = [maker.author, *maker.list_definitions(), report, *contents, rest, *links]
    return {"type": "bundle", "id": f"bundle--{make_id(origin, 'bundle')}", "objects": _drop_repeated(objects)}


def _drop_repeated(objects: list[Object]) -> list[Object]:
    return list({item["id"]: item for item in objects}.values())


def _spell(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"


class _Maker:
    """Makes the objects of one bundle, which share author, marking and moment."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.at = _spell(origin.sent_at)
        self.author: Object = {
            "type": "identity",
            "spec_version": SPEC,
            "id": f"identity--{uuid5(NAMESPACE, origin.sender)}",
            "created": self.at,
            "modified": self.at,
            "name": origin.sender,
            "identity_class": "organization",
        }
        self.marking = f"marking-definition--{_TLP_IDS[origin.marking]}"

    def list_definitions(self) -> Iterator[Object]:
        """Give the marking and the extensions that the other objects name."""
        tlp = self.origin.marking.label.removeprefix("TLP:").lower()
        yield {
            "type": "marking-definition",
            "spec_version": SPEC,
            "id": self.marking,
            "created": "2022-10-01T00:00:00.000Z",
            "name": self.origin.marking.label,
            "extensions": {TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp}},
        }
        yield self._define(FIELDS_EXTENSION, "Fields of an alert, by path", "property-extension")
        yield self._define(MISP_OBJECT_EXTENSION, "Objects of MISP", "new-sdo")
        properties = sorted(f"x_misp_{name.replace('-', '_')}" for name in _PERSON_PROPERTIES)
        definition = self._define(MISP_PROPERTIES_EXTENSION, "Properties of MISP", "toplevel-property-extension")
        yield definition | {"extension_properties": [*properties, _COUNTRY]}

    def make_objects(self, thing: Thing) -> list[Object]:
        """Return the objects for a thing; the first is what stands for it in links."""
        name = thing.template.name
        if name == "person":
            return [self._make_person(thing)]
        if name == "geolocation" and find_alpha_2(thing.find("country") or "") is not None:
            return [self._make_location(thing)]
        if name in OBSERVED and not (name == "url" and _NOT_A_URI.search(thing.find("url") or "")):
            return self._make_observed(thing)
        return [self._make_misp_object(thing)]

    def make_link(self, kind: str, source: str, target: str) -> Object:
        """Return a relationship."""
        link = self._begin("relationship", make_id(self.origin, "link", source, kind, target))
        return link | {"relationship_type": kind, "source_ref": source, "target_ref": target}

    def make_rest(self, sorted_: Things) -> Object:
        """Return the object that holds what no other does."""
        attributes = list_rest(dict(sorted_.rest))
        item = self._begin("x-misp-object", make_id(self.origin, REST))
        item |= _describe_misp_object(REST, "misc", attributes)
        item["extensions"][FIELDS_EXTENSION] = _hold(sorted_.rest)
        return item

    def make_report(self, alert: Alert, contents: list[str]) -> Object:
        """Return the report that holds the bundle together."""
        report = self._begin("report", make_id(self.origin, "event"))
        return report | {
            "name": alert.subject,
            "description": f"Message {self.origin.message_id} of {self.origin.sender}, digest {self.origin.digest}",
            "report_types": ["threat-report"],
            "published": self.at,
            "lang": alert.language,
            "labels": [_MADE_BY_MISP, *list_labels(alert, self.origin)],
            "object_refs": contents,
        }

    def _begin(self, type_: str, uuid: str) -> Object:
        return {
            "type": type_,
            "spec_version": SPEC,
            "id": f"{type_}--{uuid}",
            "created_by_ref": self.author["id"],
            "created": self.at,
            "modified": self.at,
            "object_marking_refs": [self.marking],
        }

    def _define(self, id_: str, name: str, extension_type: str) -> Object:
        return {
            "type": "extension-definition",
            "spec_version": SPEC,
            "id": id_,
            "created_by_ref": self.author["id"],
            "created": self.at,
            "modified": self.at,
            "name": name,
            "schema": "https://example.org/bilateral/interchange",
            "version": "1.0.0",
            "extension_types": [extension_type],
        }

    def _make_person(self, thing: Thing) -> Object:
        person = self._begin("identity", make_id(self.origin, thing.path))
        person |= {
            "name": thing.find("full-name") or thing.find("alias"),
            "identity_class": "individual",
            "labels": _label(thing),
            "extensions": {
                FIELDS_EXTENSION: _hold_attributes(thing),
                MISP_PROPERTIES_EXTENSION: {"extension_type": "toplevel-property-extension"},
            },
        }
        role = thing.find("role")
        if role is not None:
            person["roles"] = [role]
        for relation in sorted(_PERSON_PROPERTIES):
            values = [item.value for item in thing.attributes if item.relation == relation]
            if values:
                person[f"x_misp_{relation.replace('-', '_')}"] = values if len(values) > 1 else values[0]
        return person

    def _make_location(self, thing: Thing) -> Object:
        location = self._begin("location", make_id(self.origin, thing.path))
        state = thing.find("country") or ""
        location |= {"labels": _label(thing), "country": find_alpha_2(state), _COUNTRY: state}
        location["extensions"] = {
            FIELDS_EXTENSION: _hold_attributes(thing),
            MISP_PROPERTIES_EXTENSION: {"extension_type": "toplevel-property-extension"},
        }
        for relation, member in (("text", "description"), ("address", "street_address"), ("region", "region")):
            value = thing.find(relation)
            if value is not None:
                location[member] = value
        return location

    def _make_observed(self, thing: Thing) -> list[Object]:
        type_, members = OBSERVED[thing.template.name]
        values = {member: thing.find(relation) for member, relation in members.items()}
        known: Object = {member: value for member, value in values.items() if value is not None}
        observable = {
            "type": type_,
            "spec_version": SPEC,
            "id": f"{type_}--{uuid5(_OBSERVABLES, encode_canonical(_identify(type_, known)).decode())}",
            "object_marking_refs": [self.marking],
            **known,
        }
        observed = self._begin("observed-data", make_id(self.origin, thing.path))
        observed |= {
            "first_observed": self.at,
            "last_observed": self.at,
            "number_observed": 1,
            "object_refs": [observable["id"]],
            "labels": _label(thing),
            "extensions": {FIELDS_EXTENSION: _hold_attributes(thing)},
        }
        return [observed, observable]

    def _make_misp_object(self, thing: Thing) -> Object:
        item = self._begin("x-misp-object", make_id(self.origin, thing.path))
        item |= _describe_misp_object(thing.template.name, thing.template.category, list(thing.attributes))
        item["extensions"][FIELDS_EXTENSION] = _hold_attributes(thing)
        return item


OBSERVED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "user-account": (
        "user-account",
        {
            "account_login": "username",
            "account_type": "account-type",
            "display_name": "display-name",
            "user_id": "user-id",
        },
    ),
    "url": ("url", {"value": "url"}),
}
"""What is an observable of STIX itself, by the name of its template: the type, and the relation of each member."""
"""Templates whose things are observables in STIX: their type, and the relation that each member is."""


def _identify(type_: str, members: Object) -> Object:
    """Return the members that an observable's id is made of (STIX 2.1, section 6)."""
    names = ("value",) if type_ == "url" else ("account_type", "user_id", "account_login")
    return {name: members[name] for name in names if name in members}


def _label(thing: Thing) -> list[str]:
    return [f'misp:name="{thing.template.name}"', f'misp:meta-category="{thing.template.category}"']


def _describe_misp_object(name: str, category: str, attributes: list[Attribute]) -> Object:
    return {
        "labels": [f'misp:name="{name}"', f'misp:meta-category="{category}"'],
        "x_misp_name": name,
        "x_misp_meta_category": category,
        "x_misp_attributes": [
            {"type": item.type, "object_relation": item.relation, "value": item.value, "comment": item.path}
            for item in attributes
        ],
        "extensions": {MISP_OBJECT_EXTENSION: {"extension_type": "new-sdo"}},
    }


def _hold(leaves: Mapping[str, Leaf]) -> Object:
    return {
        "extension_type": "property-extension",
        "fields": [{"path": path, "value": leaves[path]} for path in leaves],
    }


def _hold_attributes(thing: Thing) -> Object:
    return _hold({item.path: item.value for item in thing.attributes})
