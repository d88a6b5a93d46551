"""Puts foreign things where an alert of one kind has a place for them, and says of every value what became of it. Pure.

The result is the beginning of an alert, not an alert: an officer completes it, and sending judges it like any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from agency_client.interchange.foreign import ForeignFile, ForeignThing
from schemas.alerts.accounts import BankAccount, OnlineAccount
from schemas.alerts.conveyances import Vehicle, Vessel
from schemas.alerts.person import Person
from schemas.alerts.seen import (
    SeenDevice,
    SeenEmail,
    SeenPhone,
    SeenSimCard,
    SeenSubscriber,
    SeenUrl,
    SeenWallet,
)
from schemas.codec import CodecError, encode_canonical
from schemas.identifiers.alpha_2 import find_state
from schemas.identifiers.online import Platform
from schemas.identifiers.states import STATE_NAMES, canonicalise_state
from schemas.identifiers.wallets import Chain
from schemas.part import Part

MAX_PLACES = 20
"""So many entries a list of an alert has (`schemas.alerts.shapes.Few`)."""

Wire = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Slot:
    """Where parts of one type go: the list that takes them, and what stands around each (`None`: it stands bare)."""

    path: str
    within: str | None = None
    beside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """The beginning of an alert; `taken` and `refused` name each value's place in the file, the latter with why not."""

    alert: Wire
    taken: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


_PHONES = Slot("details.phones", "number")
_VEHICLES = Slot("details.conveyances", "vehicle", {"type": "vehicle"})
_VESSELS = Slot("details.conveyances", "vessel", {"type": "vessel"})
_PERSONS = Slot("persons")
SLOTS: Mapping[str, Mapping[type[Part], Slot]] = {
    "facilitator": {
        Person: _PERSONS,
        SeenPhone: _PHONES,
        SeenDevice: Slot("details.devices"),
        SeenSubscriber: Slot("details.subscribers"),
        SeenSimCard: Slot("details.sim_cards"),
        OnlineAccount: Slot("details.accounts"),
        SeenEmail: Slot("details.emails"),
        SeenUrl: Slot("details.pages"),
        BankAccount: Slot("details.bank_accounts"),
        SeenWallet: Slot("details.wallets", "address"),
        Vehicle: _VEHICLES,
        Vessel: _VESSELS,
    },
    "financial-flow": {
        Person: _PERSONS,
        BankAccount: Slot("details.accounts"),
        SeenWallet: Slot("details.wallets", "address"),
    },
    "online-recruitment": {
        Person: _PERSONS,
        SeenPhone: _PHONES,
        OnlineAccount: Slot("details.accounts"),
        SeenEmail: Slot("details.emails"),
        SeenUrl: Slot("details.pages"),
        SeenWallet: Slot("details.wallets", "address"),
    },
}
"""The kinds that foreign things begin, and where each of their parts goes."""


def place(file: ForeignFile, kind: str) -> Draft:
    """Return the beginning of an alert of `kind` with everything of a foreign file that has a place in it."""
    alert: Wire = {"kind": kind, "details": {}} | ({"subject": file.title[:120]} if file.title else {})
    taken: list[str] = []
    refused = list(file.unread)
    for thing in file.things:
        parts, problems = _read_parts(thing)
        refused += [(f"{thing.where} {relation}", problem) for relation, problem in problems]
        for part_type, wire in parts.items():
            slot = SLOTS[kind].get(part_type)
            problem = f"{kind} has no place for it" if slot is None else _add(alert, slot, part_type, wire)
            if problem is None:
                taken.append(f"{thing.where} {thing.template}")
            else:
                refused.append((f"{thing.where} {thing.template}", problem))
    return Draft(alert, tuple(taken), tuple(refused))


def _read_parts(thing: ForeignThing) -> tuple[dict[type[Part], Wire], list[tuple[str, str]]]:
    """Return the parts of an alert that a thing is, and the relations that have no place or no right value."""
    parts: dict[type[Part], Wire] = {}
    problems: list[tuple[str, str]] = []
    for relation, value in thing.values:
        known = PLACES.get(thing.template, {}).get(relation)
        text = _translate(relation, value)
        if known is None:
            problems.append((f"{thing.template} {relation}", "no alert has a place for it"))
        elif text is None:
            problems.append((f"{thing.template} {relation}", "its value is none that an alert knows"))
        else:
            part_type, path = known
            parts[part_type] = _set(parts.get(part_type, dict(_ALWAYS.get(part_type, {}))), path, text)
    settled = {}
    for part_type, wire in parts.items():
        kept, refused = _settle(part_type, wire)
        problems += [(f"{thing.template} {member}", problem) for member, problem in refused]
        if kept is not None:
            settled[part_type] = kept
    return settled, problems


def _settle(part_type: type[Part], wire: Wire) -> tuple[Wire | None, list[tuple[str, str]]]:
    """Return a part without the members that its model refuses, and those; None if nothing is left that it takes."""
    refused: list[tuple[str, str]] = []
    while True:
        found = _judge(part_type, wire)
        if found is None:
            return wire, refused
        refused.append(found)
        if found[0] not in wire:
            return None, refused
        wire = {name: value for name, value in wire.items() if name != found[0]}


