"""An alert as a page of text: what is fact and what is assessment apart, persons with their roles, the zone as printed.

Pure: it makes blocks of labelled lines of any kind of alert, with the words of closed lists beside nothing but their
labels; cleaning foreign strings is left to `agency_client.terminal.output`, which shows the blocks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from agency_client.terminal.moments import spell_moment
from schemas.alerts.base import Alert, Basis, Statement
from schemas.alerts.document import SeenZone
from schemas.alerts.grading import INFORMATION_GRADES, SOURCE_GRADES, Grading
from schemas.alerts.person import Person, PersonName
from schemas.alerts.seen import SeenIdentifier
from schemas.coded import CodedValue
from schemas.envelope import Reference
from schemas.identifiers.checked import Checked
from schemas.part import Part

_OF_A_CHECK = frozenset(Checked.model_fields)
"""Members of an identifier that are said in one go."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the page: its title and its labelled lines. A line without label continues the one before."""

    title: str
    lines: tuple[tuple[str, str], ...]


def make_banner_rules(alert: Alert, agreed: Sequence[str] = ()) -> str:
    """Return what stands beside the marking, above and below the page: what may be done with it, and what never.

    `agreed` are the conditions of the clause that the message came under.
    """
    codes = [code.label for code in alert.handling.codes]
    restriction = [alert.handling.restriction] if alert.handling.restriction else []
    caveats = [caveat.words or caveat.code.label for caveat in alert.caveats]
    return " · ".join([alert.pap.label, *codes, *restriction, *caveats, *agreed])


def make_page(alert: Alert) -> list[Block]:
    """Return the blocks of an alert, in the order in which somebody reads them."""
    facts = [item for item in alert.statements if item.basis is Basis.FACT]
    assessments = [item for item in alert.statements if item.basis is Basis.ASSESSMENT]
    blocks = [
        Block("Facts", tuple(_list_statements(facts))),
        Block("Assessments", tuple(_list_statements(assessments))),
        *(_make_person_block(person) for person in alert.persons),
        Block("Details", tuple(_list_members(alert.details))),
        Block("Handling", tuple(_list_handling(alert))),
    ]
    return [block for block in blocks if block.lines]


def _list_statements(statements: Sequence[Statement]) -> Iterator[tuple[str, str]]:
    for number, statement in enumerate(statements, start=1):
        yield from _split_lines(str(number), statement.text)
        if statement.grading is not None:
            yield "", _spell_grading(statement.grading)


def _spell_grading(grading: Grading) -> str:
    source = SOURCE_GRADES[grading.scheme][grading.source]
    information = INFORMATION_GRADES[grading.scheme][grading.information]
    return f"{grading.scheme.label} {grading.source}{grading.information}: source: {source}; information: {information}"


def _make_person_block(person: Person) -> Block:
    lines = list(_list_members(person, but=frozenset({"ref", "role"})))
    return Block(f"Person {person.ref}: {person.role.label}", tuple(lines) or (("", "nothing more is known"),))


def _list_handling(alert: Alert) -> Iterator[tuple[str, str]]:
    if alert.grading is not None:
        yield "grading", _spell_grading(alert.grading)
    if alert.onward is not None:
        yield "onward to", ", ".join(alert.onward)
    yield "data as of", spell_moment(alert.data_as_of)
    for label, value in (("review by", alert.review_date), ("erase after", alert.retain_until)):
        if value is not None:
            yield label, value
    for caveat in alert.caveats:
        yield "caveat", caveat.words or caveat.code.label
    if alert.special_categories is not None:
        yield from _list_members(alert.special_categories)
    if alert.transfer is not None:
        yield from _list_members(alert.transfer)
    yield (
        "language",
        f"{alert.language}, translated from {alert.translated_from}" if alert.translated_from else (alert.language),
    )


def _list_members(part: Part, prefix: str = "", *, but: frozenset[str] = frozenset()) -> Iterator[tuple[str, str]]:
    for name in type(part).model_fields:
        value = getattr(part, name)
        if name in but or value is None or value == ():
            continue
        yield from _list_value(_join_label(prefix, name), value)


