"""facilitator: a smuggler's identifiers, the network around, and what to do on meeting the person."""

from typing import Annotated

from pydantic import Field

from schemas.alerts.places import Route, Sighting
from schemas.alerts.registry import register
from schemas.alerts.shapes import (
    Amount,
    Currency,
    Details,
    Few,
    FreeText,
    Identifier,
    IdentifierType,
    LineText,
    Many,
    PersonRef,
    ShortText,
)
from schemas.coded import CodedValue
from schemas.identifiers.checked import Checked
from schemas.identifiers.dates import PartialDate
from schemas.part import Part


class FacilitatorRole(CodedValue):
    """What a person does in a smuggling network."""

    ORGANISER = "organiser", "Organiser"
    RECRUITER = "recruiter", "Recruiter"
    DRIVER = "driver", "Driver"
    SKIPPER = "skipper", "Skipper"
    GUIDE = "guide", "Guide"
    FORGER = "forger", "Forger"
    DOCUMENT_SUPPLIER = "document-supplier", "Supplier of documents"
    FINANCIER = "financier", "Financier"
    HAWALADAR = "hawaladar", "Hawaladar"
    HOST = "host", "Host of safe houses"
    LOOKOUT = "lookout", "Lookout"
    CORRUPT_OFFICIAL = "corrupt-official", "Corrupt official"
    ENFORCER = "enforcer", "Enforcer"


class Platform(CodedValue):
    """Where an account is."""

    WHATSAPP = "whatsapp", "WhatsApp"
    TELEGRAM = "telegram", "Telegram"
    SIGNAL = "signal", "Signal"
    VIBER = "viber", "Viber"
    ZALO = "zalo", "Zalo"
    WECHAT = "wechat", "WeChat"
    LINE = "line", "LINE"
    IMO_MESSENGER = "imo-messenger", "imo"
    FACEBOOK = "facebook", "Facebook"
    INSTAGRAM = "instagram", "Instagram"
    TIKTOK = "tiktok", "TikTok"
    SNAPCHAT = "snapchat", "Snapchat"
    X = "x", "X"
    YOUTUBE = "youtube", "YouTube"
    OTHER = "other", "Other, in the note"


class Relation(CodedValue):
    """How one person stands to another in the network."""

    WORKS_FOR = "works-for", "Works for"
    PAYS = "pays", "Pays"
    SUPPLIES = "supplies", "Supplies"
    RECRUITS_FOR = "recruits-for", "Recruits for"
    TRANSPORTS_FOR = "transports-for", "Transports for"
    HOSTS_FOR = "hosts-for", "Hosts for"
    CONTACT = "contact", "In contact with"
    RELATIVE = "relative", "Relative of"


class SafetyWarning(CodedValue):
    """What an officer must know before approaching."""

    ARMED = "armed", "Armed"
    VIOLENT = "violent", "Violent"
    ESCAPE_RISK = "escape-risk", "Risk of escape"
    SUICIDE_RISK = "suicide-risk", "Risk of suicide"
    INFECTIOUS_DISEASE = "infectious-disease", "Infectious disease"
    ACCOMPANIED_BY_CHILDREN = "accompanied-by-children", "Often accompanied by children"


class RequestedCheck(CodedValue):
    """Which check is asked for on meeting the person."""

    DISCREET = "discreet", "Discreet check: the person must not notice"
    INQUIRY = "inquiry", "Inquiry check: the person is interviewed"
    SPECIFIC = "specific", "Specific check: person and belongings are searched"


class EncounterAction(CodedValue):
    """What to do on meeting the person."""

    REPORT_ONLY = "report-only", "Report, do not act"
    REPORT_AT_ONCE = "report-at-once", "Report at once, while the person is there"
    COPY_DOCUMENTS = "copy-documents", "Copy documents and record devices"
    ESTABLISH_COMPANIONS = "establish-companions", "Establish companions, route and vehicle"
    DETAIN_UNDER_NATIONAL_LAW = "detain-under-national-law", "Detain, if national law allows"
    DO_NOT_APPROACH = "do-not-approach", "Do not approach alone"


class PriceUnit(CodedValue):
    """For what a price is."""

    PERSON = "person", "For each person"
    FAMILY = "family", "For a family"
    GROUP = "group", "For a group"
    DOCUMENT = "document", "For a document"
    STAGE = "stage", "For one stage of the route"


class Account(Part):
    """A messaging or social account."""

    platform: Platform
    handle: ShortText
    note: LineText | None = None


class Edge(Part):
    """How one person of the alert stands to another."""

    source: PersonRef
    relation: Relation
    target: PersonRef
    note: LineText | None = None


class Price(Part):
    """A price asked or paid."""

    amount: Amount
    currency: Currency
    per: PriceUnit
    note: LineText | None = None


class Phone(Part):
    """A telephone number and when it was in use."""

    number: Checked
    used_from: PartialDate | None = None
    used_until: PartialDate | None = None
    note: LineText | None = None


Email = Annotated[
    str,
    Field(
        pattern=r"^[^@\s\x00-\x20\x7f]{1,64}@[^@\s\x00-\x20\x7f]{1,190}$",
        max_length=254,
        examples=["printer@example.org"],
        description="an address with one @",
    ),
]


@register("facilitator", "Facilitator of smuggling", needs_grading=True)
class Facilitator(Details):
    """A facilitator. Names, birth dates, nationalities, marks and photographs stand with the person `subject` names."""

    subject: PersonRef
    roles: Few[FacilitatorRole]
    phones: Few[Phone] = ()
    devices: Few[Checked] = ()
    subscribers: Few[Checked] = ()
    accounts: Few[Account] = ()
    emails: Few[Email] = ()
    network: Many[Edge] = ()
    warnings: Few[SafetyWarning] = ()
    modus_operandi: FreeText | None = None
    prices: Few[Price] = ()
    routes: Few[Route] = ()
    last_seen: Sighting | None = None
    requested_check: RequestedCheck | None = None
    on_encounter: Few[EncounterAction] = ()

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return phones, devices, subscribers, accounts and e-mail addresses."""
        found = [Identifier(IdentifierType.PHONE, phone.number.search_form) for phone in self.phones]
        found += [Identifier(IdentifierType.IMEI, device.search_form) for device in self.devices]
        found += [Identifier(IdentifierType.IMSI, subscriber.search_form) for subscriber in self.subscribers]
        found += [Identifier(IdentifierType.HANDLE, _normalise_handle(account)) for account in self.accounts]
        found += [Identifier(IdentifierType.EMAIL, email.lower()) for email in self.emails]
        return tuple(dict.fromkeys(found))

    def person_refs(self) -> tuple[str, ...]:
        """Return the subject and everyone in the network."""
        return (self.subject, *(ref for edge in self.network for ref in (edge.source, edge.target)))


def _normalise_handle(account: Account) -> str:
    return f"{account.platform}:{account.handle.removeprefix('@').lower()}"
