"""What an alert may say because of who says it to whom: by the states that the agencies' own key sets name. Pure.

Only the state that issued a document reports its status; movements are told of citizens of the two parties alone. The
state of an agency stands in its key set, under its roots: no message can claim another. Both ends call these, of what a
message says and of what a correction has it say.
"""

from schemas.alerts.base import Alert
from schemas.alerts.kinds.document_status import DocumentStatus, verify_issuer
from schemas.alerts.kinds.movement_notice import MovementNotice, verify_nationality
from schemas.alerts.registry import AlertError
from schemas.identifiers.numbers import normalise_document_number
from schemas.identifiers.states import canonicalise_state


class StateUnknownError(AlertError):
    """An agency's key set names no state, and the alert depends on which it is."""

    code = "state-unknown"


class AnotherDocumentError(AlertError):
    """A correction turns the report of one document into that of another."""

    code = "another-document"


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


def verify_same_document(before: Alert, after: Alert) -> None:
    """Check that a report is of the same document once it is corrected: challenges follow the document reported.

    Raises:
        AnotherDocumentError: it is of another one.
    """
    for field in ("number", "issuing_state"):
        if _identify(before, field) != _identify(after, field):
            raise AnotherDocumentError(
                "another document is reported in a report of its own; withdraw this one", f"details.{field}"
            )


def _identify(alert: Alert, field: str) -> str | None:
    """Return what names the document of a report, as copies of it meet; None of anything else."""
    details = alert.details
    if not isinstance(details, DocumentStatus):
        return None
    if field == "issuing_state":
        return canonicalise_state(details.issuing_state)
    return None if details.number is None else normalise_document_number(details.number)


def _demand_state(agency: str, state: str | None, field: str) -> str:
    if state is None:
        raise StateUnknownError(f"the key set of {agency} names no state, and this depends on it", field)
    return state
