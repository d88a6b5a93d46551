"""Whom an alert is about, as keys under which copies about one person meet: documents, names with birth dates, numbers.

Pure, and about identity only: the keys are personal data in clear. What is kept of them are keyed references
(`agency_client.local_store.subjects`). A key by name alone meets namesakes too, and says so by its type.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from schemas.alerts.base import Alert
from schemas.alerts.document import DocumentIdentity, Holder, SeenDocument, SeenZone
from schemas.alerts.kinds.document_status import DocumentStatus
from schemas.alerts.kinds.document_verification import DocumentVerification, DocumentVerificationReply
from schemas.alerts.person import Person
from schemas.alerts.shapes import Identifier, IdentifierType
from schemas.alerts.walking import walk_parts
from schemas.identifiers.dates import read_partial_date
from schemas.identifiers.mrz import Mrz, parse_mrz, read_birth_date
from schemas.identifiers.mrz_layout import MrzError
from schemas.identifiers.numbers import normalise_document_number
from schemas.identifiers.states import canonicalise_state
from schemas.identifiers.transliteration import TransliterationError, transliterate_name

MAX_KEYS = 40_000
"""So many keys are kept for one alert: more than the names, documents and numbers of the largest."""
MAX_DATED_NAMES = 60
"""With more names times birth dates a person is found by each name alone: nobody hides others behind one person."""

_INSIDE_NAMES = "'\u2019\u02bc"
"""Apostrophes, which join what they stand between."""
HOLDER = "holder"
SPOKEN_OF = "details"


class SubjectKeyType(StrEnum):
    """By what a person is found again. `NAME` and `NUMBER` alone are possible matches only."""

    DOCUMENT = "document"
    NUMBER = "document-number"
    NAME_AND_BIRTH = "name-and-birth"
    NAME = "name"
    IDENTIFIER = "identifier"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """One key: its type, its normal form, and as what the person stands in the alert (`role`)."""

    type: SubjectKeyType
    value: str
    role: str


_NOT_OF_A_PERSON = frozenset(
    {
        IdentifierType.SERIES,
        IdentifierType.FLIGHT,
        IdentifierType.DOCUMENT_NUMBER,
        IdentifierType.BIC,
        IdentifierType.CONTAINER,
        IdentifierType.IMO,
    }
)
"""Of a series, a carrier, a bank or a ship, or found as another key; small boats and their numbers are somebody's."""


def list_subject_keys(alert: Alert) -> tuple[SubjectKey, ...]:
    """Return, each once, the keys of everyone an alert is about."""
    found = [key for _, part in walk_parts(alert) for key in _list_keys_of(part, alert)]
    found += [
        make_identifier_key(*identifier, SPOKEN_OF) for identifier in alert.identifiers() if _is_personal(identifier)
    ]
    numbers = {key.value.partition(":")[2] for key in found if key.type is SubjectKeyType.DOCUMENT}
    found += [
        SubjectKey(SubjectKeyType.NUMBER, identifier.value, SPOKEN_OF)
        for identifier in alert.identifiers()
        if identifier.type is IdentifierType.DOCUMENT_NUMBER and identifier.value not in numbers
    ]
    return _drop_repeated(found)[:MAX_KEYS]


def make_document_key(issuing_state: str, number: str, role: str = "") -> SubjectKey:
    """Return the key of a document: the state counts too, since two states may give the same number."""
    value = f"{canonicalise_state(issuing_state)}:{normalise_document_number(number)}"
    return SubjectKey(SubjectKeyType.DOCUMENT, value, role)


def make_number_key(number: str, role: str = "") -> SubjectKey:
    """Return the key of a document's number where nobody said whose document it is."""
    return SubjectKey(SubjectKeyType.NUMBER, normalise_document_number(number), role)


def make_name_keys(name: str, birth_date: str | None, role: str = "") -> tuple[SubjectKey, ...]:
    """Return the keys of a name in any order of its parts: with the birth date where one is known, else alone."""
    folded = fold_name(name)
    if not folded:
        return ()
    if birth_date is None:
        return (SubjectKey(SubjectKeyType.NAME, folded, role),)
    return (SubjectKey(SubjectKeyType.NAME_AND_BIRTH, f"{folded}|{birth_date}", role),)


