"""Money, virtual assets and prices."""

from typing import Annotated

from pydantic import Field

from schemas.alerts.shapes import Amount, AssetAmount, Currency, LineText
from schemas.coded import CodedValue
from schemas.part import Part


class Money(Part):
    """An amount in a currency."""

    amount: Amount
    currency: Currency


class VirtualMoney(Part):
    """An amount of a virtual asset, by its usual short name."""

    amount: AssetAmount
    asset: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,10}$", examples=["USDT"], description="its usual short name")]


class PriceUnit(CodedValue):
    """For what a price is."""

    PERSON = "person", "For each person"
    FAMILY = "family", "For a family"
    GROUP = "group", "For a group"
    CROSSING = "crossing", "For a crossing"
    DOCUMENT = "document", "For a document"
    STAGE = "stage", "For one stage of the route"
    VEHICLE = "vehicle", "For a vehicle or boat with all on board"
    MONTH = "month", "For a month"


class PaymentTiming(CodedValue):
    """When a price is paid."""

    BEFORE = "before", "Before departure"
    ON_ARRIVAL = "on-arrival", "On arrival"
    IN_PARTS = "in-parts", "In parts along the way"
    ESCROW = "escrow", "Held by a third party until arrival"
    DEBT = "debt", "Owed, and worked off"


class PaymentMode(CodedValue):
    """How money goes from one hand to another."""

    CASH = "cash", "Cash"
    BANK_TRANSFER = "bank-transfer", "Bank transfer"
    MONEY_TRANSFER = "money-transfer", "Money transfer service"
    MOBILE_MONEY = "mobile-money", "Mobile money"
    PAYMENT_CARD = "payment-card", "Payment card"
    PREPAID_CARD = "prepaid-card", "Prepaid card or voucher"
    ONLINE_PAYMENT = "online-payment", "Online payment service"
    HAWALA = "hawala", "Hawala or another informal transfer"
    VIRTUAL_ASSET = "virtual-asset", "Virtual asset"
    GOODS = "goods", "Gold, jewellery or other goods"
    CHEQUE = "cheque", "Cheque"
    OTHER = "other", "Other, in the note"


class Price(Part):
    """A price asked or paid."""

    amount: Amount
    currency: Currency
    per: PriceUnit
    timing: PaymentTiming | None = None
    mode: PaymentMode | None = None
    note: LineText | None = None
