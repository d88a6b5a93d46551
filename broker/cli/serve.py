"""`broker serve`: run the exchange until a signal ends it."""

from pathlib import Path
from typing import Annotated

import typer

from broker.cli.options import Config, PassphraseFile
from broker.cli.speaking import read_passphrase, speaking


@speaking
def serve(
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="The folder of the exchange.", show_default=False)
    ] = None,
    config: Config = None,
    host: Annotated[str | None, typer.Option("--host", help="Listen here.", show_default=False)] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Listen here; 0 lets the kernel choose.", show_default=False)
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Serve an exchange. Once clients can connect, one line of JSON on stdout says where.

    The same line stands in address.json in the exchange's folder for as long as the broker serves. TERM and INT end
    it in order; HUP makes a fresh TLS context.

    Example:

        broker serve --data /var/lib/bilateral --host 0.0.0.0 --port 8443
    """
    import os

    from broker.clock import SystemClock
    from broker.composition import open_broker
    from broker.exchange import ExchangeFolder, open_exchange
    from broker.observability.logs import configure_logs
    from broker.serving import serve_exchange
    from broker.settings import load_settings
    from broker.storage.failpoints import arm_failpoint

    listen = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = load_settings(config, os.environ, folder=data, passphrase_file=passphrase_file, listen=listen or None)
    configure_logs(settings.log_level)
    arm_failpoint(os.environ, allowed=settings.environment == "testing")
    folder = ExchangeFolder(settings.folder)
    folder.verify_private()
    with (
        folder.hold_lock(),
        open_broker(
            open_exchange(folder, read_passphrase(settings.passphrase_file)), settings, SystemClock()
        ) as broker,
    ):
        serve_exchange(broker)
