"""The code of a report says which message it is of, and is a drawing that holds nothing else."""

import segno

from agency_client.interchange.report.code import draw_code, spell_reference
from tests.support.html_page import HtmlPage

REFERENCE = spell_reference("5d1c8a52-0000-7000-8000-000000000000", "ab" * 32)


def test_the_reference_is_one_line_of_id_and_digest() -> None:
    assert f"bilateral:message/5d1c8a52-0000-7000-8000-000000000000?sha256={'ab' * 32}" == REFERENCE


def test_the_drawing_has_a_dark_square_where_the_code_has_one() -> None:
    """The path is walked as a printer would: each stroke fills a row of modules."""
    page = HtmlPage(draw_code(REFERENCE))
    (strokes,) = page.find("path", stroke="#000")
    matrix = segno.make_qr(REFERENCE, error="m").matrix
    assert walk(strokes.attributes["d"]) == {
        (column + 4, row + 4) for row, line in enumerate(matrix) for column, module in enumerate(line) if module
    }


def test_the_drawing_fetches_nothing() -> None:
    page = HtmlPage(draw_code(REFERENCE))
    assert {item.tag for item in page.elements} == {"svg", "path"}
    assert {name for item in page.elements for name in item.attributes} <= {
        "class",
        "viewbox",
        "transform",
        "d",
        "stroke",
        "fill",
    }


def walk(path: str) -> set[tuple[int, int]]:
    """Return the modules that the strokes of a path cover."""
    covered: set[tuple[int, int]] = set()
    column, row = 0, 0.0
    for command, numbers in parse(path):
        if command == "h":
            covered |= {(column + step, int(row)) for step in range(int(numbers[0]))}
            column += int(numbers[0])
        else:
            column = int(numbers[0]) + (column if command == "m" else 0)
            row = numbers[1] + (row if command == "m" else 0)
    return covered


def parse(path: str) -> list[tuple[str, list[float]]]:
    """Return the commands of a path with their numbers."""
    found: list[tuple[str, list[float]]] = []
    for word in path.replace("M", " M ").replace("m", " m ").replace("h", " h ").replace("-", " -").split():
        if word in "Mmh":
            found.append((word, []))
        else:
            found[-1][1].append(float(word))
    return found
