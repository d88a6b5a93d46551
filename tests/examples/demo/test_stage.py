"""What the audience sees: commands as one can type them, and the words of an anchor as they stand on paper."""

import shlex
from datetime import date
from io import StringIO
from pathlib import Path

from examples.demo.acts.agreeing import date_terms
from examples.demo.acts.founding import find_words
from examples.demo.acts.showing import load_specimens
from examples.demo.running import Outcome, quote_command
from examples.demo.stage import make_stage

WORDS = " ".join(f"word{letter}" for letter in "abcdefghijklmnopqrstuvwx")


def test_a_command_is_shown_as_one_types_it() -> None:
    words = ["agency", "read", "5d1c8a52", "--reason", "traveller's case", "--to", "VN"]
    output = StringIO()
    stage = make_stage(output)
    with stage.act("An act"):
        stage.show_command("London", "blue", [*words, *["--set", "subject=a long line of words"] * 4])
    shown = output.getvalue().split("London $ ")[1]
    assert shlex.split(shown.replace("\\\n", "")) == [*words, *["--set", "subject=a long line of words"] * 4]


def test_an_anchor_is_cut_short() -> None:
    assert quote_command(["--words", WORDS]) == '--words "worda wordb … wordx"'


def test_the_words_of_an_anchor_are_found_numbered_or_in_a_row() -> None:
    split = WORDS.split()
    rows = [" ".join(f"{at + 1:>2} {split[at]:<9}" for at in range(row, row + 6)).rstrip() for row in range(0, 24, 6)]
    page = "TRUST ANCHOR OF GB\n\n2 of 3 roots must sign.\n\n" + "\n".join(rows) + "\n\n12ab 34cd\n"
    assert find_words(page) == WORDS
    assert find_words(f"  its trust anchor: {WORDS}\n   12ab") == WORDS
    assert find_words("no anchor at all") == ""


def test_terms_are_in_force_whenever_the_play_is_played() -> None:
    text = "in_force_from = 2026-11-01\nin_force_until = 2031-11-01\nreview_by = 2028-11-01\nnotice_days = 90\n"
    dated = date_terms(text, date(2040, 3, 1)).splitlines()
    assert dated == [
        "in_force_from = 2040-02-29",
        "in_force_until = 2044-03-01",
        "review_by = 2042-03-01",
        "notice_days = 90",
    ]


def test_a_detail_is_read_without_its_colour() -> None:
    shown = "\x1b[2magreement  \x1b[0m5d1c8a52\n\x1b[2mstate      \x1b[0m\x1b[32min-force\x1b[0m\n"
    outcome = Outcome(("agency",), 0, shown, "", Path("log"))
    assert outcome.read_detail("state") == "in-force"
    assert outcome.read_detail("nothing") == ""


def test_enough_specimens_of_every_format_are_there() -> None:
    specimens = load_specimens()
    assert len(specimens) >= 8
    assert {specimen.zone.format for specimen in specimens} == {"td1", "td2", "td3", "mrv-a", "mrv-b"}
