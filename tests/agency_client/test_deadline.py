"""One end for a whole request: no wait reaches beyond it, and a new request has a new one."""

import socket
import ssl
import time

import pytest

from agency_client.deadline import Deadline, bind_deadline


def test_without_a_request_every_wait_may_take_what_it_asks_for() -> None:
    deadline = Deadline()
    assert [deadline.clip(seconds) for seconds in (None, 0.0, 60.0)] == [None, 0.0, 60.0]


def test_no_wait_reaches_beyond_the_end_of_the_request() -> None:
    deadline = Deadline()
    deadline.start(30)
    for seconds in (None, 60.0):
        clipped = deadline.clip(seconds)
        assert clipped is not None
        assert 0 < clipped <= 30
    assert deadline.clip(1.0) == 1.0


def test_after_the_end_nothing_is_waited_for_until_the_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    deadline = Deadline()
    deadline.start(5)
    late = time.monotonic() + 5
    monkeypatch.setattr(time, "monotonic", lambda: late)
    for seconds in (None, 0.0, 60.0):
        with pytest.raises(TimeoutError):
            deadline.clip(seconds)
    deadline.start(5)
    assert deadline.clip(60.0) == 5


def test_every_socket_of_a_bound_context_keeps_to_it() -> None:
    context, deadline = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), Deadline()
    context.check_hostname = False
    bind_deadline(context, deadline)
    with context.wrap_socket(socket.socket(), do_handshake_on_connect=False) as wrapped:
        deadline.start(30)
        wrapped.settimeout(3600)
        assert 0 < (wrapped.gettimeout() or 0) <= 30
        wrapped.settimeout(None)
        assert 0 < (wrapped.gettimeout() or 0) <= 30
