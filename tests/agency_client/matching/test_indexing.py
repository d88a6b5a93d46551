"""What a correction replaces is not found any more, and what it says is."""

import pytest

from agency_client.matching.entries import NameEntry, NumberEntry
from agency_client.matching.indexing import MAX_NAME_LENGTH, change_name, change_number
from schemas.alerts.kinds.correction import Change
from schemas.alerts.shapes import Identifier, IdentifierType

HOLDER = NameEntry("details.document.holder", "holder", "ANNA MARIA ERIKSSON", ("1974-08-12",))
PERSON = NameEntry("persons.0.names.0", "suspect", "Nguyễn Văn Specimen", ("1979", "1981-04"))
NUMBER = NumberEntry("details", Identifier(IdentifierType.DOCUMENT_NUMBER, "L898902C3"))


@pytest.mark.parametrize(
    ("entry", "change", "changed"),
    [
        (HOLDER, ("details.document.holder.surname", "ERIKSSON", "ERIKSEN"), ("ANNA MARIA ERIKSEN", ("1974-08-12",))),
        (HOLDER, ("details.document.holder.surname", "ERIKSSON", None), ("ANNA MARIA", ("1974-08-12",))),
        (HOLDER, ("details.document.holder.birth_date", "1974-08-12", "1974-12-08"), (HOLDER.text, ("1974-12-08",))),
        (HOLDER, ("details.document.holder.birth_date", "1974-08-12", None), (HOLDER.text, ())),
        (PERSON, ("persons.0.birth_dates.1", "1981-04", "1981-05"), (PERSON.text, ("1979", "1981-05"))),
        (PERSON, ("persons.1.birth_dates.1", "1981-04", "1981-05"), (PERSON.text, PERSON.births)),
        (
            PERSON,
            ("persons.0.names.0.text", "Nguyễn Văn Specimen", "Nguyễn Văn Mẫu"),
            ("Nguyễn Văn Mẫu", PERSON.births),
        ),
        (PERSON, ("persons.0.names.1.text", "Nguyễn Văn Specimen", "Mẫu"), (PERSON.text, PERSON.births)),
        (PERSON, ("subject", "Specimen", "Mẫu"), (PERSON.text, PERSON.births)),
        (PERSON, ("persons.0.names.0.script", None, "Latn"), (PERSON.text, PERSON.births)),
    ],
)
def test_a_name_is_as_the_change_leaves_it(
    entry: NameEntry, change: tuple[str, str | None, str | None], changed: tuple[str, tuple[str, ...]]
) -> None:
    field, was, now = change
    found = change_name(entry, Change(field=field, was=was, now=now))
    assert found is not None
    assert (found.path, found.role, found.text, found.births) == (entry.path, entry.role, *changed)


def test_no_row_of_changes_lets_a_name_grow_beyond_all_names() -> None:
    entry = PERSON
    for _ in range(20):
        found = change_name(entry, Change(field="persons.0.names.0.text", was="n", now="n" * 300))
        assert found is not None
        entry = found
    assert len(entry.text) <= MAX_NAME_LENGTH


def test_what_is_no_date_is_no_birth_date_to_compare() -> None:
    found = change_name(PERSON, Change(field="persons.0.birth_dates.1", was="1981-04", now="never born"))
    assert found is not None
    assert found.births == ("1979",)


def test_a_name_that_is_taken_out_is_gone() -> None:
    assert change_name(PERSON, Change(field="persons.0.names.0.text", was=PERSON.text)) is None


@pytest.mark.parametrize(
    ("field", "was", "now", "value"),
    [
        ("details.document.number", "L 898902-C3", "L898903A1", "L898903A1"),
        ("details.document.number", "L898902C3", None, None),
        ("details.document.number", "X1", "X2", "L898902C3"),
        ("persons.0.documents.0.number", "L898902C3", "X2", "L898902C3"),
        ("details.document.number", None, "X2", "L898902C3"),
    ],
)
def test_a_number_is_as_the_change_leaves_it(field: str, was: str | None, now: str | None, value: str | None) -> None:
    found = change_number(NUMBER, Change(field=field, was=was, now=now))
    assert (None if found is None else found.identifier.value) == value
