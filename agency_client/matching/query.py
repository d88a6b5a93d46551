"""What an officer asks for: names, a birth date, numbers, and the forms under which these may stand on record. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from agency_client.errors import UsageError
from agency_client.matching.deciders import compare_births
from agency_client.matching.names import read_name
from agency_client.matching.ranking import Asked
from schemas.identifiers.numbers import check_iban, normalise_document_number
from schemas.identifiers.phones import check_phone


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """By what is searched; at least one of them. `texts` may be names or numbers; `numbers` are of any type."""

    texts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    birth_date: str | None = None
    documents: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    ibans: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()

    def verify(self) -> None:
        """Raise UsageError unless something that can be looked up is asked for."""
        if self.birth_date is not None:
            _verify_birth_date(self.birth_date)
        if not any(read_name(name).words for name in self.list_names()) and not self.list_numbers():
            raise UsageError(
                "nothing to look for was given: a birth date alone finds nobody",
                fix='agency search "Anna Maria Eriksson" --birth 1974-08-12 --reason …',
            )

    def asked(self) -> Asked:
        """Return whom is asked for, as far as names go."""
        return Asked(self.list_names(), self.birth_date)

    def list_names(self) -> tuple[str, ...]:
        """Return the spellings of the name that is asked for."""
        return tuple(dict.fromkeys(name for name in (*self.names, " ".join(self.texts)) if name))

    def list_numbers(self) -> tuple[str, ...]:
        """Return the forms under which the numbers asked for may stand on record; the state before one is left out."""
        return tuple(dict.fromkeys(form for text in self._list_forms() if (form := text.strip())))

    def spell(self) -> str:
        """Return what is asked for in words, for the access log."""
        named = (
            ("", (" ".join(self.texts),)),
            ("name ", self.names),
            ("born ", (self.birth_date,)),
            ("document ", self.documents),
            ("telephone ", self.phones),
            ("e-mail ", self.emails),
            ("account ", self.ibans),
            ("number ", self.numbers),
        )
        return "; ".join(f"{word}{value}" for word, values in named for value in values if value)

    def _list_forms(self) -> Iterator[str]:
        yield from (normalise_document_number(text.rpartition(":")[2]) for text in self.documents)
        yield from (check_phone(text).search_form for text in self.phones)
        yield from (text.lower() for text in self.emails)
        yield from (check_iban(text).search_form for text in self.ibans)
        for text in (*self.numbers, *self.texts, " ".join(self.texts)):
            yield from (text, text.lower(), normalise_document_number(text))
            if text:
                yield check_phone(text).search_form


def _verify_birth_date(text: str) -> None:
    try:
        compare_births(text, ())
    except ValueError as error:
        raise UsageError(f"--birth: {error}", fix="--birth 1974-08-12, or 1974 where no more is known") from error
