"""Who waits for an inbox to fill: no database session is held, a commit wakes them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


async def wait_for_bell(bell: asyncio.Event, seconds: float) -> None:
    """Return when it rings or the time is over."""
    try:
        async with asyncio.timeout(seconds):
            await bell.wait()
    except TimeoutError:
        return


class Waiters:
    """The requests that wait, by agency; used on one event loop only."""

    def __init__(self) -> None:
        self._bells: dict[str, set[asyncio.Event]] = {}
        self.is_closed = False

    @contextmanager
    def listen(self, agency: str) -> Iterator[asyncio.Event]:
        """Lend an event that is set whenever something comes for `agency`; listen before you look."""
        bell = asyncio.Event()
        bells = self._bells.setdefault(agency, set())
        bells.add(bell)
        try:
            yield bell
        finally:
            bells.discard(bell)
            if not bells:
                del self._bells[agency]

    def list_agencies(self) -> list[str]:
        """Return for whose inboxes somebody waits."""
        return sorted(self._bells)

    def wake(self, agency: str) -> None:
        """Wake everybody who waits for this agency's inbox."""
        for bell in self._bells.get(agency, ()):
            bell.set()

    def close(self) -> None:
        """Wake everybody and let nobody wait any more: the broker is stopping."""
        self.is_closed = True
        for agency in self._bells:
            self.wake(agency)
