"""Names a person types in: the wire's spelling or a sentence that says what it is."""

from collections.abc import Callable

import pytest

from agency_client.errors import UsageError
from agency_client.wire_names import parse_agency_id, parse_node_id, parse_state_code


def test_names_in_their_spelling_pass() -> None:
    assert (parse_agency_id("VN-IMM"), parse_node_id("n1"), parse_state_code("GBR")) == ("VN-IMM", "n1", "GBR")


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_agency_id, "vn"),
        (parse_agency_id, ""),
        (parse_agency_id, "V\x1b[31m"),
        (parse_agency_id, "../VN"),
        (parse_node_id, "N1"),
        (parse_node_id, "-"),
        (parse_state_code, "XZQ"),
        (parse_state_code, "gbr"),
    ],
)
def test_other_names_are_refused_and_shown_harmlessly(parse: Callable[[str], str], text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert "\x1b" not in caught.value.sentence
