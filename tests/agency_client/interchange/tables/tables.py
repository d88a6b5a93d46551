"""Tables and mappings that the tests of this folder share."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from agency_client.interchange.tables.importing import JudgedLine, judge_table
from agency_client.interchange.tables.mapping import read_mapping
from agency_client.interchange.tables.reading import open_table
from agency_client.sending.composing import Usual
from schemas.markings import Tlp

USUAL = Usual("Second line", "officer-17", Tlp.AMBER, datetime(2026, 11, 22, 8, tzinfo=UTC))
EXAMPLES = Path(__file__).parents[4] / "examples" / "mappings"

MAPPING = """
kind = "document-status"

[table]
ignore = ["Remarks"]

[alert]
subject = "Passport {Number} reported"
grading = { scheme = "europol-4x4", source = "A", information = "1" }
statements = [{ text = "Reported at {Where}.", basis = "fact" }]
details.type = "passport"
details.issuing_state = "UTO"
details.national_reference = "UTO-7"

[columns."Number"]
field = "details.number"
required = true

[columns."What"]
field = "details.status"
values = { "gestohlen" = "stolen", "verloren" = "lost" }

[columns."When"]
field = "details.happened_on"
dates = ["%d.%m.%Y", "%m.%Y"]

[columns."Where"]
field = "details.place"
"""
HEADER = "Number,What,When,Where"
GOOD = "L898902C3,gestohlen,03.09.2026,Zenith"


def write_table(folder: Path, lines: Sequence[str], *, encoding: str = "utf-8", name: str = "table.csv") -> Path:
    """Write a table and return where it lies."""
    path = folder / name
    path.write_bytes("\r\n".join([*lines, ""]).encode(encoding))
    return path


def judge(path: Path, mapping: str = MAPPING) -> list[JudgedLine]:
    """Return what becomes of each line of a table."""
    checked = read_mapping(mapping)
    with open_table(path, encoding=checked.form.encoding, delimiter=checked.form.delimiter) as table:
        return list(judge_table(table, checked, USUAL))
