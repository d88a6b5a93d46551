"""Waiting for an inbox and being woken."""

from broker.inbox.waiters import Waiters


def test_whoever_listens_is_woken_and_nobody_else() -> None:
    waiters = Waiters()
    with waiters.listen("GB-HO") as mine, waiters.listen("GB-HO") as mine_too, waiters.listen("VN-IMM") as other:
        waiters.wake("GB-HO")
        assert (mine.is_set(), mine_too.is_set(), other.is_set()) == (True, True, False)


def test_nothing_is_kept_of_who_stopped_listening() -> None:
    waiters = Waiters()
    with waiters.listen("GB-HO") as bell:
        pass
    waiters.wake("GB-HO")
    assert not bell.is_set()
    assert waiters._bells == {}


def test_closing_wakes_everybody() -> None:
    waiters = Waiters()
    with waiters.listen("GB-HO") as one, waiters.listen("VN-IMM") as other:
        waiters.close()
        assert one.is_set()
        assert other.is_set()
    assert waiters.is_closed
