"""The process that keeps an unlocked profile's secret in memory, for its own user, until it is told or too late.

Started by `agency_client.profiles.session` with the secret on standard input. It listens on a socket in a private
folder, asks the kernel who calls, and answers three words: `key`, `left` (seconds) and `lock`. It imports nothing it
does not need, writes no log, cannot be traced or dumped by other processes of the user, and overwrites the
secret before it ends.
"""

import ctypes
import os
import resource
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

SECRET_BYTES = 32
MAX_SECONDS = 8 * 3600
CALLER_SECONDS = 2.0
_LOOK_AGAIN_SECONDS = 30.0
_PR_SET_DUMPABLE = 4
_PEER_CREDENTIALS = struct.Struct("3i")


class SecretKeeper:
    """Holds the secret until a moment of the clock that also runs while the machine sleeps."""

    def __init__(self, secret: bytearray, seconds: float, clock: Callable[[], float]) -> None:
        self._secret = secret
        self._clock = clock
        self._deadline = clock() + min(seconds, MAX_SECONDS)

    def count_seconds_left(self) -> float:
        """Return how long the secret will still be kept; never below zero."""
        return max(0.0, self._deadline - self._clock())

    def answer(self, word: bytes) -> bytes | None:
        """Return the answer to one word of a caller; None for a word nobody knows, or when it is too late."""
        if word == b"lock":
            self.wipe()
            return b"locked"
        if not self.count_seconds_left():
            self.wipe()
            return None
        if word == b"key":
            return bytes(self._secret)
        return b"%d" % self.count_seconds_left() if word == b"left" else None

    def wipe(self) -> None:
        """Overwrite the secret; from now on there is none."""
        for index in range(len(self._secret)):
            self._secret[index] = 0
        self._deadline = float("-inf")


def is_own_user(caller: socket.socket) -> bool:
    """Ask the kernel whether the process at the other end belongs to this user (SO_PEERCRED)."""
    _, user, _ = _PEER_CREDENTIALS.unpack(
        caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
    )
    return bool(user == os.geteuid())


def serve(listener: socket.socket, keeper: SecretKeeper) -> None:
    """Answer callers one after the other until the secret is gone."""
    while left := keeper.count_seconds_left():
        listener.settimeout(min(left, _LOOK_AGAIN_SECONDS))
        try:
            caller, _ = listener.accept()
        except TimeoutError:
            continue
        with caller:
            _answer_caller(caller, keeper)


def open_listener(folder: Path, name: str) -> socket.socket:
    """Return a socket that listens under a name in a private folder, mode 0600.

    The address goes through the folder's descriptor, since a socket's path may not be longer than 107 bytes.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    old_mask = os.umask(0o177)
    try:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(f"/proc/self/fd/{descriptor}/{name}")
        listener.listen(8)
    finally:
        os.umask(old_mask)
        os.close(descriptor)
    return listener


def main(arguments: list[str]) -> int:
    """Keep the secret from standard input; arguments are the socket's folder, its name, and how many seconds."""
    folder, name, seconds = Path(arguments[0]), arguments[1], float(arguments[2])
    _harden_process()
    secret = bytearray(SECRET_BYTES)
    if os.readv(0, [secret]) != SECRET_BYTES:
        return 1
    _lock_in_memory(secret)
    keeper = SecretKeeper(secret, seconds, lambda: time.clock_gettime(time.CLOCK_BOOTTIME))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    with open_listener(folder, name) as listener:
        try:
            _say_ready()
            serve(listener, keeper)
        finally:
            keeper.wipe()
            (folder / name).unlink(missing_ok=True)
    return 0


def _answer_caller(caller: socket.socket, keeper: SecretKeeper) -> None:
    caller.settimeout(CALLER_SECONDS)
    try:
        if is_own_user(caller):
            answer = keeper.answer(caller.recv(16))
            if answer is not None:
                caller.sendall(answer)
    except OSError:
        return  # The caller went away; that is its own affair.


def _harden_process() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    os.chdir("/")


def _lock_in_memory(secret: bytearray) -> None:
    # Out of swap, where the user's limit allows it; copies that Python makes while answering are beyond its reach.
    address = ctypes.addressof((ctypes.c_char * len(secret)).from_buffer(secret))
    ctypes.CDLL(None).mlock(ctypes.c_void_p(address), ctypes.c_size_t(len(secret)))


def _say_ready() -> None:
    # The parent waits for this byte; afterwards nothing ties this process to its terminal.
    os.write(1, b"+")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
