"""joint-operation: what two agencies do together, from the proposal to what came of it. And joint-operation-reply.

One message for each stage: what is proposed, agreed, under way, concluded or called off, always whole, so that the last
one is the plan. Who reads a proposal answers it with a stance: accepted, declined on a ground, or countered.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.alerts.refusal import Refusal
from schemas.alerts.registry import register
from schemas.alerts.shapes import Details, Few, FieldError, FreeText, LineText, Moment, ShortText
from schemas.coded import CodedValue
from schemas.identifiers.dates import PartialDate, read_partial_date
from schemas.identifiers.states import StateCode
from schemas.model import AgencyId
from schemas.part import Part

Number = Annotated[int, Field(ge=0, le=10_000_000, examples=[12])]
DutyPhone = Annotated[
    str,
    Field(
        pattern=r"^\+[1-9][0-9]{6,14}$", max_length=16, examples=["+441632960961"], description="E.164, +441632960961"
    ),
]
OfficeMail = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$",
        max_length=254,
        examples=["desk@example.org"],
        description="the address of an office, never of a person",
    ),
]


class OperationStage(CodedValue):
    """How far an operation is."""

    PROPOSED = "proposed", "Proposed"
    AGREED = "agreed", "Agreed"
    RUNNING = "running", "Under way"
    CONCLUDED = "concluded", "Concluded"
    CALLED_OFF = "called-off", "Called off"


class Objective(CodedValue):
    """What an operation is for."""

    DETECT_DOCUMENT_FRAUD = "detect-document-fraud", "Detect false documents"
    DISMANTLE_NETWORK = "dismantle-network", "Dismantle a network"
    IDENTIFY_FACILITATORS = "identify-facilitators", "Identify facilitators"
    FIND_VICTIMS = "find-victims", "Find and protect victims"
    PREVENT_DEPARTURES = "prevent-departures", "Prevent departures that endanger lives"
    SAVE_LIVES = "save-lives", "Save lives at sea or on land"
    SEIZE_PROCEEDS = "seize-proceeds", "Find and seize proceeds"
    STOP_ONLINE_RECRUITMENT = "stop-online-recruitment", "Stop recruitment online"
    GATHER_INTELLIGENCE = "gather-intelligence", "Gather intelligence"
    TRAIN = "train", "Train together"


class OperationRole(CodedValue):
    """What a unit is in an operation."""

    LEAD = "lead", "Lead"
    PARTNER = "partner", "Partner"
    SUPPORT = "support", "Support"
    OBSERVER = "observer", "Observer"


class Power(CodedValue):
    """What members of a unit may do in the other state."""

    NONE = "none", "No powers: presence and advice only"
    ADVISE = "advise", "Advise and interpret"
    EXAMINE_DOCUMENTS = "examine-documents", "Examine documents"
    INTERVIEW = "interview", "Interview, with an officer of the host beside them"
    CHECK_PERSONS = "check-persons", "Check persons under the host's instructions"
    OBSERVE = "observe", "Observe across the border"
    PURSUE = "pursue", "Pursue across the border"
    CARRY_WEAPONS = "carry-weapons", "Carry service weapons, for self-defence"


class Resource(CodedValue):
    """What can be brought to an operation."""

    OFFICERS = "officers", "Officers"
    DOCUMENT_EXAMINERS = "document-examiners", "Document examiners"
    INTERPRETERS = "interpreters", "Interpreters"
    ANALYSTS = "analysts", "Analysts"
    FINANCIAL_INVESTIGATORS = "financial-investigators", "Financial investigators"
    VICTIM_OFFICERS = "victim-officers", "Victim officers"
    LIAISON_OFFICERS = "liaison-officers", "Liaison officers"
    VEHICLES = "vehicles", "Vehicles"
    VESSELS = "vessels", "Vessels"
    AIRCRAFT = "aircraft", "Aircraft or drones"
    DETECTION_EQUIPMENT = "detection-equipment", "Detection equipment"
    FORENSIC_EQUIPMENT = "forensic-equipment", "Document laboratory or other forensic equipment"
    SHELTER_PLACES = "shelter-places", "Places in shelters"
    FUNDS = "funds", "Funds"
    OTHER = "other", "Other, in the note"


class Counted(CodedValue):
    """What is counted when an operation is over. Numbers only: nobody is named by them."""

    PERSONS_CHECKED = "persons-checked", "Persons checked"
    DOCUMENTS_EXAMINED = "documents-examined", "Documents examined"
    FALSE_DOCUMENTS = "false-documents", "False documents detected"
    IMPOSTORS = "impostors", "Impostors detected"
    ARRESTS = "arrests", "Arrests"
    FACILITATORS_IDENTIFIED = "facilitators-identified", "Facilitators identified"
    VICTIMS_FOUND = "victims-found", "Victims found"
    MINORS_SAFEGUARDED = "minors-safeguarded", "Minors safeguarded"
    LIVES_SAVED = "lives-saved", "Persons rescued from danger"
    DEATHS = "deaths", "Deaths"
    ENTRY_REFUSALS = "entry-refusals", "Entries refused"
    CONVEYANCES_SEIZED = "conveyances-seized", "Vehicles, vessels and aircraft seized"
    ACCOUNTS_FROZEN = "accounts-frozen", "Accounts frozen"
    ONLINE_ACCOUNTS_REMOVED = "online-accounts-removed", "Online accounts removed"
    INVESTIGATIONS_OPENED = "investigations-opened", "Investigations opened"
    ALERTS_SENT = "alerts-sent", "Alerts exchanged"


class Area(Part):
    """Where an operation takes place."""

    state: StateCode
    name: LineText
    border_point: ShortText | None = None


class Unit(Part):
    """A unit that takes part: of which agency, as what, with which powers on the other's ground."""

    agency: AgencyId
    name: LineText
    role: OperationRole
    powers: Few[Power] = ()
    members: Number | None = None

    @model_validator(mode="after")
    def _check_no_powers_stand_alone(self) -> Self:
        if Power.NONE in self.powers and len(self.powers) > 1:
            raise FieldError("powers", "none stands alone, or not at all")
        return self


