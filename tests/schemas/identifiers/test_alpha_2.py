"""Two-letter codes: each stands for one state, and back."""

from schemas.identifiers.alpha_2 import find_alpha_2, find_state
from schemas.identifiers.states import STATE_NAMES


def test_codes_lead_to_one_state_and_back() -> None:
    found = {state: alpha_2 for state in STATE_NAMES if (alpha_2 := find_alpha_2(state)) is not None}
    assert len(found) == 250
    assert all(find_state(alpha_2) == state for state, alpha_2 in found.items())
    assert len(set(found.values())) == len(found)


def test_the_exceptions_of_travel_documents_are_kept() -> None:
    assert (find_alpha_2("D"), find_state("DE")) == ("DE", "D")
    assert (find_alpha_2("RKS"), find_state("XK")) == ("XK", "RKS")
    assert find_alpha_2("UTO") is find_alpha_2("XXA") is find_alpha_2("") is None
    assert find_state("UK") is find_state("EU") is None
