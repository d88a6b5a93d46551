"""Letters of any script as Latin ones: what a name may look like in a zone, on a page, in somebody's ear.

Several readings stand beside each other (`Müller` is MULLER and MUELLER), since nobody says by which table a name was
written. What has no table here is read by `anyascii`. A reading serves comparison alone: it is never shown as a name.

Sources: ICAO Doc 9303-3, section 6 (Latin, Cyrillic and Arabic); ELOT 743 and classical use for Greek; pinyin for Han
letters; the Revised Romanization for Korean ones; signs of DIN 31635 and ISO 233 in transliterated Arabic.
"""

import unicodedata
from functools import lru_cache

from anyascii import anyascii

from schemas.identifiers.transliteration import TransliterationError, transliterate_name

LATIN, HAN, HANGUL, ARABIC = "LATIN", "CJK", "HANGUL", "ARABIC"
NO_SCRIPT = ""
_LOOSE_VOWELS = frozenset(
    {
        ARABIC,
        "HEBREW",
        "DEVANAGARI",
        "BENGALI",
        "GUJARATI",
        "GURMUKHI",
        "TAMIL",
        "TELUGU",
        "SINHALA",
        "THAI",
        "SYRIAC",
        "KATAKANA",
    }
)
_ARABIC = str.maketrans(
    {
        **dict.fromkeys("اآأإٱ", "a"),
        **dict.fromkeys("ىةۀ", "a"),
        **dict.fromkeys("ءعئؤ", ""),
        **dict.fromkeys("هحھہ", "h"),
        **dict.fromkeys("كک", "k"),
        **dict.fromkeys("سص", "s"),
        **dict.fromkeys("زض", "z"),
        **dict.fromkeys("تطٹ", "t"),
        **dict.fromkeys("دڈ", "d"),
        **dict.fromkeys("رڑ", "r"),
        **dict.fromkeys("نں", "n"),
        **dict.fromkeys("يیے", "y"),
        "و": "w",
        "ب": "b",
        "پ": "p",
        "ث": "th",
        "ج": "j",
        "چ": "ch",
        "خ": "kh",
        "ذ": "dh",
        "ژ": "zh",
        "ش": "sh",
        "ظ": "z",
        "غ": "gh",
        "ف": "f",
        "ڤ": "v",
        "ق": "q",
        "گ": "g",
        "ل": "l",
        "م": "m",
    }
)
_HEBREW = str.maketrans(
    {
        **dict.fromkeys("אע", "a"),
        **dict.fromkeys("כךק", "k"),
        **dict.fromkeys("מם", "m"),
        **dict.fromkeys("נן", "n"),
        **dict.fromkeys("פף", "p"),
        **dict.fromkeys("צץ", "ts"),
        **dict.fromkeys("טת", "t"),
        "ב": "b",
        "ג": "g",
        "ד": "d",
        "ה": "h",
        "ו": "w",
        "ז": "z",
        "ח": "h",
        "י": "y",
        "ל": "l",
        "ס": "s",
        "ר": "r",
        "ש": "sh",
    }
)
_GREEK_PAIRS = (
    ("μπ", "b"),
    ("ντ", "d"),
    ("γκ", "g"),
    ("γγ", "ng"),
    ("γχ", "nch"),
    ("τσ", "ts"),
    ("τζ", "tz"),
    ("ου", "ou"),
    ("αυ", "av"),
    ("ευ", "ev"),
    ("αι", "e"),
    ("ει", "i"),
    ("οι", "i"),
)
_GREEK = str.maketrans({"β": "v", "η": "i", "υ": "i", "φ": "f", "χ": "ch", "ψ": "ps", "ξ": "x", "θ": "th"})
_CYRILLIC = str.maketrans({"ё": "yo", "г": "h", "х": "kh", "џ": "dzh", "ђ": "dj", "ћ": "ch", "ј": "y", "щ": "sht"})
"""Beside the Russian reading: the Ukrainian and Belarusian Г, the Bulgarian Щ, the Serbian letters."""
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_SOUNDS = str.maketrans(
    {
        **dict.fromkeys("čćçḉ", "ch"),
        **dict.fromkeys("šśşșŝ", "sh"),
        **dict.fromkeys("žźż", "zh"),
        **dict.fromkeys("ţț", "ts"),
        **dict.fromkeys("ǧĝ", "j"),
        **dict.fromkeys("ḫẖ", "kh"),
        "ġ": "gh",
        "ð": "dh",
        "ř": "rzh",
        "ĵ": "j",
        "ť": "t",
        "ď": "d",
        "ə": "a",
        "đ": "dj",
        "ã": "an",
        "ñ": "ny",
        "ā": "aa",
        "ī": "ii",
        "ū": "uu",
        "ō": "ou",
        "ô": "ou",
        "ù": "u",
    }
)
"""What a mark tells of the sound of a Latin letter, in the languages that use it so."""


