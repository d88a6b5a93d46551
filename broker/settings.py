"""The broker's settings: a TOML file, the environment over it, and a refusal to start with unsafe ones.

`BILATERAL_BROKER_LISTEN__PORT=8443` sets `port` in `[listen]`. Secrets have no place here: they are files, and the
settings name where those are.
"""

import tomllib
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from broker.storage.failpoints import ENVIRONMENT_VARIABLE as FAILPOINT_VARIABLE

_OTHERS_MAY_READ = 0o077
DATABASE_VARIABLE = "BILATERAL_BROKER_DATABASE_URL"
_DATABASE_REFUSED = (
    "database_url is set: which database an exchange has is said once, by `broker init --database FILE`, and stands in "
    "database.url in its folder; leave the setting out, or a verb would work on one that nobody serves"
)


class SettingsError(Exception):
    """Settings that cannot be read, or that would make the broker unsafe; the sentence says which and why."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listen(_Section):
    """Where clients connect. Port 0 lets the kernel choose."""

    host: str = "127.0.0.1"
    port: int = Field(default=8443, ge=0, le=65535)


class Terminator(_Section):
    """Who ends TLS before the broker, if anybody does: the user it runs as on this machine, or its own certificate.

    `socket` is the path of the Unix socket where the broker then listens; `certificate` a PEM file: then it listens at
    `listen`, and only that certificate may connect. `url` is where clients connect, at the terminator.
    """

    url: str | None = Field(default=None, pattern=r"^https://[A-Za-z0-9:.\[\]-]{1,253}$")
    socket: Path | None = None
    user: str | None = None
    certificate: Path | None = None

    @property
    def is_set(self) -> bool:
        """Return whether TLS ends elsewhere."""
        return self != Terminator()


class Admin(_Section):
    """Where the operator's monitoring connects: health, readiness and metrics, without TLS, on loopback only."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)


class Limits(_Section):
    """What one client and all clients may take."""

    head_seconds: float = Field(default=10, gt=0, le=60)
    idle_seconds: float = Field(default=10, gt=0, le=60)
    request_seconds: float = Field(default=60, gt=0, le=600)
    write_seconds: float = Field(default=10, gt=0, le=600)
    keep_alive_seconds: int = Field(default=75, ge=1, le=600)
    drain_seconds: int = Field(default=30, ge=0, le=600)
    max_connections: int = Field(default=2000, ge=1)
    max_connections_of_member: int = Field(default=250, ge=1)
    max_requests: int = Field(default=1000, ge=1)
    max_requests_of_member: int = Field(default=200, ge=1)
    max_waiting_of_member: int = Field(default=32, ge=1)
    requests_per_second: float = Field(default=100, gt=0)
    burst_requests: int = Field(default=2000, ge=1)
    requests_per_second_of_member: float = Field(default=200, gt=0)
    burst_requests_of_member: int = Field(default=4000, ge=1)
    max_held_bytes: int = Field(default=128 << 20, ge=1 << 20)
    max_held_bytes_of_member: int = Field(default=32 << 20, ge=1 << 20)


class Writer(_Section):
    """The group commit."""

    max_waiting: int = Field(default=4096, ge=1)
    max_waiting_of_member: int = Field(default=1024, ge=1)
    max_batch: int = Field(default=256, ge=1, le=4096)


class Database(_Section):
    """What a commit is worth, on PostgreSQL: whether one counts that no synchronous standby has."""

    require_standby: bool = False


class Inbox(_Section):
    """How long a node may take to store what it was handed, before it comes again; how much waits for one that does
    not collect: items, and bytes of their content.
    """

    lease_seconds: int = Field(default=60, ge=1, le=600)
    max_items: int = Field(default=100_000, ge=1)
    max_bytes: int = Field(default=4 << 30, ge=1)


