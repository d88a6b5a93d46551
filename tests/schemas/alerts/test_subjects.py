"""Keys of persons: equal for one person however written, different for another, certain with state or birth date."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alerts import parse_alert
from schemas.alerts.shapes import Details, Identifier, IdentifierType
from schemas.alerts.subjects import (
    MAX_DATED_NAMES,
    MAX_KEYS,
    SubjectKey,
    fold_name,
    list_subject_keys,
    make_document_key,
    make_identifier_key,
    make_name_keys,
    make_number_key,
    make_query_name_keys,
)
from tests.schemas.alerts.filled import ABSENT, load, load_changed


def say(keys: Iterable[SubjectKey]) -> set[tuple[str, str, str]]:
    """Return keys as plain texts."""
    return {(key.type.value, key.value, key.role) for key in keys}


def test_a_false_passport_leads_to_its_holder_and_to_its_bearer() -> None:
    keys = say(list_subject_keys(parse_alert(load("document-fraud"))))
    assert ("document", "UTO:L898902C3", "holder") in keys
    assert ("name-and-birth", "ANNA ERIKSSON MARIA|1974-08-12", "holder") in keys
    assert ("name-and-birth", "NGUYEN SPECIMEN VAN|1991", "unidentified") in keys
    assert ("identifier", "personal-number:ZE184226B", "holder") in keys
    assert ("document-number", "L898902D4", "details") in keys, "nobody says whose document the linked one is"
    assert not any(value.endswith("XX1234") for _, value, _ in keys), "a flight is nobody"


def test_a_facilitator_is_found_by_every_name_number_and_account() -> None:
    keys = say(list_subject_keys(parse_alert(load("facilitator"))))
    assert ("name-and-birth", "CHEN SHI YANGBEN|1981-04", "suspect") in keys
    assert ("name", "ANNA ERIKSSON MARIA", "associate") in keys
    assert {("identifier", "phone:+447700900123", "details"), ("document", "UTO:D23145890", "suspect")} <= keys
    assert ("document", "UTO:D23145890", "details") not in keys, "whose role is known is not merely spoken of"


def test_a_zone_alone_leads_to_the_holder() -> None:
    changed = {"details.document.holder": ABSENT, "details.document.number": ABSENT, "details.mismatches": ABSENT}
    keys = say(list_subject_keys(parse_alert(load_changed("document-fraud", changed))))
    assert {
        ("document", "UTO:L898902C3", "holder"),
        ("name-and-birth", "ANNA ERIKSSON MARIA|1974-08-12", "holder"),
    } <= keys


def test_a_question_leads_to_its_pseudonym() -> None:
    reference = "subject-6b1f0c6d2f5e4a7b9c8d7e6f5a4b3c2d"
    keys = say(
        list_subject_keys(parse_alert(load_changed("document-verification", {"details.subject_reference": reference})))
    )
    assert ("request", reference, "holder") in keys


def test_a_test_message_leads_to_nobody() -> None:
    assert list_subject_keys(parse_alert(load("ping"))) == ()


@pytest.mark.parametrize(
    "spelling",
    [
        "ERIKSSON ANNA MARIA",
        "Anna Maria Eriksson",
        "eriksson, anna-maria",
        "Eriksson<<Anna<Maria",
        "Ériksson Anna Maria",
    ],
)
def test_one_name_folds_to_one_form(spelling: str) -> None:
    assert fold_name(spelling) == "ANNA ERIKSSON MARIA"


@pytest.mark.parametrize("name", ["陈氏样本", "أنا ماريا إريكسون", "Анна Эрикссон"])
def test_names_in_other_scripts_fold_too(name: str) -> None:
    assert fold_name(name) == fold_name(" ".join(reversed(name.split())))
    assert fold_name(name)


def test_a_name_of_signs_only_is_nobodys() -> None:
    assert make_name_keys("- –", "1974") == ()


@given(st.lists(st.text("aábçdeğzÅØĐњяأبن陈'0", min_size=1, max_size=6), min_size=1, max_size=4))
def test_neither_the_order_of_parts_nor_their_case_makes_another_person(parts: list[str]) -> None:
    folded = fold_name(" ".join(parts))
    assert fold_name(", ".join(reversed(parts))) == folded
    assert fold_name(" ".join(parts).upper()) == folded


@given(st.text(max_size=40))
def test_any_text_folds_to_words_without_signs(text: str) -> None:
    assert all(letter == " " or letter.isalnum() for letter in fold_name(text))


def test_a_query_finds_what_was_known_less_exactly_then() -> None:
    values = [key.value for key in make_query_name_keys("Anna Eriksson", "1974-08-12")]
    assert values == [
        "ANNA ERIKSSON|1974-08-12",
        "ANNA ERIKSSON|1974-08",
        "ANNA ERIKSSON|1974",
        "ANNA ERIKSSON",
    ]
    with pytest.raises(ValueError, match="date"):
        make_query_name_keys("Anna Eriksson", "12.08.1974")


def test_two_states_may_give_one_number() -> None:
    assert make_document_key("UTO", "l898902-c3") == make_document_key("UTO", "L898902C3")
    assert make_document_key("UTO", "L898902C3").value != make_document_key("GBR", "L898902C3").value
    assert make_document_key("DEU", "C01X00T47").value == make_document_key("D", "C01X00T47").value


def test_nobody_is_hidden_behind_persons_of_many_names_and_birth_dates() -> None:
    dates = [f"{year}" for year in range(1960, 1980)]
    names = [[{"text": f"Specimen {person}{number:02}"} for number in range(20)] for person in range(5)]
    persons: list[dict[str, object]] = [
        {"ref": f"p{n}", "role": "associate", "names": given, "birth_dates": dates} for n, given in enumerate(names)
    ]
    persons.append({"ref": "last", "role": "victim", "names": [{"text": "Last Of All"}], "birth_dates": dates[:1]})
    alert = parse_alert(load_changed("document-fraud", {"persons": persons, "details.bearer": ABSENT}))
    keys = say(list_subject_keys(alert))
    assert ("name-and-birth", "ALL LAST OF|1960", "victim") in keys
    assert {
        ("name", f"{person}{number:02} SPECIMEN", "associate") for person in range(5) for number in range(20)
    } <= keys
    assert len(keys) < 200 < MAX_KEYS, "names are not multiplied by dates without end"


def test_a_person_of_few_names_and_dates_is_found_by_each_with_each() -> None:
    dates = [str(1900 + number) for number in range(MAX_DATED_NAMES // 3)]
    persons = [{"ref": "p", "role": "associate", "names": [{"text": f"N {n}"} for n in "ABC"], "birth_dates": dates}]
    changed = {"persons": persons, "details.bearer": ABSENT}
    keys = say(list_subject_keys(parse_alert(load_changed("document-fraud", changed))))
    assert sum(kind == "name-and-birth" and role == "associate" for kind, _, role in keys) == MAX_DATED_NAMES


def find(kind: str, changes: dict[str, object]) -> set[tuple[str, str, str]]:
    """Return the keys of an example with some fields changed, as plain texts."""
    return say(list_subject_keys(parse_alert(load_changed(kind, changes))))


def test_a_document_without_its_zone_leads_to_its_holder_by_what_is_printed() -> None:
    changed: dict[str, object] = {"details.document.mrz": ABSENT, "details.mismatches": ABSENT}
    assert find("document-fraud", changed) == {
        ("document", "UTO:L898902C3", "holder"),
        ("document-number", "L898902D4", "details"),
        ("document-number", "L898903A1", "details"),
        ("identifier", "personal-number:ZE184226B", "holder"),
        ("name-and-birth", "ANNA ERIKSSON MARIA|1974-08-12", "holder"),
        ("name-and-birth", "NGUYEN SPECIMEN VAN|1991", "unidentified"),
    }


def test_what_is_printed_and_what_the_zone_says_both_lead_to_the_holder() -> None:
    changed: dict[str, object] = {
        "details.document.number": "L898902D9",
        "details.document.holder.surname": "ERIKSON",
        "details.document.holder.name_in_own_script": "Эрикссон Анна",
    }
    keys = find("document-fraud", changed)
    assert {
        ("document", "UTO:L898902C3", "holder"),
        ("document", "UTO:L898902D9", "holder"),
        ("name-and-birth", "ANNA ERIKSSON MARIA|1974-08-12", "holder"),
        ("name-and-birth", "ANNA ERIKSON MARIA|1974-08-12", "holder"),
        ("name-and-birth", f"{fold_name('Анна Эрикссон')}|1974-08-12", "holder"),
    } <= keys


def test_a_document_that_is_asked_about_or_was_reported_leads_to_whose_it_is() -> None:
    assert find("document-verification", {}) == {
        ("document", "UTO:L898902C3", "details"),
        ("name-and-birth", "ANNA ERIKSSON MARIA|1974-08-12", "holder"),
    }
    numbered = {"details.document.number": "12:34", "details.mrz": ABSENT}
    assert {value for type_, value, _ in find("document-verification", numbered) if "number" in type_} == set()
    reported: dict[str, object] = {
        "details.number": "x123 4567",
        "details.status": "stolen",
        "details.blanks": ABSENT,
    }
    assert find("document-status", reported) == {("document", "UTO:X1234567", "holder")}


def test_a_person_is_found_by_each_spelling_and_by_surname_and_given_names() -> None:
    name = {"text": "A. M. Eriksson", "surname": "ERIKSSON", "given_names": "ANNA MARIA", "transliteration": "Erixon"}
    person = {"ref": "p1", "role": "suspect", "names": [name]}
    keys = find("document-fraud", {"persons": [person], "details.bearer": ABSENT})
    assert {value for type_, value, role in keys if (type_, role) == ("name", "suspect")} == {
        "A ERIKSSON M",
        "ERIXON",
        "ANNA ERIKSSON MARIA",
    }


def test_a_name_that_the_zone_cannot_spell_is_folded_to_its_capitals_without_accents() -> None:
    assert fold_name("Άννα Նինա") == "ΑΝΝΑ ՆԻՆԱ"


def test_whoever_asks_by_a_key_alone_says_nothing_of_a_role() -> None:
    keys = (
        make_document_key("UTO", "L898902C3"),
        make_number_key("l898 902-c3"),
        *make_name_keys("Anna", None),
        make_identifier_key(IdentifierType.PHONE, "+447700900123"),
    )
    assert say(keys) == {
        ("document", "UTO:L898902C3", ""),
        ("document-number", "L898902C3", ""),
        ("name", "ANNA", ""),
        ("identifier", "phone:+447700900123", ""),
    }
    assert make_number_key("L898902C3", "holder").role == "holder"


class Spoken(Details):
    """What names one identifier of every type."""

    def identifiers(self) -> tuple[Identifier, ...]:
        return tuple(Identifier(type_, "X1") for type_ in IdentifierType)


def test_what_is_a_series_a_carriers_a_banks_or_a_ships_is_no_persons() -> None:
    alert = parse_alert(load("ping")).model_copy(update={"details": Spoken()})
    keys = say(list_subject_keys(alert))
    nobodys = {"series", "flight", "bic", "container", "imo"}
    known = {value.removesuffix(":X1") for type_, value, _ in keys if type_ == "identifier"}
    assert known == {type_.value for type_ in IdentifierType} - nobodys - {"document-number"}
    assert ("document-number", "X1", "details") in keys, "a document's number is a key of its own type"


def test_of_the_largest_alert_so_many_keys_are_kept() -> None:
    assert MAX_KEYS == 40_000


def test_an_account_is_somebodys_and_a_bank_and_a_ship_are_nobody() -> None:
    money = say(list_subject_keys(parse_alert(load("financial-flow"))))
    assert ("identifier", "iban:BE68539007547034", "details") in money
    assert not any(value.startswith("bic:") for _, value, _ in money)
    boat = {
        value.partition(":")[0]
        for kind, value, _ in say(list_subject_keys(parse_alert(load("conveyance"))))
        if kind == "identifier"
    }
    assert {"plate", "vin", "mmsi", "hull", "tail"} <= boat
    assert boat.isdisjoint({"imo", "container"})
