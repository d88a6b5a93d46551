"""The layer around the true broker's application: every call and every answer passes the manipulations that are on."""

from starlette.types import ASGIApp, Receive, Scope, Send

from tests.hostile.calls import ANSWERS, Call, Reply, ask, read_call, send_reply
from tests.hostile.manipulation import Manipulation
from tests.hostile.switchboard import Switchboard

_MAX_ANSWER_BYTES = 64 << 20


class HostileLayer:
    """An ASGI application around the broker's. With every switch off it is not there."""

    def __init__(self, app: ASGIApp, switchboard: Switchboard) -> None:
        self._app = app
        self._switchboard = switchboard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, truly or not; the switchboard answers for as long as the application lives."""
        if scope["type"] == "lifespan":
            async with self._switchboard.serving():
                await self._app(scope, receive, send)
        elif self._switchboard.active:
            await self._serve(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = await read_call(scope, receive)
        lies = [lie for lie in self._switchboard.active if lie.is_for(call)]
        reply = await self._take(lies, call)
        if reply is None:
            reply = await ask(self._app, scope, call, receive)
            # What is waited for may come after another switch was turned.
            for lie in [lie for lie in self._switchboard.active if lie.is_for(call)]:
                reply = await self._change(lie, call, reply)
        await send_reply(send, reply)

    async def _take(self, lies: list[Manipulation], call: Call) -> Reply | None:
        for lie in lies:
            reply = await lie.take(self._switchboard.operator, call)
            if reply is not None:
                lie.told += 1
                return reply
        return None

    async def _change(self, lie: Manipulation, call: Call, reply: Reply) -> Reply:
        changed, model = lie.spoil(call, reply), ANSWERS.get(call.address)
        is_wanted = model is not None and (not lie.on or call.address in lie.on)
        if model is not None and is_wanted and reply.status < 300:
            answer = model.from_canonical(reply.body, max_bytes=_MAX_ANSWER_BYTES)
            other = await lie.change(self._switchboard.operator, call, answer)
            if other != answer:
                changed = reply.with_body(other.canonical())
        lie.told += changed != reply
        return changed
