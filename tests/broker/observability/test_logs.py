"""Logs are one JSON object a line, from a closed list of fields, and carry nothing that belongs to a person."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from broker.observability.logs import FIELDS, configure_logs
from broker.storage.errors import StoreBusyError

PERSON = "ERIKSSON<<ANNA<MARIA"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    output = io.StringIO()
    configure_logs("info", output)
    yield output
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_time_level_logger_event_and_the_fields_given(stream: io.StringIO) -> None:
    structlog.get_logger("broker.test").info("batch-committed", operations=3, seconds=0.25)
    (line,) = _lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "batch-committed",
        "level": "info",
        "logger": "broker.test",
        "operations": 3,
        "seconds": "0.250",
    }


def test_a_field_outside_the_list_is_withheld_and_counted(stream: io.StringIO) -> None:
    structlog.get_logger("broker.test").info("accepted", agency="BE", holder=PERSON, body={"name": PERSON})
    (line,) = _lines(stream)
    assert line["withheld"] == 2
    assert PERSON not in stream.getvalue()
    assert "holder" not in FIELDS


def test_an_event_is_a_fixed_word_and_never_a_sentence_with_content(stream: io.StringIO) -> None:
    structlog.get_logger("broker.test").info(f"accepted {PERSON}")
    assert _lines(stream)[0]["event"] == "unnamed-event"


def test_an_exception_is_told_by_type_and_place_without_its_text(stream: io.StringIO) -> None:
    try:
        raise KeyError(PERSON)
    except KeyError:
        structlog.get_logger("broker.test").exception("request-failed", reference="r-1")
    (line,) = _lines(stream)
    assert line["error"]["type"] == "KeyError"
    assert line["error"]["at"][-1].endswith("test_an_exception_is_told_by_type_and_place_without_its_text")
    assert PERSON not in stream.getvalue()


def test_an_exception_of_our_own_is_told_with_its_sentence_and_its_cause_by_type(stream: io.StringIO) -> None:
    try:
        try:
            raise KeyError(PERSON)
        except KeyError as cause:
            raise StoreBusyError from cause
    except StoreBusyError as error:
        structlog.get_logger("broker.test").error("request-failed", exc_info=error)
    (line,) = _lines(stream)
    assert line["error"]["text"] == "too many writes are waiting; try again shortly"
    assert line["error"]["cause"] == "KeyError"
    assert PERSON not in stream.getvalue()


def test_a_librarys_message_is_replaced_by_where_it_was_logged(stream: io.StringIO) -> None:
    logging.getLogger("some.library").warning("could not read %s", PERSON)
    logging.getLogger("some.library").warning(f"could not read {PERSON}")  # noqa: G004 - libraries do that
    lines = _lines(stream)
    assert [line["event"] for line in lines] == ["library-message"] * 2
    assert all(line["path"].startswith("test_logs.py:") for line in lines)
    assert PERSON not in stream.getvalue()


def test_a_librarys_exception_keeps_its_type_only(stream: io.StringIO) -> None:
    try:
        raise ValueError(PERSON)
    except ValueError:
        logging.getLogger("some.library").exception("failed")
    assert _lines(stream)[0]["error"]["type"] == "ValueError"
    assert PERSON not in stream.getvalue()


def test_line_breaks_and_escapes_cannot_forge_a_line(stream: io.StringIO) -> None:
    structlog.get_logger("broker.test").info("accepted", reason='x\n{"event":"forged"}\x1b[31m')
    assert len(_lines(stream)) == 1
    assert "\x1b" not in stream.getvalue()


def test_what_json_cannot_say_still_leaves_a_line(stream: io.StringIO) -> None:
    structlog.get_logger("broker.test").info("accepted", reason="\ud800", size=2**70)
    assert _lines(stream)[0]["event"] == "log-line-unprintable"


def test_below_the_level_nothing_is_written(stream: io.StringIO) -> None:
    structlog.get_logger("broker.test").debug("detail")
    logging.getLogger("uvicorn.error").info("Started server process")
    assert stream.getvalue() == ""


def test_a_stream_that_cannot_be_written_fails_nobody() -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(28, "No space left on device")

    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    configure_logs("info", Full())
    structlog.get_logger("broker.test").error("batch-failed")
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
