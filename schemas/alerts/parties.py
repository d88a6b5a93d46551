"""What an alert may say because of who says it to whom: by the states that the agencies' own key sets name. Pure.

Only the state that issued a document reports its status; movements are told of citizens of the two parties alone. The
state of an agency stands in its key set, under its roots: no message can claim another. Both ends call these.
"""

from schemas.alerts.base import Alert
from schemas.alerts.kinds.document_status import DocumentStatus, verify_issuer
from schemas.alerts.kinds.movement_notice import MovementNotice, verify_nationality
from schemas.alerts.registry import AlertError


class StateUnknownError(AlertError):
    """An agency's key set names no state, and the alert depends on which it is."""

    code = "state-unknown"


def verify_reporter(alert: Alert, agency: str, state: str | None) -> None:
    """Check that an agency, whose key set names this state, may report what the alert reports as its own.

    Raises:
        NotIssuerError: another state issues such documents.
        StateUnknownError: the agency's key set names no state.
    """
    if isinstance(alert.details, DocumentStatus):
        verify_issuer(alert, _demand_state(agency, state, "details.issuing_state"))


def verify_subject(alert: Alert, sender: tuple[str, str | None], recipient: tuple[str, str | None]) -> None:
    """Check that an alert is about somebody whom it may be about between two agencies, each with its state.

    It holds for every leg by itself: what is passed on is between who passes it on and who gets it.

    Raises:
        NotACitizenError: a movement of a citizen of neither state, or also of a third.
        StateUnknownError: the key set of one of them names no state.
    """
    if isinstance(alert.details, MovementNotice):
        one, other = (_demand_state(*party, "details.nationality") for party in (sender, recipient))
        verify_nationality(alert, (one, other))


def _demand_state(agency: str, state: str | None, field: str) -> str:
    if state is None:
        raise StateUnknownError(f"the key set of {agency} names no state, and this depends on it", field)
    return state
