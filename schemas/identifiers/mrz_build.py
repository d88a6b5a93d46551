"""Writes machine readable zones from fields (ICAO Doc 9303), for examples, templates and tests."""

import re
from dataclasses import dataclass

from schemas.identifiers.mrz_layout import (
    LAYOUTS,
    Layout,
    MrzError,
    MrzFormat,
    Span,
    compute_check_digit,
    cut,
    find_digit,
)
from schemas.identifiers.transliteration import TransliterationError, transliterate_name

_PRINCIPAL_CHARACTERS = 9
_FIELD_RULES = (
    ("document_code", r"[A-Z][A-Z]?", "one or two letters, such as P or ID"),
    ("issuing_state", r"[A-Z]{1,3}", "up to three letters, such as UTO"),
    ("nationality", r"[A-Z]{1,3}", "up to three letters, such as UTO"),
    ("document_number", r"[A-Z0-9]([A-Z0-9<]*[A-Z0-9])?", "letters and digits, such as L898902C3"),
    ("birth_date", r"[0-9<]{6}", "YYMMDD with < where unknown, such as 740812"),
    ("expiry_date", r"[0-9<]{6}", "YYMMDD with < where unknown, such as 120415"),
    ("sex", r"[MF<]", "M, F or <"),
    ("optional_data", r"([A-Z0-9<]*[A-Z0-9])?", "letters, digits and <, such as ZE184226B"),
    ("optional_data_2", r"([A-Z0-9<]*[A-Z0-9])?", "letters, digits and <"),
)


@dataclass(frozen=True, slots=True)
class MrzFields:
    """What a zone shall say. Dates are six characters, `<` where unknown; names are in any Latin spelling."""

    format: MrzFormat
    document_code: str
    issuing_state: str
    surname: str
    given_names: str
    document_number: str
    nationality: str
    birth_date: str
    sex: str
    expiry_date: str
    optional_data: str = ""
    optional_data_2: str = ""


def build_mrz(fields: MrzFields) -> tuple[str, ...]:
    """Return the lines of a zone, check digits computed, names transliterated and truncated where they must be.

    Raises:
        MrzError: a field has characters a zone cannot have, or does not fit into its place.
    """
    _verify_fields(fields)
    layout = LAYOUTS[fields.format]
    canvas = [list("<" * layout.width) for _ in range(layout.lines)]
    _write(canvas, (1, 1, 2), fields.document_code)
    _write(canvas, (1, 3, 5), fields.issuing_state)
    _write(canvas, layout.name, _write_names(fields.surname, fields.given_names, _length(layout.name)))
    _write(canvas, layout.nationality, fields.nationality)
    _write(canvas, layout.sex, fields.sex)
    _write_number(canvas, layout, fields)
    for span, text in ((layout.birth, fields.birth_date), (layout.expiry, fields.expiry_date)):
        _write_checked(canvas, span, text)
    if layout.optional_2:
        _write(canvas, layout.optional_2, fields.optional_data_2)
    elif fields.optional_data_2:
        raise MrzError("optional_data_2: only TD1 has a second field of optional data")
    _write_composite(canvas, layout)
    return tuple("".join(line) for line in canvas)


def _verify_fields(fields: MrzFields) -> None:
    for name, pattern, expected in _FIELD_RULES:
        if not re.fullmatch(pattern, getattr(fields, name)):
            raise MrzError(f"{name}: {expected} is expected")
    if (fields.format in {MrzFormat.MRV_A, MrzFormat.MRV_B}) != fields.document_code.startswith("V"):
        raise MrzError("document_code: V stands for visas, and for nothing else")


def _write_number(canvas: list[list[str]], layout: Layout, fields: MrzFields) -> None:
    number = fields.document_number
    if len(number) <= _PRINCIPAL_CHARACTERS:
        _write_checked(canvas, layout.number, number)
        writes_digit = layout.optional_has_digit and bool(fields.optional_data)
        (_write_checked if writes_digit else _write)(canvas, layout.optional, fields.optional_data)
        return
    if not layout.number_may_overflow or "<" in number:
        raise MrzError(f"document_number: {fields.format.label} has room for {_PRINCIPAL_CHARACTERS} characters")
    _write(canvas, layout.number, number[:_PRINCIPAL_CHARACTERS])
    overflow = f"{number[_PRINCIPAL_CHARACTERS:]}{compute_check_digit(number)}<"
    if len(overflow + fields.optional_data) > _length(layout.optional):
        raise MrzError("document_number: no room for the rest of it before the optional data")
    _write(canvas, layout.optional, overflow + fields.optional_data)


def _write_composite(canvas: list[list[str]], layout: Layout) -> None:
    if layout.composite:
        lines = tuple("".join(line) for line in canvas)
        covered = "".join(cut(lines, span) for span in layout.composite)
        _write(canvas, layout.composite_digit, compute_check_digit(covered) or "<")


def _write_checked(canvas: list[list[str]], span: Span, text: str) -> None:
    _write(canvas, span, text)
    _write(canvas, find_digit(span), compute_check_digit(text) or "<")


def _write(canvas: list[list[str]], span: Span, text: str) -> None:
    line, first, _ = span
    if len(text) > _length(span):
        raise MrzError(f"{text}: there is room for {_length(span)} characters")
    canvas[line - 1][first - 1 : first - 1 + len(text)] = text


def _length(span: Span) -> int:
    return span[2] - span[1] + 1


def _write_names(surname: str, given_names: str, width: int) -> str:
    try:
        primary, secondary = transliterate_name(surname), transliterate_name(given_names)
    except TransliterationError as error:
        raise MrzError(f"names: {error}") from error
    if not primary:
        raise MrzError("surname: the primary identifier is never empty; a single name stands there")
    if not secondary:
        return _truncate(primary, width)
    return _truncate(f"{_truncate(primary, width - 3).rstrip('<')}<<{secondary}", width)


def _truncate(names: str, width: int) -> str:
    # A truncated field ends in a letter (Doc 9303-4, 4.2.3): where the cut falls on a filler, the nearest component of
    # two letters or more before it gives one letter up.
    while len(names) > width and names[width - 1] == "<":
        last_letters = [m.end() - 1 for m in re.finditer(r"[A-Z]{2,}", names[:width])]
        if not last_letters:
            break
        names = names[: last_letters[-1]] + names[last_letters[-1] + 1 :]
    return names[:width]