def make_query_name_keys(name: str, birth_date: str) -> tuple[SubjectKey, ...]:
    """Return every key under which a person of this name and birth date may stand: less may have been known then.

    Raises:
        ValueError: the birth date is no date.
    """
    read_partial_date(birth_date)
    parts = birth_date.split("-")
    known = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return (*(key for date in known for key in make_name_keys(name, date)), *make_name_keys(name, None))


def make_identifier_key(type_: IdentifierType, value: str, role: str = "") -> SubjectKey:
    """Return the key of a telephone number, an account or whatever else identifies somebody."""
    return SubjectKey(SubjectKeyType.IDENTIFIER, f"{type_.value}:{value}", role)


def fold_name(name: str) -> str:
    """Return a name as copies of it meet: Latin letters of the zone where it has them, parts in alphabetical order."""
    upper = unicodedata.normalize("NFKC", name).upper()
    words = "".join(letter if _is_of_a_name(letter) else " " for letter in upper).split()
    return " ".join(sorted(folded for word in words if (folded := _fold_word(word))))


def _is_of_a_name(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LMN" or letter in _INSIDE_NAMES


def _fold_word(word: str) -> str:
    try:
        return transliterate_name(word)
    except TransliterationError:
        decomposed = unicodedata.normalize("NFKD", word)
        return "".join(letter for letter in decomposed if unicodedata.category(letter)[0] in "LN")


def _drop_repeated(found: list[SubjectKey]) -> tuple[SubjectKey, ...]:
    """Return each key once, and none as merely spoken of that also has a role."""
    known = {(key.type, key.value) for key in found if key.role != SPOKEN_OF}
    return tuple(key for key in dict.fromkeys(found) if key.role != SPOKEN_OF or (key.type, key.value) not in known)


def _list_keys_of(part: object, alert: Alert) -> Iterator[SubjectKey]:
    if isinstance(part, Person):
        yield from _list_person(part)
    elif isinstance(part, DocumentIdentity):
        yield make_document_key(part.issuing_state, part.number, SPOKEN_OF)
    elif isinstance(part, SeenDocument):
        yield from _list_seen(part, alert)
    elif isinstance(part, Holder):
        yield from _list_holder(part)
    elif isinstance(part, DocumentStatus) and part.number is not None:
        yield make_document_key(part.issuing_state, part.number, HOLDER)
    elif isinstance(part, DocumentVerification | DocumentVerificationReply) and part.subject_reference is not None:
        yield SubjectKey(SubjectKeyType.REQUEST, part.subject_reference, HOLDER)


def _list_person(person: Person) -> Iterator[SubjectKey]:
    role = person.role.value
    spellings: Iterable[str] = [
        text
        for name in (*person.names, *person.aliases)
        for text in (name.text, name.transliteration, _join(name.surname, name.given_names))
        if text
    ]
    names, dates = list(dict.fromkeys(spellings)), person.birth_dates or (None,)
    if len(names) * len(dates) > MAX_DATED_NAMES:
        dates = (None,)
    for spelling, birth_date in product(names, dates):
        yield from make_name_keys(spelling, birth_date, role)
    for document in person.documents:
        yield make_document_key(document.issuing_state, document.number, role)


def _list_seen(document: SeenDocument, alert: Alert) -> Iterator[SubjectKey]:
    if document.number is not None:
        yield make_document_key(document.issuing_state, document.number, HOLDER)
    mrz = None if document.mrz is None else _read_zone(document.mrz)
    if mrz is not None and mrz.document_number:
        yield make_document_key(document.issuing_state, mrz.document_number, HOLDER)
    if mrz is not None:
        birth_date = read_birth_date(mrz, as_of=alert.data_as_of.date())
        yield from make_name_keys(_join(mrz.surname, mrz.given_names), birth_date, HOLDER)


def _list_holder(holder: Holder) -> Iterator[SubjectKey]:
    for spelling in (_join(holder.surname, holder.given_names), holder.name_in_own_script or ""):
        yield from make_name_keys(spelling, holder.birth_date, HOLDER)
    if holder.personal_number is not None:
        number = normalise_document_number(holder.personal_number)
        yield make_identifier_key(IdentifierType.PERSONAL_NUMBER, number, HOLDER)


def _is_personal(identifier: Identifier) -> bool:
    return identifier.type not in _NOT_OF_A_PERSON


def _join(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)


def _read_zone(zone: SeenZone) -> Mrz | None:
    try:
        return parse_mrz(zone.lines)
    except MrzError:
        return None
