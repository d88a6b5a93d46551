"""`agency generate`: synthetic alerts for exercises, demonstrations and measurements; about nobody."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.invocation import get_invocation
from agency_client.terminal.output import Tone

if TYPE_CHECKING:
    from datetime import date

_MOST = 10_000_000
_USUAL_COUNT = 22_395


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("generate")(_generate)


def _generate(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", "-o", help="FILE.jsonl, a line an alert; or a new folder of files.")],
    count: Annotated[
        int, typer.Option(min=1, max=_MOST, help="How many: as many as false documents at EU borders in 2023.")
    ] = _USUAL_COUNT,
    seed: Annotated[int, typer.Option(min=0, max=2**53 - 1, help="The same seed gives the same alerts.")] = 1,
    kind: Annotated[str, typer.Option(help="document-fraud, document-status or facilitator.")] = "document-fraud",
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="The last day of the year they lie in: 2023-12-31 if not given.")
    ] = None,
) -> None:
    """Write synthetic alerts, the same at every run: realistic, each marked as synthetic, and about nobody.

    Documents are Utopia's, people have the names of specimens, telephones and addresses are reserved for fiction and
    tests. How they divide by type and place is assumed; nothing of it is a statistic.

    \b
    Examples:
      agency generate --out alerts.jsonl
      agency generate --count 50 --seed 7 --kind facilitator --until 2026-11-21 --out drafts
      agency send drafts/alert-0000001.json --to VN --necessity "Exercise of November." --reason "exercise" --dry-run
    """
    from agency_client.errors import UsageError
    from agency_client.generating.making import MAKERS, USUAL_LAST_DAY, make_alerts
    from agency_client.interchange.tables.drafts import writing_drafts

    if kind not in MAKERS:
        raise UsageError(f"there are no synthetic alerts of {kind!r}", fix=f"the kinds are: {', '.join(MAKERS)}")
    output = get_invocation(context).output
    last_day = USUAL_LAST_DAY if until is None else _read_day(until)
    with (
        output.show_progress(f"making {count} alerts", count) as advance,
        writing_drafts(out, "alert") as write,
    ):
        for number, alert in enumerate(make_alerts(kind, count, seed, last_day), 1):
            write(number, alert)
            advance(1)
    output.say(f"{out}: {count} synthetic alerts of {kind}, seed {seed}", Tone.GOOD)
    output.write_json({"file": out, "count": count, "kind": kind, "seed": seed, "until": last_day.isoformat()})


def _read_day(text: str) -> "date":
    from datetime import date

    from agency_client.errors import UsageError

    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--until {text}: no day of the calendar", fix="like --until 2026-11-21") from error
    if not 1970 <= day.year <= 2900:
        raise UsageError(f"--until {text}: a day from 1970 to 2900 is expected")
    return day
