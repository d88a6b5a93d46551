"""The options by which every verb of `agency audit` narrows what it asks for: written once, given to each as filters.

A verb decorated with `takes_filters` has a parameter `filters`; the command line sees the options instead.
"""

import inspect
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import wraps
from typing import Annotated, Any

import typer

Reason = Annotated[str, typer.Option(help="Why you ask; it is on record here and at the exchange.", show_default=False)]
PurposeCode = Annotated[
    str,
    typer.Option(
        "--purpose",
        help="What the log is read for: verification-of-lawfulness, self-monitoring, integrity-and-security or "
        "criminal-proceedings; nothing else is allowed.",
        show_default=False,
    ),
]
Case = Annotated[str | None, typer.Option(help="Your case reference.")]

_OPTIONS: dict[str, Any] = {
    "record_type": Annotated[list[str] | None, typer.Option("--type", help="A record's type; again for more.")],
    "action": Annotated[str | None, typer.Option(help="collection, consultation, disclosure, erasure, access …")],
    "agency": Annotated[str | None, typer.Option(help="Who did it.")],
    "partner": Annotated[str | None, typer.Option(help="The other side.")],
    "message": Annotated[str | None, typer.Option(help="Everything about this message (full id).")],
    "agreement": Annotated[str | None, typer.Option(help="Everything about this agreement (full id).")],
    "since": Annotated[str | None, typer.Option(help="From this day on, like 2026-11-21.")],
    "until": Annotated[str | None, typer.Option(help="Up to this day's end.")],
}


def takes_filters(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options that narrow, in the place of its parameter `filters`."""
    signature = inspect.signature(verb, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "filters"]
    narrowing = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in _OPTIONS.items()
    ]

    @wraps(verb)
    def invoke(**given: Any) -> None:
        named = {name: given.pop(name) for name in _OPTIONS}
        verb(**given, filters=collect_filters(**named))

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    invoke.__signature__ = signature.replace(parameters=[*parameters, *narrowing])  # type: ignore[attr-defined]
    invoke.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *narrowing)}
    return invoke


def collect_filters(
    *, record_type: list[str] | None, since: str | None, until: str | None, **others: str | None
) -> dict[str, Any]:
    """Return the filters that were given, as members of `schemas.api.AuditQuery`.

    Raises:
        UsageError: a code that does not exist, or no day.
    """
    from schemas.log.records import Action, RecordType

    given: dict[str, Any] = others | {"types": record_type, "since": parse_day(since), "until": parse_end(until)}
    filters = {name: value for name, value in given.items() if value is not None}
    _verify_codes(filters.get("types", []), [code.value for code in RecordType])
    _verify_codes([filters["action"]] if "action" in filters else [], [code.value for code in Action])
    return filters


def parse_day(text: str | None) -> datetime | None:
    """Return the beginning of a day, None where none was given.

    Raises:
        UsageError: it is no day.
    """
    from agency_client.errors import UsageError

    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError as error:
        raise UsageError(f"{text!r} is no day", fix="write it like 2026-11-21") from error


def parse_end(text: str | None) -> datetime | None:
    """Return the last second of a day, None where none was given.

    Raises:
        UsageError: it is no day.
    """
    day = parse_day(text)
    return None if day is None else day + timedelta(days=1, seconds=-1)


def _verify_codes(values: list[str], codes: list[str]) -> None:
    from agency_client.errors import UsageError

    for value in values:
        if value not in codes:
            raise UsageError(f"there is no {value!r}", fix=f"use one of: {', '.join(codes)}")
