"""Alerts put together from examples, scanned zones and single fields; what is wrong is said before anything is sent."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agency_client.errors import UsageError
from agency_client.sending.composing import (
    Usual,
    choose_usual_purpose,
    fill_common_part,
    format_template,
    make_template,
    merge,
    read_alert_file,
    read_zone,
    set_fields,
)
from agency_client.sending.draft import AlertRefusedError, Draft, read_draft_alert
from schemas.alerts import kind_names, parse_alert
from schemas.codec import decode_json
from schemas.markings import Purpose, Tlp
from tests.support.messages import make_id

NOW = datetime(2026, 11, 21, 21, 2, 25, tzinfo=UTC)
USUAL = Usual("Second line", "officer-1a2b3c4d", Tlp.AMBER, NOW)
TD3 = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
TD1 = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
EXAMPLES = Path(__file__).parents[3] / "examples" / "alerts"


def leave_out(value: Any, names: set[str]) -> Any:
    """Return the same without these members at any depth."""
    if isinstance(value, list):
        return [leave_out(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: leave_out(item, names) for name, item in value.items() if name not in names}


NOT_TRAVELLING = {
    "thread",
    "attachment",
    "attachments",
    "images",
    "photos",
    "special_categories",
    "statements_of_account",
}
"""Pictures, and the special category that a photograph of a person is."""


@pytest.mark.parametrize("kind", kind_names())
def test_the_template_of_every_kind_is_valid_once_it_has_a_thread(kind: str) -> None:
    template = make_template(kind)
    assert "thread" not in template
    assert parse_alert({**template, "thread": make_id("thread")}).kind == kind


@pytest.mark.parametrize("kind", kind_names())
def test_the_printed_template_reads_back_as_it_was(kind: str) -> None:
    assert read_alert_file(format_template(kind).encode(), "it") == make_template(kind)


@pytest.mark.parametrize("kind", kind_names())
def test_the_templates_shipped_are_the_examples_published_without_what_does_not_travel(kind: str) -> None:
    published = decode_json((EXAMPLES / f"{kind}.json").read_bytes())
    special = published.get("special_categories", {}).get("categories", [])
    kept = set() if "biometric" in special else {"special_categories"}
    assert make_template(kind) == leave_out(published, NOT_TRAVELLING - kept)


@pytest.mark.parametrize("kind", kind_names())
def test_a_template_can_be_sent_as_it_is_whenever_that_is(kind: str) -> None:
    now = datetime(2031, 3, 5, 7, 9, tzinfo=UTC)
    draft = Draft(make_template(kind, now), Purpose.SYSTEM_TEST, "It is needed.", "case 74/08")
    alert = read_draft_alert(draft, fresh_thread=make_id("thread"))
    assert alert.data_as_of == now
    assert '"2026-1' not in format_template(kind, now)
    assert alert.reply_due is None or alert.reply_due > now


@pytest.mark.parametrize("kind", ["document-fraud", "document-verification", "facilitator"])
def test_what_names_attachments_without_their_files_is_refused_before_anything_is_sealed(kind: str) -> None:
    published = decode_json((EXAMPLES / f"{kind}.json").read_bytes())
    assert isinstance(published, dict)
    with pytest.raises(AlertRefusedError, match="no file was given for") as refused:
        read_draft_alert(
            Draft(published, Purpose.SYSTEM_TEST, "It is needed.", "case 74/08"), fresh_thread=make_id("thread")
        )
    assert (refused.value.code, refused.value.exit_code) == ("attachments-refused", 2)


def test_a_kind_nobody_knows_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        make_template("rumour")
    assert "document-fraud" in caught.value.fix


def test_a_scanned_passport_begins_a_verification_that_only_needs_a_subject() -> None:
    alert = fill_common_part(read_zone("document-verification", TD3, NOW) | {"subject": "Genuine?"}, USUAL)
    parsed = parse_alert({**alert, "thread": make_id("thread")})
    assert parsed.to_wire()["details"]["document"] == {
        "type": "passport",
        "issuing_state": "UTO",
        "number": "L898902C3",
    }
    assert parsed.nationalities() == ("UTO",)


def test_a_scanned_card_of_three_lines_begins_a_fraud_report_with_its_checks() -> None:
    document = read_zone("document-fraud", TD1, NOW)["details"]["document"]
    assert document["number"] == "D23145890"
    assert document["holder"]["surname"] == "ERIKSSON"
    assert {check["result"] for check in document["mrz"]["checks"]} <= {"pass", "absent"}


@pytest.mark.parametrize(
    ("kind", "lines"), [("document-fraud", ["NO ZONE"]), ("facilitator", TD3), ("document-fraud", TD3[:1])]
)
def test_what_is_no_zone_or_begins_no_such_kind_is_refused(kind: str, lines: list[str]) -> None:
    with pytest.raises(UsageError):
        read_zone(kind, lines, NOW)


def test_what_the_zone_says_stands_over_what_the_file_says() -> None:
    file = {"kind": "document-fraud", "subject": "s", "details": {"document": {"number": "X"}, "supplier": "Zenith"}}
    merged = merge(file, read_zone("document-fraud", TD3, NOW))
    assert merged["details"]["document"]["number"] == "L898902C3"
    assert merged["details"]["supplier"] == "Zenith"
    assert merged["subject"] == "s"


def test_fields_are_set_as_their_kind_reads_them() -> None:
    alert = set_fields(
        {"kind": "document-fraud", "details": {"supplier": "A"}},
        [
            "subject=Two passports, one photograph",
            "details.fraud_types=counterfeit, forgery",
            "details.custody.is_seized=true",
            'details.encounter={"at":"2026-11-21T18:40:00Z","place":"Brussels","state":"BEL"}',
        ],
    )
    assert alert["subject"] == "Two passports, one photograph"
    assert alert["details"]["fraud_types"] == ["counterfeit", "forgery"]
    assert alert["details"]["custody"] == {"is_seized": True}
    assert alert["details"]["encounter"]["state"] == "BEL"
    assert alert["details"]["supplier"] == "A"


def test_a_number_is_set_as_a_number() -> None:
    alert = set_fields({"kind": "outcome", "details": {}}, ["details.usefulness=4"])
    assert alert["details"]["usefulness"] == 4


@pytest.mark.parametrize("assignment", ["subject", "=x", "subject.deeper=x"])
def test_an_assignment_that_fits_nowhere_is_refused(assignment: str) -> None:
    with pytest.raises(UsageError):
        set_fields({"kind": "ping", "subject": "s"}, [assignment])


def test_setting_fields_leaves_the_alert_given_as_it_was() -> None:
    given = {"kind": "ping", "details": {"text": "a"}}
    set_fields(given, ["details.text=b"])
    assert given == {"kind": "ping", "details": {"text": "a"}}


def test_the_common_part_is_filled_only_where_nothing_was_said() -> None:
    filled = fill_common_part({"kind": "ping", "unit": "Own unit"}, USUAL)
    assert filled["unit"] == "Own unit"
    assert filled["officer"] == "officer-1a2b3c4d"
    assert filled["data_as_of"] == "2026-11-21T21:02:25Z"


@pytest.mark.parametrize("marking", list(Tlp))
def test_permitted_actions_are_never_wider_than_the_marking(marking: Tlp) -> None:
    pap = fill_common_part({}, Usual("u", "o", marking, NOW))["pap"]
    assert pap == {"amber-strict": "amber"}.get(marking.value, marking.value)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"a":1,"a":2}', b"\xff", b"{"])
def test_a_file_that_is_no_alert_is_refused_with_where_to_start(data: bytes) -> None:
    with pytest.raises(UsageError):
        read_alert_file(data, "alert.json")


def test_each_kind_has_its_usual_purpose() -> None:
    assert choose_usual_purpose("facilitator") is Purpose.MIGRANT_SMUGGLING
    assert choose_usual_purpose("document-status") is Purpose.DOCUMENT_INTEGRITY
