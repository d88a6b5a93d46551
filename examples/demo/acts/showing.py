"""The documents of the play: published specimens, their machine readable zones read, every check digit recomputed."""

from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from examples.demo.cast import EXAMPLES, Cast
from schemas.codec import decode_json
from schemas.identifiers.mrz import Mrz, parse_mrz

_COLUMNS = (
    ("specimen", 16, 38),
    ("format", 6, 6),
    ("state", 5, 5),
    ("number", 12, 12),
    ("name", 12, 23),
    ("digits", 6, 6),
)
_MARKS = {"pass": ("✓", "green"), "fail": ("✗", "bold red")}


@dataclass(frozen=True, slots=True)
class Specimen:
    """A published specimen document: its title, its zone as read, and what a reader must find there."""

    title: str
    zone: Mrz
    says: dict[str, str]


def show_specimens(cast: Cast) -> None:
    """Read the zone of every specimen and show what it says."""
    stage = cast.stage
    with stage.act(
        "The documents are specimens",
        "No real person appears here. States and ICAO publish specimen documents; these are read as a border's scanner "
        "reads them. A wrong check digit is recorded and never a reason to refuse: it may be what is being reported.",
    ):
        specimens = load_specimens()
        stage.show_table(_make_table(specimens))
        stage.expect("at least eight specimens of all five formats are read", came=_count(specimens), wanted=(True, 5))
        wrong = [item.title for item in specimens if any(check.result == "fail" for check in item.zone.checks)]
        stage.expect("every check digit is right", came=wrong, wanted=[])
        said = all(_matches(item) for item in specimens)
        stage.expect("each zone says what its publication says", came=said)


def load_specimens() -> list[Specimen]:
    """Return all specimens of `examples/specimens`, by title."""
    found = []
    for path in sorted((EXAMPLES / "specimens").glob("*.json")):
        document = decode_json(path.read_bytes())
        if isinstance(document, dict):
            found.append(Specimen(document["title"], parse_mrz(document["lines"]), document["says"]))
    return sorted(found, key=lambda item: item.title)


def find_specimen(number: str, layout: str) -> Specimen:
    """Return the one specimen that has this number in a zone of this format."""
    (found,) = [item for item in load_specimens() if (item.zone.document_number, item.zone.format) == (number, layout)]
    return found


def _make_table(specimens: list[Specimen]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title, least, most in _COLUMNS:
        table.add_column(title, no_wrap=True, overflow="ellipsis", min_width=least, max_width=most)
    for item in specimens:
        zone = item.zone
        marks = [_MARKS.get(check.result, ("–", "dim")) for check in zone.checks]
        name = f"{zone.surname}, {zone.given_names}"
        table.add_row(item.title, zone.format, zone.issuing_state, zone.document_number, name, Text.assemble(*marks))
    return table


def _count(specimens: list[Specimen]) -> tuple[bool, int]:
    return len(specimens) >= 8, len({item.zone.format for item in specimens})


def _matches(specimen: Specimen) -> bool:
    return all(getattr(specimen.zone, name) == value for name, value in specimen.says.items())
