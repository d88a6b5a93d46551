"""information-request: what another agency is thought to know, why it is asked, and for what it will be used.

What is known stands in `statements`, facts apart from assessments; how urgent it is, and why, in the common part. By
when an answer is due follows from both (`schemas.agreements.answering`).
"""

from typing import Self

from pydantic import model_validator

from schemas.alerts.document import DocumentIdentity
from schemas.alerts.registry import register
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
from schemas.identifiers.dates import PartialDate
from schemas.identifiers.states import StateCode
from schemas.markings import Purpose
from schemas.part import Part


class InformationItem(CodedValue):
    """What is asked for."""

    IDENTITY = "identity", "Identity"
    DOCUMENT_RECORD = "document-record", "Record of a document"
    NATIONALITY = "nationality", "Nationality"
    PHOTOGRAPH = "photograph", "Photograph"
    FINGERPRINTS = "fingerprints", "Fingerprints"
    BORDER_CROSSINGS = "border-crossings", "Entries and exits"
    VISA_OR_PERMIT = "visa-or-permit", "Visa or residence permit"
    ADDRESS = "address", "Address"
    CRIMINAL_RECORD = "criminal-record", "Criminal record"
    INVESTIGATION = "investigation", "Investigation, and who leads it"
    ASSOCIATES = "associates", "Contacts and associates"
    TELEPHONE_SUBSCRIBER = "telephone-subscriber", "Subscriber of a telephone number"
    ONLINE_ACCOUNT = "online-account", "Holder of an online account"
    BANK_ACCOUNT = "bank-account", "Holder of a bank account"
    COMPANY = "company", "Company record"
    CONVEYANCE = "conveyance", "Owner or holder of a vehicle, vessel or aircraft"
    WHEREABOUTS = "whereabouts", "Whereabouts"
    VICTIM_SUPPORT = "victim-support", "What support a victim gets"
    OTHER = "other", "Other, in the questions"


class WhyHeld(CodedValue):
    """Why the agency asked is thought to hold it."""

    ISSUING_STATE = "issuing-state", "Its state issued the document"
    STATE_OF_NATIONALITY = "state-of-nationality", "The person is thought to be a national of its state"
    RESIDENCE = "residence", "The person lives, or lived, there"
    TRAVELLED_THROUGH = "travelled-through", "The route led through its territory"
    EARLIER_MESSAGE = "earlier-message", "It sent a message about it"
    REGISTERED_THERE = "registered-there", "Number, account, company or conveyance is registered there"
    INVESTIGATES = "investigates", "It investigates the same"
    OTHER = "other", "Other reason, in words"


class Offence(CodedValue):
    """Which offence is investigated or prevented."""

    MIGRANT_SMUGGLING = "migrant-smuggling", "Smuggling of migrants"
    HUMAN_TRAFFICKING = "human-trafficking", "Trafficking in human beings"
    DOCUMENT_FRAUD = "document-fraud", "Forgery of documents, or trade in them"
    ORGANISED_CRIME = "organised-crime", "Participation in a criminal organisation"
    MONEY_LAUNDERING = "money-laundering", "Money laundering"
    CORRUPTION = "corruption", "Corruption"
    DEATH_OR_INJURY = "death-or-injury", "Death or injury of migrants"
    KIDNAPPING = "kidnapping", "Kidnapping, or deprivation of liberty"
    CHILD_EXPLOITATION = "child-exploitation", "Sexual exploitation of children"
    ILLEGAL_EMPLOYMENT = "illegal-employment", "Illegal employment with exploitation"
    NONE = "none", "None: a person is in danger, or must be identified"
    OTHER = "other", "Other offence, in words"


class UseLimit(CodedValue):
    """For what an answer may be used, or may not."""

    INTELLIGENCE_ONLY = "intelligence-only", "Intelligence only, not as evidence"
    EVIDENCE_AFTER_CONSENT = "evidence-after-consent", "As evidence only after consent"
    EVIDENCE = "evidence", "As evidence"
    THIS_CASE_ONLY = "this-case-only", "In this case only"
    NOT_TO_THIRD_STATES = "not-to-third-states", "Not to third states"
    NOT_FOR_RETURN = "not-for-return", "Not for return or removal"
    NOT_AGAINST_VICTIM = "not-against-victim", "Not against a victim"
    SAFETY_OF_PERSON = "safety-of-person", "To protect a person alone"
    OTHER = "other", "Other limit, in words"


class InvestigatedOffence(Part):
    """An offence, under which law, and when and where it was committed, as far as known."""

    offence: Offence
    law: LineText | None = None
    words: FreeText | None = None
    committed_on: PartialDate | None = None
    state: StateCode | None = None

    @model_validator(mode="after")
    def _check_is_named(self) -> Self:
        if self.offence is Offence.OTHER and self.words is None:
            raise FieldError("words", "the offence other needs words")
        if self.offence is not Offence.NONE and self.law is None:
            raise FieldError("law", "an offence names the law that makes it one")
        return self


class PersonLink(Part):
    """Why one person is asked about: the link between the person and the purpose of the request."""

    person: PersonRef
    link: FreeText


class HeldBecause(Part):
    """Why the agency asked is thought to hold what is asked for."""

    reason: WhyHeld
    words: LineText | None = None

    @model_validator(mode="after")
    def _check_other_has_words(self) -> Self:
        if self.reason is WhyHeld.OTHER and self.words is None:
            raise FieldError("words", "the reason other needs words")
        return self


class LimitOfUse(Part):
    """One limit of use; `other` says in words what it is."""

    limit: UseLimit
    words: LineText | None = None

    @model_validator(mode="after")
    def _check_other_has_words(self) -> Self:
        if self.limit is UseLimit.OTHER and self.words is None:
            raise FieldError("words", "the limit other needs words")
        return self


@register("information-request", "Request for information", needs_facts=True)
class InformationRequest(Details):
    """What is asked, about whom and about which documents, why, and why there.

    Each person of the alert has a link to the purpose (Directive (EU) 2023/977, article 4(3)(f)). `limits_offered` are
    those that the asking agency keeps to whatever the answer says.
    """

    items: Few[InformationItem]
    questions: Few[FreeText]
    used_for: Purpose
    offence: InvestigatedOffence
    links: Many[PersonLink] = ()
    documents: Few[DocumentIdentity] = ()
    held_because: Few[HeldBecause]
    limits_offered: Few[LimitOfUse] = ()
    languages: Few[ShortText] = ()

    @model_validator(mode="after")
    def _check_each_once(self) -> Self:
        if len(set(self.items)) != len(self.items):
            raise FieldError("items", "each thing once")
        if len({link.person for link in self.links}) != len(self.links):
            raise FieldError("links", "each person once")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return the numbers of the documents asked about."""
        return tuple(document.identifier() for document in self.documents)

    def person_refs(self) -> tuple[str, ...]:
        """Return the persons that have a link to the purpose."""
        return tuple(link.person for link in self.links)

    def verify_persons(self, refs: tuple[str, ...]) -> None:
        """Check that nobody is named without a link to the purpose."""
        missing = next((ref for ref in refs if ref not in self.person_refs()), None)
        if missing is not None:
            raise FieldError("details.links", f"{missing} is named, and nothing says why: the link to the purpose")
