"""Arrays of one dimension as PostgreSQL takes them in binary: many rows of one statement travel as one for each column.

The form is that of the server's `array_recv` (src/backend/utils/adt/arrayfuncs.c), numbers in network order. It knows
the types that our tables have.
"""

from collections.abc import Callable, Sequence
from struct import pack
from typing import Any

_NULL = pack(">i", -1)

# By the name of a type: its number in `pg_type`, and how one value of it is written.
_KINDS: dict[str, tuple[int, Callable[[Any], bytes]]] = {
    "BIGINT": (20, lambda value: pack(">q", value)),
    "BOOLEAN": (16, lambda value: b"\x01" if value else b"\x00"),
    "BYTEA": (17, lambda value: bytes(memoryview(value))),  # `bytes` of a number would be as many zeros
    "INTEGER": (23, lambda value: pack(">i", value)),
    "SMALLINT": (21, lambda value: pack(">h", value)),
    "TEXT": (25, str.encode),
    "VARCHAR": (1043, str.encode),
}


def encode_array(kind: str, values: Sequence[Any]) -> bytes:
    """Return the values of a type, at least one, as an array of it.

    Raises:
        KeyError: our tables have no such type.
        struct.error: a number is too large for it.
    """
    number, write = _KINDS[kind]
    items = b"".join(_NULL if value is None else _measure(write(value)) for value in values)
    return pack(">iiIii", 1, None in values, number, len(values), 1) + items


def _measure(data: bytes) -> bytes:
    return pack(">i", len(data)) + data
