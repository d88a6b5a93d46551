"""release-request: may this be passed on, or shown to a court? Asked of whoever it comes from."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.alerts.registry import register
from schemas.alerts.shapes import Details, FieldError, FreeText, LineText
from schemas.coded import CodedValue
from schemas.envelope import Reference
from schemas.markings import Purpose
from schemas.model import AgencyId
from schemas.part import Part

ReleasePurposes = Annotated[tuple[Purpose, ...], Field(min_length=1, max_length=len(Purpose))]
ReleaseRecipients = Annotated[tuple[AgencyId, ...], Field(min_length=1, max_length=50, examples=[["AL-BP"]])]


class ReleaseUse(CodedValue):
    """What a message is to be used for beyond what it was sent for."""

    ONWARD = "onward", "Passed on to other agencies"
    COURT = "court", "Used as evidence in court"


class OriginalMessage(Part):
    """The message it is about, as its originator sent it: by whom, its id, and the digest of its envelope."""

    agency: AgencyId
    message: Reference


class Proceeding(Part):
    """Before which court, and in which proceeding."""

    court: LineText
    proceeding: LineText


class Release(Details):
    """What may become of a message, asked for or decided: its use, by whom, for whom and for which purposes.

    `held_by` is the agency that passes it on or shows it to the court: the one that asks, or one further on.
    """

    original: OriginalMessage
    use: ReleaseUse
    held_by: AgencyId
    recipients: ReleaseRecipients | None = None
    court: Proceeding | None = None
    purposes: ReleasePurposes

    @model_validator(mode="after")
    def _check_use_is_complete(self) -> Self:
        if (self.use is ReleaseUse.ONWARD) != (self.recipients is not None):
            raise FieldError("recipients", "stands with the use onward, and onward never without it")
        if (self.use is ReleaseUse.COURT) != (self.court is not None):
            raise FieldError("court", "stands with the use court, and court never without it")
        if len(set(self.recipients or ())) != len(self.recipients or ()):
            raise FieldError("recipients", "each agency once")
        if {self.held_by, self.original.agency} & set(self.recipients or ()):
            raise FieldError("recipients", "neither the holder nor the originator needs a copy")
        if len(set(self.purposes)) != len(self.purposes):
            raise FieldError("purposes", "each purpose once")
        return self


@register("release-request", "Release request", is_aftercare=True, needs_refers_to=True)
class ReleaseRequest(Release):
    """What is asked for, and why it is needed."""

    because: FreeText


@register("release-inquiry", "Release inquiry", forbids_persons=True)
class ReleaseInquiry(ReleaseRequest):
    """The same, asked of an originator with whom the asking agency never exchanged the message: it came over others.

    It refers to no message between the two, so it is no aftercare: their agreement must cover it.
    """
