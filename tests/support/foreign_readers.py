"""Reads exported files with the tools of others, in a process of its own where these are installed (build/interchange).

Called with a folder of `NAME.stix.json` and `NAME.misp.json`; writes what each tool made of them as one JSON object.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any


def main(folder: Path) -> None:
    """Read every file and print what was read."""
    from pymisp import MISPEvent  # type: ignore[import-not-found]

    found: dict[str, Any] = {}
    for bundle in sorted(folder.glob("*.stix.json")):
        event = MISPEvent()
        event.load(bundle.with_name(bundle.name.replace(".stix.", ".misp.")).read_text("utf-8"))
        converted, problems = convert(bundle)
        found[bundle.name.split(".", maxsplit=1)[0]] = {
            "invalid": validate(bundle),
            "misp": list_attributes(event),
            "converted": list_attributes(converted),
            "problems": problems,
            "tags": sorted(tag.name for tag in converted.tags),
            "references": [count_references(event), count_references(converted)],
        }
    json.dump(found, sys.stdout)


def validate(bundle: Path) -> list[str]:
    """Return what OASIS's validator holds against a bundle."""
    from stix2validator import ValidationOptions, validate_file  # type: ignore[import-not-found]

    result = validate_file(str(bundle), ValidationOptions(version="2.1", enforce_refs=True))
    return [str(error) for item in result.object_results for error in item.errors]


def convert(bundle: Path) -> tuple[Any, list[str]]:
    """Return the MISP event that misp-stix makes of a bundle, and what it says it could not read."""
    from misp_stix_converter import InternalSTIX2toMISPParser  # type: ignore[import-not-found]
    from stix2.parsing import parse  # type: ignore[import-not-found]

    parser = InternalSTIX2toMISPParser()
    parser.load_stix_bundle(parse(bundle.read_text("utf-8"), allow_custom=True))
    parser.parse_stix_bundle()
    return parser.misp_event, [str(item) for item in (*parser.errors.values(), *parser.warnings.values())]


def list_attributes(event: Any) -> list[list[str]]:
    """Return every value of an event with the object and the relation it stands in."""
    return sorted(
        [thing.name, item.object_relation, str(item.value)] for thing in event.objects for item in thing.attributes
    )


def count_references(event: Any) -> int:
    """Return how many objects are said to belong together."""
    return sum(len(thing.references) for thing in event.objects)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]))
