"""victim-safeguarding: a person to be protected, under a pseudonym; never a lead, never usable for enforcement.

Pseudonymous by construction: there is no field for a name, a birth date, a number, a photograph or an address, and
the common part has its own out of reach (`schemas.alerts.confidential`). Status and methods of control are those of the
Human Trafficking Case Data Standard 2.0 (IOM, github.com/UNMigration/HTCDS, "Field Definitions": Trafficking Status,
Methods Of Control), types of exploitation likewise; age bands are those of the Counter-Trafficking Data Collaborative
(codebook, `ageBroad`). The remaining lists are this project's own: no published one says what one desk asks another.
"""

from datetime import date, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from schemas.alerts.base import Language
from schemas.alerts.coded import Sex
from schemas.alerts.registry import register
from schemas.alerts.shapes import Details, Few, FieldError, FreeText, Moment
from schemas.coded import CodedValue
from schemas.identifiers.dates import Day
from schemas.identifiers.pseudonyms import Pseudonym
from schemas.identifiers.states import StateCode
from schemas.part import Part

MIN_RECOVERY_DAYS = 30
"""A recovery and reflection period lasts so long at least (Council of Europe Convention, CETS 197, article 13)."""


def _verify_true(value: bool) -> bool:
    if not value:
        raise ValueError("is always true: nothing of this is used against anybody")
    return value


AlwaysTrue = Annotated[bool, AfterValidator(_verify_true), Field(examples=[True], json_schema_extra={"const": True})]


class VictimStatus(CodedValue):
    """What has been determined of the person (HTCDS, Trafficking Status)."""

    POSSIBLE = "possible", "Possible victim of trafficking"
    ACTUAL = "actual", "Actual victim of trafficking"
    NOT_A_VICTIM = "not-a-victim", "Not a victim of trafficking"


class DeterminedBy(CodedValue):
    """Who determined the status."""

    FIRST_RESPONDER = "first-responder", "First responder, by indicators"
    COMPETENT_AUTHORITY = "competent-authority", "Competent authority, by a decision"
    COURT = "court", "Court"
    SUPPORT_SERVICE = "support-service", "Support service"


class AgeBand(CodedValue):
    """How old the person is, in bands that tell nobody apart (CTDC, `ageBroad`)."""

    TO_8 = "0-8", "0 to 8 years"
    FROM_9 = "9-17", "9 to 17 years"
    FROM_18 = "18-20", "18 to 20 years"
    FROM_21 = "21-23", "21 to 23 years"
    FROM_24 = "24-26", "24 to 26 years"
    FROM_27 = "27-29", "27 to 29 years"
    FROM_30 = "30-38", "30 to 38 years"
    FROM_39 = "39-47", "39 to 47 years"
    FROM_48 = "48-and-over", "48 years and over"
    UNKNOWN = "unknown", "Not known"


class ConsentState(CodedValue):
    """Whether the person agrees that this is shared."""

    GIVEN = "given", "Given by the person"
    GIVEN_BY_GUARDIAN = "given-by-guardian", "Given by the guardian, the child having been heard"
    NOT_ASKED = "not-asked", "Not asked yet"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn since"


class ConsentScope(CodedValue):
    """What a consent is for."""

    SHARE_WITH_RECIPIENT = "share-with-recipient", "Sharing with the recipient's safeguarding desk"
    ONWARD_SAFEGUARDING = "onward-safeguarding", "Sharing on with another safeguarding desk"
    REFERRAL = "referral", "Referral to support services"
    CONTACT = "contact", "Being contacted through the sending desk"
    FAMILY_TRACING = "family-tracing", "Tracing of the family"
    RETURN = "return", "Preparation of a return"


class WithoutConsent(CodedValue):
    """Why it is shared although the person has not agreed."""

    VITAL_INTEREST = "vital-interest", "Life or health are in danger"
    BEST_INTEREST_OF_CHILD = "best-interest-of-child", "The best interest of a child demands it"
    LEGAL_DUTY = "legal-duty", "A law demands it"


class RiskLevel(CodedValue):
    """How pressing a risk is."""

    IMMEDIATE = "immediate", "Immediate"
    ELEVATED = "elevated", "Elevated"
    NONE_KNOWN = "none-known", "None is known"


class RiskKind(CodedValue):
    """Of what the person is at risk."""

    VIOLENCE = "violence", "Violence"
    RETALIATION = "retaliation", "Retaliation against the person"
    RETALIATION_FAMILY = "retaliation-family", "Retaliation against the family"
    RE_TRAFFICKING = "re-trafficking", "Being trafficked again"
    DISAPPEARANCE = "disappearance", "Going missing"
    SELF_HARM = "self-harm", "Self-harm or suicide"
    ILLNESS = "illness", "Untreated illness or injury"
    DESTITUTION = "destitution", "Destitution"
    FORCED_RETURN = "forced-return", "Return to those who exploited the person"


