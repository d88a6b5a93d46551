"""Sealed files at rest: Argon2id (RFC 9106) and AES-256-GCM (NIST SP 800-38D) with the header as associated data.

A container is one line of canonical JSON, a line feed, and the ciphertext:

    {"check":…,"cipher":"A256GCM","kdf":{…},"nonce":…,"purpose":…,"v":1}

`kdf` is either `argon2id` with its costs and salt (a passphrase opens it) or `hkdf-sha256` (a 32-byte key opens it).
The derivation yields 64 bytes: the cipher's key, and a value whose hash is `check`. So a wrong passphrase and a damaged
file are told apart, and no container opens under two passphrases, which AES-GCM alone would allow.

Not here: where files lie and who may read them (`agency_client.profiles.profile`), randomness (salt and nonce come in
as arguments), and what the plaintext means (`purpose` names it, and is demanded on opening).
"""

import threading
import unicodedata
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import constant_time, hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from schemas.codec import CodecError, b64u_decode, b64u_encode, decode_canonical, encode_canonical, hash_domain

KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 12
MEMORY_KIB = 64 * 1024
PASSES = 3
LANES = 4
MAX_MEMORY_KIB = 1024 * 1024
MAX_PASSES = 16
MAX_LANES = 16
MAX_HEADER_BYTES = 1024
MAX_PURPOSE_CHARACTERS = 64

_TAG_BYTES = 16
_CHECK_BYTES = 32
_HEADER_MEMBERS = {"v", "purpose", "cipher", "kdf", "nonce", "check"}


class ContainerError(ValueError):
    """A container that cannot be opened: damaged, of another purpose, or asking for forbidden costs."""

    code = "container-damaged"


class WrongPassphraseError(ContainerError):
    """The passphrase (or key) is not the one this container was sealed under; the file itself is in order so far."""

    code = "wrong-passphrase"


# OpenSSL draws the lanes of all derivations from one pool of threads: two at once wait for each other for ever.
_ONE_DERIVATION = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Secrets:
    cipher_key: bytes
    check: bytes


def seal_container(plaintext: bytes, passphrase: str, *, salt: bytes, nonce: bytes, purpose: str) -> bytes:
    """Return `plaintext` sealed under a passphrase.

    `salt` is 16 and `nonce` 12 random bytes, fresh for each container; `purpose` names what is inside, such as
    `store-key`.

    Raises:
        ValueError: an empty passphrase, or a salt, nonce or purpose of the wrong length.
    """
    _demand_length("salt", salt, SALT_BYTES)
    kdf = {"lanes": LANES, "memory_kib": MEMORY_KIB, "name": "argon2id", "passes": PASSES, "salt": b64u_encode(salt)}
    return _seal(plaintext, _stretch(passphrase, kdf), kdf, nonce, purpose)


def open_container(unverified_container: bytes, passphrase: str, *, purpose: str) -> bytes:
    """Return the plaintext of a container sealed under a passphrase.

    Raises:
        WrongPassphraseError: the passphrase does not open it.
        ContainerError: not a container, altered, of another purpose, or with costs outside what is accepted.
    """
    header, header_line, ciphertext = _take_apart(unverified_container, purpose)
    _verify_argon2_costs(header["kdf"])
    return _open(header, header_line, ciphertext, _stretch(passphrase, header["kdf"]))


def seal_with_key(plaintext: bytes, key: bytes, *, nonce: bytes, purpose: str) -> bytes:
    """Return `plaintext` sealed under a key, for what lies behind an opened container.

    `key` is 32 random bytes, `nonce` is 12 random bytes, fresh for each call under one key.

    Raises:
        ValueError: a key, nonce or purpose of the wrong length.
    """
    return _seal(plaintext, _expand(key, purpose), {"name": "hkdf-sha256"}, nonce, purpose)


def open_with_key(unverified_container: bytes, key: bytes, *, purpose: str) -> bytes:
    """Return the plaintext of a container sealed by `seal_with_key`.

    Raises:
        WrongPassphraseError: another key sealed it.
        ContainerError: not such a container, altered, or of another purpose.
    """
    header, header_line, ciphertext = _take_apart(unverified_container, purpose)
    if header["kdf"] != {"name": "hkdf-sha256"}:
        raise ContainerError("the container opens with a passphrase, not with a key")
    return _open(header, header_line, ciphertext, _expand(key, purpose))


def derive_key(secret: bytes, purpose: str) -> bytes:
    """Return 32 bytes for one purpose from 32 random bytes (HKDF-Expand, RFC 5869 §2.3)."""
    _demand_length("secret", secret, KEY_BYTES)
    _verify_purpose(purpose)
    info = b"bilateral-derived/1\x00" + purpose.encode("ascii")
    return HKDFExpand(algorithm=hashes.SHA256(), length=KEY_BYTES, info=info).derive(secret)


