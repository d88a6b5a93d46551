"""Identifiers as fields of an alert: each type knows the check that belongs to it, and by what it is searched.

The sender's client fills in `normalised` and `findings` where only `as_seen` was given; whoever receives them checks
`as_seen` again. No check refuses anything: a number that cannot be right may be the very thing reported.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints

from schemas.alerts.shapes import Identifier, IdentifierType, LineText
from schemas.alerts.walking import walk_parts
from schemas.identifiers.aircraft import check_carrier, check_flight, check_tail
from schemas.identifiers.alpha_2 import find_alpha_2
from schemas.identifiers.checked import Checked
from schemas.identifiers.numbers import (
    check_bic,
    check_container,
    check_iban,
    check_iccid,
    check_imei,
    check_imo,
    check_imsi,
)
from schemas.identifiers.online import MAX_URL_LETTERS, Platform, check_email, check_handle, check_url
from schemas.identifiers.phones import check_phone
from schemas.identifiers.positions import check_locode, check_position
from schemas.identifiers.ships import check_call_sign, check_hull, check_mmsi
from schemas.identifiers.states import StateCode
from schemas.identifiers.vehicles import check_plate, check_vin
from schemas.identifiers.wallets import Chain, check_wallet
from schemas.model import Line
from schemas.part import Part

SeenText = Annotated[Line, Field(max_length=120)]
UrlText = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_URL_LETTERS, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$")
]


class SeenIdentifier(Checked):
    """An identifier of one type, whose check is known."""

    type: ClassVar[IdentifierType | None] = None

    def check(self) -> Checked:
        """Return what checking `as_seen` finds here and now."""
        raise NotImplementedError

    def fill(self) -> Self:
        """Return it with normal form and findings, where neither was given."""
        if self.findings or self.normalised is not None:
            return self
        checked = self.check()
        return self.model_copy(update={"normalised": checked.normalised, "findings": checked.findings})

    def list_identifiers(self) -> tuple[Identifier, ...]:
        """Return by what it is searched: the normal form found here, whatever its sender says."""
        return () if self.type is None else (Identifier(self.type, self.check().search_form),)

    @property
    def is_told_otherwise(self) -> bool:
        """Say whether its sender's findings are there and are not those found here."""
        checked = self.check()
        return bool(self.findings) and (self.normalised, self.findings) != (checked.normalised, checked.findings)


class SeenPhone(SeenIdentifier):
    """A telephone number; `state` is where a number without a country code was in use."""

    type: ClassVar[IdentifierType | None] = IdentifierType.PHONE
    as_seen: Annotated[SeenText, Field(examples=["+44 7700 900123"])]
    state: StateCode | None = None

    def check(self) -> Checked:
        """Check it by the numbering plan of its country."""
        return check_phone(self.as_seen, iso_alpha_2=find_alpha_2(self.state) if self.state else None)


class SeenDevice(SeenIdentifier):
    """A telephone's own number (IMEI)."""

    type: ClassVar[IdentifierType | None] = IdentifierType.IMEI
    as_seen: Annotated[SeenText, Field(examples=["49-015420-323751-8"])]

    def check(self) -> Checked:
        """Check its digit."""
        return check_imei(self.as_seen)


class SeenSubscriber(SeenIdentifier):
    """A subscriber's number (IMSI)."""

    type: ClassVar[IdentifierType | None] = IdentifierType.IMSI
    as_seen: Annotated[SeenText, Field(examples=["001010123456789"])]

    def check(self) -> Checked:
        """Check its network's code."""
        return check_imsi(self.as_seen)


class SeenSimCard(SeenIdentifier):
    """The number printed on a SIM card (ICCID)."""

    type: ClassVar[IdentifierType | None] = IdentifierType.ICCID
    as_seen: Annotated[SeenText, Field(examples=["8991101200003204514"])]

    def check(self) -> Checked:
        """Check its digit."""
        return check_iccid(self.as_seen)


class SeenEmail(SeenIdentifier):
    """An e-mail address."""

    type: ClassVar[IdentifierType | None] = IdentifierType.EMAIL
    as_seen: Annotated[SeenText, Field(max_length=300, examples=["printer@example.org"])]
    normalised: Annotated[UrlText, Field(examples=["printer@example.org"])] | None = None

    def check(self) -> Checked:
        """Check its form."""
        return check_email(self.as_seen)


class SeenHandle(SeenIdentifier):
    """An account's name on a platform."""

    type: ClassVar[IdentifierType | None] = IdentifierType.HANDLE
    as_seen: Annotated[SeenText, Field(examples=["@chihai.specimen"])]
    platform: Platform
    note: LineText | None = None

    def check(self) -> Checked:
        """Check it by what the platform gives out."""
        return check_handle(self.as_seen, self.platform)

    def list_identifiers(self) -> tuple[Identifier, ...]:
        """Return the name with its platform: the same name elsewhere is another account."""
        return (Identifier(IdentifierType.HANDLE, f"{self.platform}:{self.check().search_form}"),)


class SeenUrl(SeenIdentifier):
    """The address of a page."""

    type: ClassVar[IdentifierType | None] = IdentifierType.URL
    as_seen: Annotated[UrlText, Field(examples=["https://example.org/crossings"])]
    normalised: Annotated[UrlText, Field(examples=["https://example.org/crossings"])] | None = None

    def check(self) -> Checked:
        """Check its form."""
        return check_url(self.as_seen)


class SeenIban(SeenIdentifier):
    """An account number (IBAN)."""

    type: ClassVar[IdentifierType | None] = IdentifierType.IBAN
    as_seen: Annotated[SeenText, Field(examples=["GB82 WEST 1234 5698 7654 32"])]

    def check(self) -> Checked:
        """Check its digits and its country's form."""
        return check_iban(self.as_seen)


