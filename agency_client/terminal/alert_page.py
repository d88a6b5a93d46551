"""An alert as a page of text for a terminal: the sections of `agency_client.reading.sheet` as labelled lines.

Pure: cleaning foreign strings is left to `agency_client.terminal.output`, which shows the blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agency_client.languages.runs import flatten
from agency_client.languages.words import ENGLISH, Words
from agency_client.reading.sheet import make_rules, make_sheet
from schemas.alerts.base import Alert


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the page: its title and its labelled lines. A line without label continues the one before.

    `about` is the ref of the person whom it is about.
    """

    title: str
    lines: tuple[tuple[str, str], ...]
    about: str = ""


def make_banner_rules(alert: Alert, agreed: Sequence[str] = (), words: Words = ENGLISH) -> str:
    """Return what stands beside the marking, above and below the page: what may be done with it, and what never.

    `agreed` are the conditions of the clause that the message came under.
    """
    return " · ".join(flatten(rule) for rule in make_rules(alert, agreed, words))


def make_page(alert: Alert, words: Words = ENGLISH) -> list[Block]:
    """Return the blocks of an alert, in the order in which somebody reads them."""
    return [
        Block(flatten(section.title), tuple((line.label, flatten(line.text)) for line in section.lines), section.about)
        for section in make_sheet(alert, words)
    ]
