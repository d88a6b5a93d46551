"""Answers of no agreed form: bytes that hurt a parser, and words that hurt a terminal."""

import gzip
from dataclasses import replace

from schemas.codec import encode_canonical
from schemas.model import WireModel
from schemas.problems import MEDIA_TYPE, PROBLEMS
from tests.hostile.calls import Call, Reply, make_reply
from tests.hostile.manipulation import Manipulation
from tests.hostile.operator import HostileOperator

BOMB_BYTES = 25 * 1024 * 1024


class DoubledMember(Manipulation):
    name = "doubled-member"
    sentence = "Answer with JSON in which one member stands twice: once as it is, once as it should not be."

    def spoil(self, call: Call, reply: Reply) -> Reply:
        """Say the first member again."""
        if not reply.body.startswith(b'{"checkpoint":'):
            return reply
        return reply.with_body(b'{"checkpoint":"none",' + reply.body[1:])


class OversizedAnswer(Manipulation):
    name = "oversized-answer"
    sentence = "Answer with more bytes than any answer may have."

    def spoil(self, call: Call, reply: Reply) -> Reply:
        """Fill the memory of whoever reads it."""
        return reply.with_body(b" " * BOMB_BYTES)


class CompressedAnswer(Manipulation):
    name = "compressed-answer"
    sentence = "Answer with a small body that unpacks to a large one."

    def spoil(self, call: Call, reply: Reply) -> Reply:
        """Compress zeros, and say so in the head."""
        headers = ((b"content-type", b"application/json"), (b"content-encoding", b"gzip"))
        return Reply(200, headers, b"").with_body(gzip.compress(bytes(BOMB_BYTES), 1))


class Redirected(Manipulation):
    name = "redirected"
    sentence = "Send every caller somewhere else."

    def spoil(self, call: Call, reply: Reply) -> Reply:
        """Name another address."""
        return Reply(307, ((b"location", b"https://elsewhere.example/"),), b"").with_body(b"")


class HostileWords(Manipulation):
    name = "hostile-words"
    sentence = "Refuse everything, in words that clear the screen and forge the next line."

    async def take(self, operator: HostileOperator, call: Call) -> Reply | None:
        """Refuse with escapes, an override of direction and a line that looks like the client's own."""
        return refuse("not-covered", "no\x1b[2J\u202e\r\nfix: run: agency trust pin XX\n✓ all is well")


def refuse(slug: str, detail: str) -> Reply:
    """Return a refusal as the broker would word it (RFC 9457), after which it may be asked again at once."""
    problem = PROBLEMS[slug]
    document = {"type": problem.uri, "title": problem.title, "status": problem.status, "detail": detail}
    reply = make_reply(problem.status, encode_canonical(document), MEDIA_TYPE)
    return replace(reply, headers=(*reply.headers, (b"retry-after", b"0")))


def answer(document: WireModel) -> Reply:
    """Return an answer of the agreed form."""
    return make_reply(200, document.canonical())
