"""The agency client's one tree of errors: a stable code, a sentence that names what is wrong, and the fix.

A flow raises the class that fits and gives it the narrower `code` where a script wants to tell cases apart. The command
line maps every one of them to an exit code in one place (`agency_client.cli.app`).
"""

from typing import ClassVar

from agency_client.terminal.exit_codes import ExitCode


class ClientError(Exception):
    """Something a person can act on.

    `code` is stable, `sentence` says what happened, `fix` what to do (may be empty).
    """

    default_code: ClassVar[str] = "failed"
    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, sentence: str, *, fix: str = "", code: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.fix = fix
        self.code = code or self.default_code


class UsageError(ClientError):
    """The command was called in a way it does not understand, or lacks something that it may not ask for."""

    default_code = "usage"
    exit_code = ExitCode.USAGE


class NotFoundError(ClientError):
    """What was named does not exist here."""

    default_code = "not-found"
    exit_code = ExitCode.NOT_FOUND


class NotAuthenticatedError(ClientError):
    """Nobody has shown yet that they may use this profile, or the broker does not know this node."""

    default_code = "not-authenticated"
    exit_code = ExitCode.NOT_AUTHENTICATED


class LockedError(NotAuthenticatedError):
    """The profile is locked: no passphrase was given and no unlock is alive."""

    default_code = "locked"


class DeniedError(ClientError):
    """An agreement, a handling rule or the agency's own policy forbids it."""

    default_code = "denied"
    exit_code = ExitCode.DENIED


class VerificationFailedError(ClientError):
    """Something did not prove what it claims; nothing of it is used."""

    default_code = "verification-failed"
    exit_code = ExitCode.VERIFICATION_FAILED


class OfflineError(ClientError):
    """The broker was not reached; what was to be sent is in the outbox."""

    default_code = "offline"
    exit_code = ExitCode.OFFLINE_QUEUED


class ConflictError(ClientError):
    """It contradicts what is already recorded, or somebody else holds it now."""

    default_code = "conflict"
    exit_code = ExitCode.CONFLICT
