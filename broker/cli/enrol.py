"""`broker enrol`: enter members, through the serving broker or by itself."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broker.cli.options import DEFAULT_DATA, AsJson, Config, Data, PassphraseFile
from broker.cli.speaking import ExitCode, is_terminal, put_json, read_passphrase, say, speaking

if TYPE_CHECKING:
    from broker.exchange import ExchangeFolder
    from schemas.enrolment import EnrolmentFile

PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.2


@speaking
def enrol(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="What the members handed in: their key sets.")],
    data: Data = DEFAULT_DATA,
    config: Config = None,
    passphrase_file: PassphraseFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="The anchors were compared: do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Enter members, or further key sets of members, after their trust anchors were compared.

    The anchor comes on paper, from a person; compare it word by word. A serving broker takes the member in at once.
    Entering the same file again changes nothing.

    Example:

        broker enrol --data /var/lib/bilateral vn-imm.enrolment.json
    """
    from broker.exchange import ExchangeFolder, read_sheet

    folder = ExchangeFolder(data)
    read_sheet(folder)
    for path in files:
        file = _read_file(path)
        _confirm(path, file, yes=yes)
        done = _enter(folder, file, config, lambda: read_passphrase(passphrase_file))
        if as_json:
            put_json(done)
        else:
            _tell(done)


def _read_file(path: Path) -> "EnrolmentFile":
    from schemas.enrolment import MAX_ENROLMENT_BYTES, EnrolmentFile

    return EnrolmentFile.from_canonical(path.read_bytes(), max_bytes=MAX_ENROLMENT_BYTES)


def _confirm(path: Path, file: "EnrolmentFile", *, yes: bool) -> None:
    from broker.status import describe_anchor
    from keys.key_sets import read_key_set
    from schemas.key_documents import compute_trust_anchor

    first = read_key_set(file.key_sets[0])
    anchor = describe_anchor(compute_trust_anchor(first.agency, first.roots))
    say(f"{path}: {first.agency}, {first.name} ({first.agency_class.value})")
    say(f"  its trust anchor: {anchor['words']}\n                    {anchor['hex']}")
    if yes:
        return
    if not is_terminal():
        say("broker: nobody can be asked whether the anchor is the one on paper: compare it and give --yes")
        raise typer.Exit(ExitCode.USAGE)
    if not typer.confirm("Is this the anchor on the paper they gave you?", err=True):
        say("Nothing was entered.")
        raise typer.Exit(ExitCode.DENIED)


def _enter(
    folder: "ExchangeFolder", file: "EnrolmentFile", config: Path | None, ask_passphrase: Callable[[], str | None]
) -> dict[str, Any]:
    """Hand the file to the serving broker; where none serves, take its place for a moment."""
    from broker.control import EnrolCommand, NotServingError, ask_control
    from broker.exchange import ExchangeInUseError

    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask_control(folder.control_socket, EnrolCommand(v=1, command="enrol", file=file))
        except NotServingError:
            pass
        try:
            return _enter_alone(folder, file, config, ask_passphrase())
        except ExchangeInUseError:
            # A broker that starts or stops holds the lock and does not listen; it is a matter of moments.
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def _enter_alone(
    folder: "ExchangeFolder", file: "EnrolmentFile", config: Path | None, passphrase: str | None
) -> dict[str, Any]:
    import os

    from broker.clock import SystemClock
    from broker.composition import open_broker
    from broker.exchange import open_exchange
    from broker.settings import load_settings
    from broker.status import describe_enrolment

    settings = load_settings(config, os.environ, folder=folder.path)
    with (
        folder.hold_lock(),
        open_broker(open_exchange(folder, passphrase), settings, SystemClock()) as broker,
    ):
        return describe_enrolment(broker.members.enrol_and_wait(file.key_sets))


def _tell(done: dict[str, Any]) -> None:
    if not done["new_key_sets"]:
        typer.echo(f"{done['agency']} is enrolled already, with all these key sets: nothing changed.")
    elif done["is_new_member"]:
        typer.echo(f"{done['agency']} is enrolled.")
    else:
        typer.echo(f"{done['agency']}: {done['new_key_sets']} further key set(s) entered.")
