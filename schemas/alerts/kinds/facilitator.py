"""facilitator: a smuggler's identifiers, the network around, and what to do on meeting the person."""

from typing import Self

from pydantic import model_validator

from schemas.alerts.accounts import BankAccount, OnlineAccount, WalletAccount
from schemas.alerts.base import Language
from schemas.alerts.conveyances import Conveyance
from schemas.alerts.money import Price
from schemas.alerts.network import Edge
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
from schemas.coded import CodedValue
from schemas.identifiers.dates import Day
from schemas.identifiers.states import StateCode


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
    DOCUMENT_COURIER = "document-courier", "Courier of documents or money"
    BOAT_SUPPLIER = "boat-supplier", "Supplier of boats, engines or vehicles"
    ONLINE_ADVERTISER = "online-advertiser", "Advertiser on the internet"
    SPONSOR = "sponsor", "Sponsor or employer in name only"


class SafetyWarning(CodedValue):
    """What an officer must know before approaching."""

    ARMED = "armed", "Armed"
    VIOLENT = "violent", "Violent"
    ESCAPE_RISK = "escape-risk", "Risk of escape"
    SUICIDE_RISK = "suicide-risk", "Risk of suicide"
    INFECTIOUS_DISEASE = "infectious-disease", "Infectious disease"
    DRUG_USE = "drug-use", "Uses drugs"
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


class Service(CodedValue):
    """What a facilitator offers."""

    SEA_CROSSING = "sea-crossing", "Crossings in boats"
    LORRY = "lorry", "Crossings hidden in lorries or trailers"
    CAR = "car", "Crossings in cars or vans"
    RAIL = "rail", "Crossings on trains"
    ON_FOOT = "on-foot", "Crossings on foot"
    AIR = "air", "Travel by air"
    FALSE_DOCUMENTS = "false-documents", "False or borrowed documents"
    VISA_ABUSE = "visa-abuse", "Visas by false pretences"
    SHAM_RELATIONSHIP = "sham-relationship", "Marriages, adoptions or kinship of convenience"
    SHAM_STUDY_OR_WORK = "sham-study-or-work", "Places to study or work that do not exist"
    ACCOMMODATION = "accommodation", "Accommodation on the way"
    PAYMENT = "payment", "Payment and holding of money"
    ESCORT = "escort", "Escorts on the way"


@register("facilitator", "Facilitator of smuggling", needs_grading=True)
class Facilitator(Details):
    """A facilitator. Names, birth dates, nationalities, marks and photographs stand with the person `subject` names."""

    subject: PersonRef
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

    def person_refs(self) -> tuple[str, ...]:
        """Return the subject, everyone in the network, and whoever holds an account or a conveyance."""
        held: tuple[OnlineAccount | WalletAccount, ...] = (*self.accounts, *self.wallets)
        holders = (ref for account in held for ref in account.holders)
        parts: tuple[Edge | BankAccount | Conveyance, ...] = (*self.network, *self.bank_accounts, *self.conveyances)
        return (self.subject, *(ref for part in parts for ref in part.person_refs()), *holders)
