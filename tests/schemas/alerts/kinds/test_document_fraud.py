"""document-fraud: what makes a document false is kept, never refused."""

import pytest

from schemas.alerts import parse_alert
from schemas.alerts.kinds.document_fraud import DocumentFraud
from schemas.alerts.shapes import Identifier, IdentifierType
from tests.schemas.alerts.filled import ABSENT, fields_refused, load, parse_changed

KIND = "document-fraud"


@pytest.mark.parametrize(
    "changes",
    [
        {"details.document.mrz": {"lines": ["P<QQQ", "not a zone at all"]}},
        {"details.document.mrz": {"lines": ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "0" * 44]}},
        {"details.document.issuing_state": "WSA"},
        {"details.document.holder.nationality": "QQQ"},
        {"details.document.number": "№ 12-34/京"},
        {"details.document.printed_otherwise": [{"field": "birth-date", "text": "31 FEB 1974"}]},
        {"details.document.mrz": ABSENT, "details.document.holder": ABSENT, "details.document.number": ABSENT},
        {"details.document.expires_on": "1999"},
    ],
)
def test_a_document_that_cannot_be_right_can_be_reported(changes: dict[str, object]) -> None:
    assert fields_refused(KIND, changes) == []


def test_it_says_what_kind_of_fraud_it_is_and_where_it_turned_up() -> None:
    assert fields_refused(KIND, {"details.fraud_types": ABSENT}) == ["details.fraud_types"]
    assert fields_refused(KIND, {"details.encounter": ABSENT}) == ["details.encounter"]


def test_it_is_found_by_linked_documents_series_and_flight() -> None:
    found = parse_alert(load(KIND)).identifiers()

    assert Identifier(IdentifierType.DOCUMENT_NUMBER, "L898902D4") in found
    assert Identifier(IdentifierType.SERIES, "BE-2026-17") in found
    assert Identifier(IdentifierType.FLIGHT, "XX1234") in found


def test_without_flight_bearer_and_images_there_is_nothing_to_refer_to() -> None:
    alert = parse_changed(
        KIND, {"details.encounter.flight": ABSENT, "details.bearer": ABSENT, "details.images": ABSENT}
    )

    assert isinstance(alert.details, DocumentFraud)
    assert alert.details.person_refs() == alert.details.attachment_ids() == ()
    assert IdentifierType.FLIGHT not in {identifier.type for identifier in alert.identifiers()}


@pytest.mark.parametrize("fingerprint", ["9f86", "9F" * 32, "zz" * 32])
def test_a_certificate_fingerprint_is_sha_256_in_lower_case(fingerprint: str) -> None:
    field = "details.chip.signer_certificate_sha256"

    assert fields_refused(KIND, {field: fingerprint}) == [field]


def test_an_examiner_gives_no_score() -> None:
    field = "details.bearer_comparison"
    assert fields_refused(KIND, {f"{field}.score_percent": 31}) == [f"{field}.score_percent"]
    assert fields_refused(KIND, {f"{field}.score_percent": 31, f"{field}.method": "face-matching"}) == []


def test_suppliers_and_drivers_stand_in_the_alert() -> None:
    carried = {"type": "vehicle", "vehicle": {"plates": [{"as_seen": "1-ABC-123"}]}, "driver": "somebody"}
    assert fields_refused(KIND, {"details.suppliers": ["somebody"]}) == ["persons"]
    assert fields_refused(KIND, {"details.encounter.conveyance": carried}) == ["persons"]
    found = parse_changed(KIND, {"details.encounter.conveyance": carried | {"driver": "p1"}}).identifiers()
    assert Identifier(IdentifierType.PLATE, "1ABC123") in found


@pytest.mark.parametrize("group", [0, 17, "2"])
def test_a_chip_has_sixteen_data_groups(group: object) -> None:
    assert fields_refused(KIND, {"details.chip.failed_data_groups": [group]}) == ["details.chip.failed_data_groups.0"]
