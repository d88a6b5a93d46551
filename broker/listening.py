"""Where clients connect: to the broker itself, or to a terminator that ends TLS before it."""

import socket
import ssl
from collections.abc import Sequence
from functools import partial
from pwd import getpwnam

from broker.app import make_context_factory
from broker.composition import Broker
from broker.exchange import draw_serial
from broker.http.terminator import PeerCertificate, PeerUser, Terminator, bind_unix_socket
from broker.server import MakeContext, bind_socket, read_port
from broker.settings import Settings, SettingsError
from broker.settings import Terminator as TerminatorSettings
from keys.certificates import read_certificate_pem
from keys.errors import CertificateError
from keys.generation import generate_bytes

_ANYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, never bound here


def find_terminator(settings: TerminatorSettings) -> Terminator | None:
    """Return who ends TLS before this broker; None where it does so itself.

    Raises:
        SettingsError: there is no such user, or the certificate cannot be read.
    """
    if settings.user is not None:
        return Terminator(PeerUser(_find_uid(settings.user)))
    if settings.certificate is None:
        return None
    try:
        return Terminator(PeerCertificate(read_certificate_pem(settings.certificate.read_bytes())))
    except (OSError, CertificateError) as error:
        raise SettingsError(f"terminator.certificate: {settings.certificate}: {error}") from error


def _find_uid(user: str) -> int:
    try:
        return int(user) if user.isascii() and user.isdecimal() else getpwnam(user).pw_uid
    except KeyError as error:
        raise SettingsError(f"terminator.user: this machine has no user {user}") from error


def bind_clients(settings: Settings) -> socket.socket:
    """Return the bound socket that clients, or their terminator, connect to.

    Raises:
        OSError: it cannot be bound.
    """
    path = settings.terminator.socket
    return bind_socket(settings.listen.host, settings.listen.port) if path is None else bind_unix_socket(path)


def choose_context(broker: Broker, terminator: Terminator | None) -> MakeContext | None:
    """Return what makes the TLS context of the clients' listener; None where a Unix socket needs none."""
    if terminator is None:
        return make_context_factory(broker)
    peer = terminator.peer
    return partial(_make_hop_context, broker, peer) if isinstance(peer, PeerCertificate) else None


def _make_hop_context(broker: Broker, peer: PeerCertificate) -> ssl.SSLContext:
    return peer.make_context(*broker.exchange.issue_server_identity(broker.clock.now(), draw_serial(generate_bytes)))


def find_url(settings: Settings, hosts: Sequence[str], listening: socket.socket) -> str:
    """Return the URL that clients connect by.

    Directly: where it listens, if the server's certificate bears that name, else the certificate's first.
    """
    if settings.terminator.url is not None:
        return settings.terminator.url
    listened = settings.listen.host
    host = listened if listened in hosts and listened not in _ANYWHERE else hosts[0]
    return f"https://{bracket_host(host)}:{read_port(listening)}"


def bracket_host(host: str) -> str:
    """Return a host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host
