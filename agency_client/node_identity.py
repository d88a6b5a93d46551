"""Who calls the broker: agency, node and keys, and the TLS context in which they are shown."""

import os
import ssl
from dataclasses import dataclass

from agency_client.profiles.tls_identity import TlsIdentity
from keys.certificates import export_certificate_pem, export_tls_key
from schemas.codec import b64u_decode
from schemas.key_documents import ExchangeSheet


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """Who calls: agency and node, the TLS key and certificate, and the request key. Seeds are 32 bytes.

    `other_request_seeds` are tried when the first is not known at the broker, `other_tls` where it does not answer the
    first certificate: after a new key set was handed in, and before its leaf was read, nobody here can tell which of
    the two key sets counts there.
    """

    agency: str
    node: str
    tls: TlsIdentity
    request_seed: bytes
    other_request_seeds: tuple[bytes, ...] = ()
    other_tls: TlsIdentity | None = None


def build_client_context(sheet: ExchangeSheet, identity: NodeIdentity) -> ssl.SSLContext:
    """Return the TLS context: TLS 1.3, only the CA of the exchange's sheet, the node's own certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=b64u_decode(sheet.tls_ca))
    _load_certificate(context, identity)
    return context


def _load_certificate(context: ssl.SSLContext, identity: NodeIdentity) -> None:
    # ssl reads certificates from files only; an anonymous file in memory never touches the disk.
    descriptor = os.memfd_create("bilateral-tls", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, export_tls_key(identity.tls.seed) + export_certificate_pem(identity.tls.certificate))
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
