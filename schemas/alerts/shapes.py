"""What the parts of an alert are made of: bounded text and lists, identifiers, errors that name their field."""

from typing import Annotated, NamedTuple, TypeVar

from pydantic import Field

from schemas.coded import CodedValue
from schemas.identifiers.dates import PartialDate, read_partial_date
from schemas.model import Line, Paragraph, Timestamp, Uuid
from schemas.part import Part

T = TypeVar("T")
Few = Annotated[tuple[T, ...], Field(min_length=1, max_length=20)]
"""A list that is absent when empty, so that one content has one spelling."""
Many = Annotated[tuple[T, ...], Field(min_length=1, max_length=200)]

ShortText = Annotated[Line, Field(max_length=80, examples=["short text on one line"])]
LineText = Annotated[Line, Field(examples=["text on one line"])]
FreeText = Annotated[Paragraph, Field(examples=["Some sentences.\nLine breaks are allowed."])]
Name = Annotated[Line, Field(max_length=150, examples=["ERIKSSON"])]
Moment = Annotated[Timestamp, Field(examples=["2026-11-21T21:02:25Z"])]
AttachmentId = Annotated[Uuid, Field(examples=["3f0f6d0a-7c57-4c2c-9d3a-0d2f9a4b1c77"])]
PersonRef = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$", examples=["p1"], description="names a person of this alert")
]
FieldPath = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]*(\.(0|[1-9][0-9]{0,4}|[a-z0-9_]*[a-z_][a-z0-9_]*))*$",
        max_length=200,
        examples=["details.document.holder.birth_date"],
        description="the path of a field in the message that is referred to",
    ),
]
Amount = Annotated[
    str, Field(pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?$", examples=["4500.00"], description="a decimal number")
]
AssetAmount = Annotated[
    str,
    Field(pattern=r"^(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?$", examples=["0.04550000"], description="a decimal number"),
]
"""Virtual assets are counted in parts far smaller than a cent."""
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"], description="ISO 4217")]


class FieldError(ValueError):
    """A rule between fields is broken; `field` is the one to look at, relative to the part that has the rule."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field, self.problem = field, problem


def verify_order(field: str, earlier: PartialDate, later: PartialDate) -> None:
    """Check that one partial date can lie no earlier than another.

    Raises:
        FieldError: every day it can mean lies before every day of the other.
    """
    if read_partial_date(later).last < read_partial_date(earlier).first:
        raise FieldError(field, "lies before the date it follows")


class IdentifierType(CodedValue):
    """What an agency's own records are searched by."""

    DOCUMENT_NUMBER = "document-number", "Document number"
    PERSONAL_NUMBER = "personal-number", "Personal number"
    PHONE = "phone", "Telephone number"
    IMEI = "imei", "Device number (IMEI)"
    IMSI = "imsi", "Subscriber number (IMSI)"
    ICCID = "iccid", "SIM card number (ICCID)"
    EMAIL = "email", "E-mail address"
    HANDLE = "handle", "Messaging or social account"
    URL = "url", "Page on the internet"
    IBAN = "iban", "Account number (IBAN)"
    ACCOUNT = "account", "Account number, not an IBAN"
    BIC = "bic", "Bank (BIC)"
    WALLET = "wallet", "Address of a virtual asset"
    TRANSACTION = "transaction", "Transaction number"
    PLATE = "plate", "Number plate"
    VIN = "vin", "Vehicle number (VIN)"
    IMO = "imo", "Ship number (IMO)"
    MMSI = "mmsi", "Ship station number (MMSI)"
    CALL_SIGN = "call-sign", "Call sign"
    HULL = "hull", "Hull number (HIN)"
    ENGINE = "engine", "Engine number"
    TAIL = "tail", "Aircraft marks"
    CONTAINER = "container", "Container number"
    SERIES = "series", "Series reference"
    FLIGHT = "flight", "Flight number"


class Identifier(NamedTuple):
    """A type and a value in the form under which copies meet."""

    type: IdentifierType
    value: str


class Details(Part):
    """What one kind of alert says beyond the common part. A kind overrides what applies to it."""

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return what an agency searches its own records by."""
        return ()

    def nationalities(self) -> tuple[str, ...]:
        """Return the codes of the states whose nationals this is about, beyond those of `persons`."""
        return ()

    def person_refs(self) -> tuple[str, ...]:
        """Return the persons of the alert that the details speak of."""
        return ()

    def accused_refs(self) -> tuple[str, ...]:
        """Return those of the persons spoken of who are said to have a part in an offence."""
        return ()

    def attachment_ids(self) -> tuple[str, ...]:
        """Return the attachments that the details speak of."""
        return ()

    def verify_persons(self, refs: tuple[str, ...]) -> None:
        """Check what the details demand of the persons that the alert names, by their refs.

        Raises:
            FieldError: naming a member of the alert.
        """
