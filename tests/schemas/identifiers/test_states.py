"""State codes: the exceptions of ICAO Doc 9303-3 beside ISO 3166-1."""

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.identifiers.states import (
    STATE_NAMES,
    StateCode,
    StateCodeAsSeen,
    canonicalise_state,
    describe_state,
    find_issuer,
    is_state_code,
)

CODE = TypeAdapter(StateCode)
SEEN = TypeAdapter(StateCodeAsSeen)


def test_the_table_has_iso_3166_without_germany_and_the_exceptions_of_the_standard() -> None:
    assert len(STATE_NAMES) == 249 - 1 + 30
    assert all(code.isascii() and code.isupper() and len(code) in {1, 3} for code in STATE_NAMES)


@pytest.mark.parametrize(
    "code",
    [
        "D",
        "GBD",
        "GBN",
        "GBO",
        "GBP",
        "GBS",
        "RKS",
        "EUE",
        "UNO",
        "UNA",
        "UNK",
        "XPO",
        "XOM",
        "XXA",
        "XXB",
        "XXC",
        "XXX",
        "UTO",
    ],
)
def test_the_special_codes_are_known(code: str) -> None:
    assert is_state_code(code)
    assert CODE.validate_python(code) == code


def test_germany_is_written_in_one_way_and_the_refusal_says_how() -> None:
    assert canonicalise_state("DEU") == "D"
    with pytest.raises(ValidationError, match="write this D"):
        CODE.validate_python("DEU")


@pytest.mark.parametrize("code", ["QQQ", "GB", "vnm", "VNM ", "", "VNMX"])
def test_other_codes_are_refused_where_a_fact_is_stated(code: str) -> None:
    assert not is_state_code(code)
    with pytest.raises(ValidationError):
        CODE.validate_python(code)


def test_a_code_nobody_issues_under_is_kept_where_something_was_seen() -> None:
    assert SEEN.validate_python("WSA") == "WSA"
    assert "no such code" in describe_state("WSA")


def test_the_issuer_of_british_and_united_nations_documents_is_found() -> None:
    assert {find_issuer(code) for code in ("GBR", "GBD", "GBN", "GBO", "GBP", "GBS")} == {"GBR"}
    assert find_issuer("UNK") == "UNO"
    assert find_issuer("DEU") == find_issuer("D") == "D"
    assert find_issuer("VNM") == "VNM"


def test_names_are_those_a_person_knows() -> None:
    assert describe_state("VNM") == "Viet Nam"
    assert describe_state("DEU") == "Germany"
