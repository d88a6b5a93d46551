"""Accounts: at banks, on platforms, of virtual assets; who holds them and how they stand."""

from typing import Self

from pydantic import model_validator

from schemas.alerts.money import Money, PaymentMode
from schemas.alerts.seen import SeenBic, SeenEmail, SeenHandle, SeenIban, SeenPhone, SeenUrl, SeenWallet, list_seen
from schemas.alerts.shapes import Few, FieldError, Identifier, IdentifierType, LineText, Moment, PersonRef, ShortText
from schemas.coded import CodedValue
from schemas.identifiers.dates import PartialDate
from schemas.identifiers.numbers import normalise_document_number
from schemas.identifiers.states import StateCode
from schemas.part import Part


class AccountStatus(CodedValue):
    """How an account stands."""

    OPEN = "open", "Open"
    DORMANT = "dormant", "Dormant"
    FROZEN = "frozen", "Frozen"
    CLOSED = "closed", "Closed"
    UNKNOWN = "unknown", "Not known"


class BankAccount(Part):
    """An account with an institution: `iban` or another `number`, whose it is, who may sign for it."""

    iban: SeenIban | None = None
    number: ShortText | None = None
    bic: SeenBic | None = None
    institution: LineText | None = None
    branch: LineText | None = None
    state: StateCode | None = None
    holders: Few[PersonRef] = ()
    holder_as_named: LineText | None = None
    signatories: Few[PersonRef] = ()
    beneficial_owners: Few[PersonRef] = ()
    status: AccountStatus | None = None
    opened_on: PartialDate | None = None
    closed_on: PartialDate | None = None
    balance: Money | None = None
    balance_at: Moment | None = None
    note: LineText | None = None

    @model_validator(mode="after")
    def _check_is_an_account(self) -> Self:
        if self.iban is None and self.number is None:
            raise FieldError("iban", "an account has an IBAN or another number")
        if self.balance_at is not None and self.balance is None:
            raise FieldError("balance", "is missing beside balance_at")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return its numbers and its bank's."""
        other = () if self.number is None else (self.number,)
        numbers = (Identifier(IdentifierType.ACCOUNT, normalise_document_number(number)) for number in other)
        return (*list_seen(self), *numbers)

    def person_refs(self) -> tuple[str, ...]:
        """Return holders, signatories and owners."""
        return (*self.holders, *self.signatories, *self.beneficial_owners)


class WalletAccount(Part):
    """The address of a virtual asset, whose it is, and the service that keeps it where one does."""

    address: SeenWallet
    holders: Few[PersonRef] = ()
    service: LineText | None = None
    service_reference: ShortText | None = None
    status: AccountStatus | None = None
    note: LineText | None = None


class OnlineAccount(SeenHandle):
    """A messaging or social account: its name on the platform and what else leads to it."""

    display_name: ShortText | None = None
    number: ShortText | None = None
    url: SeenUrl | None = None
    phone: SeenPhone | None = None
    email: SeenEmail | None = None
    holders: Few[PersonRef] = ()
    created_on: PartialDate | None = None


class HawalaNode(Part):
    """Somebody who pays out what somebody else was given: where, with whom, by which sign the payment is known."""

    keeper: PersonRef | None = None
    trades_as: LineText | None = None
    place: LineText | None = None
    state: StateCode | None = None
    token: ShortText | None = None
    settles_with: Few[PersonRef] = ()
    settles_by: Few[PaymentMode] = ()
    commission: LineText | None = None
    note: LineText | None = None

    @model_validator(mode="after")
    def _check_is_somebody(self) -> Self:
        if self.keeper is None and self.trades_as is None and self.place is None:
            raise FieldError("keeper", "a node is kept by somebody, under a name, or at a place")
        return self

    def person_refs(self) -> tuple[str, ...]:
        """Return its keeper and those it settles with."""
        return (*(() if self.keeper is None else (self.keeper,)), *self.settles_with)
