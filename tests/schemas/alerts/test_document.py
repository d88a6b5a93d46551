"""Documents as seen: zones with their results, numbers under which spellings meet."""

from datetime import date

import pytest

from schemas.alerts.coded import DocumentType
from schemas.alerts.document import DocumentIdentity, Holder, SeenDocument, SeenZone, read_document, see_zone
from schemas.alerts.shapes import IdentifierType
from schemas.identifiers.mrz import CheckResult, MrzError, MrzFormat
from schemas.model import DocumentError

TD3 = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")


def test_a_zone_is_seen_with_the_result_of_each_check_digit() -> None:
    zone = see_zone(TD3)

    assert zone.format is MrzFormat.TD3
    assert [check.result for check in zone.checks] == [CheckResult.PASS] * 5


def test_a_zone_whose_digits_fail_is_seen_all_the_same() -> None:
    zone = see_zone((TD3[0], TD3[1][:-1] + "4"))

    assert [check.result for check in zone.checks] == [CheckResult.PASS] * 4 + [CheckResult.FAIL]


@pytest.mark.parametrize("lines", [("P<UTO", "L898902C3"), ("A" * 60,), ("half a line", "and another")])
def test_lines_of_no_known_shape_are_kept_without_results(lines: tuple[str, ...]) -> None:
    assert see_zone(lines).to_wire() == {"lines": list(lines)}


def test_results_may_be_left_out_and_may_not_say_something_else() -> None:
    seen = see_zone(TD3).to_wire()

    assert SeenZone.from_wire({"lines": list(TD3)}).checks == ()
    assert SeenZone.from_wire(seen) == see_zone(TD3)
    seen["checks"][0]["result"] = "fail"
    with pytest.raises(DocumentError, match="checks"):
        SeenZone.from_wire(seen)
    with pytest.raises(DocumentError, match="format"):
        SeenZone.from_wire({"lines": list(TD3), "format": "td1"})
    with pytest.raises(DocumentError, match="format"):
        SeenZone.from_wire({"lines": ["x"], "format": "td1"})


def test_a_check_digit_that_is_not_due_has_no_printed_character() -> None:
    visa = see_zone(("V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "L898902C<3UTO6908061F9406236ZE184226"))

    assert visa.checks[-1].to_wire() == {"name": "composite", "result": "absent"}


def test_an_identity_is_found_by_its_number_in_any_spelling() -> None:
    identity = DocumentIdentity(type=DocumentType.PASSPORT, issuing_state="UTO", number="l 898902-C3")

    assert identity.identifier() == (IdentifierType.DOCUMENT_NUMBER, "L898902C3")


def test_a_document_is_found_by_the_number_printed_the_number_in_the_zone_and_the_personal_number() -> None:
    document = SeenDocument(
        type=DocumentType.PASSPORT,
        issuing_state="UTO",
        number="X1",
        mrz=see_zone(TD3),
        holder=Holder(personal_number="ZE 184226 B", nationality="UTO"),
    )

    assert [identifier.value for identifier in document.identifiers()] == ["X1", "L898902C3", "ZE184226B"]
    assert document.nationalities() == ("UTO",)


def test_a_document_that_says_nothing_of_itself_has_nothing_to_be_found_by() -> None:
    document = SeenDocument(type=DocumentType.OTHER, issuing_state="QQQ", mrz=see_zone(("unreadable",)))

    assert document.identifiers() == ()
    assert document.nationalities() == ()


def test_an_invented_nationality_is_kept_and_is_nobodys() -> None:
    holder = Holder.from_wire({"nationality": "QQQ"})

    assert holder.nationality == "QQQ"
    assert holder.nationalities() == ()


def test_the_same_number_in_print_and_in_the_zone_counts_once() -> None:
    document = SeenDocument(type=DocumentType.PASSPORT, issuing_state="UTO", number="L898902C3", mrz=see_zone(TD3))

    assert len(document.identifiers()) == 1


def test_a_document_is_read_from_its_zone() -> None:
    assert read_document(TD3, as_of=date(2026, 11, 21)).to_wire() == {
        "type": "passport",
        "issuing_state": "UTO",
        "number": "L898902C3",
        "mrz": see_zone(TD3).to_wire(),
        "holder": {
            "surname": "ERIKSSON",
            "given_names": "ANNA MARIA",
            "birth_date": "1974-08-12",
            "sex": "female",
            "nationality": "UTO",
        },
        "expires_on": "2012-04-15",
    }


@pytest.mark.parametrize(
    ("code", "document_type"),
    [
        ("PP", DocumentType.PASSPORT),
        ("P<", DocumentType.PASSPORT),
        ("PN", DocumentType.PASSPORT),
        ("PD", DocumentType.DIPLOMATIC_PASSPORT),
        ("PR", DocumentType.REFUGEE_TRAVEL_DOCUMENT),
        ("V<", DocumentType.VISA),
        ("AC", DocumentType.CREW_CERTIFICATE),
        ("ID", DocumentType.IDENTITY_CARD),
        ("??", DocumentType.IDENTITY_CARD),
    ],
)
def test_the_type_of_a_document_follows_from_its_code(code: str, document_type: DocumentType) -> None:
    assert read_document((code + TD3[0][2:], TD3[1]), as_of=date(2026, 11, 21)).type is document_type


def test_what_a_zone_does_not_say_is_absent() -> None:
    lines = ("P<UTO" + "<" * 39, "<<<<<<<<<<123<<<<<<<?<<<<<<<" + "<" * 16)

    assert read_document(lines, as_of=date(2026, 11, 21)).to_wire() == {
        "type": "passport",
        "issuing_state": "UTO",
        "mrz": see_zone(lines).to_wire(),
        "holder": {},
    }


@pytest.mark.parametrize("lines", [("P<" + "<" * 42, TD3[1]), ("P<U70" + TD3[0][5:], TD3[1]), ("no zone",)])
def test_without_a_zone_or_an_issuing_state_there_is_no_document_to_start_from(lines: tuple[str, ...]) -> None:
    with pytest.raises(MrzError):
        read_document(lines, as_of=date(2026, 11, 21))
