"""financial-flow: money that moves for a crime: accounts, virtual assets, informal transfers, what is asked of them."""

from typing import Self

from pydantic import model_validator

from schemas.alerts.accounts import BankAccount, HawalaNode, WalletAccount
from schemas.alerts.money import Money, PaymentMode, VirtualMoney
from schemas.alerts.registry import register
from schemas.alerts.seen import SeenIban, SeenWallet, list_seen
from schemas.alerts.shapes import (
    AttachmentId,
    Details,
    Few,
    FieldError,
    FreeText,
    Identifier,
    IdentifierType,
    LineText,
    Many,
    PersonRef,
    ShortText,
    verify_order,
)
from schemas.coded import CodedValue
from schemas.identifiers.dates import Day, PartialDate
from schemas.identifiers.numbers import normalise_document_number
from schemas.identifiers.states import StateCode
from schemas.part import Part


class PredicateOffence(CodedValue):
    """The offence that the money comes from or serves (FATF, designated categories)."""

    MIGRANT_SMUGGLING = "migrant-smuggling", "Migrant smuggling"
    TRAFFICKING_IN_PERSONS = "trafficking-in-persons", "Trafficking in human beings"
    SEXUAL_EXPLOITATION = "sexual-exploitation", "Sexual exploitation, of children too"
    DOCUMENT_FORGERY = "document-forgery", "Forgery of documents"
    ORGANISED_CRIME = "organised-crime", "Participation in an organised criminal group"
    CORRUPTION = "corruption", "Corruption and bribery"
    FRAUD = "fraud", "Fraud"
    EXTORTION = "extortion", "Extortion"
    KIDNAPPING = "kidnapping", "Kidnapping or hostage-taking"
    DRUG_TRAFFICKING = "drug-trafficking", "Drug trafficking"
    TAX_CRIME = "tax-crime", "Tax crime"
    TERRORIST_FINANCING = "terrorist-financing", "Terrorism and its financing"
    OTHER = "other", "Other offence, in words"


class FlowPattern(CodedValue):
    """What is conspicuous about the movements."""

    MANY_SENDERS = "many-senders", "Many senders, one recipient"
    MANY_RECIPIENTS = "many-recipients", "One sender, many recipients"
    STRUCTURING = "structuring", "Amounts kept under a reporting threshold"
    RAPID_IN_OUT = "rapid-in-out", "In and out again within days"
    MULE_ACCOUNT = "mule-account", "Account lent or sold by its holder"
    CORRIDOR_PAYMENTS = "corridor-payments", "Payments along a route of smuggling"
    CASH_INTENSIVE_BUSINESS = "cash-intensive-business", "Business with much cash as a cover"
    SHELL_COMPANY = "shell-company", "Company without business"
    TRADE_BASED = "trade-based", "False invoices or trade"
    NESTED_SERVICE = "nested-service", "Transfer service within another"
    MIXER = "mixer", "Virtual assets mixed, or moved across chains"
    RANSOM = "ransom", "Payments by relatives of people held"
    WAGES_WITHHELD = "wages-withheld", "Wages of many paid into one account"


class TippingOff(CodedValue):
    """Who must not learn that anybody looks."""

    NOBODY_OUTSIDE = "nobody-outside", "Nobody outside the authorities may be told"
    HOLDER_MUST_NOT_KNOW = "holder-must-not-know", "The institution may be asked; the holder must not learn of it"
    MAY_BE_KNOWN = "may-be-known", "The holder knows already"


