"""A look at what others have written, shared by all who want one at the same time.

However many ask, looks come one after the other and not more often than every `SPACING_SECONDS`: so a flood of things
that must be refused costs the database no more than that. Whoever asks gets a look that began after that, never one
that was on its way: it may have missed what is asked for.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

SPACING_SECONDS = 0.02

Seen = TypeVar("Seen")


class SharedLook(Generic[Seen]):
    """Takes looks by calling `look`, which may wait for the database, on a thread. For one event loop."""

    def __init__(self, look: Callable[[], Seen]) -> None:
        self._look = look
        self._running: asyncio.Future[Seen] | None = None
        self._next: asyncio.Future[Seen] | None = None
        self._began_at = -SPACING_SECONDS

    async def take(self) -> Seen:
        """Return what a look sees that begins from now on.

        Raises:
            Exception: whatever `look` raises.
        """
        if self._next is None:
            self._next = asyncio.ensure_future(self._begin_after(self._running))
        return await asyncio.shield(self._next)  # who goes away takes it from nobody else

    async def _begin_after(self, running: asyncio.Future[Seen] | None) -> Seen:
        if running is not None and not running.done():
            await asyncio.wait([running])
        await asyncio.sleep(self._began_at + SPACING_SECONDS - monotonic())
        self._running, self._next, self._began_at = self._next, None, monotonic()
        return await asyncio.to_thread(self._look)
