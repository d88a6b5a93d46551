"""Writes the tables of docs/protocol.md that the code keeps (records, problems); with --check says if they differ."""

import sys
from collections.abc import Iterable
from pathlib import Path

from schemas.log.records import OPTIONAL, PUBLIC_TYPES, RECORD_ACTIONS, REQUIRED, RecordType
from schemas.problems import PROBLEMS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "protocol.md"


def render_page(page: str) -> str:
    """Return the page with the tables between its `<!-- table: NAME -->` marks made anew."""
    for name, rows in {"records": list_records(), "problems": list_problems()}.items():
        begin, end = f"<!-- table: {name} -->\n", f"<!-- end: {name} -->"
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"docs/protocol.md has no place for the table {name}")
        page = before + begin + "\n".join(rows) + "\n" + end + after
    return page


def list_records() -> Iterable[str]:
    """Return the rows of the record types."""
    yield "| type | leaf | filed under | members | may have |"
    yield "|---|---|---|---|---|"
    for kind in RecordType:
        leaf = "public" if kind in PUBLIC_TYPES else "private"
        members = ", ".join(sorted(REQUIRED[kind]))
        optional = ", ".join(sorted(OPTIONAL.get(kind, ())))
        yield f"| `{kind.value}` | {leaf} | {RECORD_ACTIONS[kind].value} | {members} | {optional} |"


def list_problems() -> Iterable[str]:
    """Return the rows of the problem types."""
    yield "| slug | status | title |"
    yield "|---|---|---|"
    for problem in PROBLEMS.values():
        yield f"| `{problem.slug}` | {problem.status} | {problem.title} |"


def main(arguments: list[str]) -> int:
    """Write or check the page; return the exit code."""
    present = PAGE.read_text("utf-8")
    rendered = render_page(present)
    if arguments == ["--check"]:
        if rendered != present:
            print("docs/protocol.md is not what the code says; run: python deploy/protocol_tables.py", file=sys.stderr)
        return int(rendered != present)
    PAGE.write_text(rendered, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
