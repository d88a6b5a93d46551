"""One person's data: found everywhere by any document or name, and told to them without what must be withheld."""

from dataclasses import replace
from typing import Any

import pytest

from agency_client.duties.subject_report import HeldMessage, SubjectQuery, list_query_keys, report_subject
from agency_client.errors import UsageError
from agency_client.local_store.access_log import list_entries
from agency_client.local_store.content import erase_content
from agency_client.reading.messages import read_message
from agency_client.sending.flow import SendReport, send_alert
from agency_client.terminal.subject_pages import write_for_person
from schemas.alerts import parse_alert
from schemas.alerts.kinds.document_verification import DocumentVerification
from schemas.alerts.subjects import list_subject_keys
from schemas.log.records import Action
from tests.schemas.alerts.filled import load
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld

PASSPORT = SubjectQuery(documents=("UTO:L898902C3",))
HOLDER = SubjectQuery(name="eriksson, Anna María", birth_date="1974-08-12")


def send_fraud(world: LyingWorld, terms: Any, **members: Any) -> SendReport:
    """Let GB tell VN of a false passport that names ERIKSSON; VN collects it."""
    draft = make_draft("VN", agreement=terms.id)
    report = send_alert(world["GB"], replace(draft, alert={**draft.alert, **members}))
    world.collect("VN")
    return report


def find(world: LyingWorld, agency: str, query: SubjectQuery, sent: SendReport) -> list[HeldMessage]:
    """Return what a report says of one message."""
    found = report_subject(world[agency], query, reason="request 12/26")
    return [item for item in found.messages if item.message_id == sent.legs[0].message_id]


def test_a_person_is_found_by_document_and_by_name_at_both_sides(world: LyingWorld, terms: Any) -> None:
    sent = send_fraud(world, terms)
    for query in (PASSPORT, HOLDER, SubjectQuery(documents=("uto:l 898902-c3",))):
        (own,) = find(world, "GB", query, sent)
        (received,) = find(world, "VN", query, sent)
        assert (own.is_own, own.partner, received.is_own, received.partner) == (True, "VN", False, "GB")
        for item in (own, received):
            assert (item.is_possible, item.is_held, item.agreement) == (False, True, terms.title)
            assert item.purpose == "document-integrity"
            assert "holder" in item.roles


def test_spellings_of_a_telephone_number_and_an_address_meet() -> None:
    spelt = SubjectQuery(phones=("+44 (0)7700 900-123",), emails=(" ChiHai@Example.ORG",))
    assert list_query_keys(spelt) == list_query_keys(
        SubjectQuery(phones=("+447700900123",), emails=("chihai@example.org",))
    )


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("facilitator", SubjectQuery(ibans=("gb82west12345698765432",))),
        ("facilitator", SubjectQuery(wallets=(" TPL66VK2gCXNCD7EJg9pgJRfqcRazjhUZY",))),
        ("conveyance", SubjectQuery(plates=("ab12-cde",))),
    ],
    ids=["account", "wallet, its chain unknown", "plate"],
)
def test_accounts_wallets_and_plates_lead_to_what_speaks_of_them(kind: str, query: SubjectQuery) -> None:
    known = {(key.type, key.value) for key in list_subject_keys(parse_alert(load(kind)))}
    assert {(key.type, key.value) for key in list_query_keys(query)} & known


def test_another_person_is_not_found(world: LyingWorld, terms: Any) -> None:
    sent = send_fraud(world, terms)
    for query in (
        SubjectQuery(documents=("GBR:L898902C3",)),
        replace(HOLDER, birth_date="1974-08-13"),
        replace(HOLDER, name="Anna Eriksson"),
        SubjectQuery(phones=("+447700900999",)),
    ):
        assert find(world, "GB", query, sent) == [], query


def test_what_is_found_by_a_bare_number_may_be_anothers(world: LyingWorld, terms: Any) -> None:
    sent = send_fraud(world, terms)
    (item,) = find(world, "GB", SubjectQuery(documents=("UTO:L898903A1",)), sent)  # a linked document, of no state
    assert item.is_possible
    told = report_subject(world["GB"], SubjectQuery(documents=("UTO:L898903A1",)), reason="request 12/26")
    assert item.message_id not in {entry["id"] for entry in write_for_person(told)["messages"]}


