"""A status says how far everything stands, in a chain of its own."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import status as module
from schemas.codec import hash_text
from schemas.model import DocumentError, WireModel
from schemas.status import ChainHead, Status, StreamPosition, digest_status
from tests.schemas.wire_form import list_models, verify_wire_form
from tests.strategies.documents import chain_heads, statuses, stream_positions

MODELS: dict[type[WireModel], st.SearchStrategy[Any]] = {
    ChainHead: chain_heads,
    Status: statuses,
    StreamPosition: stream_positions,
}


@pytest.mark.parametrize("kind", MODELS)
@given(data=st.data())
@settings(max_examples=15)
def test_each_model_keeps_its_wire_form(kind: type[WireModel], data: st.DataObject) -> None:
    verify_wire_form(data.draw(MODELS[kind]))


def test_no_model_is_left_out() -> None:
    assert list_models(module) == set(MODELS)


def test_a_status_is_named_by_the_hash_of_its_payload() -> None:
    assert digest_status(b"payload") == hash_text("status", b"payload")


@pytest.mark.parametrize(
    ("name", "most"),
    [("revoked", 256), ("chains", 256), ("streams", 64)],
)
@given(status=statuses, head=chain_heads, position=stream_positions)
@settings(max_examples=2)
def test_its_lists_have_limits(name: str, most: int, status: Status, head: ChainHead, position: StreamPosition) -> None:
    one = {"revoked": "A" * 43, "chains": head.to_wire(), "streams": position.to_wire()}[name]

    assert len(Status.from_wire(status.to_wire() | {name: [one] * most}).to_wire()[name]) == most
    with pytest.raises(DocumentError) as refusal:
        Status.from_wire(status.to_wire() | {name: [one] * (most + 1)})
    assert refusal.value.field == name


@pytest.mark.parametrize("voided", [[0], [-1], [1, "2"], [True], [1] * 4097])
@given(position=stream_positions)
@settings(max_examples=1)
def test_voided_numbers_are_numbers_of_a_stream(position: StreamPosition, voided: list[Any]) -> None:
    with pytest.raises(DocumentError) as refusal:
        StreamPosition.from_wire(position.to_wire() | {"voided": voided})

    assert refusal.value.field.split(".")[0] == "voided"
