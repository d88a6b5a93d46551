"""An alert falls into its leaves and is put together again to the letter; paths that do not fit are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.interchange.leaves import LeafError, build_wire, list_leaves
from schemas.codec import encode_canonical
from tests.agency_client.interchange.exports import EXAMPLES


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_alert_comes_back_from_its_leaves_to_the_letter(kind: str) -> None:
    alert = EXAMPLES[kind]

    assert encode_canonical(build_wire(list_leaves(alert))) == encode_canonical(alert.to_wire())


def test_places_come_in_their_order_as_numbers_and_not_as_letters() -> None:
    leaves = {f"list.{place}": str(place) for place in (10, 9, 0)}

    assert build_wire(leaves) == {"list": ["0", "9", "10"]}


@pytest.mark.parametrize(
    ("leaves", "problem"),
    [
        ({"a": "1", "a.b": "2"}, "a value stands above it"),
        ({"a.b": "1", "a": "2"}, "stands there twice"),
        ({"a.0": "1", "a.b": "2"}, "places of a list and members"),
        ({"": "1"}, "no empty parts"),
        ({"a..b": "1"}, "no empty parts"),
        ({".a": "1"}, "no empty parts"),
        ({".".join("a" * 50_000): "1"}, "deeper than any alert"),
        ({".".join("a" * 33): "1"}, "deeper than any alert"),
        ({"a." + "1" * 5_000: "1", "a.2": "2"}, "deeper than any alert"),
    ],
)
def test_paths_that_do_not_fit_together_are_refused(leaves: dict[str, str], problem: str) -> None:
    with pytest.raises(LeafError, match=problem):
        build_wire(leaves)


@given(st.dictionaries(st.text("ab.019", max_size=9), st.integers(0, 9), max_size=6))
def test_whatever_paths_somebody_writes_an_object_or_a_refusal_comes_out(leaves: dict[str, int]) -> None:
    try:
        wire = build_wire(leaves)
    except LeafError:
        return
    assert isinstance(wire, dict)
