"""The kinds of alert there are, and the reading of an alert as its kind.

A kind registers itself from its own module; `schemas.alerts` imports them all. A refusal names every field that is
wrong, says what is wrong, and shows an example of what would be right.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError, create_model

from schemas.alerts.base import Alert, Basis
from schemas.alerts.confidential import CONFIDENTIAL_MEMBERS, find_identifying_members
from schemas.alerts.examples import JsonSchema, find_description, find_example, list_members
from schemas.alerts.shapes import Details, FieldError
from schemas.codec import MAX_DEPTH, CodecError, encode_canonical, name_field

D = TypeVar("D", bound=type[Details])
Path = tuple[str | int, ...]

MAX_PROBLEMS = 20
"""So many are named at once; whoever sends more is not helped by more."""

NOT_IN_AFTERCARE = ("supersedes", "onward", "statements", "persons", "transfer", "attachments")
"""Members of the common part that nothing has which follows a message up: it passes in every state of an agreement, so
what is new goes in a message of its own, which the agreement must cover."""

_EMPTY = "is empty: give a value, or leave the field out"
_SENTENCES = {
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "missing": "is missing",
    "model_type": "must be an object",
    "string_pattern_mismatch": "is not written as it must be",
    "string_too_long": "is too long",
    "string_too_short": _EMPTY,
    "string_type": "must be text",
    "too_long": "has too many entries",
    "too_short": _EMPTY,
    "tuple_type": "must be a list",
}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong: where, what, and a value that would be right there (None: nothing belongs there)."""

    field: str
    problem: str
    example: Any

    def __str__(self) -> str:
        """Return one line for a person."""
        hint = "" if self.example is None else f" (example: {encode_canonical(self.example).decode()})"
        return f"{self.field}: {self.problem}{hint}"


class AlertError(CodecError):
    """An alert cannot be read; each leaf has its code."""

    code = "alert-invalid"


class UnknownKindError(AlertError):
    """A kind that this version does not know."""

    code = "unknown-kind"


