"""Closed lists of codes: each code with its label in English, the msgid under which other languages translate it."""

from enum import StrEnum
from typing import Any, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class CodedValue(StrEnum):
    """A member of a closed list. `value` is the code on the wire, `label` the words a person reads."""

    label: str

    def __new__(cls, code: str, label: str) -> Self:
        """Return the member for a code and its English label."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.label = label
        return member

    @classmethod
    def from_code(cls, unverified_code: str) -> Self:
        """Return the member whose code is exactly `unverified_code`.

        Raises:
            ValueError: no such code; the codes there are stand in the message.
        """
        member = cls._value2member_map_.get(unverified_code)
        if isinstance(member, cls):
            return member
        raise ValueError(f"not a code of this list; the codes are: {', '.join(cls)}")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let models read a code, so that a wrong one is answered with the codes there are."""
        return core_schema.no_info_before_validator_function(cls._read, handler(source))

    @classmethod
    def _read(cls, value: Any) -> Any:
        return cls.from_code(value) if type(value) is str else value
