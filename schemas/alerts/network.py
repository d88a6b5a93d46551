"""Networks: what their members do, what they offer, how the persons of an alert stand to one another."""

from schemas.alerts.shapes import LineText, PersonRef
from schemas.coded import CodedValue
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
    DOCUMENT_COURIER = "document-courier", "Courier of documents or money"
    BOAT_SUPPLIER = "boat-supplier", "Supplier of boats, engines or vehicles"
    ONLINE_ADVERTISER = "online-advertiser", "Advertiser on the internet"
    SPONSOR = "sponsor", "Sponsor or employer in name only"


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


class Relation(CodedValue):
    """How one person stands to another in the network."""

    WORKS_FOR = "works-for", "Works for"
    PAYS = "pays", "Pays"
    SUPPLIES = "supplies", "Supplies"
    RECRUITS_FOR = "recruits-for", "Recruits for"
    TRANSPORTS_FOR = "transports-for", "Transports for"
    HOSTS_FOR = "hosts-for", "Hosts for"
    LAUNDERS_FOR = "launders-for", "Launders money for"
    FORGES_FOR = "forges-for", "Makes documents for"
    CONTACT = "contact", "In contact with"
    RELATIVE = "relative", "Relative of"
    PARTNER = "partner", "Married to, or living with"
    CO_TRAVELLER = "co-traveller", "Travelled with"
    SAME_PERSON = "same-person", "May be the same person as"


class Edge(Part):
    """How one person of the alert stands to another, as far as known since when and until when."""

    person: PersonRef
    relation: Relation
    other_person: PersonRef
    since: PartialDate | None = None
    until: PartialDate | None = None
    note: LineText | None = None

    def person_refs(self) -> tuple[str, ...]:
        """Return both ends."""
        return (self.person, self.other_person)
