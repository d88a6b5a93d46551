"""Writes the catalogues of words anew from the texts in the code; with --check says whether they are current.

A catalogue is `NAME.po` for its translators, with the remark where each text is said, and `NAME.mo` as it is loaded.
Names of states come from CLDR through Babel; everything else is kept as translators left it. Only for who develops.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from agency_client.languages.texts import list_texts
from agency_client.languages.words import ENGLISH, LANGUAGES, Language
from schemas.identifiers.alpha_2 import find_alpha_2
from schemas.identifiers.states import STATE_NAMES

FOLDER = Path(__file__).resolve().parent.parent / "agency_client" / "languages" / "catalogs"
WIDTH = 120
NOT_REVIEWED = "Drafted; not yet reviewed by a native speaker."
REVIEWED = "Reviewed."


class _Dateless(Catalog):
    """A catalogue whose header says nothing that changes by itself."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """Return what a loader needs to know."""
        return [
            ("Language", self.locale_identifier or ""),
            ("Plural-Forms", self.plural_forms),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]


def list_files() -> Iterator[tuple[Path, bytes]]:
    """Return each file as it should be."""
    texts = list_texts()
    for language in LANGUAGES.values():
        if language is not ENGLISH.language:
            catalog = renew(read(language), texts, language)
            yield FOLDER / f"{language.code}.po", _render(catalog, write_po, width=WIDTH)
            yield FOLDER / f"{language.code}.mo", _render(catalog, write_mo)


def read(language: Language) -> Catalog:
    """Read a catalogue as it is, or an empty one."""
    path = FOLDER / f"{language.code}.po"
    if not path.exists():
        return Catalog(locale=language.code)
    with path.open("rb") as stream:
        return read_po(stream, locale=language.code)


def renew(old: Catalog, texts: dict[str, str], language: Language) -> Catalog:
    """Return a catalogue of exactly `texts`, with what was translated of them, in alphabetical order."""
    names = dict(_name_states(language.code))
    comment = f"{language.own_name}: {REVIEWED if language.is_reviewed else NOT_REVIEWED}"
    new = _Dateless(locale=language.code, header_comment=f"# {comment}", fuzzy=False)
    for text in sorted(texts):
        known = old.get(text)
        said = known.string if known is not None else ""
        new.add(text, string=said or names.get(text, ""), auto_comments=[texts[text]])
    return new


def _name_states(code: str) -> Iterator[tuple[str, str]]:
    territories = Locale.parse(code).territories
    for state, name in STATE_NAMES.items():
        alpha_2 = find_alpha_2(state)
        if alpha_2 is not None and alpha_2 in territories:
            yield name, territories[alpha_2]


def _render(catalog: Catalog, write: object, **options: object) -> bytes:
    stream = BytesIO()
    write(stream, catalog, **options)  # type: ignore[operator]
    return stream.getvalue()


def main(arguments: list[str]) -> int:
    """Write the files, or say which differ; return the exit code."""
    differing = [(path, content) for path, content in list_files() if not path.exists() or path.read_bytes() != content]
    if "--check" in arguments:
        for path, _ in differing:
            print(f"{path.name} is not current: run python deploy/catalogs.py")
        return 1 if differing else 0
    FOLDER.mkdir(exist_ok=True)
    for path, content in differing:
        path.write_bytes(content)
        print(f"wrote {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
