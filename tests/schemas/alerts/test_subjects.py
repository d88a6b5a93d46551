"""Keys of persons: equal for one person however written, different for another, certain with state or birth date."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alerts import parse_alert
from schemas.alerts.subjects import (
    MAX_DATED_NAMES,
    MAX_KEYS,
    SubjectKey,
    fold_name,
    list_subject_keys,
    make_document_key,
    make_name_keys,
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
