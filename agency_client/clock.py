"""The one place where the agency client reads the time; flows take a `Clock`, rules take a moment."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the present moment: UTC, whole seconds, as every document spells it."""

    def now(self) -> datetime:
        """Return the present moment."""
        ...


class SystemClock:
    """The host's clock."""

    def now(self) -> datetime:
        """Return the host's time in UTC, cut to whole seconds."""
        return datetime.now(UTC).replace(microsecond=0)
