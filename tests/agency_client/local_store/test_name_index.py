"""What is kept of a message to find it: found by what it shares, in the encrypted file alone, gone with the content."""

from pathlib import Path

from agency_client.local_store.content import erase_content, keep_content
from agency_client.local_store.engine import Store, Transaction
from agency_client.local_store.name_index import (
    drop_index,
    find_names,
    find_numbers,
    index_names,
    index_numbers,
    list_indexed_names,
    list_indexed_numbers,
)
from agency_client.matching.entries import NameEntry, NumberEntry
from schemas.alerts.shapes import Identifier, IdentifierType
from tests.agency_client.local_store.conftest import NOON, make_digest
from tests.agency_client.local_store.test_content import ERASURE

ANNA = NameEntry("persons.0.names.0", "suspect", "Анна Мария Эрикссон", ("1974-08-12",))
PASSPORT = NumberEntry("persons.0", Identifier(IdentifierType.DOCUMENT_NUMBER, "L898902C3"))


def keep(transaction: Transaction, number: int, *names: NameEntry) -> None:
    """Keep message `number` with what it is found by."""
    digest = make_digest(number)
    keep_content(transaction, digest, b"M", key=bytes(32), nonce=bytes(12), at=NOON, retain_until=None)
    index_names(transaction, digest, names)
    index_numbers(transaction, digest, [PASSPORT, PASSPORT])


def test_a_name_is_found_by_another_script_and_a_number_by_its_value(store: Store) -> None:
    with store.write() as transaction:
        keep(transaction, 1, ANNA)
    with store.read() as snapshot:
        (name,) = find_names(snapshot, "eriksson anna")
        (number,) = find_numbers(snapshot, ["X", "L898902C3"])
        assert find_names(snapshot, "Boris Godunov") == []
        assert find_names(snapshot, "") == []
    assert (name.message, name.entry) == (make_digest(1), ANNA)
    assert (number.message, number.entry) == (make_digest(1), PASSPORT)


def test_what_shares_more_and_rarer_words_comes_first_and_so_does_the_year(store: Store) -> None:
    other = NameEntry("persons.1.names.0", "suspect", "Anna Berg", ("1961",))
    with store.write() as transaction:
        keep(transaction, 1, other, ANNA)
        keep(transaction, 2, NameEntry("persons.0.names.0", "suspect", "Anna Lind"))
    with store.read() as snapshot:
        assert find_names(snapshot, "Anna Eriksson")[0].entry == ANNA
        assert find_names(snapshot, "Anna Eriksson", birth_year="1961")[0].entry == other
        assert len(find_names(snapshot, "Anna Eriksson", limit=2)) == 2


def test_erasing_the_content_erases_what_it_is_found_by(store: Store) -> None:
    with store.write() as transaction:
        keep(transaction, 1, ANNA)
        keep(transaction, 2, ANNA)
    with store.write() as transaction:
        erase_content(transaction, make_digest(1), ERASURE)
    with store.read() as snapshot:
        assert [found.message for found in find_names(snapshot, "Anna Eriksson")] == [make_digest(2)]
        assert [found.message for found in find_numbers(snapshot, ["L898902C3"])] == [make_digest(2)]
        assert snapshot.fetch_value("SELECT count(DISTINCT name) FROM name_key") == 1


def test_what_is_dropped_is_not_found_though_its_content_stays(store: Store) -> None:
    with store.write() as transaction:
        keep(transaction, 1, ANNA)
        assert list_indexed_names(transaction, make_digest(1)) == [ANNA]
        assert list_indexed_numbers(transaction, make_digest(1)) == [PASSPORT]
        drop_index(transaction, make_digest(1))
        assert find_names(transaction, "Anna Eriksson") == []
        assert find_numbers(transaction, ["L898902C3"]) == []
        assert transaction.fetch_value("SELECT count(*) FROM name_key") == 0


def test_a_name_without_letters_is_not_kept(store: Store) -> None:
    with store.write() as transaction:
        index_names(transaction, make_digest(1), [NameEntry("persons.0.names.0", "suspect", "— 12")])
        assert list_indexed_names(transaction, make_digest(1)) == []


def test_no_name_stands_in_the_file_in_clear(store: Store) -> None:
    with store.write() as transaction:
        keep(transaction, 1, NameEntry("persons.0.names.0", "suspect", "Eriksson Anna Maria"))
    store.truncate_wal()
    stored = b"".join(path.read_bytes() for path in Path(store.path).parent.iterdir() if path.is_file())
    assert stored
    for words in ("Eriksson", "eriksson", "L898902C3"):
        assert words.encode() not in stored
