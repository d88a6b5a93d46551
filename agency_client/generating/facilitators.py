"""Alerts of facilitators: people who do not exist, with telephones, accounts and addresses that are nobody's."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agency_client.generating.borders import DESTINATIONS, ORIGINS
from agency_client.generating.dice import Dice
from agency_client.generating.people import draw_person
from agency_client.generating.reserved import IBANS, WALLETS, draw_email, draw_phone, draw_subscriber
from schemas.alerts.network import FacilitatorRole, Service

ROLES: Mapping[FacilitatorRole, int] = {
    FacilitatorRole.DRIVER: 30,
    FacilitatorRole.RECRUITER: 18,
    FacilitatorRole.ORGANISER: 16,
    FacilitatorRole.SKIPPER: 12,
    FacilitatorRole.HOST: 10,
    FacilitatorRole.DOCUMENT_SUPPLIER: 8,
    FacilitatorRole.HAWALADAR: 6,
}
"""Shares of a hundred. Assumed, as are all of this module."""
SERVICES: Mapping[Service, int] = {
    Service.LORRY: 28,
    Service.SEA_CROSSING: 26,
    Service.CAR: 18,
    Service.FALSE_DOCUMENTS: 14,
    Service.ACCOMMODATION: 10,
    Service.AIR: 4,
}


def describe_facilitator(dice: Dice, known_at: datetime) -> dict[str, Any]:
    """Return what is particular in an alert of a facilitator."""
    roles = dice.pick(ROLES, dice.between(1, 2))
    person = draw_person(dice, known_at.date()).describe("subject", "suspect", dice)
    origin = dice.weigh(ORIGINS)
    details: dict[str, Any] = {
        "person": "subject",
        "roles": [role.value for role in roles],
        "services": [item.value for item in dice.pick(SERVICES, dice.between(1, 3))],
        "clientele": [origin],
        "phones": [{"number": {"as_seen": draw_phone(dice)}} for _ in range(dice.between(1, 3))],
        "routes": [{"origin": origin, "destination": dice.weigh(DESTINATIONS)}],
    }
    if dice.happens(30):
        details["emails"] = [{"as_seen": draw_email(dice)}]
    if dice.happens(20):
        details["subscribers"] = [{"as_seen": draw_subscriber(dice)}]
    if dice.happens(20):
        details["bank_accounts"] = [{"iban": {"as_seen": dice.choose(IBANS)}, "holders": ["subject"]}]
    if dice.happens(8):
        address, chain = dice.choose(WALLETS)
        details["wallets"] = [{"address": {"as_seen": address, "chain": chain}, "holders": ["subject"]}]
    members = {"subject": f"Facilitator, {roles[0].label.lower()}", "persons": [person], "details": details}
    return members | {"caveats": [{"code": "no-contact-with-subject"}]}
