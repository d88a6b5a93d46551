"""Why a message that came in is not shown: it waits, it did not prove what it claims, or no agreement covers it."""

from agency_client.errors import ClientError, DeniedError, VerificationFailedError


class WaitingError(ClientError):
    """Something is not here yet that the answer depends on, or a party holds the agreement; it is tried again."""

    default_code = "waiting"


class WithheldError(WaitingError):
    """The message is genuine and was allowed at its leaf; a party holds the agreement, and may still let it go on."""


class UnprovenError(VerificationFailedError):
    """The message does not prove what it claims, and nothing that may still come can change that."""

    default_code = "unverifiable"


class NotCoveredError(DeniedError):
    """The message is genuine, and no agreement in force covers it: it is refused and never shown."""

    default_code = "not-covered"
