"""Pseudonyms of victims: drawn at random, with a check character, so that nothing else can be put in their place.

A pseudonym is `V-` and sixteen characters in groups of four, the last of them by ISO/IEC 7064 MOD 37,36. Nothing of it
is derived from a person, and a document's or telephone's number typed there is refused. No randomness here: it comes
in as an argument.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, Field
from stdnum.iso7064 import mod_37_36

PSEUDONYM_RANDOM_BYTES = 15
PSEUDONYM_PATTERN = r"^V-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$"
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: none of its letters is read as another. The check character alone may be any letter."""
_GROUP = 4


def make_pseudonym(randomness: bytes) -> str:
    """Return the pseudonym that 15 random bytes stand for, 75 bits of them.

    Raises:
        ValueError: another number of bytes.
    """
    if len(randomness) != PSEUDONYM_RANDOM_BYTES:
        raise ValueError(f"a pseudonym is drawn from {PSEUDONYM_RANDOM_BYTES} bytes, not {len(randomness)}")
    drawn = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in randomness)
    characters = drawn + str(mod_37_36.calc_check_digit(drawn))
    groups = (characters[start : start + _GROUP] for start in range(0, len(characters), _GROUP))
    return "-".join(("V", *groups))


def is_pseudonym(text: str) -> bool:
    """Say whether a text is one that `make_pseudonym` may have made."""
    return re.fullmatch(PSEUDONYM_PATTERN, text) is not None and mod_37_36.is_valid(text[2:].replace("-", ""))


def _verify_pseudonym(text: str) -> str:
    if not is_pseudonym(text):
        raise ValueError("no pseudonym: its check character is wrong; draw one, and type none of your own")
    return text


Pseudonym = Annotated[
    str,
    Field(
        pattern=PSEUDONYM_PATTERN,
        examples=["V-7KQ2-M4XD-9TRB-H3CF"],
        description="a pseudonym as the node draws it, like V-7KQ2-M4XD-9TRB-H3CF",
    ),
    AfterValidator(_verify_pseudonym),
]
