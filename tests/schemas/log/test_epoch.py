"""An origin has one spelling, and only this exchange's is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.log.epoch import FIRST_EPOCH, format_origin, read_epoch

EXCHANGE = "exchange.example"


@given(st.integers(FIRST_EPOCH, 999_999))
def test_an_epoch_is_read_from_the_origin_it_made(epoch: int) -> None:
    origin = format_origin(EXCHANGE, epoch)
    assert read_epoch(origin, EXCHANGE) == epoch


@pytest.mark.parametrize(
    "origin",
    [
        "exchange.example", "exchange.example/", "exchange.example/0", "exchange.example/01", "exchange.example/1 ",
        "exchange.example/-1", "exchange.example/٣", "exchange.example/1000000", "staging.example/1", "/1", "",
        "exchange.example/witness/1",
    ],
)  # fmt: skip
def test_everything_else_is_no_epoch_of_this_exchange(origin: str) -> None:
    assert read_epoch(origin, EXCHANGE) == 0
