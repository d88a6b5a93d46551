"""The file an agency hands to the exchange's operator: its key sets, oldest first, for `broker enrol` to enter."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.model import WireModel
from schemas.signed import SignedDocument

MAX_ENROLMENT_BYTES = 8 << 20
MAX_ENROLMENT_KEY_SETS = 64


class EnrolmentFile(WireModel):
    """The chain of one member's key sets from number 1 on; a new member's has one."""

    v: Literal[1]
    key_sets: Annotated[tuple[SignedDocument, ...], Field(min_length=1, max_length=MAX_ENROLMENT_KEY_SETS)]
