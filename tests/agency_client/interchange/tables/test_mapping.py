"""Mappings: what is wrong with one is said before any line is read, with the place and what would be right."""

import pytest

from agency_client.interchange.tables.mapping import MappingError, PathMaker, read_mapping
from tests.agency_client.interchange.tables.tables import EXAMPLES, MAPPING

FRAUD = """
kind = "document-fraud"
[alert]
details.techniques = ["inkjet"]
[columns.A]
field = "details.techniques.+"
separator = "|"
[columns.B]
field = "persons.+.names.+.text"
[columns.C]
field = "persons.+.names.+.text"
"""


def test_a_mapping_knows_the_columns_it_needs() -> None:
    mapping = read_mapping(MAPPING)

    assert (mapping.kind, mapping.named_columns) == ("document-status", ("Number", "What", "When", "Where"))
    assert mapping.constants["statements.0.text"] == "Reported at {Where}."
    assert mapping.examples["Number"] == "L898902C3"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_published_mappings_are_right(path: object) -> None:
    assert read_mapping(getattr(path, "read_text")()).columns  # noqa: B009 - parametrised over paths


def test_a_plus_is_the_next_place_behind_all_that_is_numbered() -> None:
    maker = PathMaker(read_mapping(FRAUD))

    assert [maker.make("details.techniques.+") for _ in range(2)] == ["details.techniques.1", "details.techniques.2"]
    assert [maker.make("persons.+.names.+.text") for _ in range(2)] == [
        "persons.0.names.0.text",
        "persons.1.names.0.text",
    ]
    assert maker.make("subject") == "subject"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('kind = "document-status"', "kind = ", "Invalid value"),
        ('kind = "document-status"', 'kind = "passport"', "passport is none of"),
        ('kind = "document-status"', 'kind = "victim-safeguarding"', "victims"),
        ('kind = "document-status"', "", "kind: Field required"),
        ('kind = "document-status"', 'kind = "document-status"\nkinds = 1', "kinds: Extra inputs"),
        ('ignore = ["Remarks"]', 'encoding = "latin-1"', "table.encoding: latin-1 is none of: utf-8"),
        ('ignore = ["Remarks"]', 'delimiter = "\\""', "table.delimiter"),
        ('ignore = ["Remarks"]', 'delimiter = ";;"', "table.delimiter"),
        ('ignore = ["Remarks"]', 'time_zone = "Zenith"', "table.time_zone: Zenith is not known"),
        ('ignore = ["Remarks"]', 'time_zone = "../../etc/passwd"', "table.time_zone"),
        ('details.type = "passport"', "details.type = 1.5", "alert.details.type: a number with a fraction"),
        ('details.type = "passport"', "data_as_of = 2026-11-21T18:40:00Z", "stands in quotation marks"),
        ('details.type = "passport"', 'thread = "x"', "a thread of its own"),
        ('field = "details.number"', 'field = "details.numbr"', "field: details.numbr: no such field; there are: type"),
        ('field = "details.number"', 'field = "details.blanks"', "is a list: end it with"),
        ('field = "details.number"', 'field = "details.recovery"', "holds fields: on"),
        ('field = "details.number"', 'field = "details.number.+"', "no fields below"),
        ('field = "details.number"', 'field = "details..number"', "no such field"),
        ('field = "details.number"', 'field = "details.place"', "is another column's too"),
        ('field = "details.number"', 'field = "details.number"\nseparator = "|"', "only a field with"),
        ('dates = ["%d.%m.%Y", "%m.%Y"]', 'dates = ["%d.%m.%y"]', "two-digit years"),
        ('dates = ["%d.%m.%Y", "%m.%Y"]', 'dates = ["%d %B %Y"]', "once %Y"),
        ('dates = ["%d.%m.%Y", "%m.%Y"]', 'dates = ["%d.%m.%Y %d"]', "once %Y"),
        ('dates = ["%d.%m.%Y", "%m.%Y"]', 'dates = ["%d/%Y"]', "a day without its month"),
        ('dates = ["%d.%m.%Y", "%m.%Y"]', 'dates = ["%Y %H:%M"]', "a time has its day"),
        ('dates = ["%d.%m.%Y", "%m.%Y"]', 'dates = ["%d.%m.%Y %H:%M"]', "table.time_zone: is missing"),
        ('dates = ["%d.%m.%Y", "%m.%Y"]', 'dates = ["%Y"]\nvalues = { a = "b" }', "either values or dates"),
        ('field = "details.place"', 'field = "statements.text"', "no such field"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_says_where_and_what(old: str, new: str, sentence: str) -> None:
    assert old in MAPPING
    with pytest.raises(MappingError) as refusal:
        read_mapping(MAPPING.replace(old, new))
    assert sentence in str(refusal.value)


def test_a_path_that_leads_through_a_value_fits_together_with_nothing() -> None:
    with pytest.raises(MappingError, match="do not fit together"):
        read_mapping(FRAUD.replace('details.techniques = ["inkjet"]', 'details.techniques = "inkjet"'))
