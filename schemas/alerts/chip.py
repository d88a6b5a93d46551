"""The chip of a document: whether it answers, and what its checks showed (ICAO Doc 9303-10 to 9303-12)."""

from typing import Annotated

from pydantic import Field

from schemas.alerts.shapes import Few
from schemas.coded import CodedValue
from schemas.part import Part


class ChipCheckResult(CodedValue):
    """What a check of the chip showed (ICAO Doc 9303-11)."""

    PASS = "pass", "Passed"
    FAIL = "fail", "Failed"
    NOT_SUPPORTED = "not-supported", "The chip does not support it"
    NOT_PERFORMED = "not-performed", "Not performed"


class ChipState(CodedValue):
    """Whether there is a chip, and whether it answers."""

    READ = "read", "Read"
    NOT_READABLE = "not-readable", "There, and not readable"
    ABSENT = "absent", "Absent where one is due"
    NONE_DUE = "none-due", "None due"


class SignerTrust(CodedValue):
    """What is known of the certificate that signed the chip's data (ICAO Doc 9303-12)."""

    TRUSTED = "trusted", "In a list of the issuing state or the ICAO directory"
    UNKNOWN = "unknown", "In no list at hand"
    REVOKED = "revoked", "Revoked"
    EXPIRED = "expired", "Used after its time"
    SELF_MADE = "self-made", "Made to look like the issuing state's"


DataGroup = Annotated[int, Field(ge=1, le=16, examples=[2], description="a data group of ICAO Doc 9303-10")]


class ChipFindings(Part):
    """What the chip showed; the fingerprint is SHA-256 of the document signer certificate, in hexadecimal."""

    status: ChipState
    passive_authentication: ChipCheckResult | None = None
    failed_data_groups: Few[DataGroup] = ()
    active_authentication: ChipCheckResult | None = None
    chip_authentication: ChipCheckResult | None = None
    signer_trust: SignerTrust | None = None
    signer_certificate_sha256: (
        Annotated[
            str,
            Field(
                pattern=r"^[0-9a-f]{64}$",
                examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
            ),
        ]
        | None
    ) = None
