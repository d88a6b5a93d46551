"""A container opens only under its own passphrase, whole, and for its own purpose; real costs, so few openings."""

import os
import threading
import unicodedata

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given
from hypothesis import strategies as st

from keys.container import (
    KEY_BYTES,
    NONCE_BYTES,
    SALT_BYTES,
    ContainerError,
    WrongPassphraseError,
    derive_key,
    open_container,
    open_with_key,
    seal_container,
    seal_with_key,
)
from schemas.codec import b64u_encode, decode_canonical, encode_canonical

PASSPHRASE = "correct horse báttery staple"
SECRET = b"thirty-two bytes of key material"
KEY = bytes(range(KEY_BYTES))
SEALED = seal_container(SECRET, PASSPHRASE, salt=b"s" * 16, nonce=b"n" * 12, purpose="store-key")
SEALED_WITH_KEY = seal_with_key(SECRET, KEY, nonce=b"n" * 12, purpose="message-content")


@pytest.fixture(autouse=True)
def argon2id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretch in earnest each time: the other tests remember what was derived (`tests.support.stretching`)."""
    monkeypatch.setattr("keys.container.Argon2id", Argon2id)


def alter_header(container: bytes, **changes: object) -> bytes:
    line, _, ciphertext = container.partition(b"\n")
    return encode_canonical(decode_canonical(line) | changes) + b"\n" + ciphertext


def alter_costs(container: bytes, **changes: object) -> bytes:
    kdf = decode_canonical(container.partition(b"\n")[0])["kdf"]
    return alter_header(container, kdf=kdf | changes)


def test_the_passphrase_that_sealed_it_opens_it_in_either_unicode_spelling() -> None:
    assert open_container(SEALED, unicodedata.normalize("NFD", PASSPHRASE), purpose="store-key") == SECRET


def test_the_header_is_canonical_and_names_the_costs_of_the_protocol() -> None:
    header = decode_canonical(SEALED.partition(b"\n")[0])
    assert header["kdf"] == {
        "name": "argon2id",
        "memory_kib": 64 * 1024,
        "passes": 3,
        "lanes": 4,
        "salt": b64u_encode(b"s" * 16),
    }
    assert SECRET not in SEALED


def test_another_passphrase_is_told_apart_from_damage() -> None:
    with pytest.raises(WrongPassphraseError):
        open_container(SEALED, "another one", purpose="store-key")
    with pytest.raises(ContainerError, match="altered or damaged") as damaged:
        open_container(SEALED[:-1] + bytes([SEALED[-1] ^ 1]), PASSPHRASE, purpose="store-key")
    assert not isinstance(damaged.value, WrongPassphraseError)


def test_a_container_of_one_purpose_is_not_taken_for_another() -> None:
    with pytest.raises(ContainerError, match="does not hold root-key"):
        open_container(SEALED, PASSPHRASE, purpose="root-key")


def test_an_altered_nonce_fails_although_the_passphrase_is_right() -> None:
    with pytest.raises(ContainerError, match="altered or damaged"):
        open_container(alter_header(SEALED, nonce=b64u_encode(b"m" * 12)), PASSPHRASE, purpose="store-key")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("memory_kib", 100 * 1024 * 1024),
        ("memory_kib", 32 * 1024),
        ("memory_kib", "65536"),
        ("memory_kib", True),
        ("passes", 2),
        ("passes", 1 << 40),
        ("lanes", 1),
        ("lanes", 10_000),
        ("salt", "c2hvcnQ"),
        ("salt", "not base64url"),
        ("name", "argon2i"),
    ],
)
def test_costs_outside_the_accepted_range_are_refused_before_any_memory_is_taken(member: str, value: object) -> None:
    with pytest.raises(ContainerError, match=r"kdf\.\w+ is not between|salt|derivation"):
        open_container(alter_costs(SEALED, **{member: value}), PASSPHRASE, purpose="store-key")


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"v": True},
        {"cipher": "A128GCM"},
        {"purpose": "root-key"},
        {"extra": 1},
        {"kdf": "argon2id"},
        {"kdf": {"name": "hkdf-sha256"}},
    ],
)
def test_a_header_of_another_form_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ContainerError):
        open_container(alter_header(SEALED, **changes), PASSPHRASE, purpose="store-key")


@pytest.mark.parametrize("cut", [0, 10, SEALED.index(b"\n"), SEALED.index(b"\n") + 1, SEALED.index(b"\n") + 16])
def test_a_file_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(ContainerError, match=r"cut short"):
        open_container(SEALED[:cut], PASSPHRASE, purpose="store-key")


def test_a_header_with_white_space_is_refused() -> None:
    with pytest.raises(ContainerError, match="canonical"):
        open_container(SEALED.replace(b'"v":1', b'"v": 1'), PASSPHRASE, purpose="store-key")


def test_an_empty_passphrase_seals_nothing() -> None:
    with pytest.raises(ValueError, match="empty"):
        seal_container(SECRET, "", salt=b"s" * 16, nonce=b"n" * 12, purpose="store-key")


@pytest.mark.parametrize(("salt", "nonce"), [(b"short", b"n" * 12), (b"s" * 16, b"short")])
def test_a_salt_or_nonce_of_the_wrong_length_seals_nothing(salt: bytes, nonce: bytes) -> None:
    with pytest.raises(ValueError, match="bytes are needed"):
        seal_container(SECRET, PASSPHRASE, salt=salt, nonce=nonce, purpose="store-key")


@given(plaintext=st.binary(max_size=500), key=st.binary(min_size=32, max_size=32))
def test_whatever_is_sealed_with_a_key_opens_with_it_and_with_no_other(plaintext: bytes, key: bytes) -> None:
    sealed = seal_with_key(plaintext, key, nonce=os.urandom(12), purpose="message-content")
    assert open_with_key(sealed, key, purpose="message-content") == plaintext
    with pytest.raises(WrongPassphraseError):
        open_with_key(sealed, bytes([key[0] ^ 1]) + key[1:], purpose="message-content")


@given(position=st.integers(0, len(SEALED_WITH_KEY) - 1), flip=st.integers(1, 255))
def test_no_changed_byte_opens(position: int, flip: int) -> None:
    altered = bytearray(SEALED_WITH_KEY)
    altered[position] ^= flip
    with pytest.raises(ContainerError):
        open_with_key(bytes(altered), KEY, purpose="message-content")


def test_a_passphrase_container_does_not_open_with_a_key() -> None:
    with pytest.raises(ContainerError, match="opens with a passphrase"):
        open_with_key(SEALED, KEY, purpose="store-key")


def test_each_purpose_derives_a_key_of_its_own() -> None:
    derived = {derive_key(KEY, purpose) for purpose in ("store", "key-files", "store2")}
    assert len(derived) == 3
    assert all(len(key) == KEY_BYTES and key != KEY for key in derived)


def test_two_threads_may_derive_at_once() -> None:
    """Without a lock OpenSSL's lanes wait for each other for ever."""
    threads = [
        threading.Thread(
            target=seal_container,
            args=(b"x", "passphrase"),
            kwargs={"salt": bytes(SALT_BYTES), "nonce": bytes(NONCE_BYTES), "purpose": "store-key"},
            daemon=True,
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
