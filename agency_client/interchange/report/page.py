"""One page of HTML of an alert: escaped, isolated, without scripts, and without anything that is fetched. Pure.

Every text is escaped by the template and cleaned of characters that steer a reader; what others wrote is isolated from
what is ours, so that it turns nothing around it. Nothing is cut off.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from agency_client.aftercare.rules import VICTIM_MARK
from agency_client.interchange.report.code import draw_code, spell_reference
from agency_client.interchange.report.facts import ReportFacts
from agency_client.interchange.report.rows import (
    Row,
    list_attachment_rows,
    list_change_rows,
    list_checks,
    list_header,
    list_marks,
    list_notices,
    list_reference,
)
from agency_client.languages.runs import Nature, Text, exact, fill, find_direction, flatten
from agency_client.languages.words import ENGLISH, Words
from agency_client.reading.sheet import Line, make_rules, make_sheet
from agency_client.terminal.aftercare_pages import list_victims
from agency_client.terminal.cleaning import clean_block
from agency_client.terminal.moments import spell_moment
from schemas.alerts.base import Basis
from schemas.alerts.registry import kind_of
from schemas.identifiers.states import describe_state, is_state_code

_PROSE_CHARACTERS = 70
_ATTACHED = ("caption", "marking", "name", "seems to be", "size", "digest")
_CHANGED = ("field", "said before", "says now", "said by", "not applied")


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """A label and the paragraphs beside it."""

    label: str
    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class PageSection:
    """A titled part of the page; `mark` stands beside its title, `basis` is that of the statements in it."""

    title: Text
    rows: tuple[LabelledRow, ...]
    mark: str = ""
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table of several columns."""

    title: str
    titles: tuple[str, ...]
    rows: list[Row]


def make_report(facts: ReportFacts, words: Words = ENGLISH) -> str:
    """Return an alert as an HTML document in the words of a language."""
    return _load_template().render(
        page=_describe(facts, words),
        language=words.language,
        say=words.say,
        name_state=lambda code: words.say(describe_state(code)) if is_state_code(code) else "",
        style=files(__package__).joinpath("page.css").read_text("utf-8"),
        code=draw_code(spell_reference(facts.sent.message_id, facts.sent.digest)),
    )


@cache
def _load_template() -> Template:
    environment = Environment(
        loader=PackageLoader("agency_client.interchange.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "clean": _clean,
        "direction": find_direction,
        "is_foreign": _is_foreign,
        "is_long": _is_long,
    }
    return environment.get_template("page.html.j2")


def _describe(facts: ReportFacts, words: Words) -> dict[str, Any]:
    sent, alert, made = facts.sent, facts.alert, facts.made
    return {
        "message_id": sent.message_id,
        "reference": spell_reference(sent.message_id, sent.digest),
        "marking": sent.marking,
        "pap": alert.pap,
        "rules": make_rules(alert, facts.agreed, words),
        "marks": [words.say(mark) for mark in list_marks(facts)],
        "kind": words.say(kind_of(alert.kind).label),
        "subject": alert.subject,
        "notices": list_notices(facts, words),
        "header": _group(list_header(facts, words)),
        "sections": list(_list_sections(facts, words)),
        "tables": list(_list_tables(facts, words)),
        "checks": list(list_checks(facts, words)),
        "compare": _group(list_reference(facts, words)),
        "made": fill(words, "Made at {agency} on {date}", agency=exact(made.by), date=exact(spell_moment(made.at))),
        "is_english": words is ENGLISH,
    }


def _list_sections(facts: ReportFacts, words: Words) -> Iterator[PageSection]:
    victims = list_victims(facts.original, facts.standing)
    for section in make_sheet(facts.alert, words):
        mark = words.say(VICTIM_MARK) if section.about in victims else ""
        yield PageSection(section.title, _group(section.lines), mark, section.basis)


def _list_tables(facts: ReportFacts, words: Words) -> Iterator[Table]:
    changes = () if facts.corrected is None else facts.corrected.fields
    for title, titles, rows in (
        ("Attachments", _ATTACHED, list_attachment_rows(facts.attachments, words)),
        ("Corrections", _CHANGED, list_change_rows(changes, words)),
    ):
        if rows:
            yield Table(words.say(title), tuple(words.say(column) for column in titles), rows)


def _group(lines: Iterable[Line]) -> tuple[LabelledRow, ...]:
    """Return lines as rows: what has no label, or the same one, is one more paragraph of the row before."""
    rows: list[LabelledRow] = []
    for line in lines:
        if rows and line.label in {"", rows[-1].label}:
            rows[-1] = LabelledRow(rows[-1].label, (*rows[-1].texts, line.text))
        else:
            rows.append(LabelledRow(line.label, (line.text,)))
    return tuple(rows)


def _clean(foreign_text: str) -> str:
    return clean_block(foreign_text, max_characters=len(foreign_text))


def _is_foreign(text: Text) -> bool:
    """Say whether a paragraph is somebody else's alone: if it is a sentence, it begins where its own script begins."""
    return len(text) == 1 and text[0].nature is Nature.FOREIGN


def _is_long(text: Text) -> bool:
    return len(flatten(text)) > _PROSE_CHARACTERS
