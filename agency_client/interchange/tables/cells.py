"""Cells that no spreadsheet evaluates: what a program could take for a formula gets an apostrophe before it. Pure.

`'` is how a person tells a spreadsheet that a cell is text. It goes before = + - @ wherever such a character could
begin a cell: at the start, and behind anything that some program takes for the end of the cell before (OWASP, CSV
Injection). `unguard_cell` takes exactly that off again; it is for tables written here, never for those of others.
"""

import re

# At the start or behind a separator, a quotation mark or a line break; then spaces and the apostrophes already there;
# then a character that begins a formula, in its full width too. A tab or carriage return at the start does as well.
# Nothing is gone through twice (`*+`), however many tabs or quotation marks somebody puts in a row.
_BEFORE = r"(^|[,;|\t\r\n\"])([^\S\t\r\n]*+)('*+)"
_FORMULA = re.compile(_BEFORE + r"(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
_BREAK = re.compile(r"^('*+)(?=[\t\r\n])")


def guard_cell(text: str) -> str:
    """Return a text as a cell that is shown as it is and evaluated by nothing."""
    return _BREAK.sub(r"'\1", _FORMULA.sub(r"\1\2'\3", text))


def unguard_cell(text: str) -> str:
    """Return the text that `guard_cell` made a cell of."""
    return _FORMULA.sub(_take_one_off, _BREAK.sub(lambda found: found[1][1:], text))


def _take_one_off(found: re.Match[str]) -> str:
    return found[1] + found[2] + found[3][1:]
