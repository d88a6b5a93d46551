"""The check digit and the layouts, against the standard's own worked examples."""

import pytest

from schemas.identifiers.mrz_layout import LAYOUTS, MrzFormat, compute_check_digit, cut


@pytest.mark.parametrize(
    ("text", "digit"),
    [("520727", "3"), ("AB2134<<<", "5"), ("L898902C3", "6"), ("ZE184226B<<<<<", "1"), ("", "0"), ("<<<<", "0")],
)
def test_check_digits_are_those_of_the_standard(text: str, digit: str) -> None:
    """ICAO Doc 9303-3, Appendix A, and the specimen of part 4."""
    assert compute_check_digit(text) == digit


@pytest.mark.parametrize("text", ["l898902c3", "L898902C ", "Ä", "٣"])
def test_a_character_without_a_value_has_no_check_digit(text: str) -> None:
    assert compute_check_digit(text) is None


@pytest.mark.parametrize(
    ("mrz_format", "lines", "covered", "digit"),
    [
        (
            MrzFormat.TD3,
            ("", "HA672242<6YTO5802254M9601086<<<<<<<<<<<<<<0"),
            "HA672242<658022549601086<<<<<<<<<<<<<<0",
            "8",
        ),
        (
            MrzFormat.TD1,
            ("I<YTOD231458907<<<<<<<<<<<<<<<", "3407127M9507122YTO<<<<<<<<<<<"),
            "D231458907<<<<<<<<<<<<<<<34071279507122<<<<<<<<<<<",
            "2",
        ),
        (MrzFormat.TD2, ("", "HA672242<6YTO5802254M9601086<<<<<<<"), "HA672242<658022549601086<<<<<<<", "8"),
    ],
)
def test_the_composite_digit_covers_what_the_standard_says(
    mrz_format: MrzFormat, lines: tuple[str, ...], covered: str, digit: str
) -> None:
    """ICAO Doc 9303-3, Appendix A, examples 3 to 5."""
    joined = "".join(cut(lines, span) for span in LAYOUTS[mrz_format].composite)

    assert joined == covered
    assert compute_check_digit(joined) == digit
