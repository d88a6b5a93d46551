"""The exchange's own folder: its name, its keys, its database, and who may have them open.

All secrets are 32-byte seeds in one file. Without a passphrase that file is `secrets.json`, for its owner alone:
the broker starts by itself after a power cut, and whoever reads the disk has the keys. With a passphrase it is
`secrets.sealed` (`keys.container`): a stolen disk or backup is worth nothing, and a start needs the passphrase file,
which then belongs on another medium. Neither helps against whoever is root on the running machine.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from broker.audit.standing import Stop
from broker.durable_files import sync_folder, write_private_file
from broker.epochs.switch import finish_switch, is_switching
from broker.exchange_secrets import (
    DrawBytes,
    ExchangeSecrets,
    draw_secrets,
    load_log_signer,
    publish_log_keys,
    seal_secrets,
    unseal_secrets,
)
from keys.certificates import export_certificate_pem, export_tls_key, issue_server_certificate, make_tls_ca
from keys.container import ContainerError, WrongPassphraseError
from keys.log_keys import LogSigner, sign_checkpoint
from keys.tokens import TokenKey
from schemas.codec import CodecError, b64u_decode, b64u_encode
from schemas.key_documents import ExchangeSheet
from schemas.log.checkpoint import Checkpoint
from schemas.log.epoch import FIRST_EPOCH, format_origin, read_epoch
from schemas.model import WireModel

CA_YEARS = 20
SERVER_CERTIFICATE_DAYS = 397
CLOCK_SLACK = timedelta(hours=1)

Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9:.-]{1,253}$")]


class ExchangeError(Exception):
    """The exchange's folder cannot be made, opened or used; the text says what to do."""


class ExchangeExistsError(ExchangeError):
    """Something stands where a new exchange should be made."""


class ExchangeMissingError(ExchangeError):
    """The folder holds no exchange."""


class PassphraseError(ExchangeError):
    """A passphrase is needed, or this one is wrong."""


class ExchangeInUseError(ExchangeError):
    """Another process has the exchange open for writing."""


class ServerNames(WireModel):
    """The DNS names and addresses by which clients reach the broker; its certificate bears them."""

    v: Literal[1]
    hosts: Annotated[tuple[Host, ...], Field(min_length=1, max_length=32)]


