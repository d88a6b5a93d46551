"""What is exported is read whole by the tools it is for: OASIS's validator, misp-stix, PyMISP."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from agency_client.interchange.misp import make_event
from agency_client.interchange.stix import make_bundle
from schemas.codec import encode_canonical
from tests.agency_client.interchange.exports import EXAMPLES, ORIGIN

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "build" / "interchange"
READER = ROOT / "tests" / "support" / "foreign_readers.py"
# What misp-stix adds of itself: the state's other code, and a name for a person known by an alias only.
ADDED = {("geolocation", "countrycode"), ("person", "full-name")}

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    assert TOOLS.is_dir(), "the tools are not there: make build/interchange/installed.txt"
    folder = tmp_path_factory.mktemp("exports")
    for kind, alert in EXAMPLES.items():
        (folder / f"{kind}.stix.json").write_bytes(encode_canonical(make_bundle(alert, ORIGIN)))
        (folder / f"{kind}.misp.json").write_bytes(encode_canonical(make_event(alert, ORIGIN)))
    command = [sys.executable, str(READER), str(folder)]
    environment = os.environ | {"PYTHONPATH": str(TOOLS)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = orjson.loads(result.stdout)
    return found


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_bundle_is_valid_stix(read: dict[str, Any], kind: str) -> None:
    assert read[kind]["invalid"] == []


@pytest.mark.parametrize("kind", EXAMPLES)
def test_misp_stix_imports_a_bundle_whole(read: dict[str, Any], kind: str) -> None:
    there = [tuple(item) for item in read[kind]["misp"]]
    converted = [tuple(item) for item in read[kind]["converted"]]

    assert read[kind]["problems"] == []
    assert [item for item in there if item not in converted] == []
    assert {item[:2] for item in converted if item not in there} <= ADDED
    assert {"tlp:amber+strict", EXAMPLES[kind].pap.label} <= set(read[kind]["tags"])
    assert read[kind]["references"][0] == read[kind]["references"][1]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_pymisp_loads_an_event_whole(read: dict[str, Any], kind: str) -> None:
    event = make_event(EXAMPLES[kind], ORIGIN)["Event"]
    written = [
        [thing["name"], item["object_relation"], item["value"]]
        for thing in event["Object"]
        for item in thing["Attribute"]
        if item["type"] not in {"boolean", "counter"}
    ]

    assert [item for item in written if item not in read[kind]["misp"]] == []
