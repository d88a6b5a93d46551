"""Safe names for files that others named. Pure; whether a name is free is asked where the file is made.

A name from outside is a wish: no path, nothing a terminal or a file manager obeys, reorders or hides, no device, no
leading dot or hyphen, and short. Its ending stays where it is an ordinary one, since people open files by it.
"""

import re
import unicodedata

from agency_client.terminal.cleaning import is_shown

MAX_NAME_BYTES = 120
FALLBACK_STEM = "attachment"

_SEPARATORS = re.compile(r"[/\\:]")
_FORBIDDEN = frozenset('<>"|?*$`')
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}\Z", re.ASCII)
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{name}{digit}" for name in ("com", "lpt") for digit in "0123456789¹²³"}
)


def make_safe_name(foreign_name: str) -> str:
    """Return a file name that is safe on every system this runs on or a file is carried to.

    The same name always gives the same result, and a safe one gives itself.
    """
    last = _SEPARATORS.split(foreign_name)[-1]
    shown = "".join(_spell(character) for character in unicodedata.normalize("NFC", last))
    ending = _ENDING.search(shown)
    tail = ending.group() if ending else ""
    stem = _trim(shown[: len(shown) - len(tail)])
    if not stem or stem.partition(".")[0].rstrip(" ").casefold() in _DEVICES:
        stem = f"{FALLBACK_STEM}-{stem}" if stem else FALLBACK_STEM
    return _cut(stem, MAX_NAME_BYTES - len(tail)) + tail


def number_name(safe_name: str, number: int) -> str:
    """Return the name to try when `number - 1` names before it were taken: `photo.jpg`, `photo-2.jpg`, …"""
    if number == 1:
        return safe_name
    ending = _ENDING.search(safe_name)
    tail = f"-{number}{ending.group() if ending else ''}"
    stem = safe_name[: len(safe_name) - (len(ending.group()) if ending else 0)]
    return _cut(stem, MAX_NAME_BYTES - len(tail)) + tail


def _spell(character: str) -> str:
    if character == " ":
        return " "
    if not is_shown(character):
        return "_"
    category = unicodedata.category(character)
    is_plain = category[0] in "LN" or (category[0] in "PS" and character not in _FORBIDDEN)
    if is_plain or category in ("Mn", "Mc"):
        return character
    return "_"


def _trim(stem: str) -> str:
    return stem.strip(" ._-~").strip()


def _cut(text: str, max_bytes: int) -> str:
    return text.encode()[:max_bytes].decode(errors="ignore").rstrip(" .")
