"""How long a published key stays good for receipts."""

from datetime import timedelta

import pytest

from broker.receipts.rules import RECENT_KEY_DAYS, is_recent_key
from tests.support.members import make_member

MEMBER = make_member("GB-HO")
KEY = MEMBER.encryption.encryption_keys.keys[0]


@pytest.mark.parametrize(
    ("since_last_day", "is_good"),
    [
        (-timedelta(days=44), True),
        (timedelta(0), True),
        (timedelta(days=RECENT_KEY_DAYS, seconds=-1), True),
        (timedelta(days=RECENT_KEY_DAYS), False),
    ],
)
def test_a_key_is_recent_for_thirty_days_after_its_last(since_last_day: timedelta, is_good: bool) -> None:
    assert is_recent_key(MEMBER.timeline, KEY.kid, KEY.expires_at + since_last_day) is is_good


def test_a_key_that_was_never_published_is_not_recent() -> None:
    assert not is_recent_key(MEMBER.timeline, make_member("VN-IMM").opening_key.kid, KEY.not_before)
