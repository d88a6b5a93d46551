"""Networks: how the persons of an alert stand to one another."""

from schemas.alerts.shapes import LineText, PersonRef
from schemas.coded import CodedValue
from schemas.identifiers.dates import PartialDate
from schemas.part import Part


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

    source: PersonRef
    relation: Relation
    target: PersonRef
    since: PartialDate | None = None
    until: PartialDate | None = None
    note: LineText | None = None

    def person_refs(self) -> tuple[str, ...]:
        """Return both ends."""
        return (self.source, self.target)
