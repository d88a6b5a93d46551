"""Finds in free text what looks like an identifier of a person: numbers, addresses of mail and accounts, full dates.

Rather too much than too little: it serves where no such thing may stand at all. Names it cannot find.
"""

import re
from collections.abc import Iterator

from schemas.identifiers.pseudonyms import PSEUDONYM_PATTERN

_FULL_DATE = re.compile(r"(?<!\d)(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:19|20)\d{2})(?!\d)")
_PSEUDONYM = re.compile(PSEUDONYM_PATTERN.strip("^$"))
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a line of a machine readable zone", re.compile(r"\w*<<\w*")),
    ("an e-mail address", re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")),
    ("a web address", re.compile(r"(?i)\b(?:https?://|www\.)\S+")),
    ("an account's name", re.compile(r"(?<![\w@])@\w{3,}")),
    ("an account number (IBAN)", re.compile(r"(?i)\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,4})?\b")),
    ("a telephone number", re.compile(r"(?<!\w)\+?\(?\d(?:[ ()./-]{0,2}\d){6,14}(?!\w)")),
    ("a number like that of a document", re.compile(r"(?<!\w)(?=(?:[A-Za-z<-]*\d){4})[A-Za-z0-9<-]{6,20}(?!\w)")),
)


def find_identifiers(text: str) -> tuple[str, ...]:
    """Return what kinds of identifiers seem to stand in a text, each once, in words; nothing of the text itself."""
    return tuple(dict.fromkeys(_list_found(text)))


def _list_found(text: str) -> Iterator[str]:
    rest = _PSEUDONYM.sub(" ", text)
    if _FULL_DATE.search(rest):
        yield "a full date, which may be one of birth"
    rest = _FULL_DATE.sub(" ", rest)
    for name, form in _FORMS:
        if form.search(rest):
            yield name
            rest = form.sub(" ", rest)
