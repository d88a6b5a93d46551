"""`broker resume`: let a restored log grow again, on the word of its witnesses."""

from typing import Annotated

import typer

from broker.cli.options import DEFAULT_DATA, AsJson, Config, Data, PassphraseFile, Witnessed
from broker.cli.speaking import ExitCode, put_json, read_passphrase, say, speaking


@speaking
def resume(
    data: Data = DEFAULT_DATA,
    nothing_was_lost: Annotated[
        bool, typer.Option("--nothing-was-lost", help="Say so: the witnesses' notes must show it.")
    ] = False,
    witnessed: Witnessed = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="AGENCY", help="Answer for an agency that cannot speak; repeatable."),
    ] = None,
    config: Config = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Let a restored exchange go on, if no witness has seen more than the backup holds.

    Every agency must have cosigned, since the restore, a head that is in this database: their nodes do so when they
    sync. One larger head anywhere, in this folder's signed.note too, and only `broker rebase` is left. Who spoke, and
    for whom you answered, is logged.

    Example:

        broker resume --data /var/lib/bilateral --nothing-was-lost --without BE-OE
    """
    import os

    from broker.clock import SystemClock
    from broker.epochs.resume import resume as resume_log
    from broker.exchange import ExchangeFolder, open_exchange
    from broker.settings import load_settings
    from broker.storage.failpoints import arm_failpoint

    if not nothing_was_lost:
        say("broker: what would be signed from now on is signed for good: give --nothing-was-lost")
        raise typer.Exit(ExitCode.USAGE)
    settings = load_settings(config, os.environ, folder=data)
    arm_failpoint(os.environ, allowed=settings.environment == "testing")
    folder = ExchangeFolder(data)
    folder.verify_private()
    notes = [(str(path), path.read_bytes()) for path in witnessed or ()]
    with folder.hold_lock():
        exchange = open_exchange(folder, read_passphrase(passphrase_file))
        done = resume_log(exchange, settings, SystemClock(), notes, frozenset(without or ()))
    if as_json:
        put_json({"v": 1, "size": done.size, "witnesses": list(done.witnesses), "without": list(done.excused)})
        return
    typer.echo(f"The log goes on from {done.size} leaves, by the word of {', '.join(done.witnesses) or 'nobody'}.")
