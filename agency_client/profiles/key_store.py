"""Where a node's private keys lie: one sealed file a key, under a key that only an unlocked profile has.

A file holds the 32-byte seeds of one logical key and says which; it is bound to its name, so that files cannot be
exchanged for each other. A key is written before anything names it, and gone once its file is: `destroy_key` is how an
opening key ends. Roots never lie here (`agency_client.own_keys.ceremony`). The seed of a key for what is confidential
is sealed to the safeguarding compartment before it is written: nothing here reads it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from agency_client.errors import ConflictError, NotFoundError, VerificationFailedError
from agency_client.profiles.private_files import delete_private_file, read_private_file, write_private_file
from keys.algorithms import OpeningKey, SigningKey
from keys.container import NONCE_BYTES, ContainerError, derive_key, open_with_key, seal_with_key
from keys.errors import KeysError
from keys.generation import generate_bytes, generate_seed
from keys.sealing import unwrap_content_key, wrap_content_key
from keys.signing import SeedSigner
from schemas.codec import CodecError, b64u_decode, b64u_encode
from schemas.envelope import WrappedKey
from schemas.jwk import AkpJwk, Algorithm, thumbprint
from schemas.model import Digest, Kid, Timestamp, WireModel
from schemas.signed import USE_ALGORITHMS, EncryptionUse, KeyUse

PURPOSE = "node-key"
_SUFFIX = ".key"


class TlsUse(StrEnum):
    """What the two TLS keys are for. There is one of each, without a kid; a pair that waits has the new CA's name."""

    AUTHORITY = "tls-ca"
    NODE = "tls-node"


StoredUse = KeyUse | EncryptionUse | TlsUse


class KeyFileError(VerificationFailedError):
    """A key's file is damaged, or is not the key its name says."""

    default_code = "key-file-damaged"


class KeyMissingError(NotFoundError):
    """The private key is not on this node: destroyed, never made here, or not in the backup."""

    default_code = "key-missing"


class KeyFile(WireModel):
    """What is sealed in one file: the seeds in signing order (Ed25519 first)."""

    v: Literal[1]
    use: Annotated[str, Field(pattern=r"^[a-z-]{1,32}$")]
    kid: Kid | None = None
    seeds: Annotated[tuple[Digest, ...], Field(min_length=1, max_length=2)]
    made_at: Timestamp


class CompartmentKeyFile(WireModel):
    """What is sealed in the file of a key for what is confidential: its seed, wrapped for the compartment."""

    v: Literal[1]
    use: Annotated[str, Field(pattern=r"^[a-z-]{1,32}$")]
    kid: Kid
    wrapped: WrappedKey
    made_at: Timestamp


