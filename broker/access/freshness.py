"""How old may be what a broker knows of keys when it lets somebody in: seconds, where others write as well."""

from typing import Protocol


class Freshness(Protocol):
    """Sees to it that the directory in memory is not older than may be."""

    @property
    def is_stale(self) -> bool:
        """Whether what other brokers wrote may be missing for longer than is allowed."""
        ...

    async def renew(self) -> None:
        """Look now.

        Raises:
            StoreUnreachableError: the database cannot be read; then nobody is let in.
        """
        ...


class AlwaysFresh:
    """Where one broker alone writes, what it knows is what there is."""

    @property
    def is_stale(self) -> bool:
        """Return False."""
        return False

    async def renew(self) -> None:
        """Do nothing."""
