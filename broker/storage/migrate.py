"""Bring a database's tables to this version, and write the next migration.

Every `tables.py` below `broker/` is found by itself, so a feature's tables cannot be forgotten. For developers:

    python -m broker.storage.migrate revision "what changes"    # a new file in migrations/versions
    python -m broker.storage.migrate rewrite-last               # the one after the frozen ones anew, from the tables
"""

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData
from sqlmodel import SQLModel

import broker
from broker.storage.engine import Database, open_database
from broker.storage.revision import verify_not_newer

_MIGRATIONS = Path(__file__).parent / "migrations"
_FROZEN = 1  # so many migrations have been run on databases in use; only what one dialect needs may be added to them


def load_tables() -> MetaData:
    """Import every feature's `tables` module and return the metadata that knows them all."""
    for module in walk_packages(broker.__path__, "broker."):
        if module.name.endswith(".tables"):
            import_module(module.name)
    return SQLModel.metadata


def migrate(database: Database, revision: str = "head") -> None:
    """Run the migrations that the database has not seen, up to a revision, all in one transaction.

    Raises:
        SchemaNewerError: it has seen migrations that this version does not know.
    """
    with database.write() as connection:
        migrate_within(database, connection, revision)


def migrate_within(database: Database, connection: Connection, revision: str = "head") -> None:
    """Do what `migrate` does as a part of the caller's own transaction on `database`."""
    database.create_schema(connection)
    verify_not_newer(connection)
    command.upgrade(_config(connection), revision)
    database.dialect.tell_planner(connection, load_tables().sorted_tables)


def write_revision(message: str) -> None:
    """Write the migration from the last one to the tables as the code has them."""
    number = len(_written_revisions()) + 1
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder) / "empty.db")
        migrate(database)
        with database.writing.begin() as connection:
            command.revision(_config(connection), message, autogenerate=True, rev_id=f"{number:04}")
        database.close()


def rewrite_last_revision() -> None:
    """Replace what follows the frozen migrations by one that leads from them to the tables as the code has them."""
    for path in _written_revisions()[_FROZEN:]:
        path.unlink()
    write_revision("many brokers")


def _written_revisions() -> list[Path]:
    return sorted((_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    hooks = {
        "check": "check --fix --quiet REVISION_SCRIPT_FILENAME",
        "format": "format --quiet REVISION_SCRIPT_FILENAME",
    }
    config.set_section_option("post_write_hooks", "hooks", ", ".join(hooks))
    for name, options in hooks.items():
        config.set_section_option("post_write_hooks", f"{name}.type", "module")
        config.set_section_option("post_write_hooks", f"{name}.module", "ruff")
        config.set_section_option("post_write_hooks", f"{name}.options", options)
    config.attributes["connection"] = connection
    config.attributes["target_metadata"] = load_tables()
    return config


def main(arguments: list[str]) -> int:
    """Run one of the two developer's commands; 2 for anything else."""
    match arguments:
        case ["revision", message]:
            write_revision(message)
        case ["rewrite-last"]:
            rewrite_last_revision()
        case _:
            sys.stderr.write(str(__doc__))
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
