"""Argon2id with a memory, for the tests: the same passphrase, salt and costs are stretched once in a process.

At the protocol's costs a passphrase takes a seventh of a second, and every command that a test lets open a profile pays
it anew. What is remembered is what Argon2id gave: nothing is stretched less. `tests/keys/test_container.py` does
without.

with one_salt():
    initialise_node(…)  # the passphrase of many throw-away nodes is stretched once for all of them
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from keys.container import seal_container


class RememberingArgon2id:
    """What `keys.container` takes for Argon2id."""

    def __init__(self, **costs: Any) -> None:
        self._costs = costs

    def derive(self, material: bytes) -> bytes:
        """Return what Argon2id derives, asked once."""
        return _derive(material, **self._costs)


def remember_stretched() -> None:
    """Let this process stretch no passphrase twice."""
    pytest.MonkeyPatch().setattr("keys.container.Argon2id", RememberingArgon2id)


@contextmanager
def one_salt() -> Iterator[None]:
    """Let all profiles that are made in such blocks seal their secrets under the same salt."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agency_client.profiles.session.seal_container", _seal_alike)
        yield


def _seal_alike(plaintext: bytes, passphrase: str, *, salt: bytes, **others: Any) -> bytes:
    return seal_container(plaintext, passphrase, salt=bytes(len(salt)), **others)


@cache
def _derive(material: bytes, **costs: Any) -> bytes:
    return Argon2id(**costs).derive(material)
