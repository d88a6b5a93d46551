"""Argon2id with a memory, for the tests: the same passphrase, salt and costs are stretched once in a process.

At the protocol's costs a passphrase takes a seventh of a second, and every command that a test lets open a profile pays
it anew. What is remembered is what Argon2id gave: nothing is stretched less. `tests/keys/test_container.py` does
without.
"""

from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id


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


@cache
def _derive(material: bytes, **costs: Any) -> bytes:
    return Argon2id(**costs).derive(material)
