"""What the log cannot do, and what its readers ask wrongly; `code` is the problem type of the answer."""


class LogError(Exception):
    """What the log cannot do; `code` is the problem type it is answered with."""

    code = "unavailable"


class BeyondCheckpointError(LogError):
    """A position that no signed checkpoint covers."""

    code = "range-refused"

    def __init__(self, asked: int, size: int) -> None:
        super().__init__(f"position {asked} is beyond the newest checkpoint, which covers {size} leaves")


class RangeError(ValueError):
    """A range of leaves that is none."""

    code = "range-refused"
