"""Text put together of our words and of others', each run knowing which, so that a page can keep them apart. Pure.

A page that runs from right to left isolates what others wrote; a terminal joins the runs as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from string import Formatter
from typing import Literal
from unicodedata import bidirectional

from agency_client.languages.words import Words


class Nature(StrEnum):
    """What a run of text is, and so which way it runs."""

    OURS = "ours"
    """Words of this program, in the reader's language."""
    FOREIGN = "foreign"
    """What somebody wrote: it runs as its own letters do."""
    EXACT = "exact"
    """Ids, moments, numbers: from left to right everywhere."""
    ZONE = "zone"
    """A line of a machine readable zone: from left to right, every letter as wide as the next."""
    STATE = "state"
    """The code of a state, which a page may name."""


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text of one nature."""

    text: str
    nature: Nature = Nature.OURS


Text = tuple[Run, ...]
NOTHING: Text = ()


def foreign(text: str) -> Text:
    """Return what somebody wrote."""
    return (Run(text, Nature.FOREIGN),)


def exact(text: object) -> Text:
    """Return an id, a moment or a number."""
    return (Run(str(text), Nature.EXACT),)


def say(words: Words, text: str) -> Text:
    """Return an English text of ours in the reader's language."""
    return (Run(words.say(text)),) if text else NOTHING


def fill(words: Words, template: str, **parts: Text) -> Text:
    """Return a text of ours with `parts` where their names stand in braces, in the order of the reader's language.

    Raises:
        KeyError: the translation names something else.
    """
    runs: list[Run] = []
    for literal, name, _, _ in Formatter().parse(words.say(template)):
        if literal:
            runs.append(Run(literal))
        if name is not None:
            runs.extend(parts[name])
    return tuple(runs)


def join(words: Words, template: str, texts: Sequence[Text]) -> Text:
    """Return texts one after the other, joined as `template` joins `{first}` and `{next}`."""
    if not texts:
        return NOTHING
    joined = texts[0]
    for text in texts[1:]:
        joined = fill(words, template, first=joined, next=text)
    return joined


def space(texts: Sequence[Text]) -> Text:
    """Return texts with a space between them."""
    runs: list[Run] = []
    for text in texts:
        runs.extend([Run(" "), *text] if runs else text)
    return tuple(runs)


def find_direction(foreign_text: str) -> Literal["ltr", "rtl"]:
    """Return which way a text runs, by its first letter that runs one way (UAX 9, rules P2 and P3).

    A browser finds it for `dir="auto"`; what makes a PDF must be told.
    """
    strong = (bidirectional(character) for character in foreign_text)
    return "rtl" if next((one for one in strong if one in {"L", "R", "AL"}), "L") != "L" else "ltr"


def flatten(text: Text) -> str:
    """Return the text alone."""
    return "".join(run.text for run in text)
