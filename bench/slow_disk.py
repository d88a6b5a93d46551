"""`python -m bench.slow_disk serve …`: the broker on SQLite as if each fsync took 2 ms more, as on an ordinary disk.

The pause stands before each COMMIT of the writing connection, where the log is synced; what a copy of the log into the
database costs beside it, every few hundred commits, is not made slower.
"""

import runpy
import time

from sqlalchemy import Connection, Engine, event

ADDED_SECONDS = 0.002


def slow_down(engines: Engine | type[Engine]) -> None:
    """Let every commit of these engines that writes take so much longer."""

    @event.listens_for(engines, "commit")
    def pause(connection: Connection) -> None:
        if connection.engine.url.query.get("mode") != "ro":
            time.sleep(ADDED_SECONDS)


if __name__ == "__main__":
    slow_down(Engine)
    runpy.run_module("broker", run_name="__main__", alter_sys=True)