def _seal(plaintext: bytes, secrets: _Secrets, kdf: dict[str, Any], nonce: bytes, purpose: str) -> bytes:
    _demand_length("nonce", nonce, NONCE_BYTES)
    _verify_purpose(purpose)
    header_line = encode_canonical(
        {
            "v": 1,
            "purpose": purpose,
            "cipher": "A256GCM",
            "kdf": kdf,
            "nonce": b64u_encode(nonce),
            "check": b64u_encode(secrets.check),
        }
    )
    return header_line + b"\n" + AESGCM(secrets.cipher_key).encrypt(nonce, plaintext, header_line)


def _open(header: dict[str, Any], header_line: bytes, ciphertext: bytes, secrets: _Secrets) -> bytes:
    if not constant_time.bytes_eq(secrets.check, _read_bytes(header, "check", _CHECK_BYTES)):
        raise WrongPassphraseError("the passphrase does not open this container")
    try:
        return AESGCM(secrets.cipher_key).decrypt(_read_bytes(header, "nonce", NONCE_BYTES), ciphertext, header_line)
    except InvalidTag as error:
        raise ContainerError("the container was altered or damaged after it was sealed") from error


def _take_apart(unverified_container: bytes, purpose: str) -> tuple[dict[str, Any], bytes, bytes]:
    header_line, line_feed, ciphertext = unverified_container.partition(b"\n")
    if not line_feed or len(ciphertext) < _TAG_BYTES:
        raise ContainerError("the file is not a container, or it was cut short")
    try:
        header = decode_canonical(header_line, max_bytes=MAX_HEADER_BYTES)
    except CodecError as error:
        raise ContainerError(f"the container's header: {error}") from error
    if type(header) is not dict or header.keys() != _HEADER_MEMBERS or type(header["kdf"]) is not dict:
        raise ContainerError("the container's header does not have exactly the members of version 1")
    if type(header["v"]) is not int or header["v"] != 1 or header["cipher"] != "A256GCM":
        raise ContainerError("the container is of a version or cipher this program does not know")
    if header["purpose"] != purpose:
        raise ContainerError(f"the container does not hold {purpose}: its header names another purpose")
    return header, header_line, ciphertext


def _verify_argon2_costs(kdf: dict[str, Any]) -> None:
    if kdf.keys() != {"name", "memory_kib", "passes", "lanes", "salt"} or kdf["name"] != "argon2id":
        raise ContainerError("the container opens with a key, or with a derivation this program does not know")
    bounds = {"memory_kib": (MEMORY_KIB, MAX_MEMORY_KIB), "passes": (PASSES, MAX_PASSES), "lanes": (LANES, MAX_LANES)}
    for name, (least, most) in bounds.items():
        if type(kdf[name]) is not int or not least <= kdf[name] <= most:
            raise ContainerError(f"the container's kdf.{name} is not between {least} and {most}")
    _read_bytes(kdf, "salt", SALT_BYTES)


def _stretch(passphrase: str, kdf: dict[str, Any]) -> _Secrets:
    # NFC (RFC 8265 §4.2): the same accented letter arrives composed from one keyboard and decomposed from another.
    normal = unicodedata.normalize("NFC", passphrase).encode("utf-8")
    if not normal:
        raise ValueError("the passphrase is empty")
    argon2 = Argon2id(
        salt=b64u_decode(kdf["salt"]),
        length=2 * KEY_BYTES,
        iterations=kdf["passes"],
        lanes=kdf["lanes"],
        memory_cost=kdf["memory_kib"],
    )
    with _ONE_DERIVATION:
        return _split(argon2.derive(normal))


def _expand(key: bytes, purpose: str) -> _Secrets:
    _demand_length("key", key, KEY_BYTES)
    _verify_purpose(purpose)
    info = b"bilateral-container-key/1\x00" + purpose.encode("ascii")
    return _split(HKDFExpand(algorithm=hashes.SHA256(), length=2 * KEY_BYTES, info=info).derive(key))


def _split(material: bytes) -> _Secrets:
    return _Secrets(material[:KEY_BYTES], hash_domain("container-check", material[KEY_BYTES:]))


def _read_bytes(members: dict[str, Any], name: str, length: int) -> bytes:
    value = members[name]
    try:
        found = b64u_decode(value) if type(value) is str else b""
    except CodecError as error:
        raise ContainerError(f"the container's {name}: {error}") from error
    if len(found) != length:
        raise ContainerError(f"the container's {name} is not {length} bytes in base64url")
    return found


def _verify_purpose(purpose: str) -> None:
    if not purpose.isascii() or not 0 < len(purpose) <= MAX_PURPOSE_CHARACTERS:
        raise ValueError(f"a purpose is 1 to {MAX_PURPOSE_CHARACTERS} ASCII characters")


def _demand_length(name: str, value: bytes, length: int) -> None:
    if len(value) != length:
        raise ValueError(f"{name}: {length} bytes are needed, {len(value)} were given")
