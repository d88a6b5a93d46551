"""Addresses of virtual assets: published ones are right, a wrong letter is found, another chain's is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers.base58 import encode_base58check
from schemas.identifiers.bech32 import encode_segwit
from schemas.identifiers.checked import Finding
from schemas.identifiers.wallets import Chain, check_wallet, write_checksummed

EIP_55 = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TRON = "TPL66VK2gCXNCD7EJg9pgJRfqcRazjhUZY"
SOLANA = "11111111111111111111111111111111"
"""Solana's system program, whose key is 32 zero bytes."""
HASH = st.binary(min_size=20, max_size=20)


@pytest.mark.parametrize("address", EIP_55)
def test_the_checksums_of_eip_55_are_right(address: str) -> None:
    checked = check_wallet(address, Chain.ETHEREUM)
    assert (checked.normalised, checked.findings) == (address, (Finding.VALID,))
    assert write_checksummed(address.lower()) == address


@pytest.mark.parametrize(
    ("address", "chain", "normalised", "finding"),
    [
        ("16UwLL9Risc3QfPqBUvKofHmBQ7wMtjvM", Chain.BITCOIN, "16UwLL9Risc3QfPqBUvKofHmBQ7wMtjvM", Finding.VALID),
        (SEGWIT.upper(), Chain.BITCOIN, SEGWIT, Finding.VALID),
        (TRON, Chain.TRON, TRON, Finding.VALID),
        (SOLANA, Chain.SOLANA, SOLANA, Finding.NO_CHECK_DIGIT),
        (EIP_55[4].lower(), Chain.POLYGON, EIP_55[4], Finding.NO_CHECK_DIGIT),
        (TRON, Chain.BITCOIN, TRON, Finding.OTHER_CHAIN),
        (SEGWIT, Chain.ETHEREUM, SEGWIT, Finding.OTHER_CHAIN),
        (EIP_55[4].lower(), Chain.TRON, EIP_55[4], Finding.OTHER_CHAIN),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", Chain.ETHEREUM, None, Finding.WRONG_LENGTH),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg", Chain.ETHEREUM, None, Finding.WRONG_CHARACTERS),
        ("1BoatSLRHtKNngkdXEeobR76b53LETtpyO", Chain.BITCOIN, None, Finding.WRONG_CHARACTERS),
        ("1abc", Chain.BITCOIN, None, Finding.WRONG_LENGTH),
        ("abc", Chain.SOLANA, None, Finding.WRONG_LENGTH),
        ("0OIl", Chain.SOLANA, None, Finding.WRONG_CHARACTERS),
        (" ", Chain.TRON, None, Finding.WRONG_LENGTH),
        (
            "4AdUndXHHZ6cfufTMvppY6JwXNouMBzSkbLYfpAV5Usx",
            Chain.MONERO,
            "4AdUndXHHZ6cfufTMvppY6JwXNouMBzSkbLYfpAV5Usx",
            Finding.NO_RULE,
        ),
    ],
)
def test_an_address_is_judged_by_its_chain(
    address: str, chain: Chain, normalised: str | None, finding: Finding
) -> None:
    checked = check_wallet(address, chain)
    assert (checked.as_seen, checked.normalised, checked.findings) == (address, normalised, (finding,))


@given(
    HASH,
    st.sampled_from(
        [(Chain.BITCOIN, b"\x00"), (Chain.BITCOIN, b"\x05"), (Chain.LITECOIN, b"\x30"), (Chain.TRON, b"\x41")]
    ),
    st.integers(1, 24),
    st.sampled_from("23456789ABCDEFGHJKLMN"),
)
def test_an_address_made_by_the_rule_is_right_and_one_wrong_letter_makes_it_wrong(
    hashed: bytes, form: tuple[Chain, bytes], place: int, letter: str
) -> None:
    chain, version = form
    address = encode_base58check(version + hashed)
    assert check_wallet(address, chain).findings == (Finding.VALID,)
    wrong = address[:place] + letter + address[place + 1 :]
    if wrong != address:
        assert check_wallet(wrong, chain).findings == (Finding.WRONG_CHECK_DIGIT,)


@given(HASH, st.integers(5, 40), st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l"))
def test_one_wrong_letter_in_the_newer_form_is_found(program: bytes, place: int, letter: str) -> None:
    address = encode_segwit("bc", 0, program)
    assert check_wallet(address, Chain.BITCOIN).findings == (Finding.VALID,)
    wrong = address[:place] + letter + address[place + 1 :]
    if wrong != address:
        assert check_wallet(wrong, Chain.BITCOIN).findings == (Finding.WRONG_CHECK_DIGIT,)


@given(st.sampled_from(EIP_55[4:]), st.integers(2, 41))
def test_a_letter_in_the_wrong_case_is_found(address: str, place: int) -> None:
    wrong = address[:place] + address[place].swapcase() + address[place + 1 :]
    expected = Finding.VALID if wrong == address else Finding.WRONG_CHECK_DIGIT
    assert check_wallet(wrong, Chain.ETHEREUM).findings == (expected,)
    assert check_wallet(wrong, Chain.ETHEREUM).normalised == address, "the address itself is still the same"


def test_a_wrong_digit_in_letters_of_one_case_cannot_be_found() -> None:
    """The checksum is in the case: an address written in one case has none."""
    assert check_wallet("0xde709f2102306220921060314715629080e2fb78", Chain.ETHEREUM).is_valid
