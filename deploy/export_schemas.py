"""Writes the JSON Schemas of the wire into schemas/json/; with --check says which differ, and fails if any does."""

import sys
from pathlib import Path

from schemas.export import render_schemas

FOLDER = Path(__file__).resolve().parent.parent / "schemas" / "json"


def main(arguments: list[str]) -> int:
    """Write or check the files; return the exit code."""
    rendered = render_schemas()
    present = {path.name: path.read_bytes() for path in FOLDER.glob("*.json")}
    differing = sorted(name for name in rendered.keys() | present.keys() if rendered.get(name) != present.get(name))
    if arguments == ["--check"]:
        for name in differing:
            print(
                f"schemas/json/{name} is not what the models say; run: python deploy/export_schemas.py", file=sys.stderr
            )
        return 1 if differing else 0
    FOLDER.mkdir(exist_ok=True)
    for name in differing:
        _write(FOLDER / name, rendered.get(name))
    return 0


def _write(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    print(f"schemas/json/{path.name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
