"""Writes a page for every kind of alert into docs/kinds/, from the models; with --check says which differ.

A page says what the kind is for, which fields it has and of what type, which codes each closed list has, and shows the
filled example. Nothing on it is written by hand.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from schemas.alerts import kind_names, kind_of
from schemas.alerts.base import Alert
from schemas.alerts.registry import Kind
from schemas.coded import CodedValue
from schemas.model import WireModel

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "kinds"
EXAMPLES = ROOT / "examples" / "alerts"
COMMON = "common.md"

_RULES = {
    "is_aftercare": "It follows another message up: it passes in every state of the agreement, to exactly those whom "
    "that message reached.",
    "needs_refers_to": "It names the message it is about in `in_reply_to`.",
    "acts_by_itself": "Whoever opens it marks, replaces, restricts or erases what it is about, without waiting for a "
    "person.",
    "is_senders_alone": "Only the sender of the message it is about may send it.",
    "needs_grading": "Source and information are graded.",
    "forbids_persons": "It holds no personal data: `persons` stays out.",
    "is_confidential": "The exchange sees that it is confidential, and not what it is.",
}

_SAYS_NOTHING = re.compile("text on one line|short text|Some sentences")
_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Schema = dict[str, Any]


def render_pages() -> dict[str, str]:
    """Return every page by its file name."""
    pages = {f"{name}.md": render_kind(kind_of(name)) for name in kind_names()}
    return pages | {COMMON: render_common(), "README.md": render_index()}


def render_index() -> str:
    """Return the page that leads to the others."""
    lines = [
        "# The kinds of alert",
        "",
        "A page for each, made from the models by `python deploy/kind_pages.py`. What all of them share is on the page",
        f"of the [common part]({COMMON}); filled examples to start from are in",
        "[examples/alerts](../../examples/alerts).",
        "",
        "| Kind | What it is |",
        "|---|---|",
        *(f"| [`{name}`]({name}.md) | {kind_of(name).label} |" for name in kind_names()),
    ]
    return "\n".join(lines) + "\n"


def render_common() -> str:
    """Return the page of what every alert has."""
    schema = Alert.model_json_schema()
    opening = ["# The common part of every alert", "", _describe_class(Alert), ""]
    return _render(opening, Alert, schema, leave_out=frozenset({"details"}), example=None)


def render_kind(kind: Kind) -> str:
    """Return the page of one kind."""
    details = _details_of(kind)
    said = " ".join((inspect.getdoc(inspect.getmodule(details)) or "").split("\n\n")[0].split())
    said = said.removeprefix(f"{kind.name}: ") if said.startswith(f"{kind.name}: ") else ""
    opening = [
        f"# {kind.name}: {kind.label}",
        "",
        *([said[:1].upper() + said[1:], ""] if said else []),
        _describe_class(details),
        "",
        *(sentence for rule, sentence in _RULES.items() if getattr(kind, rule, False)),
        f"What stands around `details` is the [common part]({COMMON}) of every alert.",
        "",
    ]
    return _render(opening, details, details.model_json_schema(), example=EXAMPLES / f"{kind.name}.json")


def _render(
    opening: list[str],
    top: type[WireModel],
    schema: Schema,
    *,
    example: Path | None,
    leave_out: frozenset[str] = frozenset(),
) -> str:
    classes = dict(_list_classes(top, leave_out))
    parts = {name: found for name, found in classes.items() if issubclass(found, WireModel)}
    lists = {name: found for name, found in classes.items() if issubclass(found, CodedValue)}
    lines = [*opening, "## Fields", "", *_render_fields(schema, schema, classes, leave_out)]
    for name, part in sorted(parts.items()):
        lines += [f"## {name}", "", _describe_class(part), ""]
        lines += _render_fields(schema, schema["$defs"][name], classes)
    if lists:
        lines += ["## Codes", ""]
    for name, codes in sorted(lists.items()):
        lines += [f"### {name}", "", _describe_class(codes), "", "| Code | Label |", "|---|---|"]
        lines += [*(f"| `{code.value}` | {code.label} |" for code in codes), ""]
    if example is not None:
        lines += ["## Example", "", "```json", example.read_text("utf-8").rstrip("\n"), "```", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _render_fields(
    root: Schema, schema: Schema, classes: dict[str, type], leave_out: frozenset[str] = frozenset()
) -> Iterator[str]:
    needed = set(schema.get("required", ()))
    yield "| Field | Type | |"
    yield "|---|---|---|"
    for name, node in schema["properties"].items():
        if name not in leave_out:
            yield f"| `{name}` | {_spell(root, node, classes)} | {'needed' if name in needed else ''} |"
    yield ""


def _spell(root: Schema, node: Schema, classes: dict[str, type]) -> str:
    """Return in words what may stand in a field."""
    node = _take_present(node)
    if "$ref" in node:
        return _spell_reference(root, str(node["$ref"]).rpartition("/")[2], classes)
    if node.get("type") == "array":
        return f"list of at most {node['maxItems']}: {_spell(root, node['items'], classes)}"
    words = [node["description"]] if "description" in node else [_spell_plain(node)]
    example = next(iter(node.get("examples", ())), None)
    words += [f"such as `{example}`"] if isinstance(example, str) and not _SAYS_NOTHING.match(example) else []
    return ", ".join(words).replace("|", "\\|")


def _spell_reference(root: Schema, name: str, classes: dict[str, type]) -> str:
    title = root["$defs"][name].get("title", name)
    link = f"[{title}](#{title.lower()})"
    return f"code of {link}" if issubclass(classes[title], CodedValue) else link


def _spell_plain(node: Schema) -> str:
    if node.get("type") == "boolean":
        return "true or false"
    if node.get("type") == "integer":
        return f"whole number from {node.get('minimum', 0)} to {node['maximum']}"
    if "maxLength" in node:
        return f"text of at most {node['maxLength']} letters"
    if str(node.get("pattern", "")).startswith("^(19|2"):
        return "a moment, in UTC"
    return "an id" if _ID.fullmatch(str(node.get("examples", [""])[0])) else "text"


def _take_present(node: Schema) -> Schema:
    """Return what a field is when it is there, rather than absent."""
    return next((option for option in node.get("anyOf", ()) if option.get("type") != "null"), node)


def _list_classes(part: type[WireModel], leave_out: frozenset[str] = frozenset()) -> Iterator[tuple[str, type]]:
    """Name every part and every closed list that the fields of a part lead to."""
    waiting, known = [part], {part}
    while waiting:
        for name, field in waiting.pop().model_fields.items():
            for found in _find_classes(field.annotation) if name not in leave_out else ():
                if found not in known:
                    known.add(found)
                    waiting += [found] if issubclass(found, WireModel) else []
                    yield found.__name__, found


def _find_classes(annotation: Any) -> Iterator[Any]:
    if isinstance(annotation, type) and issubclass(annotation, WireModel | CodedValue):
        yield annotation
    for argument in get_args(annotation):
        yield from _find_classes(argument)


def _details_of(kind: Kind) -> type[WireModel]:
    details: type[WireModel] = next(_find_classes(kind.alert.model_fields["details"].annotation))
    return details


def _describe_class(described: type) -> str:
    return " ".join((inspect.getdoc(described) or "").split())


def main(arguments: list[str]) -> int:
    """Write or check the pages; return the exit code."""
    rendered = render_pages()
    present = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.md")}
    differing = sorted(name for name in rendered.keys() | present.keys() if rendered.get(name) != present.get(name))
    if arguments == ["--check"]:
        for name in differing:
            print(f"docs/kinds/{name} is not what the models say; run: python deploy/kind_pages.py", file=sys.stderr)
        return int(bool(differing))
    FOLDER.mkdir(exist_ok=True)
    for name in differing:
        _write(FOLDER / name, rendered.get(name))
    return 0


def _write(path: Path, content: str | None) -> None:
    if content is None:
        path.unlink()
    else:
        path.write_text(content, "utf-8")
    print(f"docs/kinds/{path.name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
