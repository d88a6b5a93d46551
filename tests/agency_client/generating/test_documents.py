"""Documents of Utopia: the zone says what is printed, and its check digits are wrong exactly where that is reported."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from agency_client.generating.dice import Dice
from agency_client.generating.documents import FALSE_ZONE_PERCENT, TYPES, draw_document
from agency_client.generating.people import draw_person
from schemas.alerts.kinds.document_fraud import FraudType
from schemas.identifiers.mrz import parse_mrz
from schemas.identifiers.mrz_layout import CheckResult

ON = date(2023, 7, 14)
SEEDS = st.integers(0, 10**6)
FRAUDS = st.sampled_from(FraudType)


def test_the_shares_are_of_a_hundred() -> None:
    assert sum(TYPES.values()) == 100


@given(SEEDS, FRAUDS)
def test_the_zone_says_what_is_printed(seed: int, fraud: FraudType) -> None:
    dice = Dice(seed, "documents")
    holder = draw_person(dice, ON)
    document = draw_document(dice, holder, fraud, ON)
    if "mrz" not in document.wire:
        assert not document.is_zone_false
        return

    zone = parse_mrz(document.wire["mrz"]["lines"])

    assert (zone.issuing_state, zone.nationality, zone.document_number) == ("UTO", "UTO", document.wire["number"])
    assert (zone.surname, zone.birth_date, zone.sex) == (holder.latin_surname, f"{holder.born:%y%m%d}", holder.sex)
    assert any(check.result is CheckResult.FAIL for check in zone.checks) == document.is_zone_false


@given(SEEDS, FRAUDS)
def test_a_genuine_document_has_a_right_zone(seed: int, fraud: FraudType) -> None:
    dice = Dice(seed, "documents")

    document = draw_document(dice, draw_person(dice, ON), fraud, ON)

    assert not (document.is_zone_false and fraud not in FALSE_ZONE_PERCENT)


@given(SEEDS)
def test_dates_follow_one_another(seed: int) -> None:
    dice = Dice(seed, "documents")
    holder = draw_person(dice, ON)

    wire = draw_document(dice, holder, FraudType.IMPOSTOR, ON).wire

    if "number" in wire:
        assert holder.born.isoformat() < wire["issued_on"] < ON.isoformat()
        assert wire["issued_on"] < wire["expires_on"]
