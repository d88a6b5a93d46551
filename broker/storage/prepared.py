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
from broker.storage.binary_arrays import encode_array
from broker.storage.libpq import LibpqStatement

_Statement = Select[Any] | Insert | Update | Delete
_ROWS_AT_ONCE = 256  # times the columns of our widest table: far below the 32,766 parameters that SQLite takes

_Processor = Callable[[Any], Any] | None


class Prepared:
    """One statement without expanding parameters. `run`, `defer` and `insert_many` write, `fetch` reads.

    What `defer` and `insert_many` write is there before anything else is asked, an operation kept, or all committed.
    """

    def __init__(self, statement: _Statement) -> None:
        self._statement = statement
        self._forms: dict[str, _Form] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Execute for one set of parameters, by name, and return how many rows were changed."""
        form = self._find_form(connection)
        return form.run(connection, form.write(values))

    def defer(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Execute for one set of parameters; nothing is said."""
        form = self._find_form(connection)
        form.defer(connection, form.write(values))

    def insert_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert many rows, hundreds by one statement: each statement gives the interpreter's lock away."""
        form = self._find_form(connection)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            form.insert(connection, [form.write(row) for row in rows[start : start + _ROWS_AT_ONCE]])

    def fetch(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return all rows."""
        form = self._find_form(connection)
        return form.read(form.fetch(connection, form.write(values)))

    def _find_form(self, connection: Connection) -> "_Form":
        dialect = connection.dialect
        form = self._forms.get(dialect.name)
        if form is None:
            made = _LibpqForm if dialect.name == postgresql.NAME else _Form
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

    def run(self, connection: Connection, parameters: list[Any]) -> int:
        """Execute and return how many rows were changed."""
        changed: int = self._execute(connection, parameters).rowcount
        return changed

    def defer(self, connection: Connection, parameters: list[Any]) -> None:
        """Execute at once: the database is no message away."""
        self._execute(connection, parameters)

    def fetch(self, connection: Connection, parameters: list[Any]) -> list[tuple[Any, ...]]:
        """Return all rows as the driver has them."""
        rows: list[tuple[Any, ...]] = self._execute(connection, parameters).fetchall()
        return rows

    def insert(self, connection: Connection, rows: Sequence[list[Any]]) -> None:
        """Insert rows by one statement."""
        driver: Any = connection.connection.driver_connection
        head, values, row = self.text.partition(" VALUES ")
        driver.execute(head + values + ", ".join([row] * len(rows)), [value for one in rows for value in one])

    def _execute(self, connection: Connection, parameters: list[Any]) -> Any:
        driver: Any = connection.connection.driver_connection
        return driver.execute(self.text, parameters)

    def read(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return rows with their columns in Python's types."""
        if self._reads_plainly:
            return rows
        return [
            tuple(_process(reader, value) for reader, value in zip(self._readers, row, strict=True)) for row in rows
        ]


class _LibpqForm(_Form):
    """A statement as PostgreSQL's library takes it; many rows travel as an array a column."""

    def __init__(self, statement: _Statement, dialect: Dialect) -> None:
        super().__init__(statement, postgresql.make_numbering_dialect())
        self._prepared = LibpqStatement(self.text)
        if isinstance(statement, Insert):
            types = {column.name: column.type.compile(dialect) for column in statement.table.columns}
            columns = {name: types[name].partition(" COLLATE ")[0] for name in self._names}
            self._kinds = tuple(columns.values())
            self._of_rows = LibpqStatement(postgresql.write_array_insert(statement.table.name, columns))

    def run(self, connection: Connection, parameters: list[Any]) -> int:
        """Execute and return how many rows were changed."""
        return self._prepared.run(connection, parameters)

    def defer(self, connection: Connection, parameters: list[Any]) -> None:
        """Execute along with whatever the operation asks next."""
        self._prepared.defer(connection, parameters)

    def fetch(self, connection: Connection, parameters: list[Any]) -> list[tuple[Any, ...]]:
        """Return all rows as the database has them."""
        return self._prepared.fetch(connection, parameters)

    def insert(self, connection: Connection, rows: Sequence[list[Any]]) -> None:
        """Insert rows by one statement, along with whatever the transaction asks next."""
        columns = zip(self._kinds, zip(*rows, strict=True), strict=True)
        self._of_rows.defer(connection, [encode_array(kind, column) for kind, column in columns])


def _find_writer(kind: TypeEngine[Any], dialect: Dialect) -> _Processor:
    # Both drivers take and give bytes as they are; SQLAlchemy would wrap each.
    return None if isinstance(kind, LargeBinary) else kind.dialect_impl(dialect).bind_processor(dialect)


def _find_reader(kind: TypeEngine[Any], dialect: Dialect) -> _Processor:
    return None if isinstance(kind, LargeBinary) else kind.dialect_impl(dialect).result_processor(dialect, None)


def _process(processor: _Processor, value: Any) -> Any:
    return value if processor is None else processor(value)
