"""One person's data: found everywhere by any of their documents or names, told to them without what must be withheld."""

from dataclasses import replace
from typing import Any

import pytest

from agency_client.duties.subject_report import SubjectQuery, SubjectReport, report_subject
from agency_client.errors import UsageError
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.content import erase_content
from agency_client.reading.messages import read_message
from agency_client.sending.flow import SendReport, send_alert
from agency_client.terminal.subject_pages import write_for_person
from schemas.log.records import Action
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld

PASSPORT = SubjectQuery(documents=("UTO:L898902C3",))
HOLDER = SubjectQuery(name="eriksson, Anna María", birth_date="1974-08-12")


def send_fraud(world: LyingWorld, terms: Any, **members: Any) -> SendReport:
    """Let GB send VN a false passport that names ERIKSSON, without what keeps a person from knowing of it."""
    draft = make_draft("VN", agreement=terms.id)
    report = send_alert(world["GB"], replace(draft, alert={**draft.alert, "caveats": [], **members} | members))
    return report


def find(world: LyingWorld, agency: str, query: SubjectQuery, report: SendReport) -> list[Any]:
    """Return what a report says of one message."""
    found = report_subject(world[agency], query, reason="request 12/26")
    return [item for item in found.messages if item.message_id == report.legs[0].message_id]


def test_a_person_is_found_by_document_and_by_name_in_any_order(world: LyingWorld, terms: Any) -> None:
    sent = send_fraud(world, terms, caveats=[{"code": "no-torture-risk"}])
    for query in (PASSPORT, HOLDER, SubjectQuery(documents=("uto:l898902c3",))):
        (item,) = find(world, "GB", query, sent)
        assert (item.is_own, item.partner, item.is_possible, item.is_held) == (True, "VN", False, True)
        assert "holder" in item.roles
    assert find(world, "GB", SubjectQuery(documents=("GBR:L898902C3",)), sent) == [], "another state's number"
    assert find(world, "GB", replace(HOLDER, birth_date="1974-08-13"), sent) == [], "a namesake"
