"""Every change that SQLite makes to files, in order, with what the program had answered in between.

apsw's own file systems lack shared memory, which the write-ahead log needs beside a second connection. So SQLite keeps
its own, on real files; only the entries of its tables through which files change are led through here first
(https://www.sqlite.org/c3ref/vfs.html, io_methods.html). It holds for the SQLite inside apsw and for nothing else.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from pathlib import Path
from typing import Any, TypeAlias

import apsw

from tests.faults.power.disk import Change, Opened, Removed, Synced, Truncated, Written

_KEPT_ALIVE: list[object] = []
"""What SQLite may still call when nobody here remembers it: a file that is open goes on by its table."""

_NEW_JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL

_Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))
_Delete = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)
_Close = CFUNCTYPE(c_int, c_void_p)
_Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)


class _FileSystem(Structure):
    _fields_ = (
        ("version", c_int),
        ("file_bytes", c_int),
        ("longest_name", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("own", c_void_p),
        ("open", _Open),
        ("delete", _Delete),
    )


class _Methods(Structure):
    _fields_ = (
        ("version", c_int),
        ("close", _Close),
        ("read", c_void_p),
        ("write", _Write),
        ("truncate", _Truncate),
        ("sync", _Sync),
        ("others", c_void_p * 13),  # xFileSize to xUnfetch, as they are
    )


class _File(Structure):
    _fields_ = (("methods", POINTER(_Methods)),)


Mark: TypeAlias = Any
"""What a program did meanwhile, by whoever tells it."""


class Recorder:
    """What happened below one folder since `begin`: changes of its files, and marks in between."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Change | Mark] = []
        self._names: dict[int, str] = {}
        self._await_folder: set[int] = set()
        self._tables: dict[int, tuple[_Methods, _Methods]] = {}

    def mark(self, what: Mark) -> None:
        """Note what was answered, between the changes before and after it."""
        self.events.append(what)

    def take(self) -> list[Change | Mark]:
        """Return what happened so far, and begin anew."""
        taken, self.events = self.events, []
        return taken

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record as long as the block runs. One at a time in a process."""
        system = _find_file_system()
        opens, deletes = _Open(_address(system.open)), _Delete(_address(system.delete))
        kept = (
            _Open(lambda *given: self._open(opens, *given)),
            _Delete(lambda *given: self._delete(deletes, *given)),
        )
        _KEPT_ALIVE.extend((self, *kept))
        system.open, system.delete = kept
        try:
            yield
        finally:
            system.open, system.delete = opens, deletes

    def _open(self, opens: Any, system: int, name: int | None, file: int, flags: int, told: Any) -> int:
        result: int = opens(system, name, file, flags, told)
        path = Path(ctypes.string_at(name).decode()) if name else None
        if result == apsw.SQLITE_OK and path is not None and path.parent == self.folder:
            self._names[file] = path.name
            self.events.append(Opened(path.name))
            if flags & apsw.SQLITE_OPEN_CREATE and flags & _NEW_JOURNALS:
                self._await_folder.add(file)
            head = _File.from_address(file)
            head.methods = ctypes.pointer(self._lead(head.methods))
        return result

    def _delete(self, deletes: Any, system: int, name: bytes, with_folder: int) -> int:
        result: int = deletes(system, name, with_folder)
        path = Path(name.decode())
        if result == apsw.SQLITE_OK and path.parent == self.folder:
            self.events.append(Removed(path.name, bool(with_folder)))
        return result

    def _lead(self, methods: Any) -> _Methods:
        """Return a table of methods that comes here first and goes on to the file's own."""
        address = ctypes.addressof(methods.contents)
        if address not in self._tables:
            own, led = _Methods(), _Methods()
            ctypes.memmove(ctypes.byref(own), methods, ctypes.sizeof(own))
            ctypes.memmove(ctypes.byref(led), methods, ctypes.sizeof(led))
            led.close = _Close(lambda file: self._close(own, file))
            led.write = _Write(lambda *given: self._write(own, *given))
            led.truncate = _Truncate(lambda *given: self._truncate(own, *given))
            led.sync = _Sync(lambda *given: self._sync(own, *given))
            self._tables[address] = (own, led)
        return self._tables[address][1]

    def _close(self, own: _Methods, file: int) -> int:
        self._names.pop(file, None)
        self._await_folder.discard(file)
        result: int = own.close(file)
        return result

    def _write(self, own: _Methods, file: int, data: int, count: int, offset: int) -> int:
        result: int = own.write(file, data, count, offset)
        if result == apsw.SQLITE_OK:
            self.events.append(Written(self._names[file], offset, ctypes.string_at(data, count)))
        return result

    def _truncate(self, own: _Methods, file: int, size: int) -> int:
        result: int = own.truncate(file, size)
        if result == apsw.SQLITE_OK:
            self.events.append(Truncated(self._names[file], size))
        return result

    def _sync(self, own: _Methods, file: int, flags: int) -> int:
        result: int = own.sync(file, flags)
        if result == apsw.SQLITE_OK:
            # As SQLite's own does it (os_unix.c, unixSync): the folder of a new journal, with its first sync.
            self.events.append(Synced(self._names[file], file in self._await_folder))
            self._await_folder.discard(file)
        return result


def _find_file_system() -> _FileSystem:
    connection = apsw.Connection(":memory:")
    try:
        found = c_void_p()
        connection.file_control("main", apsw.SQLITE_FCNTL_VFS_POINTER, ctypes.addressof(found))
        assert found.value is not None
        return _FileSystem.from_address(found.value)
    finally:
        connection.close()


def _address(function: Any) -> int:
    value = ctypes.cast(function, c_void_p).value
    assert value is not None
    return value