class InvalidAlertError(AlertError):
    """Fields of an alert are wrong; `problems` names each of them."""

    code = "alert-invalid"

    def __init__(self, problems: tuple[FieldProblem, ...]) -> None:
        super().__init__(problems[0].problem, problems[0].field)
        self.problems = problems[:MAX_PROBLEMS]

    def __str__(self) -> str:
        """Return every problem, one sentence after the other."""
        return "; ".join(str(problem) for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of alert and its rules.

    `is_aftercare`: passes in every state of an agreement, to exactly those its original reached. `needs_refers_to`: the
    header names another message, and `in_reply_to` is the same. `acts_by_itself`: whoever opens it marks, replaces,
    restricts or erases what it refers to, without waiting for a person. `is_senders_alone`: only who sent the message
    it refers to may send it. `needs_grading`: source and information are graded. `forbids_persons`: there is no
    personal data in it. `declares_special`: aftercare that may hold special categories of data, declared like any; no
    other aftercare holds any (`NOT_IN_AFTERCARE`). `is_confidential`: the header shows no more than that, and nobody is
    named in it (`schemas.alerts.confidential`). `needs_facts`: some statement is a fact.
    """

    name: str
    label: str
    alert: type[Alert]
    is_aftercare: bool = False
    needs_refers_to: bool = False
    acts_by_itself: bool = False
    is_senders_alone: bool = False
    needs_grading: bool = False
    forbids_persons: bool = False
    declares_special: bool = False
    is_confidential: bool = False
    needs_facts: bool = False


_KINDS: dict[str, Kind] = {}


def register(name: str, label: str, **rules: bool) -> Callable[[D], D]:
    """Make a kind of the details model below, with the rules of `Kind` by name.

    Raises:
        ValueError: the name is taken.
    """

    def add(details: D) -> D:
        if name in _KINDS:
            raise ValueError(f"the kind {name} is registered twice")
        members = CONFIDENTIAL_MEMBERS if rules.get("is_confidential") else {}
        _KINDS[name] = Kind(name, label, _make_alert_model(name, label, details, members), **rules)
        return details

    return add


def kind_names() -> tuple[str, ...]:
    """Return the names of all kinds, in order."""
    return tuple(sorted(_KINDS))


def notice_kinds() -> tuple[str, ...]:
    """Return the names of the kinds that act by themselves on the message they refer to, in order."""
    return tuple(name for name in kind_names() if _KINDS[name].acts_by_itself)


def kind_of(name: str) -> Kind:
    """Return a kind by name.

    Raises:
        UnknownKindError: there is none of that name.
    """
    if name not in _KINDS:
        raise UnknownKindError(f"{name_field(name)} is none of: {', '.join(kind_names())}", "kind")
    return _KINDS[name]


def parse_alert(unverified_wire: Any) -> Alert:
    """Read a decoded alert as its kind.

    Raises:
        UnknownKindError: its kind is not known.
        InvalidAlertError: fields are wrong; all of them are named, each with an example.
        CodecError: a value has no canonical JSON form.
    """
    name = unverified_wire.get("kind") if isinstance(unverified_wire, dict) else None
    if not isinstance(name, str):
        raise InvalidAlertError((FieldProblem("kind", "is missing, or no text", "document-fraud"),))
    kind = kind_of(name)
    empty = tuple(_find_empty_members(kind, unverified_wire, ()))
    if empty:
        raise InvalidAlertError(empty)
    try:
        alert = kind.alert.model_validate_json(encode_canonical(unverified_wire))
    except ValidationError as error:
        raise InvalidAlertError(_explain_all(kind, error)) from error
    _verify_rules(kind, alert)
    return alert


@cache
def schema_of(name: str) -> JsonSchema:
    """Return the JSON Schema of a kind as pydantic gives it.

    Raises:
        UnknownKindError: there is none of that name.
    """
    return kind_of(name).alert.model_json_schema()


def _make_alert_model(name: str, label: str, details: type[Details], members: Mapping[str, Any]) -> type[Alert]:
    kind: Any = Annotated[str, Field(pattern=f"^{name}$", examples=[name])]
    return create_model(
        f"{details.__name__}Alert",
        __base__=Alert,
        __doc__=f"{label}: the common part of every alert, and this kind's details.",
        kind=(kind, ...),
        details=(details, ...),
        **members,
    )


def _find_empty_members(kind: Kind, value: Any, path: Path) -> list[FieldProblem]:
    if value is None or value == [] or value == ():
        return [FieldProblem(name_field(*path), _EMPTY, find_example(schema_of(kind.name), path))]
    if len(path) >= MAX_DEPTH:
        return []
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    return [problem for name, item in members for problem in _find_empty_members(kind, item, (*path, name))]


def _explain_all(kind: Kind, error: ValidationError) -> tuple[FieldProblem, ...]:
    # An array ends at its first wrong item and then also counts as too short: only the item is worth saying.
    items = error.errors(include_url=False, include_input=False)
    inner = {item["loc"][:length] for item in items for length in range(len(item["loc"]))}
    return tuple(_explain(kind, item) for item in items if item["type"] != "too_short" or item["loc"] not in inner)


def _explain(kind: Kind, error: Any) -> FieldProblem:
    path: Path = error["loc"]
    schema = schema_of(kind.name)
    if error["type"] == "extra_forbidden":
        members = ", ".join(list_members(schema, path[:-1]))
        return FieldProblem(name_field(*path), f"no such field; there are: {members}", None)
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, FieldError):
        path, problem = (*path, *cause.field.split(".")), cause.problem
    else:
        problem = str(cause) if cause else _SENTENCES.get(error["type"], error["msg"])
        problem += _describe(schema, path) if error["type"] == "string_pattern_mismatch" else ""
    return FieldProblem(name_field(*path), problem, find_example(schema, path))


def _verify_rules(kind: Kind, alert: Alert) -> None:
    needed = {"in_reply_to": kind.needs_refers_to, "grading": kind.needs_grading}
    absent = [field for field, is_needed in needed.items() if is_needed and getattr(alert, field) is None]
    problems = [
        FieldProblem(field, "is missing, and this kind needs it", find_example(schema_of(kind.name), (field,)))
        for field in absent
    ]
    if kind.forbids_persons and alert.persons:
        problems.append(FieldProblem("persons", "this kind is without personal data; leave it out", None))
    if kind.needs_facts and not any(statement.basis is Basis.FACT for statement in alert.statements):
        example = find_example(schema_of(kind.name), ("statements",))
        problems.append(FieldProblem("statements", "this kind states a fact that it rests on", example))
    if kind.is_aftercare:
        problems += _find_news(kind, alert)
    if kind.is_confidential:
        problems += [FieldProblem(name, problem, None) for name, problem in find_identifying_members(alert)]
    if problems:
        raise InvalidAlertError(tuple(problems))


def _find_news(kind: Kind, alert: Alert) -> list[FieldProblem]:
    names = NOT_IN_AFTERCARE if kind.declares_special else (*NOT_IN_AFTERCARE, "special_categories")
    problem = "what follows a message up says nothing new: leave it out, and send it in a message of its own"
    return [FieldProblem(name, problem, None) for name in names if getattr(alert, name)]


def _describe(schema: JsonSchema, path: Path) -> str:
    description = find_description(schema, path)
    return f": {description}" if description else ""