class Attachments(_Section):
    """What one member's attachments may take here, and what of the disk they never do: numbers of them, and bytes."""

    max_unreferenced_of_member: int = Field(default=128, ge=1)
    max_of_member: int = Field(default=20_000, ge=1)
    max_bytes_of_member: int = Field(default=20 << 30, ge=1)
    max_bytes_of_database: int = Field(default=200 << 30, ge=1)
    reserved_bytes: int = Field(default=1 << 30, ge=0)


class Settings(BaseSettings):
    """Everything that can be set. `environment = "testing"` is the only one in which failpoints may be armed."""

    model_config = SettingsConfigDict(
        env_prefix="BILATERAL_BROKER_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    environment: Literal["production", "testing"] = "production"
    folder: Path = Path("exchange")
    passphrase_file: Path | None = None
    database_url: str | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    listen: Listen = Listen()
    terminator: Terminator = Terminator()
    admin: Admin = Admin()
    limits: Limits = Limits()
    writer: Writer = Writer()
    database: Database = Database()
    inbox: Inbox = Inbox()
    attachments: Attachments = Attachments()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let what the command line says stand over the environment, and that over the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(file: Path | None, environment: Mapping[str, str], /, **overrides: Any) -> Settings:
    """Return the settings from a TOML file, if one is named, the process's environment, and the command line.

    Raises:
        SettingsError: one cannot be read, or the broker would be unsafe with them.
    """
    if file is not None and not file.is_file():
        raise SettingsError(f"{file}: there is no such settings file")

    class _WithFile(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    try:
        settings = _WithFile(**{name: value for name, value in overrides.items() if value is not None})
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not TOML: {error}") from error
    except ValidationError as error:
        raise SettingsError("; ".join(_describe(error))) from error
    for reason in find_unsafe(settings, environment):
        raise SettingsError(reason)
    return settings


def verify_no_other_database(environment: Mapping[str, str]) -> None:
    """Verify that the environment names no other database: a verb would work on one that nobody serves.

    Raises:
        SettingsError: it does; the URL is not repeated, since it may hold a password.
    """
    if environment.get(DATABASE_VARIABLE):
        raise SettingsError(_DATABASE_REFUSED)


def find_unsafe(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each setting that would make the broker unsafe, or that this version cannot follow."""
    if settings.database_url:
        yield _DATABASE_REFUSED
    if not _is_loopback(settings.admin.host):
        yield (
            f"admin.host is {settings.admin.host}: metrics and readiness are served without TLS and without asking who "
            "calls, so they listen on a loopback address only"
        )
    if environment.get(FAILPOINT_VARIABLE) and settings.environment != "testing":
        yield f"{FAILPOINT_VARIABLE} is set: it kills the broker on purpose, and the environment is not `testing`"
    if settings.environment == "testing" and not _is_loopback(settings.listen.host):
        yield f"environment is `testing`: such a broker listens on loopback only, not on {settings.listen.host}"
    yield from _find_terminator_unsafe(settings.terminator)
    for name, path in (("folder", settings.folder), ("passphrase_file", settings.passphrase_file)):
        if path is not None and path.exists() and path.stat().st_mode & _OTHERS_MAY_READ:
            yield f"{name}: {path} can be read by other users of this machine: run `chmod go= {path}`"


def _find_terminator_unsafe(terminator: Terminator) -> Iterator[str]:
    if not terminator.is_set:
        return
    if terminator.url is None:
        yield "terminator.url is missing: it says where clients connect, as https://NAME:PORT"
    if (terminator.socket is None) == (terminator.certificate is None):
        yield (
            "terminator.socket or terminator.certificate says by what the terminator is known: the user behind a Unix "
            "socket, or the one certificate it connects with; whoever else names a client's certificate is not believed"
        )
    if (terminator.socket is None) != (terminator.user is None):
        yield "terminator.user goes with terminator.socket: the user that the terminator runs as, by name or number"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _describe(error: ValidationError) -> Iterator[str]:
    # Without the value: it may be a secret that stands in the wrong place.
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        yield f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}"
