"""Every failure of a verb in one place: its stable code, the sentence, the fix, and the exit code.

Only a mistake in the program itself has no sentence of its own; it names its place and no content, since messages of
unknown exceptions may hold personal data.
"""

import traceback
from dataclasses import dataclass
from pathlib import Path

from agency_client.errors import ClientError
from agency_client.terminal.exit_codes import ExitCode


@dataclass(frozen=True, slots=True)
class Failure:
    """What is told of a failure, and how the process ends."""

    code: str
    sentence: str
    fix: str
    exit_code: ExitCode


def describe_failure(error: BaseException) -> Failure:
    """Return what to tell of an exception that ended a verb."""
    if isinstance(error, ClientError):
        return Failure(error.code, error.sentence, error.fix, error.exit_code)
    if isinstance(error, KeyboardInterrupt):
        return Failure("interrupted", "interrupted", "", ExitCode.INTERRUPTED)
    if isinstance(error, EOFError):
        return Failure("interrupted", "the input ended before the answer", "", ExitCode.INTERRUPTED)
    if _is_unverified(error):
        return Failure(str(getattr(error, "code", "malformed")), str(error), "", ExitCode.VERIFICATION_FAILED)
    if isinstance(error, OSError):
        return _describe_os_error(error)
    return _describe_mistake(error)


def _is_unverified(error: BaseException) -> bool:
    # Imported here: when nothing fails, neither the codec nor the tree need be loaded for this.
    from keys.container import ContainerError
    from keys.errors import KeysError
    from schemas.codec import CodecError
    from schemas.log.tree import LogProofError

    return isinstance(error, ContainerError | KeysError | CodecError | LogProofError)


def _describe_os_error(error: OSError) -> Failure:
    reason = error.strerror or type(error).__name__
    sentence = f"{error.filename}: {reason}" if error.filename is not None else reason
    if isinstance(error, FileNotFoundError):
        return Failure("file-missing", sentence, "", ExitCode.NOT_FOUND)
    if isinstance(error, FileExistsError):
        return Failure("file-exists", sentence, "name another file; nothing is overwritten", ExitCode.CONFLICT)
    return Failure("system", sentence, "", ExitCode.FAILED)


def _describe_mistake(error: BaseException) -> Failure:
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
    return Failure(
        "internal",
        f"a mistake in this program: {type(error).__name__} at {place}",
        "run it again with BILATERAL_DEBUG=1 and report what it prints",
        ExitCode.FAILED,
    )
