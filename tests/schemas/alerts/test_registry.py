"""Every kind: its example is read, comes back byte for byte, and each wrong field is named with an example."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alerts import kind_names, kind_of, kinds, parse_alert
from schemas.alerts.registry import (
    MAX_PROBLEMS,
    AlertError,
    FieldProblem,
    InvalidAlertError,
    UnknownKindError,
    register,
    schema_of,
)
from schemas.alerts.shapes import Details
from schemas.codec import CodecError, decode_canonical, encode_canonical
from tests.schemas.alerts.filled import ABSENT, FOLDER, fields_refused, leaves, load, load_changed, problems_of

NOTICES = {"correction", "withdrawal", "misused-identity", "restriction", "breach-notice"}
AFTERCARE = {"outcome", "acknowledgement", "release-request", "release-decision", "revocation-challenge", *NOTICES}
REPLIES = {"document-verification-reply", "information-reply", "joint-operation-reply"}


def leaves_beside_kind(kind: str) -> list[str]:
    return [leaf for leaf in leaves(load(kind)) if leaf != "kind"]


EVERY_LEAF = [(kind, leaf) for kind in kind_names() for leaf in leaves_beside_kind(kind)]


def test_every_kind_has_an_example_and_every_example_a_kind() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(kind_names())


def test_every_module_of_a_kind_is_registered() -> None:
    modules = {path.stem for path in Path(kinds.__file__).parent.glob("*.py")} - {"__init__"}
    registered = {kind_of(name).alert.model_fields["details"].annotation.__module__ for name in kind_names()}

    assert registered == {f"schemas.alerts.kinds.{module}" for module in modules}


@pytest.mark.parametrize("kind", kind_names())
def test_an_example_is_read_and_comes_back_byte_for_byte(kind: str) -> None:
    wire = load(kind)
    alert = parse_alert(wire)

    assert alert.canonical() == encode_canonical(wire)
    assert parse_alert(decode_canonical(alert.canonical())) == alert
    assert type(alert) is kind_of(kind).alert


def test_aftercare_and_replies_name_the_message_they_are_about() -> None:
    assert {name for name in kind_names() if kind_of(name).is_aftercare} == AFTERCARE
    assert {name for name in kind_names() if kind_of(name).needs_refers_to} == AFTERCARE | REPLIES
    for name in sorted(AFTERCARE):
        assert fields_refused(name, {"in_reply_to": ABSENT}) == ["in_reply_to"]


@pytest.mark.parametrize("kind", ["document-fraud", "document-status", "facilitator"])
def test_intelligence_is_graded(kind: str) -> None:
    assert fields_refused(kind, {"grading": ABSENT}) == ["grading"]


@pytest.mark.parametrize("kind", kind_names())
def test_a_value_of_another_type_is_refused_by_field_with_an_example_that_would_be_right(kind: str) -> None:
    for leaf in leaves_beside_kind(kind):
        problems = problems_of(kind, {leaf: {"not": "this"}})

        assert [problem.field for problem in problems] == [leaf]
        assert problems[0].problem, leaf
        assert problems[0].example is not None, leaf
        # The example is right at that place, unless it breaks a rule between this field and others.
        after = problems_of(kind, {leaf: problems[0].example})
        assert not [problem for problem in after if problem.field == leaf] or _is_tied_to_others(leaf), leaf


def _is_tied_to_others(leaf: str) -> bool:
    return leaf.endswith((".last", ".first", ".used_until", ".period_until", "details.total")) or ".mrz." in leaf


@pytest.mark.parametrize("kind", kind_names())
def test_a_field_nobody_knows_is_refused_with_those_there_are(kind: str) -> None:
    (problem,) = problems_of(kind, {"details.surprise": 1})

    assert problem.field == "details.surprise"
    assert all(name in problem.problem for name in load(kind)["details"])
    assert problem.example is None


@pytest.mark.parametrize("empty", [None, [], ()])
def test_what_is_empty_is_left_out(empty: Any) -> None:
    assert fields_refused("document-fraud", {"caveats": empty}) == ["caveats"]
    assert fields_refused("document-fraud", {"details.series": empty}) == ["details.series"]


def test_several_wrong_fields_are_all_named() -> None:
    wrong = {"unit": 1, "details.encounter.flow": "sideways", "persons.0.role": "boss"}

    assert sorted(fields_refused("document-fraud", wrong)) == sorted(wrong)


def test_a_refusal_reads_as_a_sentence() -> None:
    (problem,) = problems_of("document-fraud", {"details.encounter.flow": "sideways"})

    codes = "entry, exit, transit, inland"
    assert str(problem) == f'details.encounter.flow: not a code of this list; the codes are: {codes} (example: "entry")'


def test_more_problems_than_anybody_reads_are_not_listed() -> None:
    wire = load("ping") | {f"x{number}": number for number in range(1000)}

    with pytest.raises(InvalidAlertError) as refusal:
        parse_alert(wire)
    assert len(refusal.value.problems) == MAX_PROBLEMS


def test_a_wrong_item_of_a_list_is_named_alone() -> None:
    assert fields_refused("document-fraud", {"details.techniques.1": "magic"}) == ["details.techniques.1"]


@pytest.mark.parametrize("wire", [None, [], "ping", {}, {"kind": 1}, {"kind": None}])
def test_what_names_no_kind_is_refused(wire: Any) -> None:
    with pytest.raises(InvalidAlertError, match="kind"):
        parse_alert(wire)


@pytest.mark.parametrize("name", ["", "Document-Fraud", "confidential", "x" * 500, "\x1b[2J"])
def test_an_unknown_kind_is_refused_with_those_there_are_and_without_control_characters(name: str) -> None:
    with pytest.raises(UnknownKindError) as refusal:
        parse_alert(load("ping") | {"kind": name})
    assert "document-fraud" in str(refusal.value)
    assert len(str(refusal.value)) < 1000
    assert not re.search(r"[\x00-\x1f]", str(refusal.value))


def test_a_hostile_member_name_does_not_reach_the_terminal() -> None:
    (problem,) = problems_of("ping", {"\x1b[2J": 1})

    assert "\x1b" not in str(problem)


@pytest.mark.parametrize("depth", [40, 5000])
def test_nesting_beyond_the_limit_is_refused(depth: int) -> None:
    deep: Any = "x"
    for _ in range(depth):
        deep = [deep]

    with pytest.raises(CodecError):
        parse_alert(load("ping") | {"details": deep})


@pytest.mark.parametrize("number", [1.5, float("nan"), 2**53])
def test_numbers_that_the_wire_does_not_have_are_refused(number: Any) -> None:
    with pytest.raises(CodecError):
        parse_alert(load_changed("outcome", {"details.usefulness": number}))


def test_a_kind_is_registered_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        register("ping", "Another")(Details)


def test_every_error_of_an_alert_is_a_codec_error_with_a_code() -> None:
    assert issubclass(AlertError, CodecError)
    assert UnknownKindError.code == "unknown-kind"
    assert InvalidAlertError.code == "alert-invalid"


def test_a_problem_without_example_ends_after_the_reason() -> None:
    assert str(FieldProblem("unit", "is missing", None)) == "unit: is missing"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(st.sampled_from(EVERY_LEAF), JSON)
def test_whatever_stands_in_a_field_it_is_read_in_one_spelling_or_refused_by_name(
    place: tuple[str, str], value: Any
) -> None:
    kind, leaf = place
    wire = load_changed(kind, {leaf: value})
    try:
        alert = parse_alert(wire)
    except CodecError:
        return
    assert alert.to_wire() == wire


@given(st.dictionaries(st.text(max_size=10), JSON, max_size=6))
def test_whatever_is_handed_in_nothing_but_the_named_errors_come_out(wire: dict[str, Any]) -> None:
    with pytest.raises(CodecError):
        parse_alert(wire | {"kind": "document-fraud"})


@pytest.mark.parametrize("kind", kind_names())
def test_every_text_and_every_list_of_a_kind_is_bounded(kind: str) -> None:
    schema = schema_of(kind)
    nodes = [schema, *schema["$defs"].values()]
    members = [member for node in nodes for member in node.get("properties", {}).items()]

    assert members
    assert [name for name, member in members for part in _parts(member) if not _is_bounded(part)] == []


def _parts(member: Any) -> Iterator[dict[str, Any]]:
    options = member.get("anyOf", [member])
    for option in options:
        yield option
        if "items" in option:
            yield from _parts(option["items"])


def _is_bounded(node: dict[str, Any]) -> bool:
    if node.get("type") == "string":
        return "maxLength" in node or "enum" in node or not {"*", "+"} & set(node["pattern"])
    if node.get("type") == "array":
        return "maxItems" in node
    if node.get("type") == "integer":
        return "maximum" in node
    return True


NEWS: dict[str, Any] = {
    "supersedes": {
        "id": "5d1c8a52-6f0e-4b7a-9a53-0c7de1c5a9b4",
        "digest": "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
    },
    "onward": ["AL-BP"],
    "statements": [{"text": "The bearer travels on tonight.", "basis": "fact"}],
    "persons": [{"ref": "p1", "role": "suspect", "names": [{"text": "ERIKSSON"}]}],
    "transfer": {"ground": "adequacy"},
    "attachments": [{"id": "3f0f6d0a-7c57-4c2c-9d3a-0d2f9a4b1c77", "caption": "The page"}],
}


@pytest.mark.parametrize("kind", sorted(AFTERCARE))
@pytest.mark.parametrize("member", sorted(NEWS))
def test_what_follows_a_message_up_says_nothing_new(kind: str, member: str) -> None:
    (problem,) = problems_of(kind, {member: NEWS[member]})
    assert problem.field == member
    assert problem.problem.startswith("what follows a message up says nothing new")


@pytest.mark.parametrize("kind", sorted(AFTERCARE))
def test_an_outcome_alone_says_by_which_special_category_it_was_matched(kind: str) -> None:
    special = {"categories": ["biometric"], "strictly_necessary_because": "The face was the only key."}
    refused = fields_refused(kind, {"special_categories": special})
    assert refused == ([] if kind == "outcome" else ["special_categories"])
