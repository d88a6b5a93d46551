"""Names in the letters a machine readable zone has (ICAO Doc 9303-3, sections 4.6 and 6 A).

Latin letters only, in the first of the recommended forms (Ä is AE). Cyrillic, Arabic and Han names are transliterated
by the issuing state; guessing its choice is not done here.
"""

import unicodedata

_NOT_BY_DECOMPOSITION = {
    "Ä": "AE",
    "Å": "AA",
    "Æ": "AE",
    "Ð": "D",
    "Ö": "OE",
    "Ø": "OE",
    "Ü": "UE",
    "Þ": "TH",
    "Đ": "D",
    "Ħ": "H",
    "Ĳ": "IJ",
    "Ŀ": "L",
    "Ł": "L",
    "Ŋ": "N",
    "Œ": "OE",
    "Ŧ": "T",
    "ẞ": "SS",
}
_SEPARATORS = "-, \u00a0\u2010\u2011\u2013"


class TransliterationError(ValueError):
    """A name has a letter that has no Latin form here; `letter` is it."""

    def __init__(self, letter: str) -> None:
        super().__init__(f"{letter!r} has no Latin form here: give the name in Latin letters, as printed")
        self.letter = letter


def transliterate_name(name: str) -> str:
    """Return a name in A–Z with one `<` between its components: `Nguyễn Văn-Anh` is `NGUYEN<VAN<ANH`.

    Raises:
        TransliterationError: a letter outside the Latin script, or a digit.
    """
    text = "".join(_transliterate(letter) for letter in unicodedata.normalize("NFC", name).upper())
    return "<".join(component for component in text.split("<") if component)


def _transliterate(letter: str) -> str:
    if letter in _SEPARATORS or letter == "<":
        return "<"
    if letter in _NOT_BY_DECOMPOSITION:
        return _NOT_BY_DECOMPOSITION[letter]
    base = unicodedata.normalize("NFD", letter)[0]
    if "A" <= base <= "Z":
        return base
    if unicodedata.category(base)[0] in "PSM":
        return ""
    raise TransliterationError(letter)
