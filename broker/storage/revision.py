"""Whether a database has the tables of this version: asked at each start, so no migration tool is loaded for it."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


class SchemaOutdatedError(RuntimeError):
    """The database's tables are not those of this version."""

    def __init__(self, found: str | None, wanted: str | None) -> None:
        super().__init__(
            f"the database is at revision {found or 'none'}, this version needs {wanted}: run `broker migrate`"
        )


def find_newest_revision() -> str:
    """Return the revision of this version's tables: migrations are numbered, and the newest is the highest."""
    return max(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*.py"))


def verify_migrated(connection: Connection) -> None:
    """Verify that the tables are those of this version.

    Raises:
        SchemaOutdatedError: they are older, or newer.
    """
    found: str | None = None
    if inspect(connection).has_table("alembic_version"):
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    wanted = find_newest_revision()
    if found != wanted:
        raise SchemaOutdatedError(found, wanted)