AnyKeyFile = TypeVar("AnyKeyFile", KeyFile, CompartmentKeyFile)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One key of the folder by name; `kid` is the thumbprint of its first half, "" for the TLS keys in use."""

    use: StoredUse
    kid: str


class KeyStore:
    """The folder of a node's private keys."""

    def __init__(self, folder: Path, secret: bytes) -> None:
        """Open the folder with the profile's secret, 32 bytes."""
        self._folder = folder
        self._key = derive_key(secret, "node-keys")
        self._signers: dict[str, SeedSigner] = {}

    def list_keys(self) -> list[StoredKey]:
        """Return every key that lies here, by use and kid."""
        names = sorted(path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"*{_SUFFIX}"))
        return [found for name in names if (found := _parse_name(name)) is not None]

    def make_signing_key(self, use: KeyUse, at: datetime) -> SeedSigner:
        """Draw a signing key of a use, keep it, and return its signer."""
        seeds = [generate_seed() for _ in USE_ALGORITHMS[use]]
        signer = _make_signer(use, seeds)
        self._write(use, signer.kids[0], seeds, at)
        return signer

    def make_opening_key(self, use: EncryptionUse, at: datetime) -> OpeningKey:
        """Draw an opening key, keep it, and return it."""
        seed = generate_seed()
        key = OpeningKey(seed)
        self._write(use, key.kid, [seed], at)
        return key

    def make_compartment_key(self, root: AkpJwk, at: datetime) -> OpeningKey:
        """Draw an opening key for what is confidential, keep it sealed to the compartment's public key, return it."""
        use, seed = EncryptionUse.SAFEGUARDING, generate_seed()
        key = OpeningKey(seed)
        wrapped = wrap_content_key(seed, root, thumbprint(root), b64u_decode(key.kid))
        content = CompartmentKeyFile(v=1, use=use.value, kid=key.kid, wrapped=wrapped, made_at=at)
        self._seal(use, key.kid, content)
        return key

    def load_compartment_key(self, kid: str, root: OpeningKey) -> OpeningKey:
        """Return the private side of a key for what is confidential, with the compartment's own key.

        Raises:
            KeyMissingError, KeyFileError: it was destroyed or never here, or is damaged, or of another compartment.
        """
        content = self._open(EncryptionUse.SAFEGUARDING, kid, CompartmentKeyFile)
        try:
            key = OpeningKey(unwrap_content_key(content.wrapped, root, b64u_decode(content.kid)))
        except (KeysError, CodecError) as error:
            raise KeyFileError(f"the file of the encryption key {kid} is of another compartment: {error}") from error
        if key.kid != kid:
            raise KeyFileError(f"the file of the encryption key {kid} holds another key")
        return key

    def make_tls_key(self, use: TlsUse, at: datetime) -> bytes:
        """Draw the seed of a TLS key, keep it in place of the one before, and return it."""
        seed = generate_seed()
        self._write(use, "", [seed], at)
        return seed

    def keep_tls_seed(self, use: TlsUse, name: str, seed: bytes, at: datetime) -> None:
        """Keep the seed of a TLS key under a name, or with "" in place of the present one."""
        self._write(use, name, [seed], at)

    def has_key(self, use: StoredUse, kid: str = "") -> bool:
        """Return whether a key lies here."""
        return self._path(use, kid).is_file()

    def load_signer(self, use: KeyUse, kid: str) -> SeedSigner:
        """Return the signer whose first key has this kid.

        Raises:
            KeyMissingError, KeyFileError: it is not here, or damaged.
        """
        if kid not in self._signers:
            self._signers[kid] = _make_signer(use, self._read(use, kid))
        if self._signers[kid].kids[0] != kid:
            raise KeyFileError(f"the file of the {use.value} key {kid} holds another key")
        return self._signers[kid]

    def load_seed(self, use: StoredUse, kid: str = "") -> bytes:
        """Return the one seed of a TLS, request or opening key.

        Raises:
            KeyMissingError, KeyFileError: it is not here, or damaged.
        """
        return self._read(use, kid)[0]

    def load_opening_key(self, kid: str) -> OpeningKey:
        """Return the private side of an encryption key for what is not confidential.

        Raises:
            KeyMissingError, KeyFileError: it was destroyed or never here, or is damaged, or opens only in the
                safeguarding compartment (`load_compartment_key`).
        """
        if not self.has_key(EncryptionUse.ENCRYPTION, kid):
            raise KeyMissingError(f"the private side of encryption key {kid} is not on this node")
        key = OpeningKey(self.load_seed(EncryptionUse.ENCRYPTION, kid))
        if key.kid != kid:
            raise KeyFileError(f"the file of the encryption key {kid} holds another key")
        return key

    def destroy_key(self, use: StoredUse, kid: str) -> bool:
        """Overwrite and remove a key's file; return whether it was there."""
        self._signers.pop(kid, None)
        if not self.has_key(use, kid):
            return False
        delete_private_file(self._path(use, kid))
        return True

    def _write(self, use: StoredUse, kid: str, seeds: Sequence[bytes], at: datetime) -> None:
        content = KeyFile(
            v=1, use=use.value, kid=kid or None, seeds=tuple(b64u_encode(seed) for seed in seeds), made_at=at
        )
        self._seal(use, kid, content)

    def _seal(self, use: StoredUse, kid: str, content: WireModel) -> None:
        if kid and self.has_key(use, kid):
            raise ConflictError(f"the {use.value} key {kid} lies here already")
        sealed = seal_with_key(content.canonical(), self._key, nonce=generate_bytes(NONCE_BYTES), purpose=PURPOSE)
        write_private_file(self._path(use, kid), sealed, replace=not kid)

    def _read(self, use: StoredUse, kid: str) -> list[bytes]:
        return [b64u_decode(seed) for seed in self._open(use, kid, KeyFile).seeds]

    def _open(self, use: StoredUse, kid: str, model: type[AnyKeyFile]) -> AnyKeyFile:
        path = self._path(use, kid)
        try:
            data = read_private_file(path)
        except NotFoundError as error:
            raise KeyMissingError(
                f"the private {use.value} key {kid or 'of this node'} is not on this node",
                fix="restore the backup that holds it, or run: agency keys list",
            ) from error
        try:
            content = model.from_canonical(open_with_key(data, self._key, purpose=PURPOSE))
        except (ContainerError, CodecError) as error:
            raise KeyFileError(f"the key file {path.name} does not open: {error}", fix="restore the backup") from error
        if (content.use, content.kid or "") != (use.value, kid):
            raise KeyFileError(f"the key file {path.name} holds the key of another name", fix="restore the backup")
        return content

    def _path(self, use: StoredUse, kid: str) -> Path:
        return self._folder / f"{use.value}{'.' if kid else ''}{kid}{_SUFFIX}"


def _make_signer(use: KeyUse, seeds: Sequence[bytes]) -> SeedSigner:
    algorithms: tuple[Algorithm, ...] = USE_ALGORITHMS[use]
    return SeedSigner(tuple(SigningKey(algorithm, seed) for algorithm, seed in zip(algorithms, seeds, strict=True)))


def _parse_name(name: str) -> StoredKey | None:
    use, _, kid = name.partition(".")
    for kind in (KeyUse, EncryptionUse, TlsUse):
        if use in {member.value for member in kind}:
            return StoredKey(kind(use), kid)
    return None
