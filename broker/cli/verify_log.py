"""`broker verify-log`: recompute the whole log from what is stored."""

from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from broker.cli.options import DEFAULT_DATA, AsJson, Data
from broker.cli.speaking import ExitCode, put_json, say, show_progress, speaking

if TYPE_CHECKING:
    from broker.audit.verification import LogReport


@speaking
def verify_log(data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Recompute the log: every leaf, every record against its commitment, every column against its record, the head.

    Then hold what is stored beside the log against it: messages, inboxes, agreements, receipts, statuses and quotas.

    Only the public keys in exchange.json are believed. A broker may go on serving meanwhile. A long log is shared
    among the machine's processors. Ends with 6 if anything is wrong.

    Example:

        broker verify-log --data /var/lib/bilateral
    """
    from broker.audit.leaf_checks import check_in_processes, count_jobs
    from broker.audit.log_store import select_head
    from broker.audit.verification import verify_stored_log
    from broker.database import open_exchange_database
    from broker.exchange import ExchangeFolder, read_sheet
    from broker.storage.revision import verify_migrated
    from broker.stored_state import verify_stored_state

    folder = ExchangeFolder(data)
    sheet = read_sheet(folder)
    database = open_exchange_database(folder, sheet)
    try:
        with database.read() as connection, show_progress("leaves") as progress:
            verify_migrated(connection)
            open_own = partial(open_exchange_database, folder, sheet)
            jobs = count_jobs(select_head(connection).size)
            check = partial(check_in_processes, open_own, jobs) if jobs > 1 else None
            report = verify_stored_log(connection, sheet, progress, check)
            verify_stored_state(connection, sheet, report)
    finally:
        database.close()
    if as_json:
        put_json(_describe(report))
    else:
        _tell(report)
    if not report.is_sound:
        raise typer.Exit(ExitCode.VERIFICATION_FAILED)


def _describe(report: "LogReport") -> dict[str, Any]:
    found: dict[str, Any] = {
        "v": 1,
        "sound": report.is_sound,
        "leaves": report.leaves,
        "erased": report.erased,
        "root": report.root.hex(),
        "findings": [
            {"problem": one.problem} | ({} if one.leaf is None else {"leaf": one.leaf}) for one in report.findings
        ],
    }
    if report.checkpoint_size is not None:
        found["checkpoint_size"] = report.checkpoint_size
    return found


def _tell(report: "LogReport") -> None:
    for one in report.findings:
        say(f"leaf {one.leaf}: {one.problem}" if one.leaf is not None else one.problem)
    words = "the log is sound" if report.is_sound else f"the log is NOT sound: {len(report.findings)} finding(s)"
    typer.echo(f"{words}; {report.leaves} leaves, {report.erased} erased, root {report.root.hex()}")
