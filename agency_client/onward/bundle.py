"""The form of an exported message: one file that anybody checks offline, with the exchange's and the agencies' anchors.

It holds the signed message, its content to the byte, the proof of its acceptance, the sheets of the logs, and the key
documents of every agency that signed something in it; for use in court, the originator's consent as well.
"""

from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.alerts.kinds.document_status import ChallengeState
from schemas.alerts.kinds.release_request import Proceeding
from schemas.alerts.kinds.revocation_challenge import ChallengeGround
from schemas.api import LoggedRecord
from schemas.coded import CodedValue
from schemas.envelope import MAX_ACCEPTANCE_CHARACTERS, PADDING_BUCKETS, DisclosedMessage
from schemas.identifiers.dates import Day
from schemas.key_documents import ExchangeSheet
from schemas.markings import Purpose
from schemas.model import AgencyId, Base64Url, ExchangeName, Line, Timestamp, WireModel
from schemas.signed import SignedDocument

BUNDLE_TYPE: Final = "message-bundle"
MAX_BUNDLE_BYTES = 16 << 20
MAX_CHALLENGES = 64
"""So many challenges of one report stand in a file; the marks say the same with more of them."""


class ExportUse(CodedValue):
    """What a message is exported for."""

    OWN_FILE = "own-file", "For this agency's own file"
    COURT = "court", "As evidence in court"


class BundledLog(WireModel):
    """One log of the exchange: its sheet, and for one that goes on from an earlier log when it was opened."""

    sheet: ExchangeSheet
    opened_at: Timestamp | None = None


class BundledKeys(WireModel):
    """The key documents of one agency as the logs have them, each at its place over all of them."""

    agency: AgencyId
    records: Annotated[tuple[LoggedRecord, ...], Field(min_length=1, max_length=1000)]


class BundledChallenge(WireModel):
    """A challenge of the report that is exported, by the word of who made the file."""

    lodged_by: AgencyId
    ground: ChallengeGround
    lodged_on: Day


class BundledDispute(WireModel):
    """How far the report that is exported is disputed, by the word of who made the file.

    `told` is what the issuing state has said of it, `marks` the words that stand beside it there.
    """

    marks: Annotated[tuple[Line, ...], Field(min_length=1, max_length=4)]
    challenges: Annotated[tuple[BundledChallenge, ...], Field(max_length=MAX_CHALLENGES)]
    told: ChallengeState | None = None


class MessageBundle(WireModel):
    """One message, exported by `made_by`.

    `content` is M to the byte, `acceptance` the canonical evidence of its leaf. `disputed` stands with a report about a
    document that is, or was, challenged.
    """

    type: Literal["message-bundle"]
    v: Literal[1]
    exchange: ExchangeName
    made_by: AgencyId
    made_at: Timestamp
    use: ExportUse
    purpose: Purpose
    court: Proceeding | None = None
    message: SignedDocument
    content: Annotated[Base64Url, Field(max_length=PADDING_BUCKETS[-1] * 2)]
    acceptance: Annotated[Base64Url, Field(max_length=MAX_ACCEPTANCE_CHARACTERS)]
    consent: DisclosedMessage | None = None
    disputed: BundledDispute | None = None
    logs: Annotated[tuple[BundledLog, ...], Field(min_length=1, max_length=64)]
    keys: Annotated[tuple[BundledKeys, ...], Field(min_length=1, max_length=8)]

    @model_validator(mode="after")
    def _check_use_is_complete(self) -> Self:
        is_for_court = self.use is ExportUse.COURT
        if {self.court is not None, self.consent is not None} != {is_for_court}:
            raise ValueError("court and consent stand with the use court, which is never without them")
        return self

    def find_log(self, origin: str) -> BundledLog | None:
        """Return the log of this origin."""
        return next((log for log in self.logs if log.sheet.origin == origin), None)

    def find_keys(self, agency: str) -> tuple[LoggedRecord, ...]:
        """Return an agency's key documents, none where the file has none."""
        return next((keys.records for keys in self.keys if keys.agency == agency), ())

    def find_opening(self) -> dict[int, datetime]:
        """Return when each later log was opened, by its epoch."""
        return {
            int(log.sheet.origin.rpartition("/")[2]): log.opened_at for log in self.logs if log.opened_at is not None
        }
