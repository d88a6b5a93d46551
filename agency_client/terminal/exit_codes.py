"""The exit codes of the command line, each with one meaning that a script can rely on."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says to its caller when it ends."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    NOT_AUTHENTICATED = 4
    DENIED = 5
    VERIFICATION_FAILED = 6
    OFFLINE_QUEUED = 7
    CONFLICT = 8
    INTERRUPTED = 130
