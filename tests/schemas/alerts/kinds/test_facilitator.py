"""facilitator: identifiers in the form under which copies meet, a network of persons that stand in the alert."""

from typing import Any

import pytest

from schemas.alerts import parse_alert
from schemas.alerts.shapes import IdentifierType
from tests.schemas.alerts.filled import ABSENT, fields_refused, load, parse_changed

KIND = "facilitator"


def values(kind: IdentifierType, changes: dict[str, Any]) -> list[str]:
    return [identifier.value for identifier in parse_changed(KIND, changes).identifiers() if identifier.type is kind]


def test_numbers_are_found_by_their_normal_form_or_as_seen() -> None:
    assert values(IdentifierType.PHONE, {}) == ["+447700900123", "01632 960001"]
    assert values(IdentifierType.IMEI, {}) == ["490154203237518"]
    assert values(IdentifierType.IMSI, {}) == ["001010123456789"]


def test_accounts_and_addresses_are_found_in_any_spelling() -> None:
    changes = {
        "details.accounts.0.as_seen": "@ChiHai.Specimen",
        "details.emails": [{"as_seen": "ChiHai@Example.org"}],
    }

    assert values(IdentifierType.HANDLE, changes)[0] == "zalo:chihai.specimen"
    assert values(IdentifierType.EMAIL, changes) == ["chihai@example.org"]


@pytest.mark.parametrize("field", ["details.person", "details.network.0.person", "details.network.0.other_person"])
def test_subject_and_network_name_persons_of_the_alert(field: str) -> None:
    assert fields_refused(KIND, {field: "somebody"}) == ["persons"]


@pytest.mark.parametrize("email", ["chihai", "a@b@c", "a b@example.org", "a@exam ple.org"])
def test_an_address_that_cannot_be_one_is_kept_as_seen(email: str) -> None:
    assert fields_refused(KIND, {"details.emails": [{"as_seen": email}]}) == []


@pytest.mark.parametrize("amount", ["14500", "0", "0.5", "999999999999999.9999"])
def test_an_amount_is_a_decimal_number_in_text(amount: str) -> None:
    assert fields_refused(KIND, {"details.prices.0.amount": amount}) == []


@pytest.mark.parametrize("amount", [14500, "14,500", "-1", "01", "1.", ".5", "1e3", "1.23456"])
def test_other_spellings_of_an_amount_are_refused(amount: object) -> None:
    assert fields_refused(KIND, {"details.prices.0.amount": amount}) == ["details.prices.0.amount"]


def test_a_sighting_says_when_or_where() -> None:
    assert fields_refused(KIND, {"details.last_seen": {}}) == ["details.last_seen.place"]
    assert fields_refused(KIND, {"details.last_seen": {"state": "BEL"}}) == []


def test_only_person_and_roles_are_needed() -> None:
    wire = load(KIND)
    wire["details"] = {name: wire["details"][name] for name in ("person", "roles")}

    assert parse_alert(wire).details.identifiers() == ()
    assert fields_refused(KIND, {"details.roles": ABSENT}) == ["details.roles"]


def test_a_ground_and_a_day_are_of_a_check() -> None:
    for field in ("check_ground", "check_until"):
        others = {"check_ground", "check_until"} - {field}
        changes = {"details.requested_check": ABSENT} | {f"details.{other}": ABSENT for other in others}
        assert fields_refused(KIND, changes) == [f"details.{field}"]


def test_money_and_conveyances_lead_to_the_subject_too() -> None:
    found = {identifier.type for identifier in parse_alert(load(KIND)).identifiers()}
    assert {
        IdentifierType.IBAN,
        IdentifierType.WALLET,
        IdentifierType.PLATE,
        IdentifierType.ICCID,
        IdentifierType.URL,
    } <= found


@pytest.mark.parametrize(
    "field", ["details.bank_accounts.0.holders.0", "details.wallets.0.holders.0", "details.conveyances.0.driver"]
)
def test_whoever_holds_an_account_or_drives_stands_in_the_alert(field: str) -> None:
    assert fields_refused(KIND, {field: "somebody"}) == ["persons"]
