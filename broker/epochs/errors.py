"""What stands in the way of a backup, a restore, or a new epoch; the text says what to do."""


class EpochError(Exception):
    """A step of restoring or of moving on that cannot be taken."""


class CarryingError(EpochError):
    """Something in a database does not verify, so no new log begins with it."""

    def __init__(self, problem: str, leaf: int | None = None) -> None:
        place = "" if leaf is None else f"leaf {leaf} of "
        super().__init__(f"{place}{problem}; see `broker verify-log`")


class NotWitnessedError(EpochError):
    """What witnesses signed does not show what the operator says."""


class WrongStateError(EpochError):
    """The exchange is not in the state that this step is for."""


class BackupError(EpochError):
    """A file that is no backup, or not one of this exchange, or one that stands in the way."""
