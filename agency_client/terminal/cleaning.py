"""Make foreign text safe to show: whatever could steer a terminal, reorder a line or hide becomes a visible `<U+202E>`.

A terminal obeys ESC sequences and C1 controls, bidirectional controls reorder what a reader sees, invisible characters
and overlays make two different strings look alike, and a line break forges the next line. Letters of every script pass,
right-to- left ones included. The result is for eyes only: never compare, store or send it.
"""

import unicodedata

MAX_LINE_CHARACTERS = 500
MAX_BLOCK_CHARACTERS = 20_000
MAX_MARKS_IN_A_ROW = 4
_OVERLAY_CLASS = 1

_SHOWN_AS_SPACE = frozenset("\u00a0\u202f\u3000")
"""Spaces that French, Chinese and other texts rightly use."""

_INVISIBLE = frozenset(
    [
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0x1D159),
        *range(0x180B, 0x1810),
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
    ]
)
"""Letters, marks and symbols that show nothing: joiners, fillers, blanks, variation selectors."""


def clean_line(foreign_text: str, *, max_characters: int = MAX_LINE_CHARACTERS) -> str:
    """Return text that fits one line: no control, bidirectional or invisible character, no line break."""
    return _clean(foreign_text[:max_characters]) + _tell_cut(foreign_text, max_characters)


def clean_block(foreign_text: str, *, max_characters: int = MAX_BLOCK_CHARACTERS) -> str:
    """Return text of several lines, each cleaned; LF, CR LF and tab mean what they mean, everything else is escaped."""
    lines = foreign_text[:max_characters].replace("\r\n", "\n").expandtabs(4).split("\n")
    return "\n".join(_clean(line) for line in lines) + _tell_cut(foreign_text, max_characters)


def escape_character(character: str) -> str:
    """Return the visible form of a character that is not shown: `<U+001B>`."""
    return f"<U+{ord(character):04X}>"


def is_shown(character: str) -> bool:
    """Tell whether a character may reach a terminal as it is; marks are subject to more (`MAX_MARKS_IN_A_ROW`)."""
    if character == " ":
        return True
    category = unicodedata.category(character)
    if category[0] in "CZ" or category == "Me":
        return False
    return ord(character) not in _INVISIBLE and unicodedata.combining(character) != _OVERLAY_CLASS


def _clean(text: str) -> str:
    shown: list[str] = []
    marks_left = 0  # A mark needs a letter before it, or it lands on what the program itself printed.
    for character in text:
        if character in _SHOWN_AS_SPACE:
            character = " "  # noqa: PLW2901 - the loop's own variable says it best
        shows = is_shown(character)
        if shows and unicodedata.category(character)[0] == "M":
            marks_left -= 1
            shows = marks_left >= 0
        else:
            marks_left = MAX_MARKS_IN_A_ROW if shows else 0
        shown.append(character if shows else escape_character(character))
    return "".join(shown)


def _tell_cut(text: str, max_characters: int) -> str:
    hidden = len(text) - max_characters
    return f"… (+{hidden})" if hidden > 0 else ""
