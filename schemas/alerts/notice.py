"""A notice about an earlier message: what its recipient must do with it, and by when it says that it was done."""

from typing import ClassVar, Self

from pydantic import model_validator

from schemas.alerts.coded import RequiredAction
from schemas.alerts.shapes import Details, FieldError, Moment


class Notice(Details):
    """What all notices have. `actions` are those a kind may require.

    A node does it by itself when it opens the notice; `acknowledge_by` is when a person there has answered.
    """

    actions: ClassVar[frozenset[RequiredAction]] = frozenset()

    required_action: RequiredAction
    acknowledge_by: Moment

    @model_validator(mode="after")
    def _check_action_is_of_this_kind(self) -> Self:
        if self.required_action not in self.actions:
            known = ", ".join(action.value for action in RequiredAction if action in self.actions)
            raise FieldError("required_action", f"this kind requires one of: {known}")
        return self
