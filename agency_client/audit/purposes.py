"""What the logs may be read for, and nothing else (Directive (EU) 2016/680, article 25(2))."""

from schemas.coded import CodedValue


class LogPurpose(CodedValue):
    """A purpose for which somebody may read what is logged; it is on record beside the reason."""

    LAWFULNESS = "verification-of-lawfulness", "Verification of the lawfulness of processing"
    SELF_MONITORING = "self-monitoring", "Self-monitoring, disciplinary matters included"
    INTEGRITY = "integrity-and-security", "Integrity and security of the personal data"
    CRIMINAL_PROCEEDINGS = "criminal-proceedings", "Criminal proceedings"
