"""Synthetic alerts: whole, valid, the same to the byte from the same seed, and about nobody."""

import hashlib
import re
from collections import Counter
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agency_client.generating.false_documents import FRAUDS
from agency_client.generating.making import FALSE_DOCUMENTS_OF_2023, MAKERS, STATEMENT, USUAL_LAST_DAY, make_alerts
from agency_client.generating.reserved import IBANS, WALLETS
from agency_client.interchange.leaves import list_leaves
from schemas.alerts import parse_alert
from schemas.alerts.base import Alert
from schemas.alerts.quality import find_quality_doubts
from schemas.alerts.seen import SeenIdentifier
from schemas.alerts.shapes import IdentifierType
from schemas.alerts.walking import walk_parts
from schemas.codec import encode_canonical

GOLDEN = {
    "document-fraud": "01c0ba6bb0f43ac1c0e67a292b9f6fa5a84d42c2d2f0bc6c65e68249a49e5542",
    "document-status": "642ae1ae75f57eb1e430356b5499cf491e3cd4fc8c93b0cd52dfd2885f69b654",
    "facilitator": "efe42dc775fafdf264d8805eabcb7fb0430f04962b7c99dc7bfac22ecc551456",
}
"""SHA-256 of 50 alerts of seed 7, a line each. A change of them is a change for whoever announced a seed."""

PHONE = re.compile(r"\+(447700900\d{3}|120255501\d\d|3363998\d{4}|467017406(0[5-9]|[1-9]\d))")
NOBODYS = {
    IdentifierType.DOCUMENT_NUMBER: re.compile(r"[A-Z]\d{6}[A-Z]\d"),
    IdentifierType.PHONE: PHONE,
    IdentifierType.EMAIL: re.compile(r"specimen-\d{4}@example\.(org|com|net)"),
    IdentifierType.IMSI: re.compile(r"00101\d{10}"),
    IdentifierType.IBAN: re.compile("|".join(iban.replace(" ", "") for iban in IBANS)),
    IdentifierType.WALLET: re.compile("|".join(address for address, _ in WALLETS)),
    IdentifierType.FLIGHT: re.compile(r"XX\d{4}"),
}
"""What each identifier may be, said once more and apart from the code: reserved for fiction or tests, or published."""
ALERTS = st.builds(
    lambda kind, count, seed: list(make_alerts(kind, count, seed))[-1],
    st.sampled_from(sorted(MAKERS)),
    st.integers(1, 3),
    st.integers(0, 2**53 - 1),
).map(parse_alert)


@pytest.mark.parametrize("kind", MAKERS)
def test_the_same_seed_gives_the_same_bytes(kind: str) -> None:
    lines = b"".join(encode_canonical(alert) + b"\n" for alert in make_alerts(kind, 50, 7))

    assert hashlib.sha256(lines).hexdigest() == GOLDEN[kind]
    assert lines != b"".join(encode_canonical(alert) + b"\n" for alert in make_alerts(kind, 50, 8))


@settings(max_examples=100)
@given(ALERTS)
def test_no_identifier_lies_outside_what_is_reserved_or_published(alert: Alert) -> None:
    assert [item for item in alert.identifiers() if not NOBODYS[item.type].fullmatch(item.value)] == []
    seen = {type(part).__name__ for _, part in walk_parts(alert) if isinstance(part, SeenIdentifier)}
    assert seen <= {"SeenPhone", "SeenEmail", "SeenSubscriber", "SeenIban", "SeenWallet", "SeenFlight", "SeenLocode"}


@settings(max_examples=100)
@given(ALERTS)
def test_every_document_and_person_is_of_utopia(alert: Alert) -> None:
    leaves = list_leaves(alert)

    assert set(alert.nationalities()) <= {"UTO"}
    assert {value for path, value in leaves.items() if path.endswith("issuing_state")} <= {"UTO"}


@given(ALERTS)
def test_every_alert_says_that_it_is_synthetic(alert: Alert) -> None:
    assert alert.subject.startswith("Synthetic: ")
    assert alert.statements[0].text == STATEMENT
    assert alert.unit == "Synthetic data"


@given(ALERTS)
def test_nothing_about_an_alert_is_doubtful_on_its_day_but_that_it_was_checked_later(alert: Alert) -> None:
    assert find_quality_doubts(alert, alert.data_as_of) == ()


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("count", [1, 2, 100])
def test_a_years_alerts_lie_in_it_in_their_order(kind: str, count: int) -> None:
    alerts = list(make_alerts(kind, count, 3, date(2026, 11, 21)))
    times = [parse_alert(alert).data_as_of for alert in alerts]

    assert len(alerts) == count == len({alert["thread"] for alert in alerts})
    assert [alert["own_reference"] for alert in alerts] == [f"SYN-3-{number:06}" for number in range(1, count + 1)]
    assert datetime(2025, 11, 22, tzinfo=UTC) <= min(times)
    assert max(times) < datetime(2026, 11, 22, 6, tzinfo=UTC)
    months = Counter(f"{time:%Y-%m}" for time in times)
    assert count < 100 or len(months) in {12, 13}


def test_a_million_lie_in_the_year_too() -> None:
    alerts = make_alerts("document-status", 1_000_000, 3)

    assert parse_alert(next(alerts)).data_as_of.year == 2023


def test_frauds_come_in_their_shares() -> None:
    alerts = list(make_alerts("document-fraud", 800, 1))
    found = Counter(alert["details"]["fraud_types"][0] for alert in alerts)

    assert sum(FRAUDS.values()) == 100
    for fraud, share in FRAUDS.items():
        assert abs(found[fraud.value] - 8 * share) < 50


def test_the_scale_is_that_of_2023() -> None:
    assert (FALSE_DOCUMENTS_OF_2023, USUAL_LAST_DAY.year) == (22_395, 2023)
