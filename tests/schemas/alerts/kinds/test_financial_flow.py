"""financial-flow: money has an account or a node, a transaction one amount, and everybody named stands in the alert."""

from typing import Any

import pytest

from schemas.alerts import parse_alert
from schemas.alerts.shapes import Identifier, IdentifierType
from tests.schemas.alerts.filled import ABSENT, fields_refused, load, load_changed, parse_changed

KIND = "financial-flow"
MONEYLESS = {f"details.{name}": ABSENT for name in ("accounts", "wallets", "hawala_nodes", "transactions")}


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, []),
        (MONEYLESS | {"details.freeze_requested": ABSENT}, ["details.accounts"]),
        ({"details.accounts": ABSENT, "details.wallets": ABSENT}, ["details.freeze_requested"]),
        ({"details.accounts.0.iban": ABSENT}, ["details.accounts.0.iban"]),
        ({"details.accounts.0.balance": ABSENT}, ["details.accounts.0.balance"]),
        ({"details.transactions.0.amount": ABSENT}, ["details.transactions.0.amount"]),
        (
            {"details.transactions.0.virtual_amount": {"amount": "1", "asset": "USDT"}},
            ["details.transactions.0.amount"],
        ),
        ({"details.transactions.0.sender": {}}, ["details.transactions.0.sender.as_named"]),
        ({"details.hawala_nodes": [{"token": "a banknote"}]}, ["details.hawala_nodes.0.keeper"]),
        ({"details.period_until": "2026-07"}, ["details.period_until"]),
        ({"details.period_until": "2026-08-01"}, []),
        ({"details.period_until": "2026"}, []),
        ({"details.tipping_off": ABSENT}, ["details.tipping_off"]),
        ({"details.predicate_offences": ABSENT}, ["details.predicate_offences"]),
        ({"details.wallets.0.address.chain": "dogecoin"}, ["details.wallets.0.address.chain"]),
        ({"details.total.currency": "euro"}, ["details.total.currency"]),
    ],
)
def test_what_belongs_together_stands_together(changes: dict[str, Any], refused: list[str]) -> None:
    assert fields_refused(KIND, changes) == refused


@pytest.mark.parametrize(
    "field",
    [
        "details.person",
        "details.accounts.0.holders.0",
        "details.accounts.0.signatories.0",
        "details.accounts.0.beneficial_owners.0",
        "details.wallets.0.holders.0",
        "details.hawala_nodes.0.keeper",
        "details.hawala_nodes.0.settles_with.0",
        "details.transactions.0.recipient.person",
    ],
)
def test_everybody_named_stands_in_the_alert(field: str) -> None:
    assert fields_refused(KIND, {field: "somebody"}) == ["persons"]


def test_a_statement_of_account_is_an_attachment_of_the_message() -> None:
    assert fields_refused(KIND, {"attachments": ABSENT}) == ["attachments"]


def test_accounts_are_found_at_both_ends_and_each_once() -> None:
    found = parse_alert(load(KIND)).identifiers()
    assert len(set(found)) == len(found)
    assert {
        Identifier(IdentifierType.IBAN, "BE68539007547034"),
        Identifier(IdentifierType.IBAN, "DE89370400440532013000"),
        Identifier(IdentifierType.ACCOUNT, "40478470872490"),
        Identifier(IdentifierType.TRANSACTION, "TX-2026-08-0041"),
        Identifier(IdentifierType.WALLET, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
        Identifier(IdentifierType.BIC, "DEUTDEFF"),
    } <= set(found)


def test_a_node_alone_is_enough() -> None:
    wire = load_changed(KIND, {"attachments": ABSENT})
    kept = {name: wire["details"][name] for name in ("predicate_offences", "hawala_nodes", "tipping_off")}
    assert parse_alert(wire | {"details": kept}).identifiers() == ()


@pytest.mark.parametrize("amount", ["0.000000000000000001", "999999999999999999", "1399.250000"])
def test_virtual_assets_are_counted_finer_than_cents(amount: str) -> None:
    changed = parse_changed(KIND, {"details.transactions.1.virtual_amount.amount": amount})
    assert changed.to_wire()["details"]["transactions"][1]["virtual_amount"]["amount"] == amount