def _list_value(label: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, SeenZone):
        yield from _list_zone(label, value)
    elif isinstance(value, Grading):
        yield label, _spell_grading(value)
    elif isinstance(value, PersonName):
        yield label, _spell_person_name(value)
    elif isinstance(value, SeenIdentifier):
        yield label, spell_seen(value)
        yield from _list_members(value, label, but=_OF_A_CHECK)
    elif isinstance(value, Part):
        yield from _list_members(value, label)
    elif isinstance(value, Reference):
        yield label, f"message {value.id}"
    elif isinstance(value, tuple):
        yield from _list_items(label, value)
    else:
        yield from _split_lines(label, spell_value(value))


def _split_lines(label: str, text: str) -> Iterator[tuple[str, str]]:
    first, *others = text.split("\n")
    yield label, first
    yield from (("", line) for line in others)


def _list_items(label: str, values: Sequence[object]) -> Iterator[tuple[str, str]]:
    if all(not isinstance(value, Part) for value in values):
        yield label, ", ".join(spell_value(value) for value in values)
        return
    for value in values:
        if isinstance(value, PersonName | SeenZone | Grading):
            yield from _list_value(label, value)
        elif isinstance(value, Part):
            yield label, "; ".join(_join_members(value))


def _join_members(part: Part) -> Iterator[str]:
    if isinstance(part, SeenIdentifier):
        yield spell_seen(part)
        yield from (f"{label}: {text}" for label, text in _list_members(part, but=_OF_A_CHECK))
        return
    for label, text in _list_members(part):
        yield f"{label}: {text}"


def _list_zone(label: str, zone: SeenZone) -> Iterator[tuple[str, str]]:
    form = "of no known format" if zone.format is None else zone.format.value.upper()
    yield label, f"machine readable zone, {form}"
    for line in zone.lines:
        yield "", line
    for check in zone.checks:
        words = f"{check.result.value}: {check.name.value}"
        if check.printed != check.computed:
            words += f", printed {check.printed or 'nothing'}, computed {check.computed or 'nothing'}"
        yield "", words


def _spell_person_name(name: PersonName) -> str:
    extra = [f"({name.transliteration})"] if name.transliteration else []
    parts = [part for part in (name.surname, name.given_names) if part]
    tail = [f"[{', '.join(parts)}]"] if parts and " ".join(parts) != name.text else []
    return " ".join([name.text, *extra, *tail])


def spell_seen(seen: SeenIdentifier) -> str:
    """Return an identifier as it was seen, its normal form, and what is wrong or unusual about it, in words.

    It is checked here: where its sender says something else, that stands beside it.
    """
    checked = seen.check()
    other_form = [] if _is_same_but_for_signs(seen.as_seen, checked.normalised) else [f"= {checked.normalised}"]
    found = [] if checked.is_valid else [f"({_spell_findings(checked)})"]
    form = "" if seen.normalised in {None, checked.normalised} else f", as {seen.normalised}"
    told = [f"[the sender found: {_spell_findings(seen)}{form}]"] if seen.is_told_otherwise else []
    return " ".join([seen.as_seen, *other_form, *found, *told])


def _is_same_but_for_signs(as_seen: str, normalised: str | None) -> bool:
    """Say whether a normal form tells a reader nothing: there is none, or it only lacks spaces, signs or capitals."""
    return normalised is None or _bare(as_seen) == _bare(normalised)


def _bare(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _spell_findings(checked: Checked) -> str:
    return "; ".join(finding.label for finding in checked.findings)


def spell_value(value: object) -> str:
    """Return a value in the words a person reads."""
    if isinstance(value, CodedValue):
        return value.label
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return spell_moment(value)
    return str(value)


def _join_label(prefix: str, name: str) -> str:
    words = name.removeprefix("is_").replace("_", " ")
    last = prefix.rpartition(" ")[2]
    return words if not prefix else prefix if words == last else f"{prefix} {words.removeprefix(f'{last} ')}"
