"""One at a time works on an upload: a request, or the sweep that removes what has ended. In memory, of one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from broker.attachments.rules import UploadKey


class Turns:
    """Whose turn it is at each upload. For the event loop's thread."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[UploadKey, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def take(self, key: UploadKey) -> AsyncIterator[None]:
        """Wait for a turn and keep it: the request before may be on a line that broke."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            yield

    def is_taken(self, key: UploadKey) -> bool:
        """Return whether somebody works on an upload now."""
        lock = self._locks.get(key)
        return lock is not None and lock.locked()
