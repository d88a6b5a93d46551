"""Serve an exchange as its hostile operator would: everything is the broker's own, but its application is wrapped."""

import os
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

from broker import serving
from broker.app import make_app
from broker.cli.speaking import read_passphrase
from broker.composition import Broker, open_broker
from broker.exchange import ExchangeFolder, open_exchange
from broker.observability.logs import configure_logs
from broker.settings import load_settings
from tests.hostile.layer import HostileLayer
from tests.hostile.operator import HostileClock, HostileOperator
from tests.hostile.switchboard import Switchboard


def serve_hostile(
    data: Path, host: str | None, port: int | None, switches: Sequence[str], passphrase_file: Path | None = None
) -> None:
    """Serve the exchange in a folder under these switches, until a signal ends it."""
    listen = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = load_settings(None, os.environ, folder=data, passphrase_file=passphrase_file, listen=listen or None)
    configure_logs(settings.log_level)
    folder, clock = ExchangeFolder(settings.folder), HostileClock()

    def wrap(broker: Broker) -> HostileLayer:
        return HostileLayer(make_app(broker), Switchboard(HostileOperator(broker, clock), folder.path, switches))

    with (
        folder.hold_lock(),
        open_broker(open_exchange(folder, read_passphrase(settings.passphrase_file)), settings, clock) as broker,
        patch.object(serving, "make_app", wrap),
    ):
        serving.serve_exchange(broker)
