"""Changes of what mutmut leaves out: constants, limits, tables, and functions under a decorator. Pure.

Left alone as well: imports, docstrings, annotations of functions, the flags of dataclasses, and names for types.
"""

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

Located = ast.expr | ast.stmt
Item = TypeVar("Item")

_UNDECORATED = ({"staticmethod"}, {"classmethod"})  # mutmut changes these itself
_STRUCTURAL = {"dataclass", "property", "staticmethod", "classmethod"}
_ANNOTATIONS = {"Annotated", "Literal"}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


@dataclass(frozen=True, slots=True)
class Change:
    """A file with one declaration changed; `name` is its place, and says nothing of what stands there."""

    name: str
    source: str
    diff: str


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: str


def list_changes(path: str, source: str) -> list[Change]:
    """Return a file in every way in which one of its declarations can be changed and it is still Python."""
    data = source.encode()
    offsets = [0]
    for line in data.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    found: dict[str, Change] = {}
    for node, text in _find_edits(ast.parse(source)):
        start = offsets[node.lineno - 1] + node.col_offset
        end = offsets[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        changed = _apply(data, _Edit(start, end, text))
        if changed is not None and changed not in found:
            found[changed] = Change(f"{node.lineno}:{node.col_offset}", changed, _diff(path, source, changed))
    return [Change(f"{path}#{number}", one.source, one.diff) for number, one in enumerate(found.values(), start=1)]


def _apply(data: bytes, edit: _Edit) -> str | None:
    changed = (data[: edit.start] + edit.text.encode() + data[edit.end :]).decode()
    try:
        ast.parse(changed)
    except SyntaxError:
        return None
    return changed if changed.encode() != data else None


def _diff(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), path, path, n=0, lineterm="")
    return "\n".join(lines)


def _find_edits(tree: ast.Module) -> Iterator[tuple[Located, str]]:
    for statement in _list_declarations(tree.body):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _change_decorators(statement)
            for inner in statement.body:
                yield from _change_statement(inner)
        elif isinstance(statement, ast.Assign) and _name_generic(statement) == "Annotated":
            yield from _change_annotation(statement.value)
        elif isinstance(statement, ast.AnnAssign):
            yield from _change_annotation(statement.annotation)
            yield from _change_value(statement.value)
        else:
            yield from _change_statement(statement)


def _list_declarations(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from _list_declarations(statement.body)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [_name_of(decorator) for decorator in statement.decorator_list]
            if names and set(names) not in _UNDECORATED:
                yield statement
        elif not (
            isinstance(statement, ast.Import | ast.ImportFrom) or _is_docstring(statement) or _is_type(statement)
        ):
            yield statement


def _name_of(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_type(statement: ast.stmt) -> bool:
    """Return whether a statement only gives a type a name, like `Rows = Mapping[str, Row]`; `Annotated` says more."""
    generic = _name_generic(statement)
    return generic[:1].isupper() and not generic.isupper() and generic != "Annotated"


def _name_generic(statement: ast.stmt) -> str:
    value = statement.value if isinstance(statement, ast.Assign) else None
    return getattr(value.value, "id", "") if isinstance(value, ast.Subscript) else ""


def _change_decorators(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[Located, str]]:
    """Put a decorator in its place that does nothing."""
    for decorator in function.decorator_list:
        if _name_of(decorator) not in _STRUCTURAL:
            yield decorator, "(lambda undecorated: undecorated)"


def _change_statement(statement: ast.stmt) -> Iterator[tuple[Located, str]]:
    if _is_docstring(statement):
        return
    if isinstance(statement, ast.Return) and statement.value is not None:
        yield statement.value, "None"
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.stmt):
            yield from _change_statement(child)
        elif isinstance(child, ast.expr):
            yield from _change_value(child)


def _change_annotation(annotation: ast.expr) -> Iterator[tuple[Located, str]]:
    """Change what an annotation says at run time: the values of `Literal`, and the limits inside `Annotated`."""
    for node in ast.walk(annotation):
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") in _ANNOTATIONS:
            items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            for item in items:
                if isinstance(item, ast.Call | ast.Constant):
                    yield from _change_value(item)


def _change_value(value: ast.expr | None) -> Iterator[tuple[Located, str]]:
    if value is None or isinstance(value, ast.JoinedStr):
        return
    yield from ((value, text) for text in _list_replacements(value))
    for child in ast.iter_child_nodes(value):
        if isinstance(child, ast.keyword):
            yield from _change_value(child.value)
        elif isinstance(child, ast.expr):
            yield from _change_value(child)
        elif isinstance(child, ast.comprehension):
            for inner in (child.iter, *child.ifs):
                yield from _change_value(inner)


def _list_replacements(node: ast.expr) -> Iterator[str]:
    yield from _replace_constant(node)
    yield from _replace_operator(node)
    yield from _leave_one_out(node)


def _replace_constant(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=bool(value)):
            yield str(not value)
        case ast.Constant(value=int(value)):
            yield str(value + 1)
        case ast.Constant(value=str(value)):
            yield repr(f"XX{value}XX")
        case ast.Constant(value=bytes(value)):
            yield repr(b"XX" + value + b"XX")


def _replace_operator(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.BinOp() if type(node.op) in _OPERATORS:
            yield ast.unparse(ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield ast.unparse(operand)
        case ast.BoolOp(op=op, values=values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield f"({ast.unparse(ast.BoolOp(other, values))})"
        case ast.Compare(ops=[op]) if type(op) in _COMPARISONS:
            yield ast.unparse(ast.Compare(node.left, [_COMPARISONS[type(op)]()], node.comparators))
        case ast.IfExp(body=body, orelse=orelse):
            yield from (ast.unparse(body), ast.unparse(orelse))


def _leave_one_out(node: ast.expr) -> Iterator[str]:
    """Leave out an element of a table, or a keyword of a call."""
    match node:
        case ast.Tuple(elts=items) if len(items) > 1:
            yield from (ast.unparse(ast.Tuple(_without(items, at), ast.Load())) for at in range(len(items)))
        case ast.List(elts=items) if len(items) > 1:
            yield from (ast.unparse(ast.List(_without(items, at), ast.Load())) for at in range(len(items)))
        case ast.Set(elts=items) if len(items) > 1:
            yield from (ast.unparse(ast.Set(_without(items, at))) for at in range(len(items)))
        case ast.Dict(keys=keys, values=values) if len(keys) > 1:
            yield from (ast.unparse(ast.Dict(_without(keys, at), _without(values, at))) for at in range(len(keys)))
        case ast.Call(func=func, args=args, keywords=words) if _name_of(node) not in _STRUCTURAL:
            yield from (ast.unparse(ast.Call(func, args, _without(words, at))) for at in range(len(words)))


def _without(items: list[Item], position: int) -> list[Item]:
    return items[:position] + items[position + 1 :]