class ExploitationType(CodedValue):
    """What the person was exploited for, or was to be (HTCDS, Type of Exploitation)."""

    FORCED_LABOUR = "forced-labour", "Forced labour"
    SEXUAL_EXPLOITATION = "sexual-exploitation", "Sexual exploitation"
    FORCED_MARRIAGE = "forced-marriage", "Forced marriage"
    FORCED_MILITARY_SERVICE = "forced-military-service", "Forced military service"
    ORGAN_REMOVAL = "organ-removal", "Organ removal"
    FORCED_BEGGING = "forced-begging", "Forced begging"
    ILLICIT_ACTIVITIES = "illicit-activities", "Illicit activities"
    ILLEGAL_ADOPTION = "illegal-adoption", "Illegal adoption"
    SURROGACY = "surrogacy", "Surrogacy"
    OTHER = "other", "Other"


class MethodOfControl(CodedValue):
    """How the person was controlled: the seventeen of HTCDS 2.0, in its order (Methods Of Control)."""

    DEBT_BONDAGE = "debt-bondage", "Debt bondage"
    TAKES_EARNINGS = "takes-earnings", "Takes earnings"
    RESTRICTS_FINANCIAL_ACCESS = "restricts-financial-access", "Restricts financial access"
    THREATS = "threats", "Threats"
    PSYCHOLOGICAL_ABUSE = "psychological-abuse", "Psychological abuse"
    PHYSICAL_ABUSE = "physical-abuse", "Physical abuse"
    SEXUAL_ABUSE = "sexual-abuse", "Sexual abuse"
    FALSE_PROMISES = "false-promises", "False promises"
    PSYCHOACTIVE_SUBSTANCES = "psychoactive-substances", "Psychoactive substances"
    RESTRICTS_MOVEMENT = "restricts-movement", "Restricts movement"
    RESTRICTS_MEDICAL_CARE = "restricts-medical-care", "Restricts medical care"
    EXCESSIVE_WORKING_HOURS = "excessive-working-hours", "Excessive working hours"
    USES_CHILDREN = "uses-children", "Uses children"
    THREAT_OF_LAW_ENFORCEMENT = "threat-of-law-enforcement", "Threat of law enforcement"
    WITHHOLDS_NECESSITIES = "withholds-necessities", "Withholds necessities"
    WITHHOLDS_DOCUMENTS = "withholds-documents", "Withholds documents"
    OTHER = "other", "Other"


class Need(CodedValue):
    """What the person needs (CETS 197, article 12)."""

    SAFE_ACCOMMODATION = "safe-accommodation", "Safe accommodation"
    EMERGENCY_MEDICAL = "emergency-medical", "Emergency medical treatment"
    MEDICAL = "medical", "Medical treatment"
    PSYCHOLOGICAL = "psychological", "Psychological support"
    SUBSISTENCE = "subsistence", "Material assistance"
    INTERPRETER = "interpreter", "Translation and interpretation"
    LEGAL = "legal", "Counselling on rights, legal assistance"
    GUARDIAN = "guardian", "A guardian"
    EDUCATION = "education", "Education"
    FAMILY_CONTACT = "family-contact", "Contact with the family, where safe"
    IDENTITY_DOCUMENT = "identity-document", "An identity or travel document"
    RESIDENCE = "residence", "A residence permit"
    COMPENSATION = "compensation", "Compensation"
    SAFE_RETURN = "safe-return", "A safe return, wanted by the person"


class ReferralState(CodedValue):
    """How a referral stands."""

    REQUESTED = "requested", "Asked for"
    OFFERED = "offered", "Offered"
    ACCEPTED = "accepted", "Accepted by the person"
    DECLINED = "declined", "Declined by the person"
    IN_PLACE = "in-place", "In place"


class ReferredTo(CodedValue):
    """To what kind of service; which one it is, nobody reads here."""

    NATIONAL_REFERRAL_MECHANISM = "national-referral-mechanism", "National referral mechanism"
    SHELTER = "shelter", "Shelter"
    HEALTH_SERVICE = "health-service", "Health service"
    SOCIAL_SERVICE = "social-service", "Social service"
    CHILD_PROTECTION = "child-protection", "Child protection service"
    NON_GOVERNMENTAL = "non-governmental", "Non-governmental organisation"
    INTERNATIONAL_ORGANISATION = "international-organisation", "International organisation"
    CONSULATE = "consulate", "Consulate of the person's own state, at the person's wish"


