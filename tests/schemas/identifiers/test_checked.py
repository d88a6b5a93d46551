"""An identifier as seen with its findings, on the wire and in searches."""

import pytest

from schemas.identifiers.checked import Checked, Finding, explain
from schemas.model import DocumentError


def test_the_search_form_is_the_normal_form_or_what_was_seen() -> None:
    assert explain("+44 7700 900123", "+447700900123", Finding.NOT_IN_USE).search_form == "+447700900123"
    assert explain("07700", None, Finding.NEEDS_COUNTRY).search_form == "07700"


def test_only_a_check_that_found_nothing_wrong_makes_it_valid() -> None:
    assert explain("x", "x", Finding.VALID).is_valid
    assert explain("x", "x", Finding.NO_CHECK_DIGIT).is_valid
    assert not explain("x", "x", Finding.WRONG_CHECK_DIGIT).is_valid
    assert not Checked(as_seen="x").is_valid


def test_what_was_not_checked_is_absent_on_the_wire() -> None:
    assert Checked(as_seen="07700").to_wire() == {"as_seen": "07700"}
    assert Checked.from_canonical(b'{"as_seen":"07700"}') == Checked(as_seen="07700")


def test_a_longer_identifier_than_any_is_refused() -> None:
    with pytest.raises(DocumentError):
        Checked.from_wire({"as_seen": "1" * 121})
