"""Closed lists that more than one kind of alert uses. Each code has its label in English beside it."""

from schemas.coded import CodedValue


class DocumentType(CodedValue):
    """What a document is, or claims to be."""

    PASSPORT = "passport", "Passport"
    DIPLOMATIC_PASSPORT = "diplomatic-passport", "Diplomatic passport"
    SERVICE_PASSPORT = "service-passport", "Service or official passport"
    EMERGENCY_TRAVEL_DOCUMENT = "emergency-travel-document", "Emergency travel document or laissez-passer"
    REFUGEE_TRAVEL_DOCUMENT = "refugee-travel-document", "Refugee travel document (1951 Convention)"
    STATELESS_TRAVEL_DOCUMENT = "stateless-travel-document", "Stateless person's travel document (1954 Convention)"
    ALIEN_PASSPORT = "alien-passport", "Alien's passport"
    SEAFARER_DOCUMENT = "seafarer-document", "Seafarer's identity document"
    CREW_CERTIFICATE = "crew-certificate", "Crew member certificate"
    IDENTITY_CARD = "identity-card", "Identity card"
    RESIDENCE_PERMIT = "residence-permit", "Residence permit"
    VISA = "visa", "Visa"
    DRIVING_LICENCE = "driving-licence", "Driving licence"
    CIVIL_STATUS_DOCUMENT = "civil-status-document", "Birth, marriage or other civil status document"
    VEHICLE_DOCUMENT = "vehicle-document", "Vehicle document"
    ENTRY_EXIT_STAMP = "entry-exit-stamp", "Entry or exit stamp"
    OTHER = "other", "Other document"


class Sex(CodedValue):
    """Sex as documents state it (ICAO Doc 9303)."""

    FEMALE = "female", "Female"
    MALE = "male", "Male"
    UNSPECIFIED = "unspecified", "Unspecified (X)"
    UNKNOWN = "unknown", "Unknown"


class Flow(CodedValue):
    """Which way somebody was going."""

    ENTRY = "entry", "Entry"
    EXIT = "exit", "Exit"
    TRANSIT = "transit", "Transit"
    INLAND = "inland", "Inland"


class RequiredAction(CodedValue):
    """What a recipient must do with what it holds."""

    AMEND = "amend", "Correct every copy"
    DELETE = "delete", "Delete every copy"
    STOP_USING = "stop-using", "Stop using it"
    MARK = "mark", "Mark every copy"
    RESTRICT = "restrict", "Keep it, and use it for nothing but what is named"
    LIFT = "lift", "Use it again: the restriction has ended"


class NoticeEffect(CodedValue):
    """What a node did by itself when it opened a notice about a message; the reason of its `acted` receipt."""

    MARKED = "marked", "Marked"
    REPLACED = "replaced", "Shown with what replaces it"
    RESTRICTED = "restricted", "Restricted"
    LIFTED = "lifted", "No longer restricted by it"
    ERASED = "erased", "Erased"
    NOTHING_HELD = "nothing-held", "Nothing was held"


class RestrictedUse(CodedValue):
    """What restricted data may still be used for (Directive (EU) 2016/680, articles 3(3) and 16(3))."""

    EVIDENCE = "evidence", "Kept as evidence"
    LEGAL_CLAIM = "legal-claim", "A legal claim or its defence"
    RIGHTS_OF_OTHERS = "rights-of-others", "Protecting the rights or the life of another person"
    SUPERVISION = "supervision", "A supervisory authority or a court that looks into it"


class RefusalGround(CodedValue):
    """Why an answer is not given."""

    NATIONAL_SECURITY = "national-security", "Essential national security interests"
    ONGOING_INVESTIGATION = "ongoing-investigation", "It would jeopardise an investigation or a person's safety"
    NOT_PROPORTIONATE = "not-proportionate", "Not proportionate or not relevant to the purpose"
    NOT_COVERED = "not-covered", "Not covered by the agreement"
    FUNDAMENTAL_RIGHTS = "fundamental-rights", "Risk to the fundamental rights of a person"
    CONSENT_OF_THIRD_PARTY = "consent-of-third-party", "Another state's consent is needed and was not given"
    NOT_COMPETENT = "not-competent", "Another authority is competent"
    OTHER = "other", "Other ground, in words"
