"""What a recipient demands of an alert because of who says it: the state that a report of a document's status is of,
and whose citizens' movements are told. The states come from the key sets, under the agencies' roots. Pure.
"""

from agency_client.receiving.errors import NotCoveredError
from agency_client.receiving.rules import MessageFacts
from schemas.alerts.base import Alert
from schemas.alerts.parties import verify_reporter, verify_subject
from schemas.alerts.registry import AlertError
from schemas.envelope import Message


def verify_parties(facts: MessageFacts, message: Message, alert: Alert) -> None:
    """Verify that the sender may say this here; of what was passed on, its originator answers for what is reported.

    Raises:
        NotCoveredError: another state would have to report it, or it is of a third state's citizen.
    """
    if message.provenance is None:
        verify_author(facts.sender.agency, facts.sender.state, alert)
    sender, mine = facts.sender, facts.mine
    try:
        verify_subject(alert, (sender.agency, sender.state), (mine.agency, mine.state))
    except AlertError as error:
        raise NotCoveredError(str(error), code=error.code) from error


def verify_author(agency: str, state: str | None, alert: Alert) -> None:
    """Verify that the author of an alert, whose key set names this state, may report what it reports.

    Raises:
        NotCoveredError: another state would have to.
    """
    try:
        verify_reporter(alert, agency, state)
    except AlertError as error:
        raise NotCoveredError(str(error), code=error.code) from error
