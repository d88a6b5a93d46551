"""Evidence in answers: that a record stands in the log, and that it is about exactly what was asked.

A proof of inclusion alone proves that something is in the log. Every member that matters is compared with what it must
say, so that the proof of another record cannot pass for this one's.
"""

from collections.abc import Mapping

from agency_client.witness.observer import CheckpointObserver, LogError
from schemas.api import Evidence, LoggedRecord
from schemas.log.records import Record, RecordType


def accept_evidence(
    observer: CheckpointObserver, evidence: Evidence, record_type: RecordType, expected: Mapping[str, object]
) -> LoggedRecord:
    """Observe an answer's checkpoint, verify its proof, and return the leaf if it is about what was handed in.

    Raises:
        LogError: the checkpoint, the proof or a member of the record does not hold.
        EquivocationError: the checkpoint proves two histories.
    """
    verify_record_says(evidence.leaf.record, record_type, expected)
    checkpoint = observer.observe(evidence.checkpoint)
    observer.verify_record(evidence.leaf, evidence.proof, checkpoint)
    return evidence.leaf


def verify_record_says(record: Record, record_type: RecordType, expected: Mapping[str, object]) -> None:
    """Verify a record's type and each of the members named in `expected`.

    Raises:
        LogError: one of them says something else; the member is named.
    """
    if record.type is not record_type:
        raise LogError(f"a record of type {record_type.value} is expected, not {record.type.value}")
    for name, value in expected.items():
        found = getattr(record, name)
        if found != value:
            raise LogError(f"the record's {name} is {found}, expected is {value}")
