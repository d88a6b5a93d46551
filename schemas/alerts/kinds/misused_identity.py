"""misused-identity: a person in a message is the victim of somebody who used that identity, and never a hit.

It follows the original to everyone it reached, so that nobody is stopped for what another did under the same name.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from schemas.alerts.coded import RequiredAction
from schemas.alerts.notice import Notice
from schemas.alerts.registry import register
from schemas.alerts.shapes import FieldPath, FreeText, Many


@register(
    "misused-identity",
    "Misused identity",
    is_aftercare=True,
    needs_refers_to=True,
    acts_by_itself=True,
    is_senders_alone=True,
)
class MisusedIdentity(Notice):
    """Where in the message this refers to the victim is named, what to do, by when to say it was done.

    `subjects` are paths to a person or a holder there, such as `persons.0` or `details.document.holder`.
    `told_apart_by`: how to know the victim from whoever used the identity; given with the victim's consent only.
    """

    actions: ClassVar = frozenset({RequiredAction.MARK, RequiredAction.DELETE, RequiredAction.STOP_USING})

    required_action: Annotated[RequiredAction, Field(examples=["mark"])]
    subjects: Many[FieldPath]
    told_apart_by: FreeText | None = None
    words: FreeText | None = None
