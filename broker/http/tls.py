"""TLS as the broker speaks it: version 1.3 only, always a client certificate, one trust store for all members' CAs.

TLS verifies only that some member's CA issued the certificate; which member it was is decided by key, in `access`.
"""

import os
import ssl
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager


def build_server_context(certificate_chain: bytes, private_key: bytes, authorities: Iterable[bytes]) -> ssl.SSLContext:
    """Return a context for the broker's listener.

    Takes the server's chain and its key as PEM and as DER the certificates of whom clients' must be: the members' CAs,
    or a terminator's own. Without any, nobody can connect.

    Raises:
        ssl.SSLError: the key is not the certificate's, or one of them is damaged.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["http/1.1"])
    with ExitStack() as files:
        chain = files.enter_context(_as_path(certificate_chain))
        key = files.enter_context(_as_path(private_key))
        context.load_cert_chain(chain, key)
    trusted = b"".join(authorities)
    if trusted:
        context.load_verify_locations(cadata=trusted)
    return context


@contextmanager
def _as_path(content: bytes) -> Iterator[str]:
    """Lend a path to bytes that never reach a disk; `ssl` takes keys from files only."""
    descriptor = os.memfd_create("bilateral-tls", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