class SeenBic(SeenIdentifier):
    """A bank's identifier (BIC)."""

    type: ClassVar[IdentifierType | None] = IdentifierType.BIC
    as_seen: Annotated[SeenText, Field(examples=["DEUTDEFF"])]

    def check(self) -> Checked:
        """Check its form."""
        return check_bic(self.as_seen)


class SeenWallet(SeenIdentifier):
    """The address of a virtual asset, with its chain."""

    type: ClassVar[IdentifierType | None] = IdentifierType.WALLET
    as_seen: Annotated[SeenText, Field(examples=["bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"])]
    chain: Chain

    def check(self) -> Checked:
        """Check it by the rule of its chain."""
        return check_wallet(self.as_seen, self.chain)


class SeenPlate(SeenIdentifier):
    """A number plate and the state it is of."""

    type: ClassVar[IdentifierType | None] = IdentifierType.PLATE
    as_seen: Annotated[SeenText, Field(examples=["1-ABC-123"])]
    state: StateCode | None = None

    def check(self) -> Checked:
        """Compare it with the usual forms of its state."""
        return check_plate(self.as_seen, self.state)


class SeenVin(SeenIdentifier):
    """A vehicle's number (VIN)."""

    type: ClassVar[IdentifierType | None] = IdentifierType.VIN
    as_seen: Annotated[SeenText, Field(examples=["1HGBH41JXMN109186"])]

    def check(self) -> Checked:
        """Check its digit where one is due."""
        return check_vin(self.as_seen)


class SeenImo(SeenIdentifier):
    """A ship's number (IMO)."""

    type: ClassVar[IdentifierType | None] = IdentifierType.IMO
    as_seen: Annotated[SeenText, Field(examples=["IMO 9074729"])]

    def check(self) -> Checked:
        """Check its digit."""
        return check_imo(self.as_seen)


class SeenMmsi(SeenIdentifier):
    """A ship station's number (MMSI); `flag` is the flag the ship shows."""

    type: ClassVar[IdentifierType | None] = IdentifierType.MMSI
    as_seen: Annotated[SeenText, Field(examples=["232012345"])]
    flag: StateCode | None = None

    def check(self) -> Checked:
        """Check whether its digits are those of a state, and of the flag."""
        return check_mmsi(self.as_seen, flag=self.flag)


class SeenCallSign(SeenIdentifier):
    """A ship's call sign."""

    type: ClassVar[IdentifierType | None] = IdentifierType.CALL_SIGN
    as_seen: Annotated[SeenText, Field(examples=["MABC2"])]

    def check(self) -> Checked:
        """Check its form."""
        return check_call_sign(self.as_seen)


class SeenHull(SeenIdentifier):
    """A small craft's hull number (HIN)."""

    type: ClassVar[IdentifierType | None] = IdentifierType.HULL
    as_seen: Annotated[SeenText, Field(examples=["GB-ABC12345L718"])]

    def check(self) -> Checked:
        """Check its form and its builder's state."""
        return check_hull(self.as_seen)


class SeenTail(SeenIdentifier):
    """An aircraft's nationality and registration marks; `state` is the register it is said to be on."""

    type: ClassVar[IdentifierType | None] = IdentifierType.TAIL
    as_seen: Annotated[SeenText, Field(examples=["G-ABCD"])]
    state: StateCode | None = None

    def check(self) -> Checked:
        """Check whether the marks are those of a state, and of the register."""
        return check_tail(self.as_seen, state=self.state)


class SeenContainer(SeenIdentifier):
    """A container's number."""

    type: ClassVar[IdentifierType | None] = IdentifierType.CONTAINER
    as_seen: Annotated[SeenText, Field(examples=["CSQU 305438 3"])]

    def check(self) -> Checked:
        """Check its digit."""
        return check_container(self.as_seen)


class SeenFlight(SeenIdentifier):
    """A flight number."""

    type: ClassVar[IdentifierType | None] = IdentifierType.FLIGHT
    as_seen: Annotated[SeenText, Field(examples=["XX 1234"])]

    def check(self) -> Checked:
        """Check its form."""
        return check_flight(self.as_seen)


class SeenCarrier(SeenIdentifier):
    """A carrier, by its designator (IATA, ICAO) or by its name."""

    as_seen: Annotated[SeenText, Field(examples=["XX"])]

    def check(self) -> Checked:
        """Check the form of a designator."""
        return check_carrier(self.as_seen)


class SeenLocode(SeenIdentifier):
    """A place's code (UN/LOCODE); `state` is the state it is said to be in."""

    as_seen: Annotated[SeenText, Field(examples=["GB DVR"])]
    state: StateCode | None = None

    def check(self) -> Checked:
        """Check its form and its state."""
        return check_locode(self.as_seen, state=self.state)


class SeenPosition(SeenIdentifier):
    """Coordinates (WGS 84) in any usual notation; `within_metres` is how far off they may be."""

    as_seen: Annotated[SeenText, Field(examples=["51.0504, 1.7811"])]
    within_metres: Annotated[int, Field(ge=1, le=100_000, examples=[50])] | None = None

    def check(self) -> Checked:
        """Read them."""
        return check_position(self.as_seen)


def list_seen(part: Part | None) -> tuple[Identifier, ...]:
    """Return, each once, by what everything seen in a part and below it is searched."""
    return () if part is None else tuple(dict.fromkeys(_list_seen(part)))


def _list_seen(part: Part) -> Iterator[Identifier]:
    for _, below in walk_parts(part):
        if isinstance(below, SeenIdentifier):
            yield from below.list_identifiers()
