"""What is asked of whoever meets a person or a conveyance: which check, what to do, what to beware of."""

from schemas.coded import CodedValue


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
    """Which check is asked for on meeting the person or the conveyance."""

    DISCREET = "discreet", "Discreet check: it must not be noticed"
    INQUIRY = "inquiry", "Inquiry check: the person is interviewed"
    SPECIFIC = "specific", "Specific check: person, conveyance and belongings are searched"


class EncounterAction(CodedValue):
    """What to do on meeting the person."""

    REPORT_ONLY = "report-only", "Report, do not act"
    REPORT_AT_ONCE = "report-at-once", "Report at once, while the person is there"
    COPY_DOCUMENTS = "copy-documents", "Copy documents and record devices"
    ESTABLISH_COMPANIONS = "establish-companions", "Establish companions, route and vehicle"
    DETAIN_UNDER_NATIONAL_LAW = "detain-under-national-law", "Detain, if national law allows"
    DO_NOT_APPROACH = "do-not-approach", "Do not approach alone"


class ConveyanceAction(CodedValue):
    """What to do on meeting a conveyance."""

    REPORT_ONLY = "report-only", "Report, do not stop it"
    REPORT_AT_ONCE = "report-at-once", "Report at once, and keep it in sight"
    STOP_AND_IDENTIFY = "stop-and-identify", "Stop it, establish driver and passengers"
    SEARCH = "search", "Search it, if national law allows"
    SCAN = "scan", "Scan it, or use detectors for people and carbon dioxide"
    HOLD = "hold", "Hold it until the sender has been reached"
    SEIZE_UNDER_NATIONAL_LAW = "seize-under-national-law", "Seize it, if national law allows"
    RESCUE_FIRST = "rescue-first", "Lives first: treat it as people in danger"
    DO_NOT_STOP = "do-not-stop", "Do not stop it: it is being watched"
