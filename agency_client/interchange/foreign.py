"""What lies in a STIX bundle or a MISP event of anybody's: things by the names of MISP's templates, or our own leaves.

Nothing here is believed: it is what a file says, for an officer to complete and to answer for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agency_client.interchange.leaves import Leaf
from agency_client.interchange.misp import REST
from agency_client.interchange.stix import FIELDS_EXTENSION, OBSERVED
from schemas.codec import CodecError, decode_foreign

MAX_THINGS, MAX_VALUES = 2_000, 20_000
_MAX_DIGITS = 15


class ForeignFileError(ValueError):
    """A file is not what it is said to be; the sentence says why."""


@dataclass(frozen=True, slots=True)
class ForeignThing:
    """One object of a file: where it stands, the template it is of, and its values by relation."""

    where: str
    template: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """What was read. `leaves` are an alert's own, where the file was made of one; then `origin` is whose it was.

    `unread` names what no alert has a place for, with the reason.
    """

    title: str
    origin: str | None
    leaves: dict[str, Leaf]
    things: tuple[ForeignThing, ...]
    unread: tuple[tuple[str, str], ...]


def read_stix(unverified_data: bytes) -> ForeignFile:
    """Read a STIX 2.1 bundle.

    Raises:
        ForeignFileError: it is no bundle, or holds more than anybody can go through.
    """
    bundle = _read_object(unverified_data)
    objects = [item for item in _list_of(bundle, "objects") if isinstance(item, dict)]
    if bundle.get("type") != "bundle":
        raise ForeignFileError("it is no STIX bundle: its type is not `bundle`")
    names = {str(item.get("id")): str(item.get("name", "")) for item in objects if item.get("type") == "identity"}
    report: dict[str, Any] = next((item for item in objects if item.get("type") == "report"), {})
    leaves = dict(_list_fields(objects))
    things: list[ForeignThing] = []
    unread: list[tuple[str, str]] = []
    for item in objects:
        thing = _read_stix_object(item)
        if thing is not None:
            things.append(thing)
        elif item.get("type") not in _STRUCTURE:
            unread.append((str(item.get("id")), f"no alert has a place for {item.get('type')}"))
    origin = names.get(str(report.get("created_by_ref"))) if leaves else None
    return _finish(str(report.get("name", "")), origin, leaves, things, unread)


def read_misp(unverified_data: bytes) -> ForeignFile:
    """Read a MISP event.

    Raises:
        ForeignFileError: it is no event, or holds more than anybody can go through.
    """
    event = _read_object(unverified_data).get("Event")
    if not isinstance(event, dict):
        raise ForeignFileError("it is no MISP event: it has no member `Event`")
    objects = [item for item in _list_of(event, "Object") if isinstance(item, dict)]
    is_ours = any(item.get("name") == REST for item in objects)
    things: list[ForeignThing] = []
    unread: list[tuple[str, str]] = []
    leaves: dict[str, Leaf] = {}
    for item in objects:
        attributes = [entry for entry in _list_of(item, "Attribute") if isinstance(entry, dict)]
        if is_ours:
            leaves |= {str(entry.get("comment")): _read_leaf(entry) for entry in attributes}
        values = tuple((str(entry.get("object_relation")), str(entry.get("value"))) for entry in attributes)
        things.append(ForeignThing(f"Object {item.get('uuid')}", str(item.get("name")), values))
    for entry in (entry for entry in _list_of(event, "Attribute") if isinstance(entry, dict)):
        where, type_ = f"Attribute {entry.get('uuid')}", str(entry.get("type"))
        if type_ in _ATTRIBUTES:
            template, relation = _ATTRIBUTES[type_]
            things.append(ForeignThing(where, template, ((relation, str(entry.get("value"))),)))
        else:
            unread.append((where, f"no alert has a place for {type_}"))
    author = event.get("Orgc")
    origin = str(author.get("name")) if is_ours and isinstance(author, dict) else None
    return _finish(str(event.get("info", "")), origin, leaves, things, unread)


def _finish(
    title: str,
    origin: str | None,
    leaves: dict[str, Leaf],
    things: list[ForeignThing],
    unread: list[tuple[str, str]],
) -> ForeignFile:
    if len(things) > MAX_THINGS:
        raise ForeignFileError(f"it holds {len(things)} things, and at most {MAX_THINGS} are taken at once")
    values = sum(len(thing.values) for thing in things)
    if values > MAX_VALUES:
        raise ForeignFileError(f"its things have {values} values, and at most {MAX_VALUES} are taken at once")
    return ForeignFile(title, origin, leaves, () if leaves else tuple(things), tuple(unread))


def _read_object(unverified_data: bytes) -> dict[str, Any]:
    try:
        found = decode_foreign(unverified_data)
    except CodecError as error:
        raise ForeignFileError(f"it cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise ForeignFileError("it holds no object in braces")
    return found


def _list_of(holder: dict[str, Any], name: str) -> list[Any]:
    found = holder.get(name, [])
    return found if isinstance(found, list) else []


def _list_fields(objects: list[dict[str, Any]]) -> Iterator[tuple[str, Leaf]]:
    for item in objects:
        extensions = item.get("extensions")
        ours = extensions.get(FIELDS_EXTENSION) if isinstance(extensions, dict) else None
        for field in _list_of(ours, "fields") if isinstance(ours, dict) else ():
            if isinstance(field, dict) and isinstance(field.get("value"), str | int | bool):
                yield str(field.get("path")), field["value"]


def _read_leaf(entry: dict[str, Any]) -> Leaf:
    value = str(entry.get("value"))
    if entry.get("type") == "boolean":
        return value in {"1", "true", "True"}
    is_number = value.isdecimal() and value.isascii() and len(value) <= _MAX_DIGITS
    return int(value) if entry.get("type") == "counter" and is_number else value


def _read_stix_object(item: dict[str, Any]) -> ForeignThing | None:
    type_, where = item.get("type"), str(item.get("id"))
    if type_ == "x-misp-object":
        attributes = [entry for entry in _list_of(item, "x_misp_attributes") if isinstance(entry, dict)]
        values = tuple((str(entry.get("object_relation")), str(entry.get("value"))) for entry in attributes)
        return ForeignThing(where, str(item.get("x_misp_name")), values)
    if type_ == "identity" and item.get("identity_class") == "individual":
        return ForeignThing(where, "person", tuple(_list_person(item)))
    if type_ in _OBSERVABLES:
        template, members = _OBSERVABLES[str(type_)]
        known = ((relation, str(item[member])) for member, relation in members.items() if member in item)
        return ForeignThing(where, template, tuple(known))
    return None


def _list_person(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "full-name", str(item.get("name"))
    for name, found in item.items():
        if name.startswith("x_misp_"):
            relation = name.removeprefix("x_misp_").replace("_", "-")
            yield from ((relation, str(value)) for value in (found if isinstance(found, list) else [found]))


_STRUCTURE = {
    "bundle",
    "extension-definition",
    "identity",
    "location",
    "marking-definition",
    "observed-data",
    "relationship",
    "report",
}
"""Types that hold other things together: nothing of theirs is missing in what is read."""
_OBSERVABLES: dict[str, tuple[str, Mapping[str, str]]] = {
    "email-addr": ("email", {"value": "from"}),
    **{type_: (template, members) for template, (type_, members) in OBSERVED.items()},
}
"""What we write of them, and addresses, which others write."""
_ATTRIBUTES: dict[str, tuple[str, str]] = {
    "btc": ("coin-address", "address"),
    "email": ("email", "from"),
    "email-dst": ("email", "from"),
    "email-src": ("email", "from"),
    "full-name": ("person", "full-name"),
    "iban": ("bank-account", "iban"),
    "bank-account-nr": ("bank-account", "account"),
    "link": ("url", "url"),
    "phone-number": ("phone", "msisdn"),
    "url": ("url", "url"),
    "xmr": ("coin-address", "address-xmr"),
}
"""MISP's types of attributes that stand alone: the template and relation they would have in an object."""
