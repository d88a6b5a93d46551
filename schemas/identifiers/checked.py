"""An identifier as it was seen, with what checking it found: kept whatever the finding, so that a person can judge."""

from typing import Annotated

from pydantic import Field

from schemas.coded import CodedValue
from schemas.model import Line
from schemas.part import Part


class Finding(CodedValue):
    """What a check of an identifier can find."""

    VALID = "valid", "Well-formed, and its check digit (if it has one) is right"
    NO_CHECK_DIGIT = "no-check-digit", "Well-formed; it has no check digit"
    WRONG_CHARACTERS = "wrong-characters", "Has characters that such an identifier cannot have"
    WRONG_LENGTH = "wrong-length", "Too short or too long"
    WRONG_CHECK_DIGIT = "wrong-check-digit", "Its check digit or checksum is wrong"
    UNKNOWN_PREFIX = "unknown-prefix", "Its country or range code is not assigned"
    OTHER_STATE = "other-state", "By its country code it is of another state than the one named beside it"
    OTHER_CHAIN = "other-chain", "By its form it is of another chain than the one named beside it"
    OUT_OF_RANGE = "out-of-range", "A number in it lies outside what is possible"
    UNUSUAL_FORM = "unusual-form", "Not of a form that is usual for it: worth a second look, not a fault"
    MIXED_SCRIPTS = "mixed-scripts", "Mixes letters of several scripts, which pass for one another"
    NO_RULE = "no-rule", "There is no rule here to check it by"
    NEEDS_COUNTRY = "needs-country", "Without a country code: the country is not known"
    NOT_IN_USE = "not-in-use", "Possible by its length, but in a range that is not in use"


class Checked(Part):
    """An identifier: as seen, in its one normal form if it has one, and what the sender's check found.

    A recipient that must rely on it checks `as_seen` again.
    """

    as_seen: Annotated[Line, Field(max_length=120, examples=["+44 7700 900123"])]
    normalised: Annotated[Line, Field(max_length=120, examples=["+447700900123"])] | None = None
    findings: Annotated[tuple[Finding, ...], Field(min_length=1, max_length=8)] = ()

    @property
    def search_form(self) -> str:
        """Return the form under which copies of this identifier meet: the normal form, or what was seen."""
        return self.normalised or self.as_seen

    @property
    def is_valid(self) -> bool:
        """Say whether it was checked and nothing was found wrong."""
        return bool(self.findings) and set(self.findings) <= {Finding.VALID, Finding.NO_CHECK_DIGIT}

    @property
    def is_wrong(self) -> bool:
        """Say whether the check found a fault, not merely something unusual or unknown."""
        return not FAULTS.isdisjoint(self.findings)


FAULTS = frozenset(
    {
        Finding.WRONG_CHARACTERS,
        Finding.WRONG_LENGTH,
        Finding.WRONG_CHECK_DIGIT,
        Finding.OUT_OF_RANGE,
        Finding.OTHER_STATE,
        Finding.OTHER_CHAIN,
    }
)
"""Findings that say that something is wrong: misread, mistyped, or false."""


def explain(as_seen: str, normalised: str | None, *findings: Finding) -> Checked:
    """Return what was seen together with what was found; how long either may be is its field's to say."""
    return Checked.model_construct(as_seen=as_seen, normalised=normalised, findings=findings)
