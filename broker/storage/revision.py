"""Whether a database has the tables of this version: asked at each start, so no migration tool is loaded for it."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


class SchemaOutdatedError(RuntimeError):
    """The database's tables are not those of this version."""

    def __init__(self, found: str | None, wanted: str, way_out: str = "run `broker migrate`") -> None:
        super().__init__(f"the database is at revision {found or 'none'}, this version needs {wanted}: {way_out}")


class SchemaNewerError(SchemaOutdatedError):
    """The database's tables are of a newer version of this program, which alone can read them."""

    def __init__(self, found: str, wanted: str) -> None:
        super().__init__(found, wanted, "run the newer program that migrated it, or put back the backup made before")


def find_newest_revision() -> str:
    """Return the revision of this version's tables: the highest migration's number, "" while there is none."""
    return max((path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*.py")), default="")


def verify_migrated(connection: Connection) -> None:
    """Verify that the tables are those of this version.

    Raises:
        SchemaOutdatedError: they are older.
        SchemaNewerError: they are newer.
    """
    verify_not_newer(connection)
    found, wanted = find_revision(connection), find_newest_revision()
    if found != wanted:
        raise SchemaOutdatedError(found, wanted)


def verify_not_newer(connection: Connection) -> None:
    """Verify that this version knows the tables, or the way from them to its own: there is none back.

    Raises:
        SchemaNewerError: they are newer.
    """
    found, wanted = find_revision(connection), find_newest_revision()
    if found is not None and found > wanted:
        raise SchemaNewerError(found, wanted)


def find_revision(connection: Connection) -> str | None:
    """Return the revision of the tables that are there; nothing where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found
