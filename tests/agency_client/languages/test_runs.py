"""Text is put together in the order of the reader's language, and each run keeps what it is."""

import gettext

import pytest

from agency_client.languages.runs import (
    NOTHING,
    Nature,
    Run,
    exact,
    fill,
    find_direction,
    flatten,
    foreign,
    join,
    say,
    space,
)
from agency_client.languages.words import ENGLISH, LANGUAGES, Words


class Turned(gettext.NullTranslations):
    """A language that puts things the other way round."""

    def gettext(self, message: str) -> str:
        """Return the text turned."""
        return {"{first}, {next}": "{next} و {first}", "{label}: {text}": "{text} = {label}"}.get(message, message)


TURNED = Words(LANGUAGES["ar"], Turned())


def test_what_is_put_in_keeps_its_nature_and_stands_where_the_language_wants_it() -> None:
    assert fill(TURNED, "{label}: {text}", label=say(ENGLISH, "number"), text=foreign("{label}")) == (
        Run("{label}", Nature.FOREIGN),
        Run(" = "),
        Run("number"),
    )


def test_what_others_wrote_is_never_taken_for_a_template() -> None:
    assert flatten(fill(ENGLISH, "{label}: {text}", label=foreign("{text}"), text=foreign("{0} %s {}"))) == (
        "{text}: {0} %s {}"
    )


def test_many_are_joined_as_the_language_joins_two() -> None:
    assert flatten(join(ENGLISH, "{first}, {next}", [exact(1), exact(2), exact(3)])) == "1, 2, 3"
    assert flatten(join(TURNED, "{first}, {next}", [exact(1), exact(2)])) == "2 و 1"
    assert (join(ENGLISH, "{first}, {next}", []), say(ENGLISH, "")) == (NOTHING, NOTHING)
    assert flatten(space([exact("a"), foreign("b")])) == "a b"


def test_a_translation_that_names_something_else_fails() -> None:
    with pytest.raises(KeyError):
        fill(ENGLISH, "{nobody}", text=NOTHING)


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("31 FEB 2007", "ltr"),
        ("٣١ فبراير", "rtl"),
        ("12 שנים", "rtl"),
        ("Phạm — محمد", "ltr"),
        ("+44 (0)20", "ltr"),
        ("", "ltr"),
    ],
)
def test_a_text_runs_as_its_first_letter_does_and_digits_from_left_to_right(text: str, direction: str) -> None:
    assert find_direction(text) == direction
