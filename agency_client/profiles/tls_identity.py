"""The TLS keys of a node: its agency's CA and its own; and a pair that waits to take their place.

A key set names the agency's CA by its key. For one with a new CA both keys are drawn beforehand, since whoever has the
CA's key mostly has the node's too; they wait under the CA's name, and take the place of the others once the exchange
has that set. The agency's own CA issues the node's certificate, so nobody has to be asked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from agency_client.profiles.key_store import KeyStore, TlsUse
from agency_client.profiles.private_files import locking_folder, read_private_file, write_private_file
from agency_client.profiles.profile import Profile
from keys.certificates import (
    compute_spki_thumbprint,
    issue_client_certificate,
    load_tls_key,
    make_tls_ca,
    read_ca_thumbprint,
    read_validity,
)
from keys.generation import generate_bytes, generate_seed
from schemas.codec import b64u_encode

CERTIFICATE_DAYS = 90
AUTHORITY_DAYS = 3 * 365
CLOCK_SLACK = timedelta(hours=1)
"""What is made now counts from an hour ago: the broker's clock may be behind."""
_PRESENT = ""


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """A node's TLS key, as its seed, and its certificate (DER)."""

    seed: bytes
    certificate: bytes


def get_certificate_path(profile: Profile, name: str = _PRESENT) -> Path:
    """Return where the certificate (DER) of the present TLS key lies, or of the one that waits under a CA's name."""
    return profile.tls_folder / (f"node.{name}.der" if name else "node.der")


def name_present_authority(keys: KeyStore) -> str:
    """Return the name of the CA whose key is in use on this node."""
    return _name_authority(keys.load_seed(TlsUse.AUTHORITY))


def read_authority_name(certificate: bytes) -> str:
    """Return the name of the CA in a certificate (DER): the thumbprint of its key, base64url. Nothing is verified.

    Raises:
        CertificateError: it does not parse.
    """
    return b64u_encode(read_ca_thumbprint(certificate))


def draw_next_authority(keys: KeyStore, at: datetime) -> str:
    """Draw the keys of a new CA and of this node under it, and return the CA's name; those that wait already stay."""
    waiting = next((key.kid for key in keys.list_keys() if key.use is TlsUse.AUTHORITY and key.kid), None)
    if waiting is not None and keys.has_key(TlsUse.NODE, waiting):
        return waiting
    seed = generate_seed()
    name = _name_authority(seed)
    keys.keep_tls_seed(TlsUse.NODE, name, generate_seed(), at)
    keys.keep_tls_seed(TlsUse.AUTHORITY, name, seed, at)
    return name


def issue_authority(keys: KeyStore, now: datetime, name: str = _PRESENT) -> bytes:
    """Return a certificate (DER) of the present CA, or of the one that waits under a name."""
    return make_tls_ca(
        keys.load_seed(TlsUse.AUTHORITY, name),
        serial=draw_serial(),
        not_before=now - CLOCK_SLACK,
        not_after=now + timedelta(days=AUTHORITY_DAYS),
    )


def take_over_authority(keys: KeyStore, profile: Profile, name: str, at: datetime) -> None:
    """Let the pair that waits under a name take the place of the present one. Broken off anywhere, it is done again.

    A command and the always-on process may both come to it: one of them does it, the other finds it done.
    """
    with locking_folder(profile.tls_folder):
        if not keys.has_key(TlsUse.AUTHORITY, name):
            return
        keys.keep_tls_seed(TlsUse.NODE, _PRESENT, keys.load_seed(TlsUse.NODE, name), at)
        get_certificate_path(profile).unlink(missing_ok=True)
        keys.keep_tls_seed(TlsUse.AUTHORITY, _PRESENT, keys.load_seed(TlsUse.AUTHORITY, name), at)
        get_certificate_path(profile, name).unlink(missing_ok=True)
        for use in TlsUse:
            keys.destroy_key(use, name)


def load_tls_identity(keys: KeyStore, profile: Profile, now: datetime, name: str = _PRESENT) -> TlsIdentity:
    """Return a TLS key with its certificate, a new one when a third of the old one's days is all that is left."""
    path = get_certificate_path(profile, name)
    seed = keys.load_seed(TlsUse.NODE, name)
    if path.is_file():
        certificate = read_private_file(path)
        _, not_after = read_validity(certificate)
        if not_after - now > timedelta(days=CERTIFICATE_DAYS / 3):
            return TlsIdentity(seed, certificate)
    certificate = issue_client_certificate(
        keys.load_seed(TlsUse.AUTHORITY, name),
        seed,
        profile.settings.node,
        serial=draw_serial(),
        not_before=now - CLOCK_SLACK,
        not_after=now + timedelta(days=CERTIFICATE_DAYS),
    )
    write_private_file(path, certificate, replace=True)
    return TlsIdentity(seed, certificate)


def draw_serial() -> int:
    """Return a certificate's serial number of 127 random bits (RFC 5280 §4.1.2.2)."""
    return int.from_bytes(generate_bytes(16), "big") >> 1 | 1


def _name_authority(seed: bytes) -> str:
    return b64u_encode(compute_spki_thumbprint(load_tls_key(seed).public_key()))
