"""Statements of the hot path: written in SQLAlchemy Core, compiled once, and then given to the driver as they are.

Executing a compiled statement through SQLAlchemy costs several times what SQLite needs for a row. Here only what a
statement says of its types is left: parameters and columns go through the same processors. Errors are the driver's own.

Many rows are inserted by one statement: a list of rows where the parameters are counted, on PostgreSQL an array a
column, so that the statement is the same, and prepared, however many rows there are.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, Insert, LargeBinary, Select, Update
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from broker.storage import postgresql

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
            made = _ArrayForm if dialect.name == postgresql.NAME else _Form
            form = self._forms[dialect.name] = made(self._statement, dialect)
        return form


class _Form:
    """A statement as one dialect's driver takes it."""

    def __init__(self, statement: _Statement, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 - only schema changes compile to something else
        self.text = str(compiled)
        # Values that stand in the statement itself; a parameter without one must be given.
        self._defaults = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        assert compiled.positiontup is not None  # noqa: S101 - our engines are made with parameters that are counted
        self._names = compiled.positiontup
        # Most types are written as they are; only the others are asked for at each row.
        self._writers = [
            (place, processor)
            for place, name in enumerate(self._names)
            if (processor := _find_writer(compiled.binds[name].type, dialect)) is not None
        ]
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        self._readers: list[_Processor] = [_find_reader(column.type, dialect) for column in columns]
        self._reads_plainly = not any(self._readers)

    def write(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the parameters in the driver's form and in order."""
        whole = {**self._defaults, **values} if self._defaults else values
        written = [whole[name] for name in self._names]
        for place, processor in self._writers:
            written[place] = processor(written[place])
        return written

    def write_rows(self, rows: Sequence[Mapping[str, Any]]) -> tuple[str, list[Any]]:
        """Return the text of an insert of so many rows, and its parameters in order."""
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


class _ArrayForm(_Form):
    """A statement as PostgreSQL's driver takes it; many rows travel as an array a column."""

    def __init__(self, statement: _Statement, dialect: Dialect) -> None:
        super().__init__(statement, dialect)
        if isinstance(statement, Insert):
            types = {column.name: column.type.compile(dialect) for column in statement.table.columns}
            self._text_of_rows = postgresql.write_array_insert(
                statement.table.name, {name: types[name] for name in self._names}
            )

    def write_rows(self, rows: Sequence[Mapping[str, Any]]) -> tuple[str, list[Any]]:
        """Return the text of an insert of any number of rows, and a column's values as each of its parameters."""
        return self._text_of_rows, [list(column) for column in zip(*map(self.write, rows), strict=True)]


def _find_writer(kind: TypeEngine[Any], dialect: Dialect) -> _Processor:
    # Both drivers take and give bytes as they are; SQLAlchemy would wrap each.
    return None if isinstance(kind, LargeBinary) else kind.dialect_impl(dialect).bind_processor(dialect)


def _find_reader(kind: TypeEngine[Any], dialect: Dialect) -> _Processor:
    return None if isinstance(kind, LargeBinary) else kind.dialect_impl(dialect).result_processor(dialect, None)


def _process(processor: _Processor, value: Any) -> Any:
    return value if processor is None else processor(value)
