"""Codes that a person types in."""

import pytest

from agency_client.errors import UsageError
from agency_client.typed_codes import parse_code
from schemas.markings import Tlp


def test_a_code_of_the_list_is_its_member() -> None:
    assert parse_code(Tlp, "amber-strict", "marking") is Tlp.AMBER_STRICT


@pytest.mark.parametrize("text", ["AMBER", "amber ", "", "purple"])
def test_another_word_is_answered_with_the_codes_there_are(text: str) -> None:
    with pytest.raises(UsageError, match="marking") as caught:
        parse_code(Tlp, text, "marking")
    assert "amber-strict" in caught.value.fix
