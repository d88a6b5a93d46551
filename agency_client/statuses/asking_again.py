"""When to ask the exchange for every step once more, because a partner's status names one that has not come.

At once when the partner says so, then after as long as the step has been missing already: whoever hides a step makes
this node ask less and less often, and never keeps it from asking. Nothing is fetched here.
"""

from datetime import datetime, timedelta

from agency_client.local_store.engine import Transaction
from agency_client.local_store.settings import Setting, read_moment_setting, write_moment, write_setting

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)


def ask_again_for_steps(transaction: Transaction, now: datetime, *, is_news: bool) -> bool:
    """Let all steps be pulled anew if that is due; return whether it is. `is_news`: the status came just now."""
    since = read_moment_setting(transaction, Setting.STEPS_MISSED_SINCE)
    last = read_moment_setting(transaction, Setting.STEPS_ASKED_AGAIN)
    if not is_news and not is_asking_due(since, last, now):
        return False
    if is_news or since is None:
        write_moment(transaction, Setting.STEPS_MISSED_SINCE, now)
    write_moment(transaction, Setting.STEPS_ASKED_AGAIN, now)
    # What was passed over lies behind the place up to which steps were pulled.
    write_setting(transaction, Setting.STEPS_PULLED, "-1")
    return True


def is_asking_due(since: datetime | None, last: datetime | None, now: datetime) -> bool:
    """Return whether to ask again for what is missing `since`, and was asked for `last`; a clock set back asks."""
    if since is None or last is None or now < last:
        return True
    return now - last >= min(max(last - since, FIRST_PAUSE), LONGEST_PAUSE)
