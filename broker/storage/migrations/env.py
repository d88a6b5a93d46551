"""What Alembic runs for every command; the connection and the tables are handed in by `broker.storage.migrate`."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from broker.storage.columns import Text, UtcInstant


def render_item(kind: str, item: Any, autogen_context: AutogenContext) -> str | Literal[False]:
    """Write our own column types by their names; leave all else to Alembic."""
    if kind == "type" and isinstance(item, Text | UtcInstant):
        name = type(item).__name__
        autogen_context.imports.add(f"from broker.storage.columns import {name}")
        return f"{name}()"
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
