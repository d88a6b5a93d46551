"""What a step can be refused for; `code` is the problem type it is answered with (`schemas.problems`)."""


class AgreementError(ValueError):
    """A step, or a look-up of an agreement, that is refused; the text is a sentence for a person."""

    code = "step-refused"

    def __init__(self, problem: str, field: str | None = None) -> None:
        super().__init__(problem)
        self.field = field


class UnknownAgreementError(AgreementError):
    """No terms with this digest were ever proposed here."""

    code = "agreement-unknown"


class NotTheSignerError(AgreementError):
    """The caller hands in another party's step."""

    code = "not-the-sender"

    def __init__(self, agency: str, caller: str) -> None:
        super().__init__(f"the step is of {agency}, the caller is {caller}", "agency")
        self.concerns = (agency,)


class WrongExchangeError(AgreementError):
    """The step was signed for another exchange."""

    code = "wrong-exchange"


class WrongTimeError(AgreementError):
    """The step's time is too far from now."""

    code = "wrong-time"


class ChainConflictError(AgreementError):
    """The step does not continue its party's chain; the text says which number and predecessor would."""

    code = "chain-conflict"
