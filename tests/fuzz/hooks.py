"""What schemathesis needs to speak to a broker: a token that lives, bodies in canonical JSON and in other spellings.

Loaded by schemathesis itself (`SCHEMATHESIS_HOOKS`), which `make fuzz` installs apart from the development set-up.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import schemathesis  # type: ignore[import-not-found]

from schemas.api import MAX_WAIT_SECONDS, VERSION_HEADER
from schemas.attachments import PIECE_MEDIA_TYPE
from schemas.codec import CodecError, decode_canonical, encode_canonical
from schemas.problems import MEDIA_TYPE, PROBLEMS, TYPE_PREFIX, ProblemDocument
from tests.fuzz import TOKEN_FILE
from tests.schemas.json_corpus import REFUSED

MAX_ANSWER_BYTES = 64 << 20
PARTIAL_CONTENT = 206
_REFUSED = [data for data, _ in REFUSED.values()]


class TokenAuth:
    """The bearer token that `tests.fuzz` keeps fresh in a file."""

    def get(self, _case: Any, _context: Any) -> str:
        """Return the token of this minute."""
        return Path(os.environ[TOKEN_FILE]).read_text()

    def set(self, case: Any, token: str, _context: Any) -> None:
        """Put it into a request."""
        case.headers["Authorization"] = f"Bearer {token}"


def spell_json(_context: Any, value: Any) -> bytes:
    """Return canonical JSON for most values; for some, chosen by their content, another spelling or no JSON at all."""
    if isinstance(value, bytes):
        return value
    loose = json.dumps(value, sort_keys=True).encode()
    choice = hashlib.sha256(loose).digest()
    if choice[0] < 32:
        return loose
    if choice[0] < 64:
        return _REFUSED[choice[1] * 256 % len(_REFUSED)] + loose
    if choice[0] < 80:
        return loose[: choice[1]]
    try:
        return encode_canonical(value)
    except CodecError:
        return loose


def give_bytes(_context: Any, value: Any) -> bytes:
    """Return a piece of an attachment: whatever bytes there are."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


def shorten_wait(_context: Any, case: Any, _arguments: Any) -> None:
    """Let no lease wait, where it may: other tests ask what happens to who waits."""
    if isinstance(case.body, dict) and case.body.get("wait_seconds") in range(1, MAX_WAIT_SECONDS + 1):
        case.body = case.body | {"wait_seconds": 0}


def is_answered_in_one_spelling(_context: Any, response: Any, case: Any) -> None:
    """Demand canonical JSON, the protocol's version, and of a refusal a known problem of its own status."""
    headers = {name.lower(): value[0] for name, value in response.headers.items()}
    assert headers.get(VERSION_HEADER.lower()) == "1", headers
    if case.method.upper() == "HEAD" or response.status_code == PARTIAL_CONTENT:
        return
    decode_canonical(response.content, max_bytes=MAX_ANSWER_BYTES)
    if response.status_code >= 400:
        assert headers["content-type"] == MEDIA_TYPE, headers
        problem = ProblemDocument.from_canonical(response.content)
        assert PROBLEMS[problem.type.removeprefix(TYPE_PREFIX)].status == problem.status == response.status_code


schemathesis.auth(refresh_interval=30)(TokenAuth)
schemathesis.serializer("application/json")(spell_json)
schemathesis.serializer(PIECE_MEDIA_TYPE)(give_bytes)
schemathesis.hook("before_call")(shorten_wait)
schemathesis.check(is_answered_in_one_spelling)
