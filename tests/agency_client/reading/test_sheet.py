"""An alert's sheet: in the words of a language, with what others wrote marked as theirs and never translated."""

import gettext
from collections.abc import Iterator

import pytest

from agency_client.languages.runs import Nature, Run, Text, flatten
from agency_client.languages.texts import list_texts
from agency_client.languages.words import ENGLISH, LANGUAGES, Words, load_words
from agency_client.reading.sheet import Spelling, is_state_field, make_rules, make_sheet
from schemas.alerts import kind_names
from schemas.alerts.registry import schema_of
from schemas.markings import Pap
from schemas.part import Part
from tests.agency_client.interchange.exports import EXAMPLES


class Marked(gettext.NullTranslations):
    """A language that says every text of the catalogues in brackets, and fails at one that they do not have."""

    texts = frozenset(list_texts())

    def gettext(self, message: str) -> str:
        """Return the text as it is translated here."""
        assert message in self.texts, f"no catalogue has {message!r}"
        return message if "{" in message else f"«{message}»"


MARKED = Words(LANGUAGES["fr"], Marked())


def list_runs(kind: str, words: Words) -> Iterator[Run]:
    """Give every run on the sheet of a kind's example, labels apart."""
    for section in make_sheet(EXAMPLES[kind], words):
        yield from section.title
        for line in section.lines:
            yield from line.text


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_word_of_ours_is_in_the_catalogues(kind: str) -> None:
    make_sheet(EXAMPLES[kind], MARKED)
    make_rules(EXAMPLES[kind], ("agreed",), MARKED)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_what_others_wrote_stands_in_every_language_to_the_letter(kind: str) -> None:
    shown = {
        code: sorted(run.text for run in list_runs(kind, load_words(code)) if run.nature is not Nature.OURS)
        for code in LANGUAGES
    }
    assert [code for code, texts in shown.items() if texts != shown["en"]] == []


def test_labels_titles_codes_and_answers_are_translated() -> None:
    sheet = make_sheet(EXAMPLES["document-fraud"], MARKED)
    lines = {line.label: flatten(line.text) for section in sheet for line in section.lines}
    assert flatten(sheet[0].title) == "«Facts»"
    assert lines["«document» / «holder» / «sex»"] == "«Female»"
    assert lines["«custody» / «seized»"] == "«yes»"
    assert lines["«chip authentication»"] == "«Not performed»"


def test_the_results_of_check_digits_are_codes_in_english_and_words_elsewhere() -> None:
    assert Run("fail: composite, printed 4, computed 0").text in {
        flatten(line.text) for section in make_sheet(EXAMPLES["document-fraud"]) for line in section.lines
    }
    shown = {flatten(line.text) for section in make_sheet(EXAMPLES["document-fraud"], MARKED) for line in section.lines}
    assert "«Wrong»: «Composite», printed 4, computed 0" in shown


def test_a_value_is_ours_or_theirs_by_what_it_is() -> None:
    spelling = Spelling(ENGLISH)
    values: dict[object, Text] = {
        Pap.AMBER: (Run("PAP:AMBER"),),
        True: (Run("yes"),),
        "as it is": (Run("as it is", Nature.FOREIGN),),
        7: (Run("7", Nature.EXACT),),
    }
    assert {value: spelling.spell_value(value) for value in values} == values


def test_a_zone_and_a_state_are_known_as_such() -> None:
    runs = list(list_runs("document-fraud", ENGLISH))
    assert Run("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", Nature.ZONE) in runs
    assert {run.text for run in runs if run.nature is Nature.STATE} == {"VNM", "UTO", "BEL", "QAT", "GBR"}


def test_every_field_of_state_codes_is_known() -> None:
    fields = {
        (name, field)
        for kind in kind_names()
        for name, part in schema_of(kind)["$defs"].items()
        for field, said in part.get("properties", {}).items()
        if "^[A-Z]{1,3}$" in repr(said)
    }
    parts = {part.__name__: part for part in list_below(Part)}
    assert len(fields) > 20
    assert {(name, field) for name, field in fields if not is_state_field(parts[name], field)} == set()


def list_below(base: type[Part]) -> Iterator[type[Part]]:
    """Give every class of parts."""
    for below in base.__subclasses__():
        yield below
        yield from list_below(below)
