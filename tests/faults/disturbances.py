"""What befalls a serving broker in the middle of traffic without killing it: no room, a wrong clock, a long pause.

Each is played the same way: traffic runs, the broker is disturbed, it goes on by itself, everything arrives; then the
log is verified whole and held against what clients were told. Returned is how clients were answered meanwhile.
"""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from schemas.api import ATTACHMENTS_PATH
from schemas.attachments import OFFSET_HEADER, PIECE_MEDIA_TYPE, Announcement, UploadAnswer
from schemas.codec import b64u_encode, hash_bytes
from tests.faults.clocked_broker import OFFSET_FILE
from tests.faults.full_disk import SmallDisk, no_longer_files
from tests.faults.kills import agree_and_correspond, list_serving
from tests.faults.stored_log import read_stored_log
from tests.faults.traffic import Traffic, traffic_running
from tests.support.caller import Caller, read_answer, read_slug
from tests.support.exchange import RunningExchange
from tests.support.members import derive_seed
from tests.support.messages import make_id

END_SECONDS = 120
_PIECE_BYTES = 1 << 18
_REFUSALS_BEFORE_ROOM = 3
CLOCKED = ("-m", "tests.faults.clocked_broker")


@contextmanager
def disturbed(exchange: RunningExchange, *, pause_seconds: float = 0.0) -> Iterator[Traffic]:
    """Run traffic around the block; behind it everything must arrive, and the log hold together with all answers."""
    traffic = Traffic(
        agree_and_correspond(exchange), exchange.sheet, lambda: list_serving([exchange]), pause_seconds=pause_seconds
    )
    with traffic_running(traffic):
        traffic.wait_for(2)
        yield traffic
        traffic.wait_for(2)
        traffic.end(END_SECONDS)
    exchange.stop()
    traffic.verify_effects(read_stored_log(exchange), is_over=True)


def fill_disk(exchange: RunningExchange, disk: SmallDisk, *, times: int, seconds: float) -> Counter[str]:
    """Let the disk be full for a while, again and again."""
    with disturbed(exchange) as traffic:
        for number in range(times):
            disk.fill(leave_bytes=number * 4096)
            _wait_until_refused(traffic)
            time.sleep(seconds)
            disk.free()
            traffic.wait_for(2)
    return traffic.memory.refusals


def limit_files(exchange: RunningExchange, *, times: int, seconds: float) -> Counter[str]:
    """Let no file of the broker's grow for a while, again and again."""
    with disturbed(exchange) as traffic:
        for _ in range(times):
            assert exchange.process is not None
            with no_longer_files(exchange.process.pid):
                _wait_until_refused(traffic)
                time.sleep(seconds)
            traffic.wait_for(2)
    return traffic.memory.refusals


def fill_disk_under_upload(exchange: RunningExchange, disk: SmallDisk, size: int) -> Counter[str]:
    """Let the disk become full in the middle of an upload; with room again it goes on where it stood, and is whole."""
    caller = exchange.caller(next(iter(exchange.members)))
    data = derive_seed("upload") * (size // 32)
    announced = Announcement(
        message=make_id("upload"), id=make_id("attachment"), sha256=b64u_encode(hash_bytes(data)), size=len(data)
    )
    told = read_answer(caller.post(ATTACHMENTS_PATH, announced), UploadAnswer, 201)
    disk.fill(leave_bytes=size // 2)
    refusals: Counter[str] = Counter()
    while not told.complete:
        answer = _add_piece(caller, announced, data, told.offset)
        if answer.status_code != httpx.codes.OK:
            refusals[f"{answer.status_code} {read_slug(answer)}"] += 1
            if refusals.total() == _REFUSALS_BEFORE_ROOM:
                disk.free()
            answer = caller.post(ATTACHMENTS_PATH, announced)  # what has come of the piece is kept
        assert answer.status_code in (httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE), answer.text
        if answer.status_code == httpx.codes.OK:
            told = read_answer(answer, UploadAnswer)
    return refusals


def _add_piece(caller: Caller, announced: Announcement, data: bytes, offset: int) -> httpx.Response:
    headers = {"Content-Type": PIECE_MEDIA_TYPE, OFFSET_HEADER: str(offset)}
    path = f"{ATTACHMENTS_PATH}/{announced.message}/{announced.id}"
    piece = data[offset : offset + _PIECE_BYTES]
    return caller.http.patch(path, content=piece, headers={**headers, **caller.authorize()})


def pause(exchange: RunningExchange, *, times: int, seconds: float) -> Counter[str]:
    """Stop the broker's process where it stands (SIGSTOP), for longer than clients wait, and let it go on."""
    with disturbed(exchange) as traffic:
        for _ in range(times):
            assert exchange.process is not None
            exchange.process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            exchange.process.send_signal(signal.SIGCONT)
            traffic.wait_for(2)
    return traffic.memory.refusals


def turn_clock(exchange: RunningExchange, offset: Path, jumps: tuple[int, ...], *, seconds: float) -> Counter[str]:
    """Let the broker's clock jump to so many seconds before or behind the time, one after the other, and be right.

    The exchange runs `CLOCKED` with `offset` as its file.
    """
    with disturbed(exchange) as traffic:
        for jump in (*jumps, 0):
            offset.write_text(str(jump))
            time.sleep(seconds)
    return traffic.memory.refusals


def use_clock(exchange: RunningExchange, offset: Path) -> None:
    """Let the exchange's brokers take their time from a file."""
    offset.write_text("0")
    exchange.program = CLOCKED
    exchange.environment = {**exchange.environment, OFFSET_FILE: str(offset)}


def _wait_until_refused(traffic: Traffic, seconds: float = 30) -> None:
    refused = _count_refused(traffic)
    _wait_until(lambda: _count_refused(traffic) > refused, seconds)


def _count_refused(traffic: Traffic) -> int:
    return sum(count for said, count in traffic.memory.refusals.items() if said.startswith("5"))


def _wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.02)
