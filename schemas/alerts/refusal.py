"""Why an answer is not given: a ground of the closed list, in words where the list does not say it."""

from typing import Self

from pydantic import model_validator

from schemas.alerts.coded import RefusalGround
from schemas.alerts.shapes import FieldError, FreeText
from schemas.part import Part


class Refusal(Part):
    """A ground, and words that the ground `other` cannot do without."""

    ground: RefusalGround
    words: FreeText | None = None

    @model_validator(mode="after")
    def _check_other_has_words(self) -> Self:
        if self.ground is RefusalGround.OTHER and self.words is None:
            raise FieldError("words", "the ground other needs words")
        return self
