"""The options of `agency send`, as one value: declared once, and given to the verb whole."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.answer_options import PSEUDONYM_VARIABLE, UNIT_VARIABLE

if TYPE_CHECKING:
    from datetime import datetime

    from agency_client.node import Node
    from agency_client.sending.composing import Usual
    from agency_client.sending.written import Wishes


@dataclass(frozen=True, kw_only=True)
class SendOptions:
    """What was asked for, as typed."""

    kind: Annotated[str | None, typer.Option(help="The kind of alert, where the file does not say.")] = None
    to: Annotated[
        list[str] | None,
        typer.Option(help="Agencies, at commas; or `agreements`: everyone that the agreements allow."),
    ] = None
    purpose: Annotated[
        str | None, typer.Option(help="Why it may be sent, a code; the kind's usual one if not given.")
    ] = None
    necessity: Annotated[str, typer.Option(help="Why this, and why to them, in a sentence that they read.")] = ""
    reason: Annotated[str, typer.Option(help="Why you do it, for your own agency's access log.")] = ""
    case: Annotated[str | None, typer.Option(help="Your case reference, for the access log.")] = None
    marking: Annotated[str, typer.Option(help="TLP: clear, green, amber, amber-strict, red.")] = "amber"
    urgency: Annotated[str, typer.Option(help="routine, urgent or threat-to-life.")] = "routine"
    agreement: Annotated[
        str | None, typer.Option(help="Use this agreement and no other: its id, or its beginning.")
    ] = None
    mrz: Annotated[
        list[str] | None, typer.Option(help="A scanned machine readable zone, its lines one after the other.")
    ] = None
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="Set a field: FIELD=VALUE; may be repeated.")
    ] = None
    subject: Annotated[str | None, typer.Option(help="What it is about, in a line.")] = None
    unit: Annotated[str | None, typer.Option(help="Your unit.", envvar=UNIT_VARIABLE)] = None
    officer: Annotated[
        str | None, typer.Option(help="A pseudonym, instead of the one made for you.", envvar=PSEUDONYM_VARIABLE)
    ] = None
    deliver_within: Annotated[int, typer.Option(min=1, max=30, help="Days that the exchange may try.")] = 10
    override_old_status: Annotated[
        str | None,
        typer.Option(
            metavar="REASON",
            help="Why it goes although a partner's status is older than 72 hours; for a threat to life only.",
        ),
    ] = None
    quality: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE=WORDS", help="Your words for a doubt of the quality check; may be repeated."),
    ] = None
    attach: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE[=CAPTION]", help="A file to send along; may be repeated."),
    ] = None
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what every agreement allows, and send nothing.")] = (
        False
    )
    template: Annotated[str | None, typer.Option(metavar="KIND", help="Print a filled example of a kind.")] = None
    batch: Annotated[
        Path | None,
        typer.Option(metavar="FILE|DIR", help="Send many: a file with an alert a line, or a folder of .json files."),
    ] = None

    def make_wishes(self) -> "Wishes":
        """Return what is wanted of each sending; a dry run needs to say neither necessity nor reason."""
        from agency_client.duties.preparing import NOT_GIVEN
        from agency_client.sending.written import Wishes

        return Wishes(
            to=tuple(self.to or ()),
            purpose=self.purpose,
            necessity=self.necessity or (NOT_GIVEN if self.dry_run else ""),
            reason=self.reason or ("dry run" if self.dry_run else ""),
            case=self.case,
            marking=self.marking,
            urgency=self.urgency,
            agreement=self.agreement,
            deliver_within=self.deliver_within,
            override_old_status=self.override_old_status,
            quality=tuple(self.quality or ()),
            attach=tuple(self.attach or ()),
        )

    def make_usual(self, node: "Node", marking: str, now: "datetime") -> "Usual":
        """Return what the common part of an alert says by itself."""
        from agency_client.client import make_usual
        from agency_client.typed_codes import parse_code
        from schemas.markings import Tlp

        return make_usual(node, parse_code(Tlp, marking, "marking"), now, unit=self.unit, officer=self.officer)

    @property
    def members(self) -> dict[str, Any]:
        """Return the members of the alert that have an option of their own and were given."""
        given = {"kind": self.kind, "subject": self.subject}
        return {name: value for name, value in given.items() if value}


def with_send_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options of sending; it takes them as its keyword `options`."""

    @wraps(verb)
    def run(**named: Any) -> None:
        options = SendOptions(**{item.name: named.pop(item.name) for item in fields(SendOptions)})
        verb(**named, options=options)

    kept = [item for item in inspect.signature(verb).parameters.values() if item.name != "options"]
    added = [
        inspect.Parameter(item.name, inspect.Parameter.KEYWORD_ONLY, default=item.default, annotation=item.type)
        for item in fields(SendOptions)
    ]
    parameters = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in kept] + added
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {item.name: item.annotation for item in parameters}
    return run
