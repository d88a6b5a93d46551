"""Whoever holds the disk, the store's key or a backup looks for what was erased; whoever erases picks what to hide.

The store is decrypted here page by page, as a thief with its key would, free pages and write-ahead log included.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from agency_client.local_store.access_chain import AccessChainError, make_link, read_line, verify_chain
from agency_client.local_store.access_log import AccessNote, append_entry, iterate_lines
from agency_client.local_store.content import erase_content, keep_content
from agency_client.local_store.engine import Store, connect
from agency_client.local_store.migrations import create_store
from keys.container import open_with_key
from schemas.codec import encode_canonical, hash_text
from schemas.log.records import Action

STORE_KEY = bytes(range(32))
MESSAGE_KEY, NONCE = bytes(range(100, 132)), bytes(12)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DIGEST = hash_text("envelope", b"specimen")
PLAINTEXT = b'{"alert":{"holder":"ERIKSSON<<ANNA<MARIA"},"padding":"' + b"0" * 20_000 + b'"}'
ERASURE = AccessNote(NOON, "node", Action.ERASURE, "retention", "the term of retention ended")

_PAGE, _SALT, _IV, _RESERVED, _WAL_HEADER, _FRAME_HEADER = 4096, 16, 16, 80, 32, 24


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store that keeps one message among others."""
    made = create_store(tmp_path / "store.db", STORE_KEY)
    with made.write() as transaction:
        for number in range(5):
            other = hash_text("envelope", str(number).encode())
            keep_content(
                transaction, other, PLAINTEXT, key=bytes([number] * 32), nonce=NONCE, at=NOON, retain_until=NOON
            )
        keep_content(transaction, DIGEST, PLAINTEXT, key=MESSAGE_KEY, nonce=NONCE, at=NOON, retain_until=NOON)
    yield made
    made.close()


def decrypt_pages(path: Path) -> bytes:
    """Return every page of a store's file or write-ahead log in clear, free ones too (SQLCipher 4, a raw key)."""
    data = path.read_bytes()
    if path.name.endswith("-wal"):
        frames = range(_WAL_HEADER, len(data), _FRAME_HEADER + _PAGE)
        numbered = [(int.from_bytes(data[at : at + 4]), data[at + _FRAME_HEADER :][:_PAGE]) for at in frames]
    else:
        numbered = [(at // _PAGE + 1, data[at : at + _PAGE]) for at in range(0, len(data), _PAGE)]
    return b"".join(_decrypt(number, page) for number, page in numbered)


def _decrypt(number: int, page: bytes) -> bytes:
    body, vector = page[_SALT if number == 1 else 0 : -_RESERVED], page[-_RESERVED : -_RESERVED + _IV]
    decryptor = Cipher(algorithms.AES256(STORE_KEY), modes.CBC(vector)).decryptor()
    return decryptor.update(body) + decryptor.finalize()


def read_everything(store: Store) -> bytes:
    """Return all that a thief with the store's key finds in its files."""
    files = sorted(store.path.parent.glob(f"{store.path.name}*"))
    return b"".join(decrypt_pages(path) for path in files if path.stat().st_size and not path.name.endswith("-shm"))


def find_sealed(store: Store) -> bytes:
    with store.read() as snapshot:
        sealed: bytes = snapshot.fetch_value("SELECT sealed FROM content WHERE digest = ?", DIGEST)
    assert open_with_key(sealed, MESSAGE_KEY, purpose="message-content") == PLAINTEXT
    return sealed


def erase(store: Store) -> None:
    with store.write() as transaction:
        assert erase_content(transaction, DIGEST, ERASURE)
    store.truncate_wal()


def test_neither_key_nor_content_is_left_in_any_page_of_the_files(store: Store) -> None:
    sealed = find_sealed(store)
    before = read_everything(store)
    assert MESSAGE_KEY in before, "the thief can read the store: this test can fail"
    assert sealed[:60] in before
    erase(store)
    after = read_everything(store)
    assert MESSAGE_KEY not in after
    assert not any(sealed[start : start + 32] in after for start in range(0, len(sealed) - 32, 500))
    assert bytes([3] * 32) in after, "the others are kept"


def test_the_write_ahead_log_alone_would_still_have_given_the_key_away(store: Store) -> None:
    with store.write() as transaction:
        erase_content(transaction, DIGEST, ERASURE)
    assert MESSAGE_KEY in read_everything(store), "this is why a run ends by emptying it"
    store.truncate_wal()
    assert MESSAGE_KEY not in read_everything(store)


def test_a_backup_made_after_the_erasure_has_nothing_of_it(store: Store, tmp_path: Path) -> None:
    erase(store)
    copy = tmp_path / "copy.db"
    store.copy_to(copy)
    assert MESSAGE_KEY not in decrypt_pages(copy)
    connection = connect(copy, STORE_KEY)
    assert connection.execute("SELECT count(*) FROM content").fetchone()[0] == 5
    connection.close()


def append_entries(store: Store, count: int) -> list[bytes]:
    """Return the exported lines of a log with so many entries, of several years."""
    with store.write() as transaction:
        for number in range(count):
            at = NOON + timedelta(days=200 * number)
            append_entry(transaction, AccessNote(at, "a.eriksson", Action.CONSULTATION, "read", f"case 74/{number}"))
    with store.read() as snapshot:
        return list(iterate_lines(snapshot))


def erase_line(line: bytes, **changes: object) -> bytes:
    """Return what would be left of an entry whose term is over."""
    entry = read_line(line)
    assert "officer" in entry.to_wire()
    return encode_canonical(make_link(entry).to_wire() | changes)  # type: ignore[arg-type]


def test_an_agency_cannot_pass_one_embarrassing_entry_off_as_ended(store: Store) -> None:
    lines = append_entries(store, 5)
    _, end = verify_chain(lines)
    assert end is not None
    heads = {end.count: end.head}
    verify_chain([erase_line(lines[0]), *lines[1:]], heads=heads)
    with pytest.raises(AccessChainError, match="an older one was not"):
        verify_chain([*lines[:3], erase_line(lines[3]), lines[4]], heads=heads)


def test_an_agency_cannot_date_entries_back_to_make_their_term_end_sooner(store: Store) -> None:
    lines = append_entries(store, 3)
    _, end = verify_chain(lines)
    assert end is not None
    dated_back = [erase_line(line, time="2015-01-01T00:00:00Z") for line in lines[:2]]
    with pytest.raises(AccessChainError):
        verify_chain([*dated_back, lines[2]], heads={end.count: end.head})
