"""Sheets to print and type in again: 32 bytes each as 24 numbered words, of which the last checks, and as hexadecimal.

A sheet is text, or a page of HTML for a browser's printer: without scripts, pictures or anything it would fetch. What
stands on a sheet, an anchor or a root's seeds, is its caller's business.
"""

import re
from dataclasses import dataclass
from html import escape

from agency_client.errors import UsageError
from keys.anchors import format_anchor_hex, format_anchor_words, parse_anchor
from keys.errors import AnchorError

WORDS = 24
TYPE_IT = "type the 24 words from the paper instead: --words"
_NUMBERED_WORDS = re.compile(r"(?: *[0-9]{1,2} +[a-z]+)+ *")
_HEX_LINE = re.compile(r" *[0-9a-f]{4}(?: [0-9a-f]{4}){15} *")
_STYLE = (
    "@page{margin:2cm}body{font:12pt/1.5 serif;max-width:17cm;margin:auto}h1{font-size:16pt}"
    "ol{columns:4;padding-left:2.5em;font:13pt/1.7 monospace}p.hex{font:11pt/1.7 monospace;word-spacing:.4em}"
    "section{break-inside:avoid}"
)


@dataclass(frozen=True, slots=True)
class Block:
    """32 bytes to print (base64url), and what they are."""

    caption: str
    value: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page: its title, sentences before and after, and what is to be typed in."""

    title: str
    before: tuple[str, ...]
    blocks: tuple[Block, ...]
    after: tuple[str, ...]


def format_text(sheet: Sheet) -> str:
    """Return a sheet as plain text."""
    parts = [sheet.title, "\n".join(sheet.before)]
    for block in sheet.blocks:
        parts += [*([block.caption] if block.caption else []), format_words_in_lines(block.value)]
        parts.append(format_anchor_hex(block.value))
    return "\n\n".join([*parts, "\n".join(sheet.after)]) + "\n"


def format_html(sheet: Sheet) -> str:
    """Return a sheet as a page to print: no script, no picture, nothing that is fetched."""
    body = [f"<h1>{escape(sheet.title)}</h1>", *(f"<p>{escape(line)}</p>" for line in sheet.before)]
    for block in sheet.blocks:
        words = "".join(f"<li>{word}</li>" for word in format_anchor_words(block.value).split())
        caption = f"<h2>{escape(block.caption)}</h2>" if block.caption else ""
        spelled = format_anchor_hex(block.value)
        body.append(f'<section>{caption}<ol>{words}</ol><p class="hex">{spelled}</p></section>')
    body += [f"<p>{escape(line)}</p>" for line in sheet.after]
    head = (
        '<meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(sheet.title)}</title><style>{_STYLE}</style>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


def format_words_in_lines(value: str, per_line: int = 6) -> str:
    """Return the words of 32 bytes, numbered, a few on each line."""
    words = [f"{number:>2} {word:<9}" for number, word in enumerate(format_anchor_words(value).split(), start=1)]
    lines = (" ".join(words[at : at + per_line]).rstrip() for at in range(0, len(words), per_line))
    return "\n".join(lines)


def read_blocks(unverified_text: str, count: int) -> tuple[str, ...]:
    """Return the values of a printed sheet of so many blocks, its words compared with its hexadecimal.

    Raises:
        UsageError: they are not all there, or the two spellings of one are of different values.
    """
    lines = unverified_text.splitlines()
    numbered = " ".join(line for line in lines if _NUMBERED_WORDS.fullmatch(line)).split()
    spelled = [line for line in lines if _HEX_LINE.fullmatch(line)]
    if numbered[::2] != count * [str(number) for number in range(1, WORDS + 1)] or len(spelled) != count:
        raise UsageError(f"the page does not hold {_spell_count(count)}", fix=TYPE_IT)
    found = []
    for at in range(count):
        words = numbered[1::2][at * WORDS : (at + 1) * WORDS]
        try:
            value = parse_anchor(" ".join(words))
        except AnchorError as error:
            raise UsageError(f"the page: {error}", fix=TYPE_IT) from error
        if parse_anchor(spelled[at]) != value:
            raise UsageError("the page's words and its hexadecimal are of different anchors", fix=TYPE_IT)
        found.append(value)
    return tuple(found)


def list_different_words(typed: str, value: str) -> list[int]:
    """Return the numbers (from 1) of the words in which 24 typed ones differ from those of a value."""
    pairs = zip(typed.lower().split(), format_anchor_words(value).split(), strict=True)
    return [number for number, (one, other) in enumerate(pairs, start=1) if one != other]


def _spell_count(count: int) -> str:
    if count == 1:
        return "24 numbered words and one line of hexadecimal"
    return f"{count} times 24 numbered words, each with a line of hexadecimal"
