"""Named places where a test can kill this very process, to prove what survives a crash between two steps.

`BILATERAL_FAILPOINT=commit.after-commit:3` kills it (SIGKILL, nothing is flushed or closed) the third time that place
is reached. Nothing is armed unless the settings say that this is a test; an unarmed place costs one comparison.
"""

import os
import re
import signal
from collections.abc import Mapping

ENVIRONMENT_VARIABLE = "BILATERAL_FAILPOINT"

_SPECIFICATION = re.compile(r"(?P<name>[a-z0-9-]+(\.[a-z0-9-]+)+)(:(?P<nth>[1-9][0-9]*))?", re.ASCII)


class _Trap:
    """The one place that is armed, if any."""

    name: str | None = None
    passes_left = 0

    def spring(self) -> None:
        self.passes_left -= 1
        if self.passes_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


_trap = _Trap()


class FailpointError(RuntimeError):
    """A failpoint was asked for where none may be, or in words that name none."""


def arm_failpoint(environment: Mapping[str, str], *, allowed: bool) -> None:
    """Arm the failpoint that the environment names, if it names one.

    Raises:
        FailpointError: it names one and this is no test, or the words are not `area.step` or `area.step:nth`.
    """
    specification = environment.get(ENVIRONMENT_VARIABLE)
    if not specification:
        _trap.name = None
        return
    if not allowed:
        raise FailpointError(f"{ENVIRONMENT_VARIABLE} is set: it kills the broker on purpose and is for tests only")
    match = _SPECIFICATION.fullmatch(specification)
    if match is None:
        raise FailpointError(f"{ENVIRONMENT_VARIABLE} reads area.step or area.step:nth")
    _trap.name, _trap.passes_left = match["name"], int(match["nth"] or 1)


def failpoint(name: str) -> None:
    """Kill this process here if a test armed this place."""
    if _trap.name == name:
        _trap.spring()
