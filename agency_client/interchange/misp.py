"""A MISP event of an alert (MISP core format): objects where MISP has a template, one more for all the rest. Pure.

Nothing in it is for detection (`to_ids`) or for another organisation (`distribution` 0): who may have it was decided by
the agreement it came under, and MISP shall not widen that by a default.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from agency_client.interchange.leaves import Leaf
from agency_client.interchange.things import Attribute, Thing, sort_things
from schemas.alerts.base import Alert
from schemas.markings import Tlp

NAMESPACE = UUID("5d9bf2ac-3b1e-5b2c-9a53-5c4b7f6c2f61")
"""Ids of exported things are UUIDs of version 5 under it (RFC 9562, section 5.5): exported again, they are the same."""

REST = "bilateral-alert"
REST_UUID = "f1b45e0f-6b4d-5ea7-8d3c-5a6d64cb0d77"
_YOUR_ORGANISATION_ONLY = "0"
_COMPLETED, _LEVEL_UNDEFINED = "2", "4"


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose message an alert was: what an export says of it besides the alert itself.

    `digest` is the message's; `marks` are what has become of it since (corrected, challenged, …).
    """

    message_id: str
    digest: str
    sender: str
    sent_at: datetime
    marking: Tlp
    marks: tuple[str, ...] = ()


def make_id(origin: Origin, *names: str) -> str:
    """Return the id of something in the export of one message."""
    return str(uuid5(NAMESPACE, "\n".join((origin.digest, *names))))


def list_tags(alert: Alert, origin: Origin) -> list[str]:
    """Return the tags for what may be done with it, as MISP's taxonomies spell them, and for what has become of it."""
    return [origin.marking.label.lower(), *list_labels(alert, origin)]


def list_labels(alert: Alert, origin: Origin) -> list[str]:
    """Return the tags but the marking."""
    return [alert.pap.label, *(f'bilateral:mark="{mark}"' for mark in origin.marks)]


def make_event(alert: Alert, origin: Origin) -> dict[str, Any]:
    """Return the event as MISP reads it; every leaf of the alert is in it."""
    sorted_ = sort_things(alert)
    objects = [_make_object(thing, origin) for thing in sorted_.things]
    places = {thing.path: item for thing, item in zip(sorted_.things, objects, strict=True)}
    for link in sorted_.links:
        places[link.source]["ObjectReference"].append(
            {
                "uuid": make_id(origin, "link", link.source, link.kind, link.target),
                "object_uuid": places[link.source]["uuid"],
                "referenced_uuid": places[link.target]["uuid"],
                "relationship_type": link.kind,
            }
        )
    seconds = str(int(origin.sent_at.timestamp()))
    return {
        "Event": {
            "uuid": make_id(origin, "event"),
            "info": alert.subject,
            "date": f"{origin.sent_at:%Y-%m-%d}",
            "timestamp": seconds,
            "analysis": _COMPLETED,
            "threat_level_id": _LEVEL_UNDEFINED,
            "distribution": _YOUR_ORGANISATION_ONLY,
            "published": False,
            "Orgc": {"name": origin.sender, "uuid": str(uuid5(NAMESPACE, origin.sender))},
            "Tag": [{"name": name} for name in list_tags(alert, origin)],
            "Object": [*objects, _make_rest(dict(sorted_.rest), origin)],
        }
    }


def _make_object(thing: Thing, origin: Origin) -> dict[str, Any]:
    template = thing.template
    return {
        "uuid": make_id(origin, thing.path),
        "name": template.name,
        "meta-category": template.category,
        "template_uuid": template.uuid,
        "template_version": str(template.version),
        "distribution": _YOUR_ORGANISATION_ONLY,
        "comment": thing.path,
        "ObjectReference": [],
        "Attribute": [make_attribute(item, origin) for item in thing.attributes],
    }


def make_attribute(item: Attribute, origin: Origin) -> dict[str, Any]:
    """Return an attribute of an object; its comment is the path of the leaf."""
    return {
        "uuid": make_id(origin, "attribute", item.path),
        "object_relation": item.relation,
        "type": item.type,
        "category": _CATEGORIES.get(item.type, "Other"),
        "value": item.value,
        "to_ids": False,
        "disable_correlation": item.relation == item.path,
        "distribution": _YOUR_ORGANISATION_ONLY,
        "comment": item.path,
    }


def list_rest(rest: dict[str, Leaf]) -> list[Attribute]:
    """Return the leaves that no template holds, each under its path as relation."""
    return [Attribute(path, _type_of(value), _spell(value), path) for path, value in rest.items()]


def _make_rest(rest: dict[str, Leaf], origin: Origin) -> dict[str, Any]:
    return {
        "uuid": make_id(origin, REST),
        "name": REST,
        "meta-category": "misc",
        "description": "What an alert says beyond the objects beside it: each value under its path.",
        "template_uuid": REST_UUID,
        "template_version": "1",
        "distribution": _YOUR_ORGANISATION_ONLY,
        "comment": f"message {origin.message_id} of {origin.sender}, {origin.digest}",
        "ObjectReference": [],
        "Attribute": [make_attribute(item, origin) for item in list_rest(rest)],
    }


def _type_of(value: Leaf) -> str:
    return "boolean" if isinstance(value, bool) else "counter" if isinstance(value, int) else "text"


def _spell(value: Leaf) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


_CATEGORIES = {
    "bank-account-nr": "Financial fraud",
    "bic": "Financial fraud",
    "email-src": "Payload delivery",
    "full-name": "Person",
    "gender": "Person",
    "iban": "Financial fraud",
    "nationality": "Person",
    "place-of-birth": "Person",
    "url": "Network activity",
}
"""MISP's category for a type, where it is not `Other`."""