class LiaisonDesk(Part):
    """Whom to call about the operation: an office, never a person."""

    agency: AgencyId
    name: LineText
    phone: DutyPhone
    email: OfficeMail | None = None
    is_around_the_clock: bool


class Capacity(Part):
    """Something asked or offered, and how much of it."""

    resource: Resource
    count: Number | None = None
    note: LineText | None = None

    @model_validator(mode="after")
    def _check_other_has_note(self) -> Self:
        if self.resource is Resource.OTHER and self.note is None:
            raise FieldError("note", "the resource other needs a note")
        return self


class OutcomeCount(Part):
    """How many of one thing there were."""

    what: Counted
    count: Number


class Period(Part):
    """From when to when, as far as it is known; both days included."""

    begins_on: Annotated[PartialDate, Field(examples=["2026-11"])]
    ends_on: Annotated[PartialDate, Field(examples=["2027-01"])]

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if read_partial_date(self.begins_on).first > read_partial_date(self.ends_on).last:
            raise FieldError("ends_on", "comes before begins_on")
        return self


@register("joint-operation", "Joint operation")
class JointOperation(Details):
    """One operation at one stage. `counts` stand in a concluded one, and in no other.

    By `deconfliction_key` each side compares the targets of its own operations with the other's, without a name.
    """

    name: ShortText
    stage: OperationStage
    lead: AgencyId
    objectives: Few[Objective]
    objectives_in_words: FreeText | None = None
    legal_basis: LineText
    period: Period
    areas: Few[Area]
    units: Few[Unit] = ()
    liaison: Few[LiaisonDesk]
    deconfliction_key: ShortText | None = None
    asked: Few[Capacity] = ()
    offered: Few[Capacity] = ()
    counts: Few[OutcomeCount] = ()
    called_off_because: FreeText | None = None

    @model_validator(mode="after")
    def _check_stage_is_complete(self) -> Self:
        if (self.stage is OperationStage.CONCLUDED) != bool(self.counts):
            raise FieldError("counts", "stand in a concluded operation, and in no other")
        if (self.stage is OperationStage.CALLED_OFF) != (self.called_off_because is not None):
            raise FieldError("called_off_because", "stands in an operation called off, and in no other")
        if len({item.what for item in self.counts}) != len(self.counts):
            raise FieldError("counts", "each thing is counted once")
        return self

    @model_validator(mode="after")
    def _check_somebody_answers_the_telephone(self) -> Self:
        if not any(desk.agency == self.lead for desk in self.liaison):
            raise FieldError("liaison", "names a desk of the lead")
        leads = [unit.agency for unit in self.units if unit.role is OperationRole.LEAD]
        if any(agency != self.lead for agency in leads):
            raise FieldError("units", "a unit that leads is of the agency that leads")
        return self


class Stance(CodedValue):
    """What an agency says to a proposal."""

    ACCEPT = "accept", "Accepted"
    DECLINE = "decline", "Declined"
    COUNTER_OFFER = "counter-offer", "Counter-offer"


class CounterOffer(Part):
    """What would have to be otherwise; what is left out stays as proposed."""

    period: Period | None = None
    areas: Few[Area] = ()
    asked: Few[Capacity] = ()
    conditions: FreeText | None = None

    @model_validator(mode="after")
    def _check_says_something(self) -> Self:
        if self.period is None and not (self.areas or self.asked or self.conditions):
            raise FieldError("conditions", "a counter-offer says what would have to be otherwise")
        return self


@register("joint-operation-reply", "Reply to a joint operation", needs_refers_to=True)
class JointOperationReply(Details):
    """A stance. Who accepts names what it brings and whom to call; who declines names the ground."""

    name: ShortText
    stance: Stance
    units: Few[Unit] = ()
    liaison: Few[LiaisonDesk] = ()
    offered: Few[Capacity] = ()
    counter: CounterOffer | None = None
    refusal: Refusal | None = None
    valid_until: Moment | None = None

    @model_validator(mode="after")
    def _check_stance_is_complete(self) -> Self:
        if (self.stance is Stance.DECLINE) != (self.refusal is not None):
            raise FieldError("refusal", "stands with the stance decline, and decline never without it")
        if (self.stance is Stance.COUNTER_OFFER) != (self.counter is not None):
            raise FieldError("counter", "stands with the stance counter-offer, and counter-offer never without it")
        if self.stance is Stance.ACCEPT and not self.liaison:
            raise FieldError("liaison", "who accepts names a desk to call")
        if self.stance is Stance.DECLINE and (self.units or self.offered):
            raise FieldError("offered", "who declines brings nothing")
        return self
