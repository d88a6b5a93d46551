"""What a node says when the exchange's log is not the one it has accepted."""

from agency_client.errors import DeniedError, OfflineError, VerificationFailedError

ACCEPT = "two officers must accept it, each from the exchange's new paper: agency exchange accept SHEET"


class NewLogError(OfflineError):
    """The exchange speaks under an epoch that nobody has accepted here: nothing it says is used until then."""

    default_code = "new-log"

    def __init__(self, claimed_origin: str, accepted_origin: str) -> None:
        super().__init__(
            f"the exchange has begun a new log, {claimed_origin}; this node has accepted {accepted_origin}. "
            "Nothing is sent, and all of it is kept",
            fix=ACCEPT,
        )


class EpochRefusedError(VerificationFailedError):
    """A new log that does not go on from what this node saw."""

    default_code = "epoch-refused"


class ApprovalError(DeniedError):
    """What was to be approved cannot be approved, or not by this person."""

    default_code = "approval-refused"