def test_who_read_it_why_and_to_whom_it_went_is_told(world: LyingWorld, terms: Any) -> None:
    sent = send_fraud(world, terms)
    read_message(world["VN"], sent.legs[0].message_id, reason="traveller at gate B14")
    (received,) = find(world, "VN", PASSPORT, sent)
    assert [(entry.action, entry.reason) for entry in received.accesses] == [
        (Action.COLLECTION, "received over the exchange"),
        (Action.CONSULTATION, "traveller at gate B14"),
    ]
    (own,) = find(world, "GB", PASSPORT, sent)
    (disclosure,) = own.disclosures
    assert disclosure.agency == "VN"
    assert own.legal_basis == terms.legal_basis


def test_what_was_erased_is_still_found_and_says_when(world: LyingWorld, terms: Any) -> None:
    sent = send_fraud(world, terms)
    node, leg = world["GB"], sent.legs[0]
    with node.store.write() as transaction:
        note = node.note_access(Action.ERASURE, "erase", "its time is over", message=leg.message_id)
        erase_content(transaction, leg.digest, note)
    (item,) = find(world, "GB", PASSPORT, sent)
    assert (item.is_held, item.erased_because) == (False, "its time is over")
    assert item.erased_at is not None


def test_references_end_with_the_row_that_says_a_message_was_here(world: LyingWorld, terms: Any) -> None:
    sent = send_fraud(world, terms)
    with world["VN"].store.write() as transaction:
        transaction.execute("DELETE FROM inbox_message WHERE digest = ?", sent.legs[0].digest)
        left = transaction.fetch_value("SELECT count(*) FROM subject_reference WHERE message = ?", sent.legs[0].digest)
    assert left == 0


def test_the_person_is_not_told_what_a_caveat_withholds(world: LyingWorld, terms: Any) -> None:
    open_, secret = send_fraud(world, terms), send_fraud(world, terms, caveats=[{"code": "no-contact-with-subject"}])
    report = report_subject(world["VN"], PASSPORT, reason="request 12/26")
    withheld = {item.message_id: item.is_withheld for item in report.messages}
    assert withheld[open_.legs[0].message_id] is False
    assert withheld[secret.legs[0].message_id] is True
    told = write_for_person(report)
    assert open_.legs[0].message_id in {entry["id"] for entry in told["messages"]}
    assert secret.legs[0].message_id not in str(told)
    assert world["VN"].officer not in str(told), "no officer's name, and no reason of one"


def test_a_question_is_found_again_by_its_pseudonym_on_both_sides(world: LyingWorld, terms: Any) -> None:
    sent = [send_alert(world["GB"], make_draft("VN", kind="document-verification", agreement=terms.id)) for _ in (1, 2)]
    world.collect("VN")
    found = read_message(world["VN"], sent[0].legs[0].message_id, reason="register")
    assert isinstance(found.alert.details, DocumentVerification)
    reference = found.alert.details.subject_reference
    assert reference is not None
    assert "L898902C3" not in reference
    for agency in ("GB", "VN"):
        report = report_subject(world[agency], SubjectQuery(references=(reference,)), reason="request 12/26")
        ids = {item.message_id for item in report.messages}
        assert {item.legs[0].message_id for item in sent} <= ids, "the same person, the same pseudonym"


def test_the_asking_is_on_record_without_the_name(world: LyingWorld) -> None:
    report_subject(world["GB"], HOLDER, reason="request 12/26", case="12/26")
    with world["GB"].store.read() as snapshot:
        newest = list_entries(snapshot, limit=1)[0]
        stored = snapshot.fetch_all("SELECT entry FROM access_entry")
    assert (newest.action, newest.verb, newest.reason) == (Action.COMBINATION, "subject-report", "request 12/26")
    asked = [row["entry"] for row in stored if b'"verb":"subject-report"' in row["entry"]]
    assert asked
    assert not any(b"riksson" in entry.lower() for entry in asked)


def test_nothing_of_a_name_stands_in_the_references(world: LyingWorld, terms: Any) -> None:
    send_fraud(world, terms)
    with world["GB"].store.read() as snapshot:
        rows = snapshot.fetch_all("SELECT * FROM subject_reference")
    assert rows
    assert not any(b"ERIKSSON" in row["reference"] or "L898902C3" in str(tuple(row)) for row in rows)


@pytest.mark.parametrize(
    "query",
    [
        SubjectQuery(),
        SubjectQuery(documents=("L898902C3",)),
        SubjectQuery(name="Anna"),
        SubjectQuery(birth_date="1974-08-12"),
        replace(HOLDER, birth_date="12.08.1974"),
    ],
)
def test_a_query_that_names_nobody_is_refused_before_it_is_on_record(world: LyingWorld, query: SubjectQuery) -> None:
    with pytest.raises(UsageError):
        report_subject(world["GB"], query, reason="request 12/26")
