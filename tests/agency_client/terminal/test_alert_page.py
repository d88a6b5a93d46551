"""An alert as a page: facts apart from assessments, nothing left out, the zone as printed."""

import re
from pathlib import Path
from typing import Any

import pytest

from agency_client.terminal.alert_page import Block, make_banner_rules, make_page
from schemas.alerts import kind_names, parse_alert
from schemas.codec import decode_json

MOMENT = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\dZ$")
EXAMPLES = Path(__file__).parents[3] / "examples"


def load(kind: str, **members: Any) -> Any:
    """Return the filled example of a kind, with what a test changes."""
    return parse_alert(decode_json((EXAMPLES / "alerts" / f"{kind}.json").read_bytes()) | members)


def find(blocks: list[Block], title: str) -> list[tuple[str, str]]:
    """Return the lines of a block."""
    return list(next(block.lines for block in blocks if block.title == title))


def list_values(value: Any) -> list[str]:
    """Return every text and number somewhere in a decoded document."""
    if isinstance(value, dict):
        said = [item for name, item in value.items() if name != "normalised"]  # made here from what was seen
        return [text for item in said for text in list_values(item)]
    if isinstance(value, list):
        return [text for item in value for text in list_values(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("kind", kind_names())
def test_every_kind_has_a_page_on_which_nothing_of_its_details_is_left_out(kind: str) -> None:
    alert = load(kind)
    page = "\n".join(text for block in make_page(alert) for _, text in block.lines)
    texts = [text for text in list_values(alert.to_wire()["details"]) if " " in text or text.isupper()]
    shown = [MOMENT.sub(r"\1 \2", text) for text in texts]
    missing = [line for text in shown for line in text.split("\n") if line not in page]
    assert missing == []


def test_facts_and_assessments_stand_apart() -> None:
    blocks = make_page(load("document-fraud"))
    assert find(blocks, "Facts")[0][1].startswith("The data page is printed by inkjet")
    assert find(blocks, "Assessments")[0][1] == "The same supplier made the two linked documents."


def test_the_zone_stands_as_it_was_printed_with_what_its_digits_say() -> None:
    lines = [text for _, text in find(make_page(load("document-fraud")), "Details")]
    at = lines.index("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<")
    assert lines[at + 1] == "L898902C36UTO7408122F1204159ZE184226B<<<<<14"
    assert "fail: composite, printed 4, computed 0" in lines


def test_persons_have_their_roles_in_words() -> None:
    titles = [block.title for block in make_page(load("facilitator"))]
    assert "Person subject: Suspect" in titles


def test_the_banner_says_what_may_be_done_and_what_never() -> None:
    rules = make_banner_rules(load("facilitator"))
    assert rules.startswith("PAP:RED · H1")
    assert "No contact with the subject's relatives." in rules


def test_a_text_of_several_lines_becomes_lines_of_its_own() -> None:
    statements = [{"text": "One line.\nfrom\tNobody", "basis": "fact"}]
    assert find(make_page(load("document-fraud", statements=statements)), "Facts") == [
        ("1", "One line."),
        ("", "from\tNobody"),
    ]


def test_a_number_is_shown_as_seen_with_its_normal_form_and_what_is_wrong_in_words() -> None:
    seen = [{"as_seen": "+44 7700 900123"}, {"as_seen": "01632 960001"}, {"as_seen": "020 7946 0018", "state": "GBR"}]
    phones = [{"number": number} for number in seen]
    alert = load("facilitator", details={"person": "subject", "roles": ["organiser"], "phones": phones})
    lines = [text for label, text in find(make_page(alert), "Details") if label == "phones"]
    assert lines == [
        "number: +44 7700 900123 (Possible by its length, but in a range that is not in use)",
        "number: 01632 960001 (Without a country code: the country is not known)",
        "number: 020 7946 0018 = +442079460018; number state: GBR",
    ]


def test_what_its_sender_found_otherwise_stands_beside_what_is_found_here() -> None:
    device = {"as_seen": "490154203237517", "normalised": "490154203237518", "findings": ["valid"]}
    alert = load("facilitator", details={"person": "subject", "roles": ["organiser"], "devices": [device]})
    ((_, line),) = [item for item in find(make_page(alert), "Details") if item[0] == "devices"]
    assert line == (
        "490154203237517 (Its check digit or checksum is wrong) "
        "[the sender found: Well-formed, and its check digit (if it has one) is right, as 490154203237518]"
    )
