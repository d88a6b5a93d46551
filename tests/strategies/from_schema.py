"""Values that a JSON Schema describes, and such values spoilt: what a stranger sends who read the OpenAPI document."""

import re
from typing import Any

from hypothesis import strategies as st

from schemas.codec import MAX_INTEGER

_MAX_ITEMS = 3
_HUGE = 10**40


def described_values(definitions: dict[str, Any], node: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return a strategy of values valid under `node`, whose references lead into `definitions`."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return st.deferred(lambda: described_values(definitions, definitions[name]))
    if "const" in node:
        return st.just(node["const"])
    if "enum" in node:
        return st.sampled_from(node["enum"])
    for choice in ("oneOf", "anyOf"):
        if choice in node:
            return st.one_of([described_values(definitions, option) for option in node[choice]])
    match node.get("type"):
        case "string":
            return _strings(node)
        case "integer":
            return st.integers(node.get("minimum", -MAX_INTEGER), node.get("maximum", MAX_INTEGER))
        case "boolean":
            return st.booleans()
        case "array":
            least, most = node.get("minItems", 0), node.get("maxItems", _MAX_ITEMS)
            items = described_values(definitions, node["items"])
            return st.lists(items, min_size=least, max_size=max(least, min(most, _MAX_ITEMS)))
        case "object":
            return _objects(definitions, node)
    return anything()


def spoilt_values(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy of the values with one thing about them changed: a member gone, added, or of another kind."""
    return st.builds(_spoil, values, st.lists(st.integers(0, 50), min_size=1, max_size=6), anything())


def anything() -> st.SearchStrategy[Any]:
    """Return a strategy of whatever JSON can say, and of numbers and names that our profile has no place for."""
    leaves = st.one_of(
        st.none(), st.booleans(), st.integers(), st.just(_HUGE), st.floats(allow_nan=False), st.text(max_size=20)
    )
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )


def _strings(node: dict[str, Any]) -> st.SearchStrategy[str]:
    least, most = node.get("minLength", 0), node.get("maxLength", 200)
    if "pattern" in node:
        pattern = re.compile(re.sub(r"\$$", r"\\Z", node["pattern"]), re.ASCII)
        return st.from_regex(pattern).map(lambda text: text[:most])
    return st.text(min_size=least, max_size=min(most, least + 40))


def _objects(definitions: dict[str, Any], node: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    members = {name: described_values(definitions, item) for name, item in node.get("properties", {}).items()}
    needed = set(node.get("required", ()))
    return st.fixed_dictionaries(
        {name: values for name, values in members.items() if name in needed},
        optional={name: values for name, values in members.items() if name not in needed},
    )


def _spoil(value: Any, way: list[int], foreign: Any) -> Any:
    """Follow `way` into `value`; where it ends, put something else, or take the member away."""
    if not way or not isinstance(value, dict | list) or not value:
        return foreign
    step, rest = way[0], way[1:]
    if isinstance(value, list):
        place = step % len(value)
        return [*value[:place], _spoil(value[place], rest, foreign), *value[place + 1 :]]
    name = sorted(value)[step % len(value)]
    kept = {other: item for other, item in value.items() if other != name}
    if step >= 40:
        return kept
    return {**kept, name: _spoil(value[name], rest, foreign)} if step >= 10 else {**value, "unheard-of": foreign}
