"""Transfers by derogation: recorded when sealed, listed for the supervisor, the asking on record."""

from dataclasses import replace
from typing import Any

import pytest

from agency_client.audit.asking import AuditOrder
from agency_client.audit.purposes import LogPurpose
from agency_client.audit.transfers import ask_transfers
from agency_client.local_store.access_log import list_entries
from agency_client.sending.flow import send_alert
from schemas.agreements.terms import TransferGround, TransferGroundKind
from schemas.log.records import Action
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld, make_ping

ORDER = AuditOrder("asked by the supervisor", LogPurpose.LAWFULNESS, "12/26", verb="audit-transfers")
TRANSFER = {
    "ground": "derogation",
    "record": "BE-38-2026-7: to protect the vital interests of the persons in the lorry",
    "originator_authorisation": "BE prosecutor, 21 November 2026",
}


@pytest.fixture
def derogating(world: LyingWorld, request: pytest.FixtureRequest) -> Any:
    """An agreement under which every transfer is a derogation."""
    ground = TransferGround(kind=TransferGroundKind.DEROGATION, reference="Directive (EU) 2016/680, article 38(1)(a)")
    return world.agree("GB", "VN", f"{request.node.path.stem} {request.node.name}", transfer_ground=ground)


def send(world: LyingWorld, terms: Any, **members: Any) -> str:
    """Let GB send VN a false passport, and return the envelope's digest."""
    draft = make_draft("VN", agreement=terms.id)
    (leg,) = send_alert(world["GB"], replace(draft, alert={**draft.alert, **members})).legs
    return leg.digest


def test_a_derogation_is_found_with_everything_the_law_asks_for(world: LyingWorld, derogating: Any) -> None:
    digest = send(world, derogating, transfer=TRANSFER)
    (found,) = [item for item in ask_transfers(world["GB"], ORDER) if item.message == digest]
    assert (found.recipient, found.ground, found.reference) == (
        "VN",
        "derogation",
        "Directive (EU) 2016/680, article 38(1)(a)",
    )
    assert (found.justification, found.authorisation) == (TRANSFER["record"], TRANSFER["originator_authorisation"])
    assert (
        found.data
        == "document-fraud; persons: 1 unidentified; identifiers: document-number, flight, personal-number, series"
    )
    assert found.purpose == "document-integrity"
    assert "ERIKSSON" not in found.data


def test_other_grounds_are_listed_when_all_are_asked_for(world: LyingWorld, terms: Any) -> None:
    kind = terms.transfer_ground.kind
    digest = send(world, terms)
    ordinary = [
        item.ground for item in ask_transfers(world["GB"], ORDER, only_derogations=False) if item.message == digest
    ]
    assert ordinary == ([] if kind is TransferGroundKind.NOT_A_TRANSFER else [kind.value])
    assert digest not in {item.message for item in ask_transfers(world["GB"], ORDER)}


def test_the_asking_is_on_record_with_its_purpose(world: LyingWorld) -> None:
    ask_transfers(world["GB"], ORDER)
    with world["GB"].store.read() as snapshot:
        newest = list_entries(snapshot, limit=1)[0]
    assert (newest.action, newest.verb, newest.purpose) == (
        Action.CONSULTATION,
        "audit-transfers",
        "verification-of-lawfulness",
    )


def test_a_time_narrows_what_is_listed(world: LyingWorld, derogating: Any) -> None:
    digest = send(world, derogating, transfer=TRANSFER)
    now = world.clock.now()
    later = replace(ORDER, filters={"since": now.replace(year=now.year + 1)})
    assert digest not in {item.message for item in ask_transfers(world["GB"], later)}
    until = replace(ORDER, filters={"until": now.replace(year=now.year + 1)})
    assert digest in {item.message for item in ask_transfers(world["GB"], until)}


def test_a_message_without_personal_data_is_no_transfer(world: LyingWorld, derogating: Any) -> None:
    draft = make_draft("VN", agreement=derogating.id)
    wire = {name: value for name, value in make_ping().items() if name != "thread"}
    (leg,) = send_alert(world["GB"], replace(draft, alert=wire)).legs
    assert leg.digest not in {item.message for item in ask_transfers(world["GB"], ORDER, only_derogations=False)}
