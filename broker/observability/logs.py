"""Structured logs: one JSON object a line on stderr, and nothing in it that belongs to a person.

Field names are a closed list and events are fixed words, so that a careless call cannot carry content out. An exception
is told by its type and its place; by its text only if it is one of our own, whose sentences are written for that.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from traceback import FrameSummary, extract_tb
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

from schemas.codec import CodecError, encode_canonical

FIELDS = frozenset(
    {
        "agency", "checks", "connections", "count", "error", "event", "failpoint", "leaf", "leaves", "level", "logger",
        "milliseconds", "node", "operations", "path", "port", "problem", "reason", "reference", "role", "seconds",
        "signal", "size", "status", "time", "url", "version",
    }
)  # fmt: skip
"""The only fields a log line has; whatever else is given is counted in `withheld`."""

_OUR_PACKAGES = frozenset({"broker", "keys", "schemas"})
_EVENT = re.compile(r"[a-z][a-z0-9-]{0,63}", re.ASCII)
_MAX_TEXT = 500
_MAX_FRAMES = 40
_QUIET = ("uvicorn.error", "uvicorn.access", "uvicorn.asgi", "alembic", "sqlalchemy")


def configure_logs(level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log of this process, the libraries' too, to `stream` (stderr) as JSON from `level` up."""
    output = stream or sys.stderr
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        describe_exception,
        withhold_unknown_fields,
    ]
    handler = _TolerantHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_hide_foreign_text, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(threshold, logging.ERROR))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def describe_exception(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Put an exception's type, place and cause in `error`, without local variables and foreign text."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = _describe(error)
    return event


def withhold_unknown_fields(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Drop every field that is not in `FIELDS`, say how many were dropped, and let only plain words name the event."""
    if not _EVENT.fullmatch(str(event.get("event"))):
        event["event"] = "unnamed-event"
    kept: dict[str, Any] = {name: value for name, value in event.items() if name in FIELDS or name.startswith("_")}
    if len(kept) < len(event):
        kept["withheld"] = len(event) - len(kept)
    return kept


class _TolerantHandler(logging.StreamHandler[TextIO]):
    """A line that cannot be written is lost; it must not fail what was being done."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        return


def _hide_foreign_text(_logger: Any, _method: str, event: EventDict) -> EventDict:
    # A library's message may quote what was sent. The place where it was logged is enough to look it up.
    record: logging.LogRecord = event["_record"]
    event["event"] = "library-message"
    event["path"] = f"{Path(record.pathname).name}:{record.lineno}"
    return event


def _describe(error: BaseException) -> dict[str, Any]:
    frames = extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    described: dict[str, Any] = {"type": type(error).__qualname__, "at": [_place(frame) for frame in frames]}
    if type(error).__module__.partition(".")[0] in _OUR_PACKAGES:
        described["text"] = str(error)[:_MAX_TEXT]
    cause = error.__cause__ or error.__context__
    if cause is not None and cause is not error:
        described["cause"] = type(cause).__qualname__
    return described


def _place(frame: FrameSummary) -> str:
    return f"{Path(frame.filename).parent.name}/{Path(frame.filename).name}:{frame.lineno} {frame.name}"


def _render(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    try:
        return encode_canonical(_plain(event)).decode()
    except CodecError:
        return encode_canonical({"event": "log-line-unprintable", "level": "error"}).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return f"{value:.3f}"
    return str(value)[:_MAX_TEXT]
