"""Who is let in: how fast, how many at once and how many bytes, by certificate, by member and in all."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from broker.http.admission import Admission, AdmissionLimits, Visit, demand_pace, waiting
from broker.http.connection import ClientConnection
from broker.http.refusal import Refusal, RefusedError

UNHURRIED = AdmissionLimits(requests_per_second=1e6, requests_per_second_of_member=1e6)


def connect(certificate: bytes, agency: str = "") -> ClientConnection:
    return ClientConnection(certificate, agency)


def enter(admission: Admission, connection: ClientConnection, scope: dict[str, Any] | None = None) -> Visit:
    return admission.enter(scope if scope is not None else {}, connection)


def slug(refusal: Refusal | None) -> str | None:
    return None if refusal is None else refusal.slug


def ask(admission: Admission, connection: ClientConnection, now: float) -> Refusal | None:
    """Make one request that is over at once."""
    visit = enter(admission, connection)
    try:
        return admission.refuse(visit, now)
    finally:
        visit.leave()


@contextmanager
def asking(admission: Admission, connection: ClientConnection, scope: dict[str, Any]) -> Iterator[None]:
    """Be served for as long as the block runs."""
    visit = enter(admission, connection, scope)
    assert admission.refuse(visit, time.monotonic()) is None
    try:
        yield
    finally:
        visit.leave()


def test_a_certificate_that_asks_too_fast_is_told_when_to_come_back_and_others_are_not_held_up() -> None:
    admission = Admission(AdmissionLimits(requests_per_second=0.5, burst_requests=2))
    hasty, calm = connect(b"hasty"), connect(b"calm")
    assert [slug(ask(admission, hasty, 0.0)) for _ in range(3)] == [None, None, "too-many-requests"]
    refusal = ask(admission, hasty, 0.5)
    assert refusal is not None
    assert (refusal.retry_after_seconds, refusal.problem.status) == (2, 429)
    assert ask(admission, calm, 0.5) is None
    assert [slug(ask(admission, hasty, 2.0)) for _ in range(2)] == [None, "too-many-requests"]


def test_a_member_with_many_certificates_asks_no_faster_than_one_may() -> None:
    admission = Admission(AdmissionLimits(requests_per_second_of_member=1, burst_requests_of_member=3))
    asked = [slug(ask(admission, connect(bytes([number]), "GB-HO"), 0.0)) for number in range(5)]
    assert asked == [None, None, None, "too-many-requests", "too-many-requests"]
    assert ask(admission, connect(b"other", "VN-IMM"), 0.0) is None


def test_what_travels_together_is_counted_one_by_one() -> None:
    limits = AdmissionLimits(requests_per_second=1e-3, burst_requests=100, requests_per_second_of_member=1e-3)
    admission = Admission(replace(limits, burst_requests_of_member=150))
    scope: dict[str, Any] = {}
    with asking(admission, connect(b"one", "GB-HO"), scope):
        demand_pace(scope, 64)
        with pytest.raises(RefusedError) as refused:
            demand_pace(scope, 64)
    assert refused.value.refusal.slug == "too-many-requests"
    assert (refused.value.refusal.retry_after_seconds or 0) > 26_000
    with asking(admission, connect(b"another of the member", "GB-HO"), scope):
        demand_pace(scope, 64)
        with pytest.raises(RefusedError, match="GB-HO asks more than"):
            demand_pace(scope, 30)
        demand_pace(scope, 1)
    with asking(admission, connect(b"vn", "VN-IMM"), scope):
        demand_pace(scope, 64)


def test_what_a_member_may_not_is_not_taken_from_its_certificate() -> None:
    limits = AdmissionLimits(requests_per_second=1e-3, burst_requests=100, requests_per_second_of_member=1e-3)
    admission = Admission(replace(limits, burst_requests_of_member=64))
    scope: dict[str, Any] = {}
    connection = connect(b"one", "GB-HO")
    with asking(admission, connection, scope):
        for _ in range(3):
            with pytest.raises(RefusedError, match="GB-HO"):
                demand_pace(scope, 65)
        connection.agency = ""
        demand_pace(scope, 99)


def test_without_a_gate_nobody_is_too_fast() -> None:
    demand_pace({}, 1000)


def test_a_member_is_served_so_many_at_once_and_all_together_so_many() -> None:
    admission = Admission(replace(UNHURRIED, max_requests=3, max_requests_of_member=2))
    gb, vn, be = connect(b"gb", "GB-HO"), connect(b"vn", "VN-IMM"), connect(b"be", "BE-OE")
    first, second = enter(admission, gb), enter(admission, gb)
    assert [slug(admission.refuse(visit, 0.0)) for visit in (first, second)] == [None, None]
    assert slug(ask(admission, gb, 0.0)) == "member-busy"
    third = enter(admission, vn)
    assert admission.refuse(third, 0.0) is None
    assert slug(ask(admission, vn, 0.0)) == "busy"
    assert ask(admission, be, 0.0) is None, "a full house still takes a member's only one"
    first.leave()
    assert ask(admission, vn, 0.0) is None
    for visit in (second, third):
        visit.leave()
    assert admission.served == 0


def test_who_waits_for_its_inbox_is_not_being_served() -> None:
    admission = Admission(replace(UNHURRIED, max_requests=1, max_requests_of_member=1))
    scope: dict[str, Any] = {}
    listening = enter(admission, connect(b"vn", "VN-IMM"), scope)
    with waiting(scope):
        assert admission.served == 0
        assert ask(admission, connect(b"vn", "VN-IMM"), 0.0) is None
    assert admission.served == 1
    listening.leave()
    assert admission.served == 0


def test_so_many_of_a_member_wait_at_once_and_those_that_are_let_go_make_room() -> None:
    admission = Admission(replace(UNHURRIED, max_waiting=3, max_waiting_of_member=2))
    vn, gb = connect(b"vn", "VN-IMM"), connect(b"gb", "GB-HO")
    scopes: list[dict[str, Any]] = [{} for _ in range(5)]
    asking_each = zip([vn] * 3 + [gb] * 2, scopes, strict=True)
    visits = [enter(admission, connection, scope) for connection, scope in asking_each]
    with ExitStack() as first, ExitStack() as others:
        first.enter_context(waiting(scopes[0]))
        others.enter_context(waiting(scopes[1]))
        with pytest.raises(RefusedError, match="as many requests waiting") as part, waiting(scopes[2]):
            pass
        others.enter_context(waiting(scopes[3]))
        with pytest.raises(RefusedError) as whole, waiting(scopes[4]):
            pass
        assert [error.value.refusal.slug for error in (part, whole)] == ["member-busy", "busy"]
        first.close()
        others.enter_context(waiting(scopes[2]))
    for visit in visits:
        visit.leave()
    assert admission.served == 0


def test_waiting_without_a_gate_is_just_waiting() -> None:
    with waiting({}):
        pass


def test_bytes_are_held_up_to_a_member_s_part_and_up_to_the_whole_and_given_back() -> None:
    admission = Admission(replace(UNHURRIED, max_held_bytes=100, max_held_bytes_of_member=60))
    gb, vn = enter(admission, connect(b"gb", "GB-HO")), enter(admission, connect(b"vn", "VN-IMM"))
    assert [slug(gb.hold(60)), slug(gb.hold(1)), slug(vn.hold(16)), slug(vn.hold(15))] == [
        None, "member-busy", "busy", None
    ]  # fmt: skip
    assert admission.held_bytes == 75
    gb.leave()
    assert admission.held_bytes == 15
    vn.leave()
    assert (admission.held_bytes, admission.served) == (0, 0)


def test_four_members_that_hold_all_they_can_leave_room_for_the_messages_of_the_others() -> None:
    mebibyte = 1 << 20
    admission = Admission(UNHURRIED)
    for agency in ("AA", "BB", "CC", "DD"):
        visit = enter(admission, connect(agency.encode(), agency))
        while visit.hold(mebibyte) is None:
            pass
    others = [enter(admission, connect(bytes([number]), f"XX-{number}")) for number in range(15)]
    assert [slug(visit.hold(2 * mebibyte)) for visit in others] == [None] * 15
    assert admission.held_bytes == 128 * mebibyte


@pytest.mark.parametrize("full", ["part", "whole"])
def test_whoever_is_turned_away_is_told_when_to_come_back(full: str) -> None:
    limits = {"part": {"max_held_bytes_of_member": 1}, "whole": {"max_held_bytes": 1}}[full]
    refusal = enter(Admission(AdmissionLimits(**limits)), connect(b"gb")).hold(2)
    assert refusal is not None
    assert refusal.retry_after_seconds == 1