class RecoveryState(CodedValue):
    """How a recovery and reflection period stands."""

    OFFERED = "offered", "Offered"
    RUNNING = "running", "Running"
    ENDED = "ended", "Ended"
    DECLINED = "declined", "Declined by the person"


class AskedOf(CodedValue):
    """What the recipient's safeguarding desk is asked for."""

    KNOW = "know", "To know, and nothing else"
    RECEIVE = "receive", "To receive the person"
    ASSESS_RETURN = "assess-return", "To assess the risks of a return"
    ASSESS_FAMILY = "assess-family", "To assess the family's safety without approaching it"
    ARRANGE_GUARDIAN = "arrange-guardian", "To arrange for a guardian"
    ARRANGE_SUPPORT = "arrange-support", "To arrange for support"
    REPORT_BACK = "report-back", "To report how the person fares"


_AGREED = frozenset({ConsentState.GIVEN, ConsentState.GIVEN_BY_GUARDIAN})


class Consent(Part):
    """Whether the person agrees, to what, and why it is shared where nobody does."""

    status: ConsentState
    scope: Few[ConsentScope] = ()
    without_consent: WithoutConsent | None = None

    @model_validator(mode="after")
    def _check_status_is_complete(self) -> Self:
        is_agreed = self.status in _AGREED
        if is_agreed != bool(self.scope):
            raise FieldError("scope", "says what a consent is for: it stands where one was given, and only there")
        if is_agreed and ConsentScope.SHARE_WITH_RECIPIENT not in self.scope:
            raise FieldError("scope", "the consent does not reach so far as to share it with anybody")
        if is_agreed == (self.without_consent is not None):
            raise FieldError("without_consent", "says why it is shared where nobody has agreed, and only there")
        return self


class Risk(Part):
    """What the person is at risk of now."""

    level: RiskLevel
    kinds: Few[RiskKind] = ()
    words: FreeText | None = None


class Referral(Part):
    """One referral."""

    status: ReferralState
    referred_to: ReferredTo


class RecoveryPeriod(Part):
    """A recovery and reflection period: nobody removes the person while it runs."""

    status: RecoveryState
    begins_on: Day | None = None
    ends_on: Day | None = None

    @model_validator(mode="after")
    def _check_it_is_long_enough(self) -> Self:
        if self.status is RecoveryState.RUNNING and self.ends_on is None:
            raise FieldError("ends_on", "is missing: a period that runs has an end")
        if self.begins_on is None or self.ends_on is None:
            return self
        length = date.fromisoformat(self.ends_on) - date.fromisoformat(self.begins_on)
        if length < timedelta(days=MIN_RECOVERY_DAYS):
            raise FieldError("ends_on", f"a recovery period lasts {MIN_RECOVERY_DAYS} days at least")
        return self


@register("victim-safeguarding", "Victim safeguarding", is_confidential=True)
class VictimSafeguarding(Details):
    """A person to be protected. `never_for_enforcement` is always true: nothing here is used against anybody.

    `treated_as_child`: the age is in doubt, and the person is treated as a child until it is known (CETS 197 article
    10(3)). `related` are the pseudonyms of others of the same case, like a child of the person.
    """

    pseudonym: Pseudonym
    status: VictimStatus
    determined_by: DeterminedBy | None = None
    age_band: AgeBand
    treated_as_child: bool | None = None
    sex: Sex | None = None
    nationality: StateCode | None = None
    speaks: Few[Language] = ()
    consent: Consent
    immediate_risk: Risk
    exploitation: Few[ExploitationType] = ()
    methods_of_control: Few[MethodOfControl] = ()
    needs: Few[Need] = ()
    referrals: Few[Referral] = ()
    recovery_period: RecoveryPeriod | None = None
    never_for_enforcement: AlwaysTrue
    asked: Few[AskedOf] = ()
    next_contact_by: Moment | None = None
    related: Few[Pseudonym] = ()
    words: FreeText | None = None

    @model_validator(mode="after")
    def _check_not_related_to_itself(self) -> Self:
        if self.pseudonym in self.related:
            raise FieldError("related", "names others, not the person itself")
        return self

    @property
    def is_onward_consented(self) -> bool:
        """Return whether the person agrees that another safeguarding desk gets it too."""
        return ConsentScope.ONWARD_SAFEGUARDING in self.consent.scope

    def nationalities(self) -> tuple[str, ...]:
        """Return the code of the person's state, where it is said."""
        return () if self.nationality is None else (self.nationality,)