def _set(wire: Wire, path: str, value: str) -> Wire:
    """Return a part with a value at a path, in which `+` is a new entry at the end of a list."""
    name, _, rest = path.partition(".")
    if not rest:
        return wire | {name: value}
    if rest == "+" or rest.startswith("+."):
        below = rest.removeprefix("+").removeprefix(".")
        return wire | {name: [*wire.get(name, []), _set({}, below, value) if below else value]}
    return wire | {name: _set(wire.get(name, {}), rest, value)}


def _judge(part_type: type[Part], wire: Wire) -> tuple[str, str] | None:
    """Return the first member that the model refuses, and why; a person's reference is given when it has its place."""
    whole = {"ref": "p1", **wire} if part_type is Person else wire
    try:
        part_type.model_validate_json(encode_canonical(whole))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return str(first["loc"][0] if first["loc"] else ""), str(first["msg"])
    except CodecError as error:
        return error.field.partition(".")[0], str(error)
    return None


def _add(alert: Wire, slot: Slot, part_type: type[Part], wire: Wire) -> str | None:
    holder: Any = alert
    *above, last = slot.path.split(".")
    for name in above:
        holder = holder.setdefault(name, {})
    items = holder.setdefault(last, [])
    if len(items) >= MAX_PLACES:
        return f"{slot.path} takes {MAX_PLACES}"
    whole = {"ref": f"p{len(items) + 1}", **wire} if part_type is Person else wire
    items.append(whole if slot.within is None else {**slot.beside, slot.within: whole})
    return None


def _translate(relation: str, value: str) -> str | None:
    """Return a value as an alert spells it; None where it is no code that an alert knows."""
    if relation == "gender":
        return _SEXES.get(value.casefold())
    if relation in {"nationality", "flag"}:
        return _find_state(value)
    if relation == "account-type":
        return value if value in set(Platform) else Platform.OTHER.value
    if relation == "symbol":
        return _CHAINS.get(value.casefold(), Chain.OTHER.value)
    return " ".join(value.split()) or None


def _find_state(value: str) -> str | None:
    code = canonicalise_state(value.strip().upper())
    if code in STATE_NAMES:
        return code
    return find_state(value.strip().upper()) or _STATES.get(value.strip().casefold())


_STATES = {name.casefold(): code for code, name in STATE_NAMES.items()}
_SEXES = {"male": "male", "female": "female", "other": "unspecified", "prefer not to say": "unspecified"}
_CHAINS = {"btc": "bitcoin", "ltc": "litecoin", "eth": "ethereum", "trx": "tron", "sol": "solana", "xmr": "monero"} | {
    chain.value: chain.value for chain in Chain
}
PLACES: Mapping[str, Mapping[str, tuple[type[Part], str]]] = {
    "person": {
        "full-name": (Person, "names.+.text"),
        "alias": (Person, "aliases.+.text"),
        "date-of-birth": (Person, "birth_dates.+"),
        "place-of-birth": (Person, "birth_place"),
        "gender": (Person, "sex"),
        "nationality": (Person, "nationalities.+"),
    },
    "phone": {
        "msisdn": (SeenPhone, "as_seen"),
        "imei": (SeenDevice, "as_seen"),
        "imsi": (SeenSubscriber, "as_seen"),
        "iccid": (SeenSimCard, "as_seen"),
    },
    "user-account": {
        "username": (OnlineAccount, "as_seen"),
        "account-type": (OnlineAccount, "platform"),
        "display-name": (OnlineAccount, "display_name"),
        "user-id": (OnlineAccount, "number"),
    },
    "email": {"from": (SeenEmail, "as_seen")},
    "url": {"url": (SeenUrl, "as_seen")},
    "bank-account": {
        "iban": (BankAccount, "iban.as_seen"),
        "account": (BankAccount, "number"),
        "swift": (BankAccount, "bic.as_seen"),
        "institution-name": (BankAccount, "institution"),
        "branch": (BankAccount, "branch"),
        "account-name": (BankAccount, "holder_as_named"),
        "text": (BankAccount, "note"),
    },
    "coin-address": {
        "address": (SeenWallet, "as_seen"),
        "address-crypto": (SeenWallet, "as_seen"),
        "address-xmr": (SeenWallet, "as_seen"),
        "symbol": (SeenWallet, "chain"),
    },
    "vehicle": {
        "license-plate-number": (Vehicle, "plates.+.as_seen"),
        "vin": (Vehicle, "vin.as_seen"),
        "make": (Vehicle, "make"),
        "model": (Vehicle, "model"),
        "description": (Vehicle, "features"),
    },
    "ftm-Vessel": {
        "name": (Vessel, "name"),
        "pastNames": (Vessel, "former_names.+"),
        "imoNumber": (Vessel, "imo.as_seen"),
        "mmsi": (Vessel, "mmsi.as_seen"),
        "callSign": (Vessel, "call_sign.as_seen"),
        "registrationNumber": (Vessel, "registration"),
        "flag": (Vessel, "flag"),
        "description": (Vessel, "features"),
    },
}
"""For each template and relation, the part of an alert and the path in it; `+` begins a new entry of a list."""
_ALWAYS: Mapping[type[Part], Wire] = {
    Person: {"role": "unidentified"},
    OnlineAccount: {"platform": Platform.OTHER.value},
    SeenWallet: {"chain": Chain.OTHER.value},
}
"""What a part cannot do without and a file need not say."""
