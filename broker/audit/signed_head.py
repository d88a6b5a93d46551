"""The newest head that this broker signed, in a file beside its keys: what it knows of its log without the database.

A database is put back to an earlier moment, or a standby that lacked something takes its place, and no broker ran that
would remember what it had signed: then the file says so at the next start. It is written at every signature, and not
waited for: it outlives the end of the process, and a power cut where the disk had it. What cannot be read says nothing;
whether the head is in the database is `broker.audit.log`'s to find out.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import structlog

from broker.durable_files import write_private_file
from keys.errors import KeysError
from keys.log_keys import LogPublicKeys, verify_checkpoint
from schemas.codec import CodecError
from schemas.log.checkpoint import Checkpoint

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeptHead:
    """A head that this broker signed, with its note."""

    checkpoint: Checkpoint
    note: bytes


class SignedHead:
    """The file of one broker's folder, about the log of one epoch. To be closed."""

    def __init__(self, path: Path, origin: str, keys: LogPublicKeys) -> None:
        self._path = path
        self._origin = origin
        self._keys = keys
        self._descriptor: int | None = None
        self._length = 0
        self._has_failed = False

    def read(self) -> KeptHead | None:
        """Return what was kept; nothing where there is nothing, or what nobody can read, or another log's."""
        try:
            note = self._path.read_bytes()
            return KeptHead(verify_checkpoint(note, self._origin, self._keys), note)
        except FileNotFoundError:
            return None
        except (OSError, KeysError, CodecError) as error:
            _log.warning("signed-head-unreadable", reason=type(error).__name__)
            return None

    def keep(self, note: bytes) -> None:
        """Keep a note; a disk that does not take it stops nothing. For one thread."""
        try:
            self._write(note)
            self._has_failed = False
        except OSError as error:
            if not self._has_failed:
                _log.warning("signed-head-not-kept", reason=type(error).__name__)
            self._has_failed = True

    def forget(self) -> None:
        """Forget what was kept: somebody has decided that it counts no more."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave the file as it is."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, note: bytes) -> None:
        if self._descriptor is None or len(note) != self._length:
            self.close()
            write_private_file(self._path, note)
            self._descriptor, self._length = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC), len(note)
        elif os.pwrite(self._descriptor, note, 0) != self._length:
            raise OSError("the note was not written as a whole")
