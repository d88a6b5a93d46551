"""`agency send` without a broker: what it prints, how it reads words, and what it says when nothing was given."""

import pytest
import typer

from agency_client.cli.app import build_app
from agency_client.cli.send import _split_words
from schemas.codec import decode_json
from tests.agency_client.cli.conftest import Agency

TD3 = ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"]
TD1 = ["I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<"]


def test_a_template_needs_no_profile(agency: Agency) -> None:
    ended = agency("send", "--template", "facilitator")
    assert (ended.code, ended.stderr) == (0, "")
    assert decode_json(ended.stdout.encode())["kind"] == "facilitator"


def test_a_template_of_no_kind_names_those_there_are(agency: Agency) -> None:
    ended = agency("send", "--template", "rumour")
    assert ended.code == 2
    assert "document-fraud" in ended.stderr


@pytest.mark.parametrize(
    ("words", "mrz", "expected"),
    [
        (TD3[1:], TD3[:1], (TD3, [])),
        (TD1[1:], TD1[:1], (TD1, [])),
        ([*TD1[1:], "alert.json"], TD1[:1], (TD1, ["alert.json"])),
        (["alert.json"], TD3, (TD3, ["alert.json"])),
        (["alert.json"], [], ([], ["alert.json"])),
        ([TD3[0]], [], ([], [TD3[0]])),
    ],
)
def test_lines_of_a_zone_are_told_from_files(
    words: list[str], mrz: list[str], expected: tuple[list[str], list[str]]
) -> None:
    assert _split_words(words, mrz) == expected


def test_help_shows_how_to_begin(agency: Agency) -> None:
    ended = agency("send", "--help")
    assert ended.code == 0
    assert "agency send --template document-fraud > alert.json" in ended.stdout


@pytest.mark.parametrize("verb", ["send", "ack", "refuse", "reply", "outcome", "correct", "withdraw"])
def test_every_verb_that_writes_to_a_partner_takes_the_pseudonym_from_the_environment(verb: str) -> None:
    group = typer.main.get_group(build_app())
    (officer,) = [option for option in group.commands[verb].params if option.name == "officer"]
    assert officer.envvar == "BILATERAL_PSEUDONYM"
