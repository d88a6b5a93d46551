"""`python -m tests.faults.clocked_broker serve …`: a broker whose clock is wrong by the seconds written in a file.

The file is named by the environment and read at every look at the time, so that a test moves a running broker's clock.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.cli import main
from broker.clock import SystemClock

OFFSET_FILE = "BILATERAL_TEST_CLOCK_OFFSET"


def tell_wrong_time(_clock: SystemClock) -> datetime:
    """Return the present moment, as wrong as the file says."""
    return datetime.now(UTC) + timedelta(seconds=int(Path(os.environ[OFFSET_FILE]).read_text() or "0"))


if __name__ == "__main__":
    setattr(SystemClock, "now", tell_wrong_time)  # noqa: B010 - a method of a class is replaced on purpose
    main()
