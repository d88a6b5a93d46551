"""`broker rebase`: open a new log after the old one's last witnessed head."""

from typing import TYPE_CHECKING, Annotated

import typer

from broker.cli.options import DEFAULT_DATA, AsJson, Config, Data, PassphraseFile, Witnessed
from broker.cli.speaking import ExitCode, is_terminal, put_json, read_passphrase, say, show_progress, speaking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.epochs.rebase import Plan, Rebased
    from broker.exchange import Exchange


@speaking
def rebase(
    data: Data = DEFAULT_DATA,
    witnessed: Witnessed = None,
    new_log_keys: Annotated[bool, typer.Option("--new-log-keys", help="Draw new keys for the log as well.")] = False,
    new_tls_keys: Annotated[
        bool,
        typer.Option("--new-tls-keys", help="Draw new keys for TLS and tokens: the old sheet connects nobody."),
    ] = False,
    config: Config = None,
    passphrase_file: PassphraseFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="The heads were looked at: do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Open a new epoch: a new log that begins with the last head of the old one that any witness showed.

    What members published and signed is verified once more and stands in the new log; messages that nobody was handed
    are left to their senders, who send them again. The old database stays in epoch-N/. Hand the new exchange.json and
    its anchor to every member on paper: each must accept it by hand. The broker must not serve meanwhile.

    Example:

        broker rebase --data /var/lib/bilateral --witnessed gb.note --witnessed vn.note
    """
    import os

    from broker.clock import SystemClock
    from broker.epochs.rebase import Tools
    from broker.epochs.rebase import rebase as open_epoch
    from broker.exchange import ExchangeFolder, open_exchange
    from broker.settings import load_settings
    from broker.storage.failpoints import arm_failpoint
    from keys.generation import generate_bytes

    settings = load_settings(config, os.environ, folder=data)
    arm_failpoint(os.environ, allowed=settings.environment == "testing")
    folder, passphrase = ExchangeFolder(data), read_passphrase(passphrase_file)
    folder.verify_private()
    notes = [(str(path), path.read_bytes()) for path in witnessed or ()]
    with folder.hold_lock():
        exchange = open_exchange(folder, passphrase)
        plan = _plan(exchange, notes, is_wanted=new_log_keys or new_tls_keys)
        _confirm(plan, yes=yes)
        with show_progress("carried over") as progress:
            tools = Tools(SystemClock(), generate_bytes, progress, settings.database.require_standby)
            done = open_epoch(exchange, plan, passphrase, tools, new_log_keys=new_log_keys, new_tls_keys=new_tls_keys)
    _tell(done, str(folder.sheet), as_json=as_json)


def _plan(exchange: "Exchange", notes: "Sequence[tuple[str, bytes]]", *, is_wanted: bool) -> "Plan":
    """Return where the new log would begin; none is begun that neither the log's standing nor the operator asks for."""
    from broker.audit.standing import choose_stop
    from broker.epochs.errors import WrongStateError
    from broker.epochs.reading import read_log
    from broker.epochs.rebase import plan_rebase
    from broker.exchange import read_stop

    stop = choose_stop(read_stop(exchange.folder), read_log(exchange).stop)
    if stop is None and not is_wanted:
        sentence = "the log may grow, so no new one is needed; new keys need --new-log-keys or --new-tls-keys"
        raise WrongStateError(sentence)
    return plan_rebase(exchange, stop, notes)


def _confirm(plan: "Plan", *, yes: bool) -> None:
    say(f"This database has {plan.own_size} leaves. Heads that its keys have signed:")
    for one in plan.shown:
        say(f"  {one.checkpoint.size:>10}  {'not in it' if one.is_lost else 'in it    '}  {one.source}")
    last = plan.last.checkpoint
    say(f"The new log will go on from {last.size} leaves of {last.origin}, root {last.root.hex()}.")
    if yes:
        return
    if not is_terminal():
        say("broker: nobody can be asked whether this is the last head any member has seen: give --yes")
        raise typer.Exit(ExitCode.USAGE)
    if not typer.confirm("Is it the last head that any member has seen?", err=True):
        say("Nothing was changed.")
        raise typer.Exit(ExitCode.DENIED)


def _tell(done: "Rebased", sheet: str, *, as_json: bool) -> None:
    from broker.status import describe_anchor
    from schemas.key_documents import compute_exchange_anchor

    anchor = describe_anchor(compute_exchange_anchor(done.sheet))
    if as_json:
        put_json(
            {
                "v": 1,
                "origin": done.sheet.origin,
                "anchor": anchor,
                "sheet": sheet,
                "archive": str(done.archive),
                "after": {"origin": done.last.origin, "size": done.last.size, "root": done.last.root.hex()},
                "carried": dict(done.carried.counts),
            }
        )
        return
    counts = ", ".join(f"{count} {name}" for name, count in sorted(done.carried.counts.items()))
    say(f"{done.sheet.origin} stands. Carried over: {counts or 'nothing'}. The old epoch lies in {done.archive}.")
    say(f"Hand out {sheet}, and this anchor in person, on paper:\n")
    typer.echo(f"{anchor['words']}\n\n{anchor['hex']}")
