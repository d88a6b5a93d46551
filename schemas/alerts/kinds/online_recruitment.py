"""online-recruitment: crossings, documents or work offered on the internet: by whom, in which words, for how much."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.alerts.accounts import OnlineAccount, WalletAccount
from schemas.alerts.base import Language
from schemas.alerts.money import Price
from schemas.alerts.network import Service
from schemas.alerts.phones import Phone
from schemas.alerts.places import Route
from schemas.alerts.registry import register
from schemas.alerts.seen import SeenEmail, SeenUrl, list_seen
from schemas.alerts.shapes import (
    AttachmentId,
    Details,
    Few,
    FieldError,
    FreeText,
    Identifier,
    LineText,
    Moment,
    PersonRef,
    ShortText,
)
from schemas.coded import CodedValue
from schemas.identifiers.dates import PartialDate
from schemas.identifiers.states import StateCode
from schemas.part import Part

Sha256Hex = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{64}$",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        description="SHA-256 in hexadecimal",
    ),
]


class RecruitedFor(CodedValue):
    """For what people are sought."""

    CROSSING = "crossing", "To be smuggled across a border"
    FALSE_DOCUMENTS = "false-documents", "To buy false or borrowed documents"
    LABOUR_EXPLOITATION = "labour-exploitation", "For work under exploitation"
    SEXUAL_EXPLOITATION = "sexual-exploitation", "For sexual exploitation"
    FORCED_CRIMINALITY = "forced-criminality", "For crimes, such as fraud by telephone or growing drugs"
    SHAM_MARRIAGE = "sham-marriage", "For a marriage of convenience"
    DRIVERS = "drivers", "As drivers, skippers or guides"
    MONEY_MULES = "money-mules", "To lend their accounts"


class ContentType(CodedValue):
    """What was captured."""

    POST = "post", "Post"
    VIDEO = "video", "Video or live stream"
    STORY = "story", "Story that vanishes"
    GROUP = "group", "Group or channel"
    PROFILE = "profile", "Profile"
    ADVERTISEMENT = "advertisement", "Paid advertisement"
    CHAT = "chat", "Chat"
    WEB_PAGE = "web-page", "Web page"
    REVIEW = "review", "Review by somebody who says to have crossed"


class TakedownRequest(CodedValue):
    """What is asked to become of the content."""

    NOT_YET = "not-yet", "Leave it: it is being watched"
    PRESERVE = "preserve", "Have the platform preserve it, and leave it"
    PRESERVE_AND_REMOVE = "preserve-and-remove", "Have the platform preserve it, then remove it"
    REMOVE = "remove", "Have it removed"
    DONE = "done", "Removed already"


class Capture(Part):
    """Content as it was captured: where, when, and the hash of the file it was kept in."""

    type: ContentType
    page: SeenUrl | None = None
    captured_at: Moment
    sha256: Sha256Hex
    media_type: Annotated[ShortText, Field(examples=["image/png"])] | None = None
    tool: ShortText | None = None
    attachment: AttachmentId | None = None


class Takedown(Part):
    """What is asked of the platform, on which ground, and what it has been asked already."""

    asked: TakedownRequest
    ground: LineText | None = None
    platform_reference: ShortText | None = None
    asked_at: Moment | None = None


@register("online-recruitment", "Recruitment on the internet", needs_grading=True)
class OnlineRecruitment(Details):
    """An offer on the internet: `wording` in its own language, `wording_in_translation` as somebody read it."""

    run_by: PersonRef | None = None
    recruited_for: Few[RecruitedFor]
    services: Few[Service] = ()
    accounts: Few[OnlineAccount] = ()
    pages: Few[SeenUrl] = ()
    captures: Few[Capture] = ()
    first_seen_on: PartialDate | None = None
    last_active_on: PartialDate | None = None
    languages: Few[Language] = ()
    addressed_to: Few[StateCode] = ()
    audience: (
        Annotated[int, Field(ge=0, le=1_000_000_000, examples=[18400], description="followers or members")] | None
    ) = None
    keywords: Few[ShortText] = ()
    wording: FreeText | None = None
    wording_in_translation: FreeText | None = None
    prices: Few[Price] = ()
    routes: Few[Route] = ()
    phones: Few[Phone] = ()
    emails: Few[SeenEmail] = ()
    wallets: Few[WalletAccount] = ()
    takedown: Takedown

    @model_validator(mode="after")
    def _check_says_where(self) -> Self:
        if not (self.accounts or self.pages):
            raise FieldError("accounts", "name an account or a page")
        if self.takedown.asked is TakedownRequest.PRESERVE_AND_REMOVE and not self.captures:
            raise FieldError("captures", "capture it before it is removed")
        return self

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return accounts, pages, telephones, addresses and wallets."""
        return list_seen(self)

    def accused_refs(self) -> tuple[str, ...]:
        """Return the operator, if known."""
        return () if self.run_by is None else (self.run_by,)

    def person_refs(self) -> tuple[str, ...]:
        """Return the operator, and the holders of accounts and wallets."""
        held: tuple[OnlineAccount | WalletAccount, ...] = (*self.accounts, *self.wallets)
        holders = (ref for account in held for ref in account.holders)
        return (*self.accused_refs(), *holders)

    def attachment_ids(self) -> tuple[str, ...]:
        """Return the captures that travel with the message."""
        return tuple(capture.attachment for capture in self.captures if capture.attachment is not None)
