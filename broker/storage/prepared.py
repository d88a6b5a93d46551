"""Statements of the hot path: written in SQLAlchemy Core, compiled once, and then given to the driver as they are.

Executing a compiled statement through SQLAlchemy costs several times what SQLite needs for a row. Here only what a
statement says of its types is left: parameters and columns go through the same processors. Errors are the driver's own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Update
from sqlalchemy.sql.compiler import SQLCompiler

_Statement = Select[Any] | Insert | Update | Delete
_ROWS_AT_ONCE = 256  # times the columns of our widest table: far below the 32,766 parameters that SQLite takes

_Processor = Callable[[Any], Any] | None


class Prepared:
    """One statement without expanding parameters. `run` and `insert_many` write, `fetch` reads."""

    def __init__(self, statement: _Statement) -> None:
        self._statement = statement
        self._forms: dict[str, _Form] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Execute for one set of parameters, by name, and return how many rows were changed."""
        changed: int = self._execute(connection, values).rowcount
        return changed

    def insert_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert many rows, hundreds by one statement: each statement gives the interpreter's lock away."""
        form = self._find_form(connection)
        driver: Any = connection.connection.driver_connection
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            text, parameters = form.write_rows(rows[start : start + _ROWS_AT_ONCE])
            driver.execute(text, parameters)

    def fetch(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return all rows."""
        return self._find_form(connection).read(self._execute(connection, values).fetchall())

    def _execute(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        form = self._find_form(connection)
        driver: Any = connection.connection.driver_connection
        return driver.execute(form.text, form.write(values))

    def _find_form(self, connection: Connection) -> "_Form":
        dialect = connection.dialect
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = _Form(self._statement, dialect)
        return form


class _Form:
    """A statement as one dialect's driver takes it."""

    def __init__(self, statement: _Statement, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 - only schema changes compile to something else
        self.text = str(compiled)
        # Values that stand in the statement itself; a parameter without one must be given.
        self._defaults = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self._names = compiled.positiontup
        processors = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()
        }
        self._bound = tuple(processors)
        # Most types are written as they are; only the others are asked for at each row.
        self._writers = {name: processor for name, processor in processors.items() if processor is not None}
        self._writers_in_order = [
            (place, self._writers[name]) for place, name in enumerate(self._names or ()) if name in self._writers
        ]
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        self._readers: list[_Processor] = [
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns
        ]
        self._reads_plainly = not any(self._readers)

    def write(self, values: Mapping[str, Any]) -> Any:
        """Return the parameters in the driver's form: in order, or by name."""
        whole = {**self._defaults, **values} if self._defaults else values
        if self._names is None:
            return {name: _process(self._writers.get(name), whole[name]) for name in self._bound}
        written = [whole[name] for name in self._names]
        for place, processor in self._writers_in_order:
            written[place] = processor(written[place])
        return written

    def write_rows(self, rows: Sequence[Mapping[str, Any]]) -> tuple[str, list[Any]]:
        """Return the text of an insert of so many rows, and their parameters in order."""
        assert self._names is not None  # noqa: S101 - a driver that takes parameters by name needs a form of its own
        head, values, row = self.text.partition(" VALUES ")
        parameters = [parameter for one in rows for parameter in self.write(one)]
        return head + values + ", ".join([row] * len(rows)), parameters

    def read(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return rows with their columns in Python's types."""
        if self._reads_plainly:
            return rows
        return [
            tuple(_process(reader, value) for reader, value in zip(self._readers, row, strict=True)) for row in rows
        ]


def _process(processor: _Processor, value: Any) -> Any:
    return value if processor is None else processor(value)
