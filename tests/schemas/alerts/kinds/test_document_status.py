"""document-status: numbers and ranges, revocations that can be challenged, and who may report."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alerts import parse_alert
from schemas.alerts.kinds.document_status import (
    BlankRange,
    DocumentStatus,
    NotIssuerError,
    default_review_date,
    verify_issuer,
)
from schemas.alerts.shapes import Identifier, IdentifierType
from schemas.model import DocumentError
from tests.schemas.alerts.filled import ABSENT, fields_refused, load, parse_changed

KIND = "document-status"
ONE_LOST = {"details.status": "lost", "details.blanks": ABSENT, "details.number": "L898902C3"}
REVOCATION = {
    "reason": "obtained-by-fraud",
    "ordered_by": "Passport office",
    "ordered_on": "2026-11",
    "legal_reference": "Passport Act, section 11(1)(b)",
}
OPEN = {"lodged_on": "2026-11-21", "lodged_with": "Administrative court, Zenith", "status": "open"}


def details_of(changes: dict[str, object]) -> DocumentStatus:
    details = parse_changed(KIND, changes).details
    assert isinstance(details, DocumentStatus)
    return details


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        (ONE_LOST, []),
        ({"details.number": "L898902C3"}, ["details.number"]),
        ({"details.blanks": ABSENT}, ["details.number"]),
        ({"details.status": "stolen"}, ["details.blanks"]),
        (ONE_LOST | {"details.status": "revoked"}, ["details.revocation"]),
        (ONE_LOST | {"details.status": "revoked", "details.revocation": REVOCATION}, []),
        (ONE_LOST | {"details.revocation": REVOCATION}, ["details.revocation"]),
        ({"details.national_reference": ABSENT}, ["details.national_reference"]),
        ({"details.issuing_state": "WSA"}, ["details.issuing_state"]),
        ({"details.holder": {"surname": "ERIKSSON"}}, ["details.holder"]),
    ],
)
def test_a_report_is_consistent(changes: dict[str, object], refused: list[str]) -> None:
    assert fields_refused(KIND, changes) == refused


@pytest.mark.parametrize(
    ("revocation", "refused"),
    [
        (REVOCATION | {"reason": "court-order"}, ["details.revocation.court_reference"]),
        (REVOCATION | {"reason": "court-order", "court_reference": "UTO-C-77"}, []),
        (REVOCATION | {"reason": "other"}, ["details.revocation.words"]),
        (REVOCATION | {"reason": "other", "words": "Printed twice."}, []),
    ],
)
def test_a_revocation_gives_its_reason_in_full(revocation: dict[str, str], refused: list[str]) -> None:
    changes = ONE_LOST | {"details.status": "revoked", "details.revocation": revocation}

    assert fields_refused(KIND, changes) == refused


@pytest.mark.parametrize("missing", ["reason", "ordered_by", "ordered_on", "legal_reference"])
@pytest.mark.parametrize("reason", ["replaced", "holder-deceased", "court-order"])
def test_every_revocation_says_who_decided_it_when_why_and_under_which_law(missing: str, reason: str) -> None:
    full = REVOCATION | {"reason": reason, "court_reference": "UTO-C-77"}
    revoked = ONE_LOST | {"details.status": "revoked", "details.revocation": full}

    assert fields_refused(KIND, revoked) == []
    assert fields_refused(KIND, revoked | {f"details.revocation.{missing}": ABSENT}) == [
        f"details.revocation.{missing}"
    ]


@pytest.mark.parametrize(
    ("challenge", "refused"),
    [
        (OPEN, []),
        (OPEN | {"status": "upheld", "decided_on": "2026-12"}, []),
        (OPEN | {"status": "upheld"}, ["details.challenge.decided_on"]),
        (OPEN | {"decided_on": "2026-12"}, ["details.challenge.decided_on"]),
        (OPEN | {"status": "dismissed", "decided_on": "2026-12"}, ["details.challenge.words"]),
        (OPEN | {"status": "dismissed", "decided_on": "2026-12", "words": "The appeal was late."}, []),
        ({"lodged_on": "2026-11-21", "status": "open"}, ["details.challenge.lodged_with"]),
    ],
)
def test_a_challenge_is_told_with_what_became_of_it(challenge: dict[str, str], refused: list[str]) -> None:
    assert fields_refused(KIND, ONE_LOST | {"details.challenge": challenge}) == refused


def test_a_range_of_blanks_has_nobody_to_challenge_it() -> None:
    assert fields_refused(KIND, {"details.challenge": OPEN}) == ["details.challenge"]


@pytest.mark.parametrize("state", ["UTO"])
def test_the_issuing_state_may_report(state: str) -> None:
    verify_issuer(parse_alert(load(KIND)), state)


def test_british_codes_are_reported_by_the_united_kingdom_and_german_ones_by_germany_in_both_spellings() -> None:
    verify_issuer(parse_changed(KIND, {"details.issuing_state": "GBN"}), "GBR")
    verify_issuer(parse_changed(KIND, {"details.issuing_state": "D"}), "DEU")


def test_another_state_may_not_report_and_the_refusal_names_both() -> None:
    with pytest.raises(NotIssuerError, match=r"details\.issuing_state: .*Utopia.*Viet Nam") as refusal:
        verify_issuer(parse_alert(load(KIND)), "VNM")
    assert refusal.value.code == "not-the-issuer"


def test_other_kinds_have_no_issuer_to_verify() -> None:
    verify_issuer(parse_alert(load("ping")), "VNM")


def test_a_reported_number_is_found_in_any_spelling() -> None:
    details = details_of(ONE_LOST)

    assert details.identifiers() == (Identifier(IdentifierType.DOCUMENT_NUMBER, "L898902C3"),)
    assert details.covers("l 898902-c3")
    assert not details.covers("L898902C4")


@pytest.mark.parametrize(
    ("number", "covered"),
    [
        ("L8990001", True),
        ("L8990500", True),
        ("l 899 0250", True),
        ("L8990501", False),
        ("L8990000", False),
        ("M8990250", False),
        ("L899025", False),
        ("L89902500", False),
        ("8990250", False),
        ("", False),
    ],
)
def test_a_range_of_blanks_covers_its_numbers_and_no_others(number: str, covered: bool) -> None:
    assert details_of({}).covers(number) is covered
    assert details_of({}).identifiers() == ()


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_range_covers_exactly_what_lies_between_its_ends(first: int, last: int, sought: int) -> None:
    low, high = sorted((first, last))
    blanks = BlankRange(first=f"AB{low:08d}", last=f"AB{high:08d}")

    assert blanks.covers(f"AB{sought:08d}") is (low <= sought <= high)


@pytest.mark.parametrize(("first", "last"), [("L2", "L1"), ("L1", "M2"), ("L9", "L10"), ("1", "L1")])
def test_a_range_has_an_order_and_one_series(first: str, last: str) -> None:
    with pytest.raises(DocumentError, match="last"):
        BlankRange.from_wire({"first": first, "last": last})


@pytest.mark.parametrize(
    ("reported_on", "review"),
    [
        ("2026-11-21", "2036-11-21"),
        ("2028-02-29", "2038-02-28"),
        ("2030-02-28", "2040-02-28"),
        ("2090-02-28", "2100-02-28"),
    ],
)
def test_a_report_is_reviewed_after_ten_years(reported_on: str, review: str) -> None:
    assert default_review_date(reported_on) == review