@lru_cache(maxsize=4096)
def find_letter_script(letter: str) -> str:
    """Return the script of a letter as the first word of its Unicode name, `LATIN` or `CJK`; "" for what is none."""
    if not letter.isalpha() and unicodedata.category(letter)[0] != "M":
        return NO_SCRIPT
    return unicodedata.name(letter, NO_SCRIPT).partition(" ")[0]


def find_script(word: str) -> str:
    """Return the script of the first letter of a word; "" where it has none."""
    return next((script for letter in word if (script := find_letter_script(letter))), NO_SCRIPT)


def has_loose_vowels(script: str) -> bool:
    """Return whether a script leaves vowels out, or must put some in (foreign names in Japanese)."""
    return script in _LOOSE_VOWELS


def has_marks(word: str) -> bool:
    """Return whether a Latin word has letters beyond A–Z: somebody wrote its diacritics."""
    return any(not letter.isascii() and find_letter_script(letter) == LATIN for letter in word)


def is_vietnamese(text: str) -> bool:
    """Return whether a text has letters that are Vietnamese: with a tone over another mark, or a horn."""
    return any("\u1ea0" <= letter <= "\u1ef9" or letter in "ơưƠƯ" for letter in unicodedata.normalize("NFC", text))


def spell_tones(word: str) -> tuple[str, str]:
    """Return a Vietnamese word without tones, and its tones: they stand over one vowel or the next (`hoà`, `hòa`)."""
    decomposed = unicodedata.normalize("NFD", word.replace("ð", "đ"))
    toneless = "".join(letter for letter in decomposed if letter not in _TONES)
    return toneless, "".join(letter for letter in decomposed if letter in _TONES)


def strip_marks(word: str) -> str:
    """Return a word in a–z, its marks left out: `Đặng` is `dang`."""
    return _keep_letters(anyascii(word))


def list_readings(word: str) -> tuple[str, ...]:
    """Return, each once, what a word may be in a–z; the first is the plainest. Empty where it has no letters."""
    script = find_script(word)
    lower = unicodedata.normalize("NFC", word).lower()
    found = [_keep_letters(reading) for reading in _READERS.get(script, _read_other)(lower)]
    return tuple(dict.fromkeys(reading for reading in found if reading))


def _read_latin(word: str) -> list[str]:
    if word.isascii():
        return [word]
    return [anyascii(word), _read_zone(word), anyascii(word.translate(_SOUNDS))]


def _read_zone(word: str) -> str:
    try:
        return transliterate_name(word)
    except TransliterationError:
        return ""


def _read_cyrillic(word: str) -> list[str]:
    return [anyascii(word), anyascii(word.translate(_CYRILLIC))]


def _read_greek(word: str) -> list[str]:
    plain = "".join(letter for letter in unicodedata.normalize("NFD", word) if unicodedata.category(letter) != "Mn")
    spoken = plain
    for letters, sound in _GREEK_PAIRS:
        spoken = spoken.replace(letters, sound)
    return [anyascii(spoken.translate(_GREEK)), anyascii(plain)]


def _read_arabic(word: str) -> list[str]:
    return _read_waw(anyascii(_drop_vowel_signs(word).translate(_ARABIC)))


def _read_hebrew(word: str) -> list[str]:
    return _read_waw(anyascii(_drop_vowel_signs(word).translate(_HEBREW)))


def _read_waw(reading: str) -> list[str]:
    """Return the readings of a letter that is a vowel or a consonant."""
    return [reading.replace("w", "u"), reading]


def _drop_vowel_signs(word: str) -> str:
    return "".join(letter for letter in word if unicodedata.category(letter) not in ("Mn", "Lm", "Cf"))


def _read_katakana(word: str) -> list[str]:
    reading = anyascii(word)
    return [reading, reading.replace("r", "l")]


def _read_other(word: str) -> list[str]:
    return [anyascii(word)]


def _keep_letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if "a" <= letter <= "z")


_READERS = {
    LATIN: _read_latin,
    "CYRILLIC": _read_cyrillic,
    "GREEK": _read_greek,
    ARABIC: _read_arabic,
    "HEBREW": _read_hebrew,
    "KATAKANA": _read_katakana,
}
