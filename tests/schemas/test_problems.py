"""Every refusal has one stable type, and what a refusal looks like on the wire is closed."""

import ast
import inspect
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import problems as module
from schemas.codec import encode_canonical, name_field
from schemas.model import DocumentError, WireModel
from schemas.problems import MEDIA_TYPE, PROBLEMS, TYPE_PREFIX, ProblemDocument, ProblemReason
from tests.schemas.wire_form import list_models, verify_wire_form
from tests.strategies.primitives import absent_or, codes, lines, tuples_of

reasons = st.builds(ProblemReason, code=codes, sentence=lines)
MODELS: dict[type[WireModel], st.SearchStrategy[Any]] = {
    ProblemReason: reasons,
    ProblemDocument: st.builds(
        ProblemDocument,
        type=st.sampled_from(sorted(PROBLEMS)).map(lambda slug: PROBLEMS[slug].uri),
        title=lines,
        status=st.integers(400, 599),
        detail=lines,
        field=absent_or(lines),
        reasons=absent_or(tuples_of(reasons)),
        reference=absent_or(lines),
        v=absent_or(st.just(1)),
    ),
}


@pytest.mark.parametrize("kind", MODELS)
@given(data=st.data())
@settings(max_examples=20)
def test_each_model_keeps_its_wire_form(kind: type[WireModel], data: st.DataObject) -> None:
    verify_wire_form(data.draw(MODELS[kind]))


def test_no_model_is_left_out() -> None:
    assert list_models(module) == set(MODELS)


def test_no_row_hides_another() -> None:
    rows = [
        node.elts[0].value
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Tuple) and isinstance(node.elts[0], ast.Constant)
    ]

    assert rows == list(PROBLEMS)


@pytest.mark.parametrize("slug", PROBLEMS)
def test_each_row_is_an_error_with_a_title_for_a_person(slug: str) -> None:
    problem = PROBLEMS[slug]

    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", slug)
    assert problem.uri == TYPE_PREFIX + slug
    assert 400 <= problem.status <= 599
    assert problem.title[0].isupper()
    assert not problem.title.endswith(".")


def test_no_two_rows_have_one_title() -> None:
    assert len({problem.title for problem in PROBLEMS.values()}) == len(PROBLEMS)


def test_a_row_fits_into_its_document_with_the_longest_field_a_refusal_can_name() -> None:
    for problem in PROBLEMS.values():
        document = ProblemDocument(
            type=problem.uri, title=problem.title, status=problem.status, detail="", field=name_field("x" * 5000)
        )
        assert document.field is not None
        assert len(document.field) == 200
    assert MEDIA_TYPE == "application/problem+json"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"status": 399}, "status"),
        ({"status": 600}, "status"),
        ({"status": 200}, "status"),
        ({"status": "404"}, "status"),
        ({"reasons": [{"code": "a", "sentence": "x" * 501}]}, "reasons.0.sentence"),
        ({"reasons": [{"code": "A", "sentence": "x"}]}, "reasons.0.code"),
        ({"reasons": [{"code": "a", "sentence": "x"}] * 33}, "reasons"),
        ({"instance": "/x"}, "instance"),
    ],
)
def test_a_wrong_member_is_named(change: dict[str, Any], field: str) -> None:
    good = {"type": "urn:bilateral:problem:busy", "title": "Busy", "status": 503, "detail": "later"}

    assert ProblemDocument.from_wire(good).canonical() == encode_canonical(good)
    with pytest.raises(DocumentError) as refusal:
        ProblemDocument.from_wire(good | change)
    assert refusal.value.field == field
