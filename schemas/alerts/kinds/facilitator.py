"""facilitator: a smuggler's identifiers, the network around, and what to do on meeting the person."""

from typing import Self

from pydantic import model_validator

from schemas.alerts.accounts import BankAccount, OnlineAccount, WalletAccount
from schemas.alerts.base import Language
from schemas.alerts.conveyances import Conveyance
from schemas.alerts.encounters import EncounterAction, RequestedCheck, SafetyWarning
from schemas.alerts.money import Price
from schemas.alerts.network import Edge, FacilitatorRole, Service
from schemas.alerts.phones import Phone
from schemas.alerts.places import Route, Sighting
from schemas.alerts.registry import register
from schemas.alerts.seen import SeenDevice, SeenEmail, SeenSimCard, SeenSubscriber, SeenUrl, list_seen
from schemas.alerts.shapes import (
    Details,
    Few,
    FieldError,
    FreeText,
    Identifier,
    LineText,
    Many,
    PersonRef,
    ShortText,
)
from schemas.identifiers.dates import Day
from schemas.identifiers.states import StateCode


@register("facilitator", "Facilitator of smuggling", needs_grading=True)
class Facilitator(Details):
    """A facilitator. Names, birth dates, nationalities, marks and photographs stand with the `person` named."""

    person: PersonRef
    roles: Few[FacilitatorRole]
    services: Few[Service] = ()
    network_name: ShortText | None = None
    operates_in: Few[StateCode] = ()
    clientele: Few[StateCode] = ()
    languages: Few[Language] = ()
    phones: Few[Phone] = ()
    devices: Few[SeenDevice] = ()
    subscribers: Few[SeenSubscriber] = ()
    sim_cards: Few[SeenSimCard] = ()
    accounts: Few[OnlineAccount] = ()
    emails: Few[SeenEmail] = ()
    pages: Few[SeenUrl] = ()
    bank_accounts: Few[BankAccount] = ()
    wallets: Few[WalletAccount] = ()
    conveyances: Few[Conveyance] = ()
    network: Many[Edge] = ()
    warnings: Few[SafetyWarning] = ()
    modus_operandi: FreeText | None = None
    prices: Few[Price] = ()
    routes: Few[Route] = ()
    last_seen: Sighting | None = None
    requested_check: RequestedCheck | None = None
    check_ground: LineText | None = None
    check_until: Day | None = None
    on_encounter: Few[EncounterAction] = ()

    @model_validator(mode="after")
    def _check_ground_is_of_a_check(self) -> Self:
        for field in ("check_ground", "check_until"):
            if getattr(self, field) is not None and self.requested_check is None:
                raise FieldError(field, "stands with requested_check, which is missing")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return every number, account, address and page of the subject, and what stands on conveyances."""
        parts: tuple[BankAccount | Conveyance, ...] = (*self.bank_accounts, *self.conveyances)
        numbers = (identifier for part in parts for identifier in part.identifiers())
        return tuple(dict.fromkeys((*list_seen(self), *numbers)))

    def accused_refs(self) -> tuple[str, ...]:
        """Return the subject."""
        return (self.person,)

    def person_refs(self) -> tuple[str, ...]:
        """Return the subject, everyone in the network, and whoever holds an account or a conveyance."""
        held: tuple[OnlineAccount | WalletAccount, ...] = (*self.accounts, *self.wallets)
        holders = (ref for account in held for ref in account.holders)
        parts: tuple[Edge | BankAccount | Conveyance, ...] = (*self.network, *self.bank_accounts, *self.conveyances)
        return (self.person, *(ref for part in parts for ref in part.person_refs()), *holders)
