"""What is asked for is looked up in every form it may stand in, and is on record in words."""

import pytest

from agency_client.errors import UsageError
from agency_client.matching.query import SearchQuery


@pytest.mark.parametrize(
    ("query", "form"),
    [
        (SearchQuery(documents=("UTO:l 898902-c3",)), "L898902C3"),
        (SearchQuery(documents=("L898902C3",)), "L898902C3"),
        (SearchQuery(phones=("+44 7700 900123",)), "+447700900123"),
        (SearchQuery(emails=("Printer@Example.org",)), "printer@example.org"),
        (SearchQuery(ibans=("GB82 WEST 1234 5698 7654 32",)), "GB82WEST12345698765432"),
        (SearchQuery(texts=("l898902-c3",)), "L898902C3"),
        (SearchQuery(texts=("+44 7700 900123",)), "+447700900123"),
        (SearchQuery(texts=("GB82", "WEST", "1234", "5698", "7654", "32")), "GB82WEST12345698765432"),
    ],
)
def test_a_number_is_looked_up_in_the_form_it_is_kept_in(query: SearchQuery, form: str) -> None:
    query.verify()
    assert form in query.list_numbers()


def test_words_are_one_name_and_each_spelling_its_own() -> None:
    query = SearchQuery(texts=("Anna", "Eriksson"), names=("Анна Эрикссон",))
    assert query.list_names() == ("Анна Эрикссон", "Anna Eriksson")


def test_the_question_is_spelt_whole() -> None:
    query = SearchQuery(names=("Anna",), birth_date="1974", documents=("UTO:1",), phones=("+44",), emails=("a@b",))
    assert query.spell() == "name Anna; born 1974; document UTO:1; telephone +44; e-mail a@b"
    assert SearchQuery(texts=("a", "b"), ibans=("c",), numbers=("d",)).spell() == "a b; account c; number d"


@pytest.mark.parametrize(
    ("query", "word"),
    [
        (SearchQuery(), "nothing to look for"),
        (SearchQuery(birth_date="1974-08-12"), "nothing to look for"),
        (SearchQuery(texts=("  ",)), "nothing to look for"),
        (SearchQuery(names=("Anna",), birth_date="12.8.74"), "--birth"),
    ],
)
def test_what_cannot_be_looked_up_is_refused(query: SearchQuery, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        query.verify()
