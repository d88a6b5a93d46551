"""An alert as labelled lines for a person: facts and assessments apart, persons with their roles, the zone as printed.

Pure: it makes sections of any kind of alert, in the words of the reader's language and with what others wrote marked as
theirs. Cleaning foreign text, and showing it, is left to the page (`agency_client.terminal.alert_page`,
`agency_client.interchange.report`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, reduce
from typing import Any, get_args, get_type_hints

from agency_client.languages.runs import Nature, Run, Text, exact, fill, flatten, foreign, join, say, space
from agency_client.languages.words import ENGLISH, Words, spell_field
from agency_client.terminal.moments import spell_moment
from schemas.alerts.base import Alert, Basis, Statement
from schemas.alerts.document import SeenZone
from schemas.alerts.grading import INFORMATION_GRADES, SOURCE_GRADES, Grading
from schemas.alerts.person import Person, PersonName
from schemas.alerts.seen import SeenIdentifier
from schemas.coded import CodedValue
from schemas.envelope import Reference
from schemas.identifiers.checked import Checked
from schemas.identifiers.states import StateCode, StateCodeAsSeen
from schemas.part import Part

_OF_A_CHECK = frozenset(Checked.model_fields)
"""Members of an identifier that are said in one go."""
_LIST, _MEMBERS, _PATH = "{first}, {next}", "{first}; {next}", "{first} / {next}"

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A labelled text. Without a label it continues the line before."""

    label: str
    text: Text


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page; `about` is the ref of the person it is about, `basis` that of the statements in it."""

    title: Text
    lines: tuple[Line, ...]
    about: str = ""
    basis: Basis | None = None


def make_sheet(alert: Alert, words: Words = ENGLISH) -> list[Section]:
    """Return the sections of an alert, in the order in which somebody reads them."""
    spelling = Spelling(words)
    facts = [item for item in alert.statements if item.basis is Basis.FACT]
    assessments = [item for item in alert.statements if item.basis is Basis.ASSESSMENT]
    sections = [
        Section(say(words, "Facts"), tuple(_list_statements(spelling, facts)), basis=Basis.FACT),
        Section(say(words, "Assessments"), tuple(_list_statements(spelling, assessments)), basis=Basis.ASSESSMENT),
        *(_make_person_section(spelling, person) for person in alert.persons),
        Section(say(words, "Details"), tuple(spelling.list_members(alert.details))),
        Section(say(words, "Handling"), tuple(_list_handling(spelling, alert))),
    ]
    return [section for section in sections if section.lines]


def make_rules(alert: Alert, agreed: Sequence[str] = (), words: Words = ENGLISH) -> list[Text]:
    """Return what stands beside the marking, above and below the page: what may be done with it, and what never.

    `agreed` are the conditions of the clause that the message came under.
    """
    restriction = [foreign(alert.handling.restriction)] if alert.handling.restriction else []
    return [
        say(words, alert.pap.label),
        *(say(words, code.label) for code in alert.handling.codes),
        *restriction,
        *(foreign(caveat.words) if caveat.words else say(words, caveat.code.label) for caveat in alert.caveats),
        *(foreign(condition) for condition in agreed),
    ]


def _list_statements(spelling: "Spelling", statements: Sequence[Statement]) -> Iterator[Line]:
    for number, statement in enumerate(statements, start=1):
        yield from split_lines(str(number), statement.text)
        if statement.grading is not None:
            yield Line("", spelling.spell_grading(statement.grading))


def _make_person_section(spelling: "Spelling", person: Person) -> Section:
    words = spelling.words
    lines = tuple(spelling.list_members(person, but=frozenset({"ref", "role"})))
    title = fill(words, "Person {ref}: {role}", ref=exact(person.ref), role=say(words, person.role.label))
    return Section(title, lines or (Line("", say(words, "nothing more is known")),), person.ref)


def _list_handling(spelling: "Spelling", alert: Alert) -> Iterator[Line]:
    words = spelling.words
    if alert.grading is not None:
        yield Line(words.say("grading"), spelling.spell_grading(alert.grading))
    if alert.onward is not None:
        yield Line(words.say("onward to"), join(words, _LIST, [exact(agency) for agency in alert.onward]))
    yield Line(words.say("data as of"), exact(spell_moment(alert.data_as_of)))
    for label, value in (("review by", alert.review_date), ("erase after", alert.retain_until)):
        if value is not None:
            yield Line(words.say(label), exact(value))
    for caveat in alert.caveats:
        yield Line(words.say("caveat"), foreign(caveat.words) if caveat.words else say(words, caveat.code.label))
    for part in (alert.special_categories, alert.transfer):
        if part is not None:
            yield from spelling.list_members(part)
    yield Line(words.say("language"), _spell_language(words, alert))


def _spell_language(words: Words, alert: Alert) -> Text:
    language = exact(alert.language)
    if alert.translated_from is None:
        return language
    original = exact(alert.translated_from)
    return fill(words, "{language}, translated from {original}", language=language, original=original)


def split_lines(label: str, text: str) -> Iterator[Line]:
    """Give a line for each line of a foreign text."""
    first, *others = text.split("\n")
    yield Line(label, foreign(first))
    yield from (Line("", foreign(line)) for line in others)


@dataclass(frozen=True, slots=True)
class Spelling:
    """What spells the parts of an alert in one language."""

    words: Words

    def list_members(self, part: Part, path: Path = (), *, but: frozenset[str] = frozenset()) -> Iterator[Line]:
        """Give the lines of a part, `path` before each label; `but` are left out."""
        for name in type(part).model_fields:
            value = getattr(part, name)
            if name in but or value is None or value == ():
                continue
            nature = Nature.STATE if is_state_field(type(part), name) else Nature.FOREIGN
            yield from self._list_value((*path, name), value, nature)

    def spell_grading(self, grading: Grading) -> Text:
        """Return a grade with what it means."""
        scheme, source, information = grading.scheme, grading.source, grading.information
        return fill(
            self.words,
            "{grade}: source: {source}; information: {information}",
            grade=space([say(self.words, scheme.label), exact(f"{source}{information}")]),
            source=say(self.words, SOURCE_GRADES[scheme][source]),
            information=say(self.words, INFORMATION_GRADES[scheme][information]),
        )

    def spell_seen(self, seen: SeenIdentifier) -> Text:
        """Return an identifier as it was seen, its normal form, and what is wrong or unusual about it, in words.

        It is checked here: where its sender says something else, that stands beside it.
        """
        checked = seen.check()
        shows_form = not _is_same_but_for_signs(seen.as_seen, checked.normalised)
        told = (Run("["), *self._spell_told(seen, checked), Run("]")) if seen.is_told_otherwise else None
        return space(
            [
                foreign(seen.as_seen),
                *([(Run("= "), *foreign(str(checked.normalised)))] if shows_form else []),
                *([] if checked.is_valid else [(Run("("), *self._spell_findings(checked), Run(")"))]),
                *([] if told is None else [told]),
            ]
        )

    def spell_value(self, value: object, nature: Nature = Nature.FOREIGN) -> Text:
        """Return a value in the words a person reads; `nature` is that of a text."""
        if isinstance(value, CodedValue):
            return say(self.words, value.label)
        if isinstance(value, bool):
            return say(self.words, "yes" if value else "no")
        if isinstance(value, datetime):
            return exact(spell_moment(value))
        return (Run(str(value), nature),) if isinstance(value, str) else exact(value)

    def spell_label(self, path: Path) -> str:
        """Return the words for a path of fields: `("document", "issued_on")` is "document issued on"."""
        if self.words is ENGLISH:
            return reduce(_join_label, path, "")
        spelled: list[str] = []
        for words in map(spell_field, path):
            if spelled and words.startswith(f"{spelled[-1]} "):
                spelled[-1] = words
            elif not spelled or words != spelled[-1].rpartition(" ")[2]:
                spelled.append(words)
        return flatten(join(self.words, _PATH, [say(self.words, words) for words in spelled]))

    def _list_value(self, path: Path, value: object, nature: Nature) -> Iterator[Line]:
        label = self.spell_label(path)
        if isinstance(value, SeenZone):
            yield from self._list_zone(label, value)
        elif isinstance(value, Grading):
            yield Line(label, self.spell_grading(value))
        elif isinstance(value, PersonName):
            yield Line(label, _spell_person_name(value))
        elif isinstance(value, SeenIdentifier):
            yield Line(label, self.spell_seen(value))
            yield from self.list_members(value, path, but=_OF_A_CHECK)
        elif isinstance(value, Part):
            yield from self.list_members(value, path)
        elif isinstance(value, Reference):
            yield Line(label, fill(self.words, "message {id}", id=exact(value.id)))
        elif isinstance(value, tuple):
            yield from self._list_items(path, value, nature)
        elif isinstance(value, str) and not isinstance(value, CodedValue) and nature is Nature.FOREIGN:
            yield from split_lines(label, value)
        else:
            yield Line(label, self.spell_value(value, nature))

    def _list_items(self, path: Path, values: Sequence[object], nature: Nature) -> Iterator[Line]:
        label = self.spell_label(path)
        if all(not isinstance(value, Part) for value in values):
            yield Line(label, join(self.words, _LIST, [self.spell_value(value, nature) for value in values]))
            return
        for value in values:
            if isinstance(value, PersonName | SeenZone | Grading):
                yield from self._list_value(path, value, nature)
            elif isinstance(value, Part):
                yield Line(label, join(self.words, _MEMBERS, list(self._join_members(value))))

    def _join_members(self, part: Part) -> Iterator[Text]:
        is_seen = isinstance(part, SeenIdentifier)
        if isinstance(part, SeenIdentifier):
            yield self.spell_seen(part)
        for line in self.list_members(part, but=_OF_A_CHECK if is_seen else frozenset()):
            yield self._label(line.label, line.text)

    def _label(self, label: str, text: Text) -> Text:
        return fill(self.words, "{label}: {text}", label=(Run(label),), text=text)

    def _list_zone(self, label: str, zone: SeenZone) -> Iterator[Line]:
        known = None if zone.format is None else exact(zone.format.value.upper())
        form = say(self.words, "of no known format") if known is None else known
        yield Line(label, fill(self.words, "machine readable zone, {format}", format=form))
        for line in zone.lines:
            yield Line("", (Run(line, Nature.ZONE),))
        for check in zone.checks:
            said = self._label(self._say_check(check.result), (Run(self._say_check(check.name)),))
            if check.printed != check.computed:
                said = fill(
                    self.words,
                    "{check}, printed {printed}, computed {computed}",
                    check=said,
                    printed=self._say_digit(check.printed),
                    computed=self._say_digit(check.computed),
                )
            yield Line("", said)

    def _say_check(self, code: CodedValue) -> str:
        """Return the code itself in English, which those who examine zones know, or its label in another language."""
        return code.value if self.words is ENGLISH else self.words.say(code.label)

    def _say_digit(self, digit: str | None) -> Text:
        return exact(digit) if digit else say(self.words, "nothing")

    def _spell_told(self, seen: SeenIdentifier, checked: Checked) -> Text:
        findings = self._spell_findings(seen)
        if seen.normalised in {None, checked.normalised}:
            return fill(self.words, "the sender found: {findings}", findings=findings)
        form = foreign(str(seen.normalised))
        return fill(self.words, "the sender found: {findings}, as {form}", findings=findings, form=form)

    def _spell_findings(self, checked: Checked) -> Text:
        return join(self.words, _MEMBERS, [say(self.words, finding.label) for finding in checked.findings])


def _spell_person_name(name: PersonName) -> Text:
    extra = [(Run("("), *foreign(name.transliteration), Run(")"))] if name.transliteration else []
    parts = [part for part in (name.surname, name.given_names) if part]
    tail = [(Run("["), *foreign(", ".join(parts)), Run("]"))] if parts and " ".join(parts) != name.text else []
    return space([foreign(name.text), *extra, *tail])


def _is_same_but_for_signs(as_seen: str, normalised: str | None) -> bool:
    """Say whether a normal form tells a reader nothing: there is none, or it only lacks spaces, signs or capitals."""
    return normalised is None or _bare(as_seen) == _bare(normalised)


def _bare(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _join_label(prefix: str, name: str) -> str:
    words = spell_field(name)
    last = prefix.rpartition(" ")[2]
    return words if not prefix else prefix if words == last else f"{prefix} {words.removeprefix(f'{last} ')}"


@cache
def is_state_field(part: type[Part], name: str) -> bool:
    """Say whether a member holds codes of states."""
    return _holds_state(get_type_hints(part, include_extras=True)[name])


def _holds_state(hint: Any) -> bool:
    if hint in (StateCode, StateCodeAsSeen):
        return True
    return any(_holds_state(below) for below in get_args(hint))
