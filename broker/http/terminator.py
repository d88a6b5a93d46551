"""Behind a terminator: another server ends TLS and names each client's certificate in `Client-Cert` (RFC 9440).

Whoever may say that can speak for every member, so it is believed from the terminator alone: over a Unix socket from
the user it runs as, or over TLS from the one certificate it connects with. The member proves to the terminator that it
has the certificate's key; whose certificate it is, is decided here, by key as always (`broker.access`).
"""

import socket
import ssl
import struct
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from broker.http.connection import ClientConnection
from broker.http.tls import build_server_context
from keys.certificates import MAX_CERTIFICATE_BYTES
from schemas.codec import CodecError, b64_std_decode

FIELD = b"client-cert"
_MAX_FIELD_BYTES = 2 + (MAX_CERTIFICATE_BYTES + 2) // 3 * 4
MAX_FORWARDED = 4096
"""Certificates whose conclusions are kept; the one that was longest not seen goes first."""


class MalformedFieldError(ValueError):
    """`Client-Cert` is there more than once, or is no byte sequence (RFC 8941 §3.3.5)."""


class Peer(Protocol):
    """By what the terminator is known."""

    def is_it(self, transport: Any) -> bool:
        """Return whether a connection is the terminator's."""
        ...


@dataclass(frozen=True, slots=True)
class PeerUser:
    """The terminator is who runs as this user of this machine; root may do as it likes anyway."""

    uid: int

    def is_it(self, transport: Any) -> bool:
        """Return whether the other end of the Unix socket runs as the user, or as root (SO_PEERCRED)."""
        connection: socket.socket = transport.get_extra_info("socket")
        if connection.family != socket.AF_UNIX:
            return False
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, user, _ = struct.unpack("3i", credentials)
        return user in (self.uid, 0)


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """The terminator is who connects with exactly this certificate (DER)."""

    certificate: bytes

    def is_it(self, transport: Any) -> bool:
        """Return whether the connection's TLS certificate is the terminator's, to the byte."""
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        return tls is not None and tls.getpeercert(binary_form=True) == self.certificate

    def make_context(self, certificate_chain: bytes, private_key: bytes) -> ssl.SSLContext:
        """Return the context of the terminator's listener; takes the broker's own chain and key as PEM.

        Raises:
            ssl.SSLError: one of the three is damaged.
        """
        context = build_server_context(certificate_chain, private_key, [self.certificate])
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the pinned certificate is itself what is trusted
        return context


@dataclass(slots=True)
class Terminator:
    """Who ends TLS before us, and whom it has spoken for.

    What was concluded from a member's certificate is kept with it, as a connection keeps it where we end TLS ourselves;
    `forget` lets all of it go when the members' CAs have changed.
    """

    peer: Peer
    _known: OrderedDict[bytes, ClientConnection] = field(default_factory=OrderedDict)

    def find_client(self, headers: Iterable[tuple[bytes, bytes]]) -> ClientConnection:
        """Return the client that one request of the terminator's is from; one without certificate where none is named.

        Raises:
            MalformedFieldError: the field cannot be read, or is there more than once.
        """
        values = [value for name, value in headers if name == FIELD]
        if not values:
            return ClientConnection(None)
        if len(values) > 1:
            raise MalformedFieldError("a request bears at most one Client-Cert field")
        return self._remember(values[0])

    def forget(self) -> None:
        """Forget what was concluded of every client."""
        self._known.clear()

    def _remember(self, value: bytes) -> ClientConnection:
        known = self._known.get(value)
        if known is None:
            known = self._known[value] = ClientConnection(read_field(value))
            if len(self._known) > MAX_FORWARDED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(value)
        return known


def read_field(unverified_value: bytes) -> bytes:
    """Return the certificate (DER) in a `Client-Cert` field: base64 between colons (RFC 9440 §2.2, RFC 8941 §3.3.5).

    Raises:
        MalformedFieldError: it has another form.
    """
    if len(unverified_value) > _MAX_FIELD_BYTES:
        raise MalformedFieldError("Client-Cert names a certificate that is larger than any may be")
    if len(unverified_value) < 3 or unverified_value[:1] != b":" or unverified_value[-1:] != b":":
        raise MalformedFieldError("Client-Cert is no byte sequence between colons")
    try:
        return b64_std_decode(unverified_value[1:-1].decode("ascii"))
    except (CodecError, UnicodeDecodeError) as error:
        raise MalformedFieldError("what stands in Client-Cert is not base64") from error


def bind_unix_socket(path: Path) -> socket.socket:
    """Return a listening-to-be Unix socket; everybody may connect, and `PeerUser` tells who it is.

    Raises:
        OSError: the path cannot be bound; a socket that nobody listens on any more is replaced.
    """
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        bound.bind(str(path))
        path.chmod(0o666)
    except OSError:
        bound.close()
        raise
    return bound


def _remove_stale(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            path.unlink()
            return
    raise OSError(f"{path}: somebody listens there already")
