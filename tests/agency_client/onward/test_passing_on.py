"""A message goes on by the originator's leave alone, and the leave travels with it."""

from agency_client.local_store.inbox import InboxState
from agency_client.local_store.onward import find_original_of_copy, list_onward_copies
from tests.support.onward import AL, BE, VN, Row


def test_what_the_originator_consented_to_arrives_with_its_consent(row: Row) -> None:
    held = row.send(VN, BE)
    consent = row.consent(BE, held, AL)
    copy = row.pass_on(BE, held, AL)
    arrived = row.take_in(AL, copy)

    assert (arrived.state, arrived.problem) == (InboxState.OPENED, None)
    assert copy.way == "VN → BE → AL"
    with row[AL].store.read() as snapshot:
        origin = find_original_of_copy(snapshot, arrived.digest)
    assert origin is not None
    assert (origin.originator, origin.path, origin.consent_digest) == (VN, (VN, BE), consent.digest)
    assert origin.original.digest == held.digest
    with row[BE].store.read() as snapshot:
        (known,) = list_onward_copies(snapshot, held.digest)
    assert (known.copy_digest, known.recipient, known.consent_digest) == (arrived.digest, AL, consent.digest)
