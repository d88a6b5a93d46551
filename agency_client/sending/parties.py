"""What stands in the way of a recipient because of whose report it is, or whose citizen it is about."""

from agency_client.errors import ClientError
from agency_client.local_store.engine import Snapshot
from agency_client.node import Node
from schemas.agreements.coverage import Finding
from schemas.alerts.base import Alert
from schemas.alerts.parties import verify_reporter, verify_subject
from schemas.alerts.registry import AlertError


def find_party_obstacles(
    node: Node, snapshot: Snapshot, alert: Alert, recipient: str, *, is_passed_on: bool
) -> tuple[Finding, ...]:
    """Return why this agency may not say this to a recipient; nothing where it may.

    What is passed on is its originator's report; that was verified when it came.
    """
    own = node.read_own_key_set(snapshot).key_set.state
    try:
        theirs = node.directory.read_trusted_timeline(snapshot, recipient).state
    except ClientError:
        return ()  # Whoever is not known, or not trusted, is refused for that.
    try:
        if not is_passed_on:
            verify_reporter(alert, node.agency, own)
        verify_subject(alert, (node.agency, own), (recipient, theirs))
    except AlertError as error:
        return (Finding(error.code, str(error)),)
    return ()