@dataclass(frozen=True, slots=True)
class ExchangeFolder:
    """Where everything of one exchange lies."""

    path: Path

    @property
    def sheet(self) -> Path:
        """Return the file to hand out: name, log keys, TLS CA."""
        return self.path / "exchange.json"

    @property
    def names(self) -> Path:
        """Return the file with the names in the server's certificate."""
        return self.path / "names.json"

    @property
    def open_secrets(self) -> Path:
        """Return the secrets as a file without a passphrase."""
        return self.path / "secrets.json"

    @property
    def sealed_secrets(self) -> Path:
        """Return the secrets as a file under a passphrase."""
        return self.path / "secrets.sealed"

    @property
    def database(self) -> Path:
        """Return the SQLite database, where the exchange has that."""
        return self.path / "broker.db"

    @property
    def database_url(self) -> Path:
        """Return the private file that names a PostgreSQL database; there is none while the exchange is on SQLite."""
        return self.path / "database.url"

    @property
    def attachments(self) -> Path:
        """Return the folder of attachments' ciphertexts; it is made with the first of them."""
        return self.path / "attachments"

    @property
    def lock(self) -> Path:
        """Return the file whose lock the one writing process holds."""
        return self.path / "lock"

    @property
    def control_socket(self) -> Path:
        """Return the socket on which a serving broker takes its operator's commands."""
        return self.path / "control.sock"

    @property
    def address(self) -> Path:
        """Return the file that says at which URL the broker is serving."""
        return self.path / "address.json"

    @property
    def stop(self) -> Path:
        """Return the file that says why the log may not grow; there is none while it may."""
        return self.path / "stopped.json"

    @property
    def signed_head(self) -> Path:
        """Return the file with the newest head that this folder's broker signed."""
        return self.path / "signed.note"

    def verify_private(self) -> None:
        """Verify that nobody but the owner can reach the folder.

        Raises:
            ExchangeMissingError: there is no exchange.
            ExchangeError: others may enter.
            ExchangeInUseError: another process is moving it on to a new epoch.
        """
        if is_switching(self.path):
            with self.hold_lock():
                pass
        if not self.sheet.is_file():
            raise ExchangeMissingError(f"{self.path} holds no exchange: make one with `broker init`")
        if self.path.stat().st_mode & 0o077:
            raise ExchangeError(f"{self.path} is open to other users: run `chmod 700 {self.path}`")

    @contextmanager
    def hold_lock(self) -> Iterator[None]:
        """Hold the right to write for as long as the block runs; what a rebase left to do is done first.

        Raises:
            ExchangeInUseError: another process holds it.
        """
        descriptor = os.open(self.lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise ExchangeInUseError(f"another process has the exchange in {self.path} open") from error
        try:
            finish_switch(self.path)
            yield
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Exchange:
    """An opened exchange: its public sheet, and its private keys loaded."""

    folder: ExchangeFolder
    sheet: ExchangeSheet
    names: ServerNames
    log_signer: LogSigner
    token_key: TokenKey
    secrets: ExchangeSecrets

    @property
    def name(self) -> str:
        """Return the exchange's name, which every document repeats."""
        return self.sheet.name

    @property
    def epoch(self) -> int:
        """Return the epoch of its log."""
        return read_epoch(self.sheet.origin, self.sheet.name)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the names and addresses by which clients reach the broker."""
        return self.names.hosts

    def move_on(self, origin: str, secrets: ExchangeSecrets, authority: bytes | None = None) -> "Exchange":
        """Return the exchange as it stands in another epoch, perhaps with other keys; `authority` is a new CA (DER)."""
        changes: dict[str, object] = {"origin": origin, "log_keys": publish_log_keys(secrets)}
        if authority is not None:
            changes["tls_ca"] = b64u_encode(authority)
        sheet = self.sheet.model_copy(update=changes)
        return replace(self, sheet=sheet, secrets=secrets, log_signer=load_log_signer(secrets))

    def sign(self, checkpoint: Checkpoint) -> bytes:
        """Return the signed note of a checkpoint that is durable."""
        return sign_checkpoint(checkpoint, self.log_signer)

    def issue_server_identity(self, now: datetime, serial: int) -> tuple[bytes, bytes]:
        """Return a fresh server certificate with its CA, and its key, both as PEM; one is made at each start."""
        certificate = issue_server_certificate(
            b64u_decode(self.secrets.tls_ca),
            b64u_decode(self.secrets.tls_server),
            self.hosts,
            serial=serial,
            not_before=now - CLOCK_SLACK,
            not_after=now + timedelta(days=SERVER_CERTIFICATE_DAYS),
        )
        authority = export_certificate_pem(b64u_decode(self.sheet.tls_ca))
        return export_certificate_pem(certificate) + authority, export_tls_key(b64u_decode(self.secrets.tls_server))


def make_exchange(
    name: str, hosts: tuple[str, ...], now: datetime, draw: DrawBytes
) -> tuple[ExchangeSheet, ServerNames, ExchangeSecrets]:
    """Draw all keys of a new exchange and return what is public, its names, and what is secret.

    Raises:
        DocumentError: the name, or a host, is not of the accepted form.
    """
    secrets = draw_secrets(draw)
    sheet = ExchangeSheet.from_wire(
        {
            "v": 1,
            "name": name,
            "origin": format_origin(name, FIRST_EPOCH),
            "log_keys": publish_log_keys(secrets).to_wire(),
            "tls_ca": b64u_encode(issue_authority(secrets, now, draw)),
        }
    )
    return sheet, ServerNames.from_wire({"v": 1, "hosts": list(hosts)}), secrets


def issue_authority(secrets: ExchangeSecrets, now: datetime, draw: DrawBytes) -> bytes:
    """Return the certificate (DER) of an exchange's own CA."""
    return make_tls_ca(
        b64u_decode(secrets.tls_ca),
        serial=draw_serial(draw),
        not_before=now - CLOCK_SLACK,
        not_after=now + timedelta(days=CA_YEARS * 365),
    )


def draw_serial(draw: DrawBytes) -> int:
    """Return a certificate serial number of 127 random bits (RFC 5280 §4.1.2.2: positive, at most 20 octets)."""
    return int.from_bytes(draw(16), "big") >> 1 | 1


@contextmanager
def build_folder(path: Path) -> Iterator[ExchangeFolder]:
    """Lend a private folder that durably takes the place of `path` when the block ends well, whole or not at all.

    Raises:
        ExchangeExistsError: something is there already.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ExchangeExistsError(f"{path} is not empty: an exchange is made in a folder of its own")
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f".{path.name}.new")
    if building.exists():
        shutil.rmtree(building)
    building.mkdir(mode=0o700)
    try:
        yield ExchangeFolder(building)
        sync_folder(building)
        building.replace(path)
        sync_folder(path.parent)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def write_exchange(
    folder: ExchangeFolder,
    sheet: ExchangeSheet,
    names: ServerNames,
    secrets: ExchangeSecrets,
    passphrase: str | None,
    draw: DrawBytes,
) -> None:
    """Write the three files; the secrets under `passphrase`, if there is one."""
    if passphrase is None:
        write_private_file(folder.open_secrets, secrets.canonical())
    else:
        write_private_file(folder.sealed_secrets, seal_secrets(secrets, passphrase, draw))
    write_private_file(folder.names, names.canonical())
    write_private_file(folder.sheet, sheet.canonical())


def open_exchange(folder: ExchangeFolder, passphrase: str | None) -> Exchange:
    """Read the folder and load its keys.

    Raises:
        ExchangeMissingError, PassphraseError, ExchangeError: it cannot be opened, and why.
    """
    sheet = read_sheet(folder)
    secrets = _read_secrets(folder, passphrase)
    if publish_log_keys(secrets) != sheet.log_keys:
        raise ExchangeError(f"{folder.path}: the log keys are not those of exchange.json, one file is another's")
    try:
        names = ServerNames.from_canonical(folder.names.read_bytes())
    except (OSError, CodecError) as error:
        raise ExchangeError(f"{folder.names}: {error}") from error
    return Exchange(folder, sheet, names, load_log_signer(secrets), TokenKey(b64u_decode(secrets.token)), secrets)


def read_sheet(folder: ExchangeFolder) -> ExchangeSheet:
    """Return the exchange's public sheet; no secret is needed.

    Raises:
        ExchangeMissingError, ExchangeError: there is none, or it is damaged, or others may enter the folder.
    """
    folder.verify_private()
    try:
        return ExchangeSheet.from_canonical(folder.sheet.read_bytes())
    except CodecError as error:
        raise ExchangeError(f"{folder.sheet}: {error}") from error


def read_stop(folder: ExchangeFolder) -> Stop | None:
    """Return why the exchange's log may not grow, or nothing.

    Raises:
        ExchangeError: the file is damaged; then nobody knows, and nothing is signed.
    """
    try:
        return Stop.from_canonical(folder.stop.read_bytes())
    except FileNotFoundError:
        return None
    except CodecError as error:
        raise ExchangeError(f"{folder.stop}: {error}") from error


def lift_stop(folder: ExchangeFolder) -> None:
    """Make it durable that the exchange's log may grow again."""
    folder.stop.unlink(missing_ok=True)
    sync_folder(folder.path)


def write_stop(folder: ExchangeFolder, stop: Stop) -> None:
    """Make it durable that the exchange's log may not grow."""
    write_private_file(folder.stop, stop.canonical())


def _read_secrets(folder: ExchangeFolder, passphrase: str | None) -> ExchangeSecrets:
    try:
        if not folder.sealed_secrets.exists():
            return ExchangeSecrets.from_canonical(folder.open_secrets.read_bytes())
        if not passphrase:
            raise PassphraseError("the exchange's keys are sealed: name the file with --passphrase-file")
        return unseal_secrets(folder.sealed_secrets.read_bytes(), passphrase)
    except WrongPassphraseError as error:
        raise PassphraseError("the passphrase does not open the exchange's keys") from error
    except (OSError, CodecError, ContainerError) as error:
        raise ExchangeError(f"the exchange's secrets cannot be read: {error}") from error
