"""What Alembic runs for every command; the connection and the tables are handed in by `broker.storage.migrate`."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import AutoString

from broker.storage.columns import UtcInstant


def render_item(kind: str, item: Any, autogen_context: AutogenContext) -> str | Literal[False]:
    """Write our own column type by its name and SQLModel's string as SQLAlchemy's; leave all else to Alembic."""
    if kind == "type" and isinstance(item, UtcInstant):
        autogen_context.imports.add("from broker.storage.columns import UtcInstant")
        return "UtcInstant()"
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["target_metadata"],
    render_as_batch=True,  # SQLite cannot alter most of a table in place
    render_item=render_item,
    user_module_prefix="sa.",
)
with context.begin_transaction():
    context.run_migrations()
