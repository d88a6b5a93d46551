"""`broker terminator`: what a server needs that ends TLS before the broker."""

from pathlib import Path
from typing import Annotated

import typer

from broker.cli.options import DEFAULT_DATA, AsJson, Data, PassphraseFile
from broker.cli.speaking import put_json, read_passphrase, say, speaking


@speaking
def terminator(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write the files; it is made if needed.")],
    data: Data = DEFAULT_DATA,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Write the files for a terminator (haproxy, nginx): a server certificate with its key, and the members' CAs.

    server.pem is what clients are shown: whoever reads it can pose as this exchange's address, though not sign its
    log. members.pem is whose certificates the terminator may let in: run this again after each enrolment or change of
    a member's CA, and reload the terminator. The certificate lasts 397 days.

    Example:

        broker terminator /etc/haproxy/bilateral --data /var/lib/bilateral/exchange
    """
    from broker.clock import SystemClock
    from broker.durable_files import write_private_file
    from broker.epochs.reading import read_members
    from broker.exchange import ExchangeFolder, draw_serial, open_exchange
    from keys.certificates import export_certificate_pem
    from keys.generation import generate_bytes

    exchange = open_exchange(ExchangeFolder(data), read_passphrase(passphrase_file))
    certificates = [der for _, der in read_members(exchange).authorities.values()]
    chain, key = exchange.issue_server_identity(SystemClock().now(), draw_serial(generate_bytes))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private_file(folder / "server.pem", chain + key)
    write_private_file(folder / "members.pem", b"".join(map(export_certificate_pem, certificates)))
    if as_json:
        put_json({"v": 1, "folder": str(folder), "members": len(certificates), "hosts": list(exchange.hosts)})
        return
    typer.echo(f"{folder}: server.pem for {', '.join(exchange.hosts)}; members.pem with {len(certificates)} CAs")
    say("The terminator must be able to read both, and nobody else server.pem.")
