"""Data on standard output, words on standard error, JSON exact and harmless, nothing foreign interpreted."""

import io
import json
import os
import pty
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.errors import UsageError
from agency_client.terminal.output import Cell, Form, Output, Tone, choose_form, format_json
from schemas.log.records import Action


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def capture(form: Form, write: Callable[[Output], None]) -> tuple[str, str]:
    stdout, stderr = Terminal(), Terminal()
    write(Output(form, stdout=stdout, stderr=stderr))
    return stdout.getvalue(), stderr.getvalue()


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


HOSTILE = "[red]\x1b[2J\u202eerif:///"
JSON_VALUES = st.recursive(
    st.text() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef"), inner, max_size=4),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_json_is_one_line_of_ascii_that_says_exactly_the_same(value: object) -> None:
    line = format_json({"v": 1, "value": value})
    assert all(" " <= character <= "~" for character in line)
    assert json.loads(line) == {"v": 1, "value": value}


def test_json_takes_the_values_that_verbs_have() -> None:
    line = format_json(
        {
            "time": datetime(2026, 11, 21, 12, tzinfo=UTC),
            "action": Action.ERASURE,
            "path": Path("/srv/b"),
            "bytes": b"\x00\xff",
            "absent": None,
            "rows": ({"a": 1}, {"b": None}),
            "lone": "\ud800",
            "del": "\x7f",
        }
    )
    assert line == (
        '{"action":"erasure","bytes":"AP8","del":"\\u007f","lone":"?","path":"/srv/b","rows":[{"a":1},{}],'
        '"time":"2026-11-21T12:00:00Z"}'
    )


def test_each_form_is_silent_where_another_was_asked_for() -> None:
    def answer(output: Output) -> None:
        output.show_banner("TLP:AMBER", "H1")
        output.show_table(["from"], [["VN-IMM"]])
        output.show_details([("agency", "GB-IE")])
        output.show_text("text")
        output.show_line("line")
        output.write_json({"from": "VN-IMM"})

    assert capture(Form.JSON, answer) == ('{"from":"VN-IMM","v":1}\n', "")
    plain = "=== TLP:AMBER — H1 ===\nfrom\nVN-IMM\nagency\tGB-IE\n  │ text\nline\n"
    assert capture(Form.PLAIN, answer) == (plain, "")
    rich, words = capture(Form.RICH, answer)
    assert "VN-IMM" in rich
    assert "{" not in rich
    assert words == ""


@pytest.mark.parametrize("form", [Form.RICH, Form.PLAIN])
@pytest.mark.parametrize(
    "write",
    [
        lambda output: output.show_table(["kind"], [[HOSTILE]]),
        lambda output: output.show_details([("kind", Cell(HOSTILE, Tone.BAD))]),
        lambda output: output.show_text(HOSTILE),
        lambda output: output.show_line(HOSTILE, Tone.STRONG),
        lambda output: output.show_banner(HOSTILE, HOSTILE),
        lambda output: output.say(HOSTILE, Tone.CAUTION),
        lambda output: output.show_error("code", HOSTILE, HOSTILE),
    ],
)
def test_foreign_text_is_shown_and_never_obeyed(form: Form, write: Callable[[Output], None]) -> None:
    written = "".join(capture(form, write))
    assert "[red]<U+001B>[2J<U+202E>erif:///" in written
    assert "\u202e" not in written
    assert "\x1b[2J" not in written


def test_a_foreign_line_cannot_pass_for_one_of_ours() -> None:
    forged = "holder: ERIKSSON\nverified by: everybody"
    stdout, _ = capture(Form.PLAIN, lambda output: output.show_text(forged))
    assert stdout.splitlines() == ["  │ holder: ERIKSSON", "  │ verified by: everybody"]


def test_plain_cells_stand_between_tabs_and_hold_none() -> None:
    stdout, _ = capture(Form.PLAIN, lambda output: output.show_table(["a", "b"], [["x\ty", Cell("z")]]))
    assert stdout == "a\tb\nx<U+0009>y\tz\n"


def test_an_empty_table_says_so_beside_the_data() -> None:
    for form, words in ((Form.PLAIN, "nothing unread\n"), (Form.RICH, "nothing unread\n"), (Form.JSON, "")):
        assert capture(form, lambda output: output.show_table(["a"], [], empty="nothing unread")) == ("", words)


def test_colour_is_there_for_people_and_not_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    def due(output: Output) -> None:
        output.show_line("due in 20 minutes", Tone.BAD)

    assert "\x1b[" in capture(Form.RICH, due)[0]
    assert "\x1b[" not in capture(Form.PLAIN, due)[0]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in capture(Form.RICH, due)[0]


def test_the_marking_has_the_colours_of_its_protocol() -> None:
    assert "31;40m" in capture(Form.RICH, lambda output: output.show_banner("TLP:RED"))[0]
    assert "32;40m" in capture(Form.RICH, lambda output: output.show_banner("TLP:GREEN"))[0]


def test_an_error_names_its_fix_for_people_and_its_code_for_programs() -> None:
    def fail(output: Output) -> None:
        output.show_error("locked", "the profile gb is locked", "run: agency unlock")

    assert capture(Form.PLAIN, fail) == ("", "error: the profile gb is locked\nfix: run: agency unlock\n")
    stdout, stderr = capture(Form.JSON, fail)
    assert stdout == ""
    assert json.loads(stderr) == {
        "v": 1,
        "error": {"code": "locked", "sentence": "the profile gb is locked", "fix": "run: agency unlock"},
    }
    assert capture(Form.PLAIN, lambda output: output.show_error("x", "y", "")) == ("", "error: y\n")


@pytest.mark.parametrize(
    ("environment", "options", "terminal", "expected"),
    [
        ({}, {"json": False, "plain": False}, True, Form.RICH),
        ({}, {"json": False, "plain": False}, False, Form.PLAIN),
        ({}, {"json": False, "plain": True}, True, Form.PLAIN),
        ({}, {"json": True, "plain": True}, True, Form.JSON),
        ({"TERM": "dumb"}, {"json": False, "plain": False}, True, Form.PLAIN),
        ({"FORCE_COLOR": "1"}, {"json": False, "plain": False}, False, Form.RICH),
        ({"FORCE_COLOR": "1"}, {"json": False, "plain": True}, False, Form.PLAIN),
    ],
)
def test_the_form_follows_who_reads(
    environment: dict[str, str], options: dict[str, bool], terminal: bool, expected: Form
) -> None:
    stdout = Terminal() if terminal else io.StringIO()
    assert choose_form(environment, stdout=stdout, **options) is expected


@pytest.mark.parametrize("form", list(Form))
def test_nobody_is_asked_where_nobody_sits(form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    output = Output(form, stdout=io.StringIO(), stderr=io.StringIO())
    for ask in (output.ask_secret, output.ask_line, output.confirm):
        with pytest.raises(UsageError) as refused:
            ask("Passphrase", instead="use --passphrase-file FILE")
        assert refused.value.fix == "use --passphrase-file FILE"


def answer_at_a_terminal(answers: bytes, ask: Callable[[Output], object], monkeypatch: pytest.MonkeyPatch) -> object:
    """Ask with a real pseudo-terminal as standard input, into which `answers` are typed."""
    master, slave = pty.openpty()
    with os.fdopen(slave) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        typist = threading.Timer(0.05, os.write, (master, answers))
        typist.start()
        try:
            return ask(Output(Form.RICH, stdout=Terminal(), stderr=Terminal()))
        finally:
            typist.join()
            os.close(master)


@pytest.mark.parametrize(
    ("typed", "agreed"), [(b"yes\n", True), (b" YES \n", True), (b"y\n", False), (b"\n", False), (b"no\n", False)]
)
def test_only_yes_in_full_agrees(typed: bytes, agreed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answer_at_a_terminal(typed, lambda o: o.confirm("Revoke", instead="--yes"), monkeypatch) is agreed


def test_an_answer_that_ends_early_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EOFError):
        answer_at_a_terminal(b"\x04", lambda o: o.ask_line("Reason", instead="--reason"), monkeypatch)


def test_a_bar_is_shown_to_people_only() -> None:
    def work(output: Output) -> None:
        with output.show_progress("walking the log", 3) as advance:
            for _ in range(3):
                advance(1)

    stdout, stderr = capture(Form.RICH, work)
    assert stdout == ""
    assert "walking the log" in stderr
    assert capture(Form.PLAIN, work) == capture(Form.JSON, work) == ("", "")
