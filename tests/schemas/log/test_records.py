"""Each type of record says what it must, nothing that is not its own, and what an auditor files it under."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.log import records as module
from schemas.log.records import (
    OPTIONAL,
    PUBLIC_TYPES,
    RECORD_ACTIONS,
    REQUIRED,
    Action,
    Actor,
    Record,
    RecordedRecipient,
    RecordType,
    Role,
)
from schemas.model import DocumentError, WireModel
from tests.schemas.wire_form import list_models, verify_wire_form
from tests.strategies.records import RECORD_MEMBERS, actors, recorded_recipients, records

ALWAYS = {"v", "type", "time", "concerns", "actor"}
MODELS: dict[type[WireModel], st.SearchStrategy[Any]] = {
    Actor: actors,
    Record: records(),
    RecordedRecipient: recorded_recipients,
}
DIRECTIVE = {"collection", "alteration", "consultation", "disclosure", "combination", "erasure"}


@pytest.mark.parametrize("kind", [Actor, RecordedRecipient])
@given(data=st.data())
@settings(max_examples=15)
def test_each_model_keeps_its_wire_form(kind: type[WireModel], data: st.DataObject) -> None:
    verify_wire_form(data.draw(MODELS[kind]))


def test_no_model_is_left_out() -> None:
    assert list_models(module) == set(MODELS)


@given(records())
@settings(max_examples=60)
def test_a_record_comes_back_from_its_bytes(record: Record) -> None:
    assert Record.from_canonical(record.canonical()) == record
    assert Record.from_wire(record.to_wire()) == record


def test_every_type_has_its_row_in_every_table() -> None:
    assert set(REQUIRED) == set(RECORD_ACTIONS) == set(RecordType)
    assert set(OPTIONAL) <= set(RecordType)


def test_every_member_is_of_every_type_or_of_those_that_name_it() -> None:
    named = set().union(*REQUIRED.values(), *OPTIONAL.values())

    assert named | ALWAYS == set(Record.model_fields)
    assert not named & ALWAYS
    assert set(RECORD_MEMBERS) == named


def test_what_a_type_must_say_is_not_also_left_to_it() -> None:
    for record_type, optional in OPTIONAL.items():
        assert not optional & REQUIRED[record_type]


def test_public_is_what_every_member_must_see_and_nothing_else() -> None:
    assert {"exchange-opened", "member-enrolled", "key-set", "encryption-keys", "revocation"} == PUBLIC_TYPES
    private = set().union(*(REQUIRED[kind] | OPTIONAL.get(kind, frozenset()) for kind in PUBLIC_TYPES))
    assert not private & {"message", "recipients", "partner", "kind", "reasons"}


def test_the_six_actions_of_the_directive_are_there() -> None:
    assert {action.value for action in Action} >= DIRECTIVE


@pytest.mark.parametrize("record_type", RecordType)
@given(data=st.data())
@settings(max_examples=5)
def test_a_record_says_what_its_type_demands_and_no_more(record_type: RecordType, data: st.DataObject) -> None:
    record = data.draw(records(record_type))
    wire = {name: value for name, value in record.to_wire().items() if name in REQUIRED[record_type] | ALWAYS}

    assert Record.from_wire(wire).type is record_type
    for name in REQUIRED[record_type]:
        with pytest.raises(
            DocumentError, match=rf"a {record_type} record: \['{name}'\] missing, \[\] not of this type"
        ):
            Record.from_wire({member: value for member, value in wire.items() if member != name})


@pytest.mark.parametrize("record_type", RecordType)
@given(data=st.data())
@settings(max_examples=2)
def test_a_record_takes_no_member_of_another_type(record_type: RecordType, data: st.DataObject) -> None:
    record = data.draw(records(record_type))
    own = REQUIRED[record_type] | OPTIONAL.get(record_type, frozenset())

    for name in sorted(set(RECORD_MEMBERS) - own):
        foreign = Record.model_construct(**{name: data.draw(RECORD_MEMBERS[name])}).to_wire()[name]
        with pytest.raises(DocumentError, match=rf"\[\] missing, \['{name}'\] not of this type"):
            Record.from_wire(record.to_wire() | {name: foreign})


@given(records())
@settings(max_examples=20)
def test_a_record_knows_its_class_and_its_action(record: Record) -> None:
    assert record.is_public == (record.type in PUBLIC_TYPES)
    assert record.action is RECORD_ACTIONS[record.type]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"concerns": ["GB", "vn"]}, "concerns.1"),
        ({"concerns": ["GB"] * 11}, "concerns"),
        ({"actor": {"agency": "GB", "node": "n1"}}, "actor.role"),
        ({"actor": {"agency": "GB", "node": "n1", "role": "officer"}}, "actor.role"),
        ({"actor": {"agency": "GB", "node": "n1", "role": "node", "officer": "x"}}, "actor.officer"),
        ({"type": "message-read"}, "type"),
        ({"detail": "two\nlines"}, "detail"),
        ({"detail": "one\u2028two"}, "detail"),
        ({"reasons": ["Free text"]}, "reasons.0"),
        ({"reasons": ["a"] * 33}, "reasons"),
        ({"officer": "x"}, "officer"),
    ],
)
def test_a_wrong_member_is_named(change: dict[str, Any], field: str) -> None:
    good = {
        "v": 1,
        "type": "refused",
        "time": "2026-11-21T21:02:25Z",
        "concerns": ["GB", "VN"],
        "problem": "not-covered",
        "reasons": ["kind-not-covered"],
    }

    assert Record.from_wire(good).problem == "not-covered"
    with pytest.raises(DocumentError) as refusal:
        Record.from_wire(good | change)
    assert refusal.value.field == field


def test_no_record_has_a_place_for_an_officer() -> None:
    assert set(Actor.model_fields) == {"agency", "node", "role"}
    assert {role.value for role in Role} == {"node", "auditor", "oversight", "operator"}
