"""Looks that many share: one at a time, begun after each was asked for, and as often as may be at most."""

import asyncio
from queue import SimpleQueue
from threading import Event

import pytest

from broker.directory.looking import SPACING_SECONDS, SharedLook


class Sight:
    """What there is to see; each look waits until it is let through, and none may overtake another."""

    def __init__(self) -> None:
        self.value = 0
        self.began: SimpleQueue[int] = SimpleQueue()
        self.looks = 0
        self.may_end = Event()
        self.may_end.set()

    def look(self) -> int:
        self.looks += 1
        seen = self.value
        self.began.put(seen)
        assert self.may_end.wait(20)
        return seen

    def look_once_in_vain(self) -> int:
        if not self.looks:
            self.looks = 1
            raise ConnectionError
        return self.look()


async def take_many(look: SharedLook[int], number: int) -> list[asyncio.Task[int]]:
    taken = [asyncio.create_task(look.take()) for _ in range(number)]
    await asyncio.sleep(0)
    return taken


def test_who_asks_while_a_look_is_on_its_way_shares_the_next_one() -> None:
    async def story() -> None:
        sight = Sight()
        look = SharedLook(sight.look)
        sight.may_end.clear()
        (first,) = await take_many(look, 1)
        assert await asyncio.to_thread(sight.began.get) == 0
        sight.value = 1
        later = await take_many(look, 50)
        sight.may_end.set()

        assert await first == 0
        assert set(await asyncio.gather(*later)) == {1}
        assert sight.looks == 2

    asyncio.run(story())


def test_looks_are_never_closer_to_each_other_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands still unless somebody waits."""
    moment, began = 1000.0, []

    async def sleep(seconds: float) -> None:
        nonlocal moment
        moment += max(seconds, 0)

    monkeypatch.setattr("broker.directory.looking.monotonic", lambda: moment)
    monkeypatch.setattr("broker.directory.looking.asyncio.sleep", sleep)

    async def story() -> None:
        look = SharedLook(lambda: began.append(moment))
        for _ in range(5):
            await look.take()

    asyncio.run(story())
    assert began == pytest.approx([1000 + number * SPACING_SECONDS for number in range(5)])


def test_all_who_share_a_look_that_fails_are_told_and_the_next_one_is_taken() -> None:
    async def story() -> None:
        sight = Sight()
        look = SharedLook(sight.look_once_in_vain)
        answers = await asyncio.gather(*(look.take() for _ in range(3)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [ConnectionError] * 3
        assert await look.take() == 0

    asyncio.run(story())


def test_who_goes_away_takes_the_look_from_nobody() -> None:
    async def story() -> None:
        sight = Sight()
        look = SharedLook(sight.look)
        sight.may_end.clear()
        gone, stays = await take_many(look, 2)
        await asyncio.to_thread(sight.began.get)
        gone.cancel()
        sight.may_end.set()

        assert await stays == 0
        with pytest.raises(asyncio.CancelledError):
            await gone

    asyncio.run(story())
