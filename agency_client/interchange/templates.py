"""Which parts of an alert have an object of their own in MISP's vocabulary, and which of their fields it holds.

The names, versions and types are those of misp-objects (MISP project, CC0 1.0). A field that a template lacks is not
dropped: `agency_client.interchange.things` keeps it beside its path.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.alerts.accounts import BankAccount, OnlineAccount
from schemas.alerts.conveyances import Vehicle, Vessel
from schemas.alerts.document import SeenDocument
from schemas.alerts.person import Person
from schemas.alerts.places import Place
from schemas.alerts.seen import (
    SeenDevice,
    SeenEmail,
    SeenHandle,
    SeenPhone,
    SeenSimCard,
    SeenSubscriber,
    SeenUrl,
    SeenWallet,
)
from schemas.part import Part


@dataclass(frozen=True, slots=True)
class Relation:
    """How a template calls a field, and of which of MISP's types its value is."""

    name: str
    type: str = "text"


@dataclass(frozen=True, slots=True)
class Template:
    """An object of MISP's: its name, identity and category; for fields of ours, by path below the part, its relations.

    `needs` lists relations of which one must be there: without any, the part has no object of its own.
    """

    name: str
    uuid: str
    version: int
    category: str
    fields: Mapping[str, Relation]
    needs: frozenset[str]


_PERSON = Template(
    "person",
    "a15b0477-e9d1-4b9c-9546-abe78a4f4248",
    21,
    "misc",
    {
        "names.0.text": Relation("full-name", "full-name"),
        "role": Relation("role"),
        "sex": Relation("gender"),
        "birth_place": Relation("place-of-birth", "place-of-birth"),
        "names.*.text": Relation("alias"),
        "names.*.transliteration": Relation("alias"),
        "aliases.*.text": Relation("alias"),
        "aliases.*.transliteration": Relation("alias"),
        "nationalities.*": Relation("nationality", "nationality"),
    },
    frozenset({"full-name", "alias"}),
)
_PASSPORT = Template(
    "ftm-Passport",
    "d3c9ae6a-46bf-4cb7-81c9-bc7b88f8a6e1",
    1,
    "followthemoney",
    {
        "type": Relation("type"),
        "issuing_state": Relation("country"),
        "number": Relation("passportNumber"),
        "authority": Relation("authority"),
        "issued_on": Relation("startDate"),
        "expires_on": Relation("endDate"),
        "holder.surname": Relation("surname"),
        "holder.given_names": Relation("givenName"),
        "holder.birth_date": Relation("birthDate"),
        "holder.birth_place": Relation("birthPlace"),
        "holder.sex": Relation("gender"),
        "holder.personal_number": Relation("personalNumber"),
    },
    frozenset({"passportNumber", "surname"}),
)
_BANK_ACCOUNT = Template(
    "bank-account",
    "b4712203-95a8-4883-80e9-b566f5df11c9",
    3,
    "financial",
    {
        "iban": Relation("iban", "iban"),
        "number": Relation("account", "bank-account-nr"),
        "bic": Relation("swift", "bic"),
        "institution": Relation("institution-name"),
        "branch": Relation("branch"),
        "holder_as_named": Relation("account-name"),
        "status": Relation("status-code"),
        "note": Relation("text"),
    },
    frozenset({"iban", "account"}),
)
_VEHICLE = Template(
    "vehicle",
    "683c076c-f695-4ff2-8efa-e98a418049f4",
    5,
    "misc",
    {
        "plates.*": Relation("license-plate-number"),
        "vin": Relation("vin"),
        "make": Relation("make"),
        "model": Relation("model"),
        "body": Relation("type"),
        "colour": Relation("exterior-color"),
        "features": Relation("description"),
    },
    frozenset({"license-plate-number", "vin", "make", "model", "description"}),
)
_VESSEL = Template(
    "ftm-Vessel",
    "2ee3df38-7756-4179-abea-ba8d2fbb7c6c",
    1,
    "followthemoney",
    {
        "name": Relation("name"),
        "former_names.*": Relation("pastNames"),
        "imo_number": Relation("imoNumber"),
        "mmsi": Relation("mmsi"),
        "call_sign": Relation("callSign"),
        "registration": Relation("registrationNumber"),
        "home_port": Relation("registrationPort"),
        "flag": Relation("flag"),
        "body": Relation("type"),
        "features": Relation("description"),
    },
    frozenset({"name"}),
)
_GEOLOCATION = Template(
    "geolocation",
    "cd6f2238-ba55-4888-82c4-104e6e1acf21",
    8,
    "misc",
    {
        "name": Relation("text"),
        "address": Relation("address"),
        "state": Relation("country"),
        "subdivision": Relation("region"),
    },
    frozenset({"country"}),
)
_WALLET = Template(
    "coin-address",
    "d0e6997e-78da-4815-a6a1-cfc1c1cb8a46",
    7,
    "financial",
    {"": Relation("address-crypto"), "chain": Relation("symbol")},
    frozenset({"address-crypto"}),
)
_USER_ACCOUNT = Template(
    "user-account",
    "49606b06-22f0-4ac8-8eee-2f12ad46f3d3",
    6,
    "misc",
    {
        "": Relation("username"),
        "platform": Relation("account-type"),
        "display_name": Relation("display-name"),
        "number": Relation("user-id"),
    },
    frozenset({"username"}),
)
_PHONE = ("phone", "d7e4fbdd-b551-4862-bddb-a0b470a38509", 6, "misc")
_EMAIL = ("email", "a0c666e0-fc65-4be8-b48f-3423d788b552", 19, "network")
_URL = ("url", "60efb77b-40b5-4c46-871b-ed1ed999fce5", 10, "network")


def _single(about: tuple[str, str, int, str], relation: str, type_: str = "text") -> Template:
    name, uuid, version, category = about
    return Template(name, uuid, version, category, {"": Relation(relation, type_)}, frozenset({relation}))


TEMPLATES: Mapping[type[Part], Template] = {
    Person: _PERSON,
    SeenDocument: _PASSPORT,
    BankAccount: _BANK_ACCOUNT,
    Vehicle: _VEHICLE,
    Vessel: _VESSEL,
    Place: _GEOLOCATION,
    SeenWallet: _WALLET,
    OnlineAccount: _USER_ACCOUNT,
    SeenHandle: _USER_ACCOUNT,
    SeenPhone: _single(_PHONE, "msisdn"),
    SeenDevice: _single(_PHONE, "imei"),
    SeenSubscriber: _single(_PHONE, "imsi"),
    SeenSimCard: _single(_PHONE, "iccid"),
    SeenEmail: _single(_EMAIL, "from", "email-src"),
    SeenUrl: _single(_URL, "url", "url"),
}
"""By the exact type of a part; a field of the path "" is the identifier that the part itself is."""
