"""What storing can refuse; `code` is the problem type it is answered with (`schemas.problems`)."""


class StoreError(Exception):
    """A write was not carried out, or cannot be answered for; nothing was answered as accepted."""

    code = "unavailable"
    retry_after_seconds = 5


class StoreBusyError(StoreError):
    """More writes are waiting than the broker lets queue up."""

    code = "busy"
    retry_after_seconds = 1

    def __init__(self, sentence: str = "too many writes are waiting; try again shortly") -> None:
        super().__init__(sentence)


class MemberBusyError(StoreBusyError):
    """One member has as many writes waiting as it may; the others' are taken."""

    code = "member-busy"

    def __init__(self, agency: str, waiting: int) -> None:
        super().__init__(f"{agency} has {waiting} writes waiting here already; try again shortly")


class StoreClosedError(StoreError):
    """The writer is closing or closed."""

    def __init__(self) -> None:
        super().__init__("the broker is stopping and takes no more writes")


class StoreUnreachableError(StoreError):
    """The database server cannot be reached, or went away in the middle; nothing was committed."""

    def __init__(self, sentence: str = "the database cannot be reached; try again") -> None:
        super().__init__(sentence)


class DatabaseBusyError(StoreUnreachableError):
    """The database is there and could not do it now: it waited for a lock, was told to stop, or had no room for it.

    For whoever waits for the database both are one: it is asked again. Nothing was committed.
    """

    code = "busy"

    def __init__(self) -> None:
        super().__init__("the database cannot do it now; try again shortly")


class DatabaseInUseError(StoreError):
    """Somebody else holds the database's lock: brokers serve, or an operator's command has it to itself."""

    def __init__(self) -> None:
        super().__init__("another broker, or an operator's command that works alone, has the exchange's database open")


class CommitFailedError(StoreError):
    """The batch could not be committed: none of its operations may be taken as done."""

    def __init__(self) -> None:
        super().__init__("the store could not commit; nothing was accepted")


class CommitUnknownError(StoreError):
    """Whether the batch is kept cannot be told: nothing of it may be taken as done, nor as not done."""

    def __init__(self, reason: str = "the database did not say") -> None:
        super().__init__(f"whether it was stored is not known: ask again ({reason})")


class CommitUnansweredError(StoreError):
    """The batch was committed, but its answers could not be signed: whoever asks again gets the same answer."""

    def __init__(self) -> None:
        super().__init__("stored, and the answer could not be signed; ask again")


class SchemaKeptError(Exception):
    """A schema that was set aside earlier is still there."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the database has a schema {name} from an earlier restore: drop it, or give it another name, first"
        )
