"""What of an alert can be found again: the names in it and the numbers, each with the path under which it stands. Pure.

Names stand as given, in every script. A confidential kind has nothing that can be found: who it protects is no hit.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from schemas.alerts.base import Alert
from schemas.alerts.document import Holder, SeenDocument
from schemas.alerts.person import Person, PersonName
from schemas.alerts.registry import kind_of
from schemas.alerts.shapes import Identifier
from schemas.alerts.walking import walk_parts
from schemas.identifiers.mrz import Mrz, parse_mrz, read_birth_date
from schemas.identifiers.mrz_layout import MrzError

MAX_NAMES, MAX_NUMBERS = 2_000, 5_000
"""So much of one alert can be found: more than the largest honest one says, and no more than a search bears."""
HOLDER = "holder"
_DETAILS = "details"


@dataclass(frozen=True, slots=True)
class NameEntry:
    """A name as given, as what the person stands there, and the birth dates that stand beside it."""

    path: str
    role: str
    text: str
    births: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NumberEntry:
    """A number in the form under which copies meet."""

    path: str
    identifier: Identifier


def list_names(alert: Alert) -> tuple[NameEntry, ...]:
    """Return, each once, the names in an alert; none of a confidential kind."""
    if kind_of(alert.kind).is_confidential:
        return ()
    found = (entry for path, part in walk_parts(alert) for entry in _list_names_of(path, part, alert))
    return tuple(dict.fromkeys(found))[:MAX_NAMES]


def list_numbers(alert: Alert) -> tuple[NumberEntry, ...]:
    """Return, each once, the numbers in an alert, those of persons under `persons.N`; none of a confidential kind."""
    if kind_of(alert.kind).is_confidential:
        return ()
    found = [
        NumberEntry(f"persons.{place}", identifier)
        for place, person in enumerate(alert.persons)
        for identifier in person.identifiers()
    ]
    found += [NumberEntry(_DETAILS, identifier) for identifier in alert.details.identifiers()]
    return tuple(dict.fromkeys(found))[:MAX_NUMBERS]


def _list_names_of(path: str, part: object, alert: Alert) -> Iterable[NameEntry]:
    if isinstance(part, Person):
        return _list_person(path, part)
    if isinstance(part, Holder):
        return _list_holder(path, part)
    if isinstance(part, SeenDocument) and part.mrz is not None:
        return _list_zone(f"{path}.mrz", part.mrz.lines, alert)
    return ()


def _list_person(path: str, person: Person) -> Iterator[NameEntry]:
    for member, names in (("names", person.names), ("aliases", person.aliases)):
        for place, name in enumerate(names):
            for text in _list_spellings(name):
                yield NameEntry(f"{path}.{member}.{place}", person.role.value, text, person.birth_dates)


def _list_spellings(name: PersonName) -> Iterator[str]:
    yield name.text
    if name.transliteration:
        yield name.transliteration
    if name.surname and name.given_names:
        yield f"{name.given_names} {name.surname}"


def _list_holder(path: str, holder: Holder) -> Iterator[NameEntry]:
    births = (holder.birth_date,) if holder.birth_date else ()
    printed = " ".join(part for part in (holder.given_names, holder.surname) if part)
    for text in (printed, holder.name_in_own_script):
        if text:
            yield NameEntry(path, HOLDER, text, births)


def _list_zone(path: str, lines: tuple[str, ...], alert: Alert) -> Iterator[NameEntry]:
    mrz = _read_zone(lines)
    if mrz is None or not mrz.surname:
        return
    birth = read_birth_date(mrz, as_of=alert.data_as_of.date())
    # As in the zone: what fills it may have been cut.
    name = f"{mrz.surname}<<{mrz.given_names}".replace(" ", "<")
    yield NameEntry(path, HOLDER, name, (birth,) if birth else ())


def _read_zone(lines: tuple[str, ...]) -> Mrz | None:
    try:
        return parse_mrz(lines)
    except MrzError:
        return None