class TransactionParty(Part):
    """One end of a transaction, by whatever is known of it."""

    person: PersonRef | None = None
    as_named: LineText | None = None
    iban: SeenIban | None = None
    account: ShortText | None = None
    wallet: SeenWallet | None = None

    @model_validator(mode="after")
    def _check_is_somebody(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise FieldError("as_named", "an end of a transaction is a person, a name or an account")
        return self


class Transaction(Part):
    """A transaction: in a currency or in a virtual asset, on a date, with the date its value counts from."""

    number: ShortText | None = None
    on: PartialDate
    value_date: PartialDate | None = None
    amount: Money | None = None
    virtual_amount: VirtualMoney | None = None
    mode: PaymentMode
    from_state: StateCode | None = None
    to_state: StateCode | None = None
    sender: TransactionParty | None = None
    recipient: TransactionParty | None = None
    stated_purpose: LineText | None = None
    note: LineText | None = None

    @model_validator(mode="after")
    def _check_has_one_amount(self) -> Self:
        if (self.amount is None) == (self.virtual_amount is None):
            raise FieldError("amount", "a transaction has an amount or a virtual_amount, and not both")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return its number and the accounts at both ends."""
        ends = [end for end in (self.sender, self.recipient) if end is not None]
        accounts = [end.account for end in ends if end.account is not None]
        found = [Identifier(IdentifierType.ACCOUNT, normalise_document_number(account)) for account in accounts]
        found += [] if self.number is None else [Identifier(IdentifierType.TRANSACTION, self.number)]
        return (*list_seen(self), *found)

    def person_refs(self) -> tuple[str, ...]:
        """Return the persons at both ends."""
        return tuple(end.person for end in (self.sender, self.recipient) if end is not None and end.person is not None)


class SuspiciousReport(Part):
    """The report that brought it to notice: its reference, whose it is, when it was made."""

    reference: ShortText
    unit: LineText | None = None
    state: StateCode | None = None
    reported_on: PartialDate | None = None


class FreezeRequest(Part):
    """What is to be kept from moving, on which ground, until when."""

    ground: LineText
    order_reference: ShortText | None = None
    until: Day | None = None
    covers: FreeText | None = None


@register("financial-flow", "Flow of money", needs_grading=True)
class FinancialFlow(Details):
    """Money that moves for a crime. Persons stand in `persons` and are named here by reference."""

    person: PersonRef | None = None
    predicate_offences: Few[PredicateOffence]
    patterns: Few[FlowPattern] = ()
    accounts: Few[BankAccount] = ()
    wallets: Few[WalletAccount] = ()
    hawala_nodes: Few[HawalaNode] = ()
    transactions: Many[Transaction] = ()
    total: Money | None = None
    period_from: PartialDate | None = None
    period_until: PartialDate | None = None
    report: SuspiciousReport | None = None
    freeze_requested: FreezeRequest | None = None
    tipping_off: TippingOff
    statements_of_account: Few[AttachmentId] = ()
    analysis: FreeText | None = None

    @model_validator(mode="after")
    def _check_names_money(self) -> Self:
        if not (self.accounts or self.wallets or self.hawala_nodes or self.transactions):
            raise FieldError("accounts", "name an account, a wallet, a hawala node or a transaction")
        if self.period_from is not None and self.period_until is not None:
            verify_order("period_until", self.period_from, self.period_until)
        return self

    @model_validator(mode="after")
    def _check_freeze_names_what(self) -> Self:
        if self.freeze_requested is not None and not (self.accounts or self.wallets):
            raise FieldError("freeze_requested", "an account or a wallet is frozen, and none is named")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return accounts, banks, wallets and transactions."""
        parts: tuple[BankAccount | Transaction, ...] = (*self.accounts, *self.transactions)
        numbers = (identifier for part in parts for identifier in part.identifiers())
        return tuple(dict.fromkeys((*list_seen(self), *numbers)))

    def accused_refs(self) -> tuple[str, ...]:
        """Return the subject, if there is one."""
        return () if self.person is None else (self.person,)

    def person_refs(self) -> tuple[str, ...]:
        """Return the subject, holders, signatories, keepers and the ends of transactions."""
        parts: tuple[BankAccount | HawalaNode | Transaction, ...] = (
            *self.accounts,
            *self.hawala_nodes,
            *self.transactions,
        )
        found = [ref for part in parts for ref in part.person_refs()]
        found += [ref for wallet in self.wallets for ref in wallet.holders]
        return (*self.accused_refs(), *found)

    def attachment_ids(self) -> tuple[str, ...]:
        """Return the statements of account."""
        return self.statements_of_account
