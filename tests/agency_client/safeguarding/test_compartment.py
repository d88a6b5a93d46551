"""The keys of a compartment: each for one thing, all from one secret, and none of another compartment's use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.safeguarding.compartment import Compartment, Summary, describe_alert, list_pseudonyms
from keys.container import ContainerError
from tests.schemas.alerts.filled import parse_changed

ONE, OTHER = Compartment(b"a" * 32), Compartment(b"b" * 32)
SUMMARY = Summary("Young adult", "0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b", "Care desk", "care-04", "red h2")


def test_a_summary_opens_in_its_own_compartment_alone() -> None:
    sealed = ONE.seal_summary(SUMMARY)
    assert ONE.open_summary(sealed) == SUMMARY
    assert b"Young" not in sealed
    with pytest.raises(ContainerError):
        OTHER.open_summary(sealed)
    with pytest.raises(ContainerError):
        ONE.open_summary(sealed[:-1] + bytes([sealed[-1] ^ 1]))


def test_one_summary_sealed_twice_is_not_seen_to_be_the_same() -> None:
    assert ONE.seal_summary(SUMMARY) != ONE.seal_summary(SUMMARY)


def test_every_key_is_another_one() -> None:
    keys = [ONE.secret, ONE.content_key, ONE.refer_to("V-1"), OTHER.content_key, OTHER.refer_to("V-1")]
    assert len(set(keys)) == len(keys)
    assert ONE.root.kid == Compartment(b"a" * 32).root.kid != OTHER.root.kid
    assert ONE.wrap_keys().nonce != ONE.wrap_keys().nonce


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_pseudonym_has_one_reference_and_no_other_has_it(first: str, second: str) -> None:
    assert (ONE.refer_to(first) == ONE.refer_to(second)) == (first == second)


def test_an_alert_is_found_by_its_pseudonyms_and_any_other_by_none() -> None:
    alert = parse_changed("victim-safeguarding", {})
    assert list_pseudonyms(alert) == ("V-7KQ2-M4XD-9TRB-H3CF", "V-0123-4567-89AB-CDE0")
    assert list_pseudonyms(parse_changed("ping", {})) == ()
    assert describe_alert(alert).thread == alert.thread


def test_the_secret_is_never_shown() -> None:
    assert "a" * 32 not in repr(ONE)
