"""What the directory can refuse; `code` is the problem type it is answered with (`schemas.problems`)."""


class DirectoryError(ValueError):
    """A key document, an enrolment or a look-up that the directory refuses; the text is a sentence for a person."""

    code = "not-found"


class UnknownMemberError(DirectoryError):
    """Nobody of this name is enrolled."""

    def __init__(self, agency: str) -> None:
        super().__init__(f"{agency} is not enrolled at this exchange")


class NotTheSignerError(DirectoryError):
    """The caller hands in a document of another member."""

    code = "not-the-sender"

    def __init__(self, agency: str, caller: str) -> None:
        super().__init__(f"agency: the document is of {agency}, the caller is {caller}")
        self.concerns = (agency,)


class WrongExchangeError(DirectoryError):
    """The document was made for another exchange."""

    code = "wrong-exchange"

    def __init__(self, found: str, exchange: str) -> None:
        super().__init__(f"exchange: the document is for {found}, this is {exchange}")


class WrongTimeError(DirectoryError):
    """A time in the document is not one that can be accepted now."""

    code = "wrong-time"


class EnrolmentError(DirectoryError):
    """A member cannot be enrolled with this file."""

    code = "key-set-refused"
