"""return-coordination: one person's return, step by step: identity, travel document, flight, escorts, medical needs.

Before anything is told, the sending state has examined whether the person may be returned (`protection_examined`); what
that examination heard is never part of it: a state learns nothing here of who asked for protection from it.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.alerts.coded import DocumentType
from schemas.alerts.document import DocumentIdentity
from schemas.alerts.refusal import Refusal
from schemas.alerts.registry import register
from schemas.alerts.shapes import (
    AttachmentId,
    Details,
    Few,
    FieldError,
    Identifier,
    IdentifierType,
    LineText,
    Moment,
    PersonRef,
    ShortText,
)
from schemas.coded import CodedValue
from schemas.identifiers.dates import PartialDate
from schemas.identifiers.states import StateCode
from schemas.part import Part


class ReturnStep(CodedValue):
    """What this message asks, or answers."""

    IDENTITY_ASKED = "identity-asked", "Is this your citizen?"
    IDENTITY_ANSWERED = "identity-answered", "Answer about the identity"
    DOCUMENT_ASKED = "document-asked", "A travel document is asked for"
    DOCUMENT_ISSUED = "document-issued", "A travel document was issued"
    JOURNEY_PROPOSED = "journey-proposed", "A journey is proposed"
    JOURNEY_AGREED = "journey-agreed", "The journey is agreed"
    CARRIED_OUT = "carried-out", "The person arrived"
    CALLED_OFF = "called-off", "The return is called off"
    REFUSED = "refused", "Refused, with the ground"


class ReturnType(CodedValue):
    """What kind of return it is."""

    VOLUNTARY = "voluntary", "Voluntary"
    ASSISTED_VOLUNTARY = "assisted-voluntary", "Voluntary, with assistance"
    ENFORCED = "enforced", "Enforced"
    READMISSION = "readmission", "Under a readmission agreement"
    VICTIM_REPATRIATION = "victim-repatriation", "Return of a victim, at the victim's wish"


class IdentityResult(CodedValue):
    """Whether the person is a citizen of the state asked."""

    CONFIRMED = "confirmed", "Confirmed"
    NOT_CONFIRMED = "not-confirmed", "Not confirmed"
    ANOTHER_STATE = "another-state", "Probably a citizen of another state"
    PENDING = "pending", "Still being established"


class IdentityMeans(CodedValue):
    """By what an identity was established."""

    REGISTER = "register", "Civil register"
    PASSPORT_RECORD = "passport-record", "Record of a passport or identity card"
    FINGERPRINTS = "fingerprints", "Fingerprints"
    INTERVIEW = "interview", "Interview by consular officers"
    FAMILY = "family", "Family members"
    DOCUMENT_COPY = "document-copy", "Copy of a document"


class MedicalNeed(CodedValue):
    """What must be provided on the way and at arrival; no diagnosis."""

    FIT_TO_TRAVEL = "fit-to-travel", "Certified fit to travel"
    MEDICAL_ESCORT = "medical-escort", "Medical escort"
    MEDICATION = "medication", "Medication on the way"
    WHEELCHAIR = "wheelchair", "Wheelchair"
    PREGNANCY = "pregnancy", "Pregnancy"
    CARE_ON_ARRIVAL = "care-on-arrival", "Care on arrival"
    PSYCHOLOGICAL_CARE = "psychological-care", "Psychological care"
    NOT_FIT_TO_TRAVEL = "not-fit-to-travel", "Not fit to travel"


class Vulnerability(CodedValue):
    """What makes somebody need particular care."""

    UNACCOMPANIED_MINOR = "unaccompanied-minor", "Unaccompanied minor"
    FAMILY_WITH_CHILDREN = "family-with-children", "Family with children"
    ELDERLY = "elderly", "Elderly"
    SINGLE_PARENT = "single-parent", "Single parent"


class ReceptionBy(CodedValue):
    """Who meets the person at arrival."""

    BORDER_POLICE = "border-police", "Border police"
    SOCIAL_SERVICE = "social-service", "Social service"
    FAMILY = "family", "Family"
    GUARDIAN = "guardian", "Guardian of a minor"
    ORGANISATION = "organisation", "Organisation that assists returns"
    NOBODY = "nobody", "Nobody: the person travels on freely"


class IdentityAnswer(Part):
    """What was established, how and when."""

    result: IdentityResult
    means: Few[IdentityMeans] = ()
    established_on: PartialDate | None = None

    @model_validator(mode="after")
    def _check_confirmation_says_how(self) -> Self:
        if self.result is IdentityResult.CONFIRMED and not self.means:
            raise FieldError("means", "a confirmation says by what")
        return self


class TravelDocument(Part):
    """A document for the journey: which one, and until when it is good."""

    type: DocumentType
    issuing_state: StateCode
    number: ShortText | None = None
    issued_on: PartialDate | None = None
    expires_on: PartialDate | None = None


class JourneyLeg(Part):
    """One leg: by which flight, ship or road, from where to where, when."""

    origin: LineText
    destination: LineText
    departs_at: Moment
    arrives_at: Annotated[Moment, Field(examples=["2026-12-02T21:40:00Z"])] | None = None
    carrier: ShortText | None = None
    flight: ShortText | None = None
    is_charter: bool | None = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.arrives_at is not None and self.arrives_at < self.departs_at:
            raise FieldError("arrives_at", "comes before departs_at")
        return self


class Escorts(Part):
    """Who travels with the person; `because` says why anybody must."""

    officers: Annotated[int, Field(ge=0, le=50, examples=[2])]
    medical: Annotated[int, Field(ge=0, le=20, examples=[1])] | None = None
    because: LineText

    @model_validator(mode="after")
    def _check_somebody_escorts(self) -> Self:
        if self.officers == 0 and not self.medical:
            raise FieldError("officers", "nobody escorts; leave the escorts out")
        return self


_WITH_IDENTITY = frozenset({ReturnStep.IDENTITY_ANSWERED})
_WITH_JOURNEY = frozenset({ReturnStep.JOURNEY_PROPOSED, ReturnStep.JOURNEY_AGREED})
_TO_THE_END = frozenset({ReturnStep.CALLED_OFF, ReturnStep.REFUSED})


@register("return-coordination", "Return of a citizen")
class ReturnCoordination(Details):
    """One step of one person's return. `with_persons`: family that travels together, and must not be parted."""

    person: PersonRef
    step: ReturnStep
    type: ReturnType
    protection_examined: Literal[True]
    decision_reference: ShortText | None = None
    decided_on: PartialDate | None = None
    with_persons: Few[PersonRef] = ()
    documents_held: Few[DocumentIdentity] = ()
    images: Few[AttachmentId] = ()
    identity: IdentityAnswer | None = None
    travel_document: TravelDocument | None = None
    journey: Few[JourneyLeg] = ()
    escorts: Escorts | None = None
    medical_needs: Few[MedicalNeed] = ()
    vulnerabilities: Few[Vulnerability] = ()
    reception: ReceptionBy | None = None
    arrived_at: Moment | None = None
    refusal: Refusal | None = None

    @model_validator(mode="after")
    def _check_step_is_complete(self) -> Self:
        if self.step in _WITH_IDENTITY and self.identity is None:
            raise FieldError("identity", "stands in the answer about it")
        if self.step is ReturnStep.DOCUMENT_ISSUED and self.travel_document is None:
            raise FieldError("travel_document", "is named once it was issued")
        if self.step in _WITH_JOURNEY and not self.journey:
            raise FieldError("journey", "is named where one is proposed or agreed")
        if (self.step is ReturnStep.CARRIED_OUT) != (self.arrived_at is not None):
            raise FieldError("arrived_at", "stands where the person arrived, and nowhere else")
        if (self.step is ReturnStep.REFUSED) != (self.refusal is not None):
            raise FieldError("refusal", "stands with the step refused, and refused never without it")
        return self

    @model_validator(mode="after")
    def _check_care(self) -> Self:
        goes_on = self.step not in _TO_THE_END
        if MedicalNeed.NOT_FIT_TO_TRAVEL in self.medical_needs and self.step in _WITH_JOURNEY:
            raise FieldError("medical_needs", "no journey of somebody who is not fit to travel")
        alone = Vulnerability.UNACCOMPANIED_MINOR in self.vulnerabilities
        if alone and goes_on and self.step in _WITH_JOURNEY and self.reception in (None, ReceptionBy.NOBODY):
            raise FieldError("reception", "a minor alone is met by a guardian, the family or a service")
        if self.type is ReturnType.VICTIM_REPATRIATION and self.escorts is not None and self.escorts.officers:
            raise FieldError("escorts", "a victim returns at the victim's wish, and under no officer's escort")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return the numbers of the documents, and the flights."""
        found = [document.identifier() for document in self.documents_held]
        if self.travel_document is not None and self.travel_document.number is not None:
            issued = self.travel_document
            number = DocumentIdentity(type=issued.type, issuing_state=issued.issuing_state, number=issued.number or "")
            found.append(number.identifier())
        flights = [leg.flight.replace(" ", "").upper() for leg in self.journey if leg.flight]
        return (*found, *(Identifier(IdentifierType.FLIGHT, flight) for flight in flights))

    def person_refs(self) -> tuple[str, ...]:
        """Return the person, and who travels along."""
        return (self.person, *self.with_persons)

    def attachment_ids(self) -> tuple[str, ...]:
        """Return the images of documents."""
        return self.images
