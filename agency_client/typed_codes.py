"""Codes of closed lists that a person types in, such as a marking or a purpose."""

from typing import TypeVar

from agency_client.errors import UsageError
from schemas.coded import CodedValue

Coded = TypeVar("Coded", bound=CodedValue)


def parse_code(codes: type[Coded], unverified_text: str, field: str) -> Coded:
    """Return the member of a closed list whose code was typed in.

    Raises:
        UsageError: there is no such code; those there are stand in the fix.
    """
    try:
        return codes.from_code(unverified_text)
    except ValueError as error:
        sentence = f"{field}: {unverified_text[:64]!r} is no code of this list"
        raise UsageError(sentence, fix=f"use one of: {', '.join(codes)}") from error
