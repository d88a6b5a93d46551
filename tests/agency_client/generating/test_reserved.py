"""What is drawn here is nobody's: it lies in ranges that their owners reserve, or was published as an example."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.generating.dice import Dice
from agency_client.generating.reserved import (
    IBANS,
    PHONES,
    WALLETS,
    draw_document_number,
    draw_email,
    draw_flight,
    draw_phone,
    draw_subscriber,
)
from schemas.identifiers.checked import FAULTS, Finding
from schemas.identifiers.numbers import check_iban, check_imsi
from schemas.identifiers.online import check_email
from schemas.identifiers.phones import check_phone
from schemas.identifiers.wallets import Chain, check_wallet

DICE = st.integers(0, 10**6).map(lambda seed: Dice(seed, "reserved"))


@pytest.mark.parametrize("state", PHONES)
def test_both_ends_of_a_range_are_numbers_of_the_right_length(state: str) -> None:
    start, first, last = PHONES[state]
    for number in (first, last):
        phone = f"{start}{number:0{len(str(last))}}"
        assert check_phone(phone, iso_alpha_2=None).normalised == phone
        assert set(check_phone(phone, iso_alpha_2=None).findings) <= {Finding.VALID, Finding.from_code("not-in-use")}


@given(DICE)
def test_a_telephone_number_lies_in_a_range_for_fiction(dice: Dice) -> None:
    phone = draw_phone(dice)

    assert [
        state
        for state, (start, first, last) in PHONES.items()
        if phone.startswith(start)
        and first <= int(phone.removeprefix(start)) <= last
        and phone[len(start) :].isdecimal()
    ]


@pytest.mark.parametrize("iban", IBANS)
def test_the_published_accounts_are_right(iban: str) -> None:
    assert check_iban(iban).findings == (Finding.VALID,)


@pytest.mark.parametrize(("address", "chain"), WALLETS)
def test_the_published_addresses_are_right(address: str, chain: str) -> None:
    assert not set(check_wallet(address, Chain.from_code(chain)).findings) & FAULTS


@given(DICE)
def test_the_rest_is_what_it_says(dice: Dice) -> None:
    assert not set(check_email(draw_email(dice)).findings) & FAULTS
    assert not set(check_imsi(draw_subscriber(dice)).findings) & FAULTS
    assert len(draw_document_number(dice)) == len("L898902C3")
    assert draw_flight(dice).startswith("XX ")
