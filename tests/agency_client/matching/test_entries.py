"""Everything that names somebody is found with its path, as given; a confidential alert gives nothing away."""

from dataclasses import replace

import pytest

from agency_client.matching import entries
from agency_client.matching.entries import HOLDER, MAX_NAMES, NameEntry, list_names, list_numbers
from schemas.alerts import kind_names, parse_alert
from schemas.alerts.registry import kind_of
from schemas.alerts.shapes import IdentifierType
from tests.schemas.alerts.filled import load, parse_changed


def test_names_of_persons_holder_and_zone_stand_with_their_paths() -> None:
    found = list_names(parse_alert(load("document-fraud")))
    assert NameEntry("details.document.holder", HOLDER, "ANNA MARIA ERIKSSON", ("1974-08-12",)) in found
    assert NameEntry("details.document.mrz", HOLDER, "ERIKSSON<<ANNA<MARIA", ("1974-08-12",)) in found
    assert NameEntry("persons.0.names.0", "unidentified", "Nguyễn Văn Specimen", ("1991",)) in found


def test_a_name_is_found_in_every_spelling_and_by_its_aliases() -> None:
    found = {(entry.path, entry.text) for entry in list_names(parse_alert(load("facilitator")))}
    assert {
        ("persons.0.names.1", "陈氏样本"),
        ("persons.0.names.1", "Chen Shi Yangben"),
        ("persons.0.names.0", "Thị Specimen Trần"),
        ("persons.0.aliases.0", "Chị Hai"),
        ("persons.1.names.0", "أنا ماريا إريكسون"),
    } <= found


def test_numbers_of_persons_stand_under_the_person_and_all_others_under_the_details() -> None:
    found = list_numbers(parse_alert(load("facilitator")))
    assert {entry.path for entry in found} == {"persons.0", "details"}
    assert ("persons.0", IdentifierType.DOCUMENT_NUMBER, "D23145890") in {
        (entry.path, *entry.identifier) for entry in found
    }


def test_every_identifier_of_every_open_kind_is_found() -> None:
    for kind in kind_names():
        alert = parse_alert(load(kind))
        expected = () if kind_of(kind).is_confidential else alert.identifiers()
        assert {entry.identifier for entry in list_numbers(alert)} == set(expected), kind


def test_a_confidential_alert_gives_nothing_away_whatever_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    alert = parse_alert(load("document-fraud"))
    assert list_names(alert)
    assert list_numbers(alert)
    confidential = replace(kind_of(alert.kind), is_confidential=True)
    monkeypatch.setattr(entries, "kind_of", lambda _: confidential)
    assert list_names(alert) == ()
    assert list_numbers(alert) == ()


def test_a_zone_that_cannot_be_read_names_nobody() -> None:
    alert = parse_changed(
        "document-fraud", {"details.document.mrz": {"lines": ["P<UTO"]}, "details.document.holder": {"sex": "female"}}
    )
    assert [entry.path for entry in list_names(alert) if entry.role == HOLDER] == []


def test_one_alert_gives_no_more_names_than_a_search_bears() -> None:
    person = load("facilitator")["persons"][0]
    persons = [
        {**person, "ref": f"p{number}", "names": [{"text": f"Name {number} {place}"} for place in range(20)]}
        for number in range(190)
    ]
    alert = parse_alert({**load("facilitator"), "persons": [*load("facilitator")["persons"], *persons]})
    assert len(list_names(alert)) == MAX_NAMES
