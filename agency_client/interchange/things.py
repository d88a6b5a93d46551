"""An alert as the things in it that others' tools know: persons, accounts, vehicles, places, and who is whose. Pure.

Each leaf of the alert stands exactly once: in an attribute of a thing, or in `rest` beside its path.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from agency_client.interchange.leaves import Leaf, list_leaves
from agency_client.interchange.templates import TEMPLATES, Relation, Template
from schemas.alerts.base import Alert
from schemas.alerts.network import Edge
from schemas.alerts.person import Person
from schemas.alerts.walking import walk_parts

AS_SEEN, NORMALISED = "as_seen", "normalised"
_LINKS = {
    "beneficial_owners": "benefits-from",
    "driver": "drives",
    "holders": "owns",
    "keeper": "keeps",
    "person": "uses",
    "settles_with": "settles-with",
    "signatories": "signs-for",
}
"""Fields that name persons by their `ref`, and what that makes of the person and the things beside the field."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One value of a thing: MISP's relation and type, and the path of the leaf that it is."""

    relation: str
    type: str
    value: str
    path: str


@dataclass(frozen=True, slots=True)
class Thing:
    """A part of the alert with an object of its own; `path` is where the part stands."""

    path: str
    template: Template
    attributes: tuple[Attribute, ...]

    def find(self, relation: str) -> str | None:
        """Return the first value of a relation."""
        return next((item.value for item in self.attributes if item.relation == relation), None)


@dataclass(frozen=True, slots=True)
class Link:
    """What a person, named by the path it stands under, is to a thing or to another person."""

    source: str
    kind: str
    target: str


@dataclass(frozen=True, slots=True)
class Things:
    """Everything in an alert."""

    things: tuple[Thing, ...]
    links: tuple[Link, ...]
    rest: Mapping[str, Leaf]


def sort_things(alert: Alert) -> Things:
    """Return the things of an alert, their links, and every leaf that no thing holds."""
    rest = list_leaves(alert)
    things = tuple(_list_things(alert, rest))
    return Things(things, tuple(_list_links(alert, things)), rest)


def _list_things(alert: Alert, rest: dict[str, Leaf]) -> Iterator[Thing]:
    for path, part in walk_parts(alert):
        template = TEMPLATES.get(type(part))
        if template is None:
            continue
        attributes = tuple(_list_attributes(path, template, rest))
        if not template.needs & {item.relation for item in attributes}:
            continue
        for item in attributes:
            del rest[item.path]
        yield Thing(path, template, attributes)


def _list_attributes(path: str, template: Template, rest: Mapping[str, Leaf]) -> Iterator[Attribute]:
    taken: set[str] = set()
    for field, relation in template.fields.items():
        pattern = re.compile(re.escape(f"{path}.{field}" if field else path).replace(r"\*", r"\d+"))
        for leaf in rest:
            above, _, last = leaf.rpartition(".")
            found = leaf if pattern.fullmatch(leaf) else above if last == AS_SEEN and pattern.fullmatch(above) else None
            if found is not None and leaf not in taken:
                attribute = _make_attribute(leaf, found, relation, rest)
                taken.add(leaf)
                taken.add(attribute.path)
                yield attribute


def _make_attribute(leaf: str, field: str, relation: Relation, rest: Mapping[str, Leaf]) -> Attribute:
    # Copies meet by the normal form; what was seen stays in the rest where it differs.
    normalised = f"{field}.{NORMALISED}"
    shown = normalised if rest.get(normalised, rest[leaf]) != rest[leaf] else leaf
    return Attribute(relation.name, relation.type, str(rest[shown]), shown)


def _list_links(alert: Alert, things: tuple[Thing, ...]) -> Iterator[Link]:
    persons = {person.ref: f"persons.{place}" for place, person in enumerate(alert.persons)}
    there = {thing.path for thing in things}
    known = {ref: path for ref, path in persons.items() if path in there}
    for _, part in walk_parts(alert):
        if isinstance(part, Edge) and part.person in known and part.other_person in known:
            yield Link(known[part.person], part.relation.value, known[part.other_person])
    # A thing belongs to whom the nearest part around it names; who is named further out is not said to have it too.
    free = {thing.path for thing in things if not thing.path.startswith("persons.")}
    for above, references in groupby(sorted(_list_references(alert), key=_from_within), key=lambda found: found[0]):
        below = sorted(path for path in free if path == above or path.startswith(f"{above}."))
        free -= set(below)
        for _, kind, ref in references:
            yield from (Link(known[ref], kind, path) for path in below if ref in known)


def _from_within(found: tuple[str, str, str]) -> tuple[int, str]:
    return -found[0].count("."), found[0]


def _list_references(alert: Alert) -> Iterator[tuple[str, str, str]]:
    for path, part in walk_parts(alert):
        if isinstance(part, Person | Edge):
            continue
        for field, kind in _LINKS.items():
            value = getattr(part, field, None)
            refs = value if isinstance(value, tuple) else (value,)
            yield from ((path, kind, ref) for ref in refs if isinstance(ref, str) and path)
