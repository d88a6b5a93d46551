"""Which ciphertexts belong into a backup, held so that nothing is taken away while they are copied.

On their way out: what the outbox still has to send. Fetched: what belongs to content that is still here. Each is linked
under the lock of the attachments, together with the copy of the store, and read afterwards for as long as it takes.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agency_client.attachments.clearing import is_needed, is_waiting
from agency_client.attachments.folder import LOCK, LOCK_SECONDS, KeptFile, list_incoming, list_outgoing
from agency_client.local_store.engine import Snapshot, Store
from agency_client.profiles.private_files import make_private_folder
from agency_client.profiles.profile import Profile, hold_lock


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A ciphertext as it was: its path below `attachments`, its first `size` bytes, and where they can be read."""

    path: str
    size: int
    link: Path


@contextmanager
def holding_files(
    profile: Profile, store: Store, beside: Path, copy_store: Callable[[], None], *, lock_seconds: float = LOCK_SECONDS
) -> Iterator[list[HeldFile]]:
    """Give the ciphertexts that fit the copy of the store that `copy_store` makes; `beside` is a folder of the profile.

    Raises:
        ConflictError: files are being sealed for longer than `lock_seconds`.
    """
    folder = beside / f"attachments.{os.getpid()}"
    make_private_folder(folder)
    held: list[HeldFile] = []
    try:
        with hold_lock(profile, LOCK, wait_seconds=lock_seconds):
            copy_store()
            with store.read() as snapshot:
                for direction, kept in _list_needed(profile, snapshot):
                    link = folder / f"{direction}.{kept.path.name}"
                    link.hardlink_to(kept.path)
                    held.append(HeldFile(f"{direction}/{kept.path.name}", link.stat().st_size, link))
        yield held
    finally:
        for link in folder.iterdir():
            link.unlink()
        folder.rmdir()


def _list_needed(profile: Profile, snapshot: Snapshot) -> Iterator[tuple[str, KeptFile]]:
    for kept in list_outgoing(profile):
        if is_waiting(snapshot, kept):
            yield "out", kept
    for kept in list_incoming(profile):
        if is_needed(snapshot, kept):
            yield "in", kept
