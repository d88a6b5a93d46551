"""What a dead letter is, and what needs an operator. Pure: counts and the time come in, sentences come out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.directory.members import Members
from broker.inbox.rules import ItemState
from keys.certificates import read_validity
from keys.timeline import MemberTimeline
from schemas.key_documents import AgencyClass

UNCOLLECTED_AFTER = timedelta(days=2)
ENDS_WITHIN = timedelta(days=30)
NEED_CODES = (
    "inbox-uncollected", "attachments-lost", "key-set-ended", "key-set-ending", "encryption-keys-ended",
    "authority-ended", "authority-ending",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that did not arrive, or does not now: what its header and the log say of it.

    `state` is expired, returned or held, `since` when it became so; `reasons` are the codes in its record.
    """

    state: ItemState
    sender: str
    recipient: str
    message: str
    kind: str
    marking: str
    accepted_at: datetime
    since: datetime
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Letters:
    """Dead letters from a moment on: how many there are of each state (held: now), and the newest of them."""

    since: datetime
    counts: Mapping[ItemState, int]
    letters: tuple[DeadLetter, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in one inbox: how many items, and since when the oldest."""

    agency: str
    items: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that somebody must see to: a stable code, whose it is, since (or until) when, and a sentence."""

    code: str
    agency: str
    at: datetime
    sentence: str


def find_needs(members: Members, waiting: Iterable[Waiting], lost: Mapping[str, int], now: datetime) -> list[Need]:
    """Return what needs an operator: inboxes nobody collects, what has ended or soon ends of a member, lost bytes.

    `lost` counts by sender the attachments whose bytes are gone.
    """
    needs = [*_find_uncollected(waiting, now), *_find_lost(lost, now)]
    for _, timeline in sorted(members.timelines.items()):
        needs += _find_ended_keys(timeline, now)
    for agency, certificate in sorted(members.authorities.values()):
        ends = read_validity(certificate)[1]
        needs += _judge_end("authority", agency, "the CA of its nodes' certificates", ends, now)
    return needs


def _find_uncollected(waiting: Iterable[Waiting], now: datetime) -> Iterator[Need]:
    for inbox in waiting:
        if now - inbox.since >= UNCOLLECTED_AFTER:
            sentence = f"{inbox.agency} has not collected its inbox: {inbox.items} item(s) wait, the oldest since then"
            yield Need("inbox-uncollected", inbox.agency, inbox.since, sentence)


def _find_lost(lost: Mapping[str, int], now: datetime) -> Iterator[Need]:
    for agency, count in sorted(lost.items()):
        sentence = f"the bytes of {count} attachment(s) of {agency} are gone: it must send them again"
        yield Need("attachments-lost", agency, now, sentence)


def _find_ended_keys(timeline: MemberTimeline, now: datetime) -> Iterator[Need]:
    agency = timeline.agency
    yield from _judge_end("key-set", agency, "its key set", timeline.newest_key_set.key_set.expires_at, now)
    published = timeline.newest_encryption_keys
    if timeline.agency_class is not AgencyClass.AGENCY or published is None:
        return
    ends = max(key.expires_at for key in published.encryption_keys.keys)
    if ends <= now:
        sentence = f"{agency} has no encryption key any more: nobody can send to it until its node publishes another"
        yield Need("encryption-keys-ended", agency, ends, sentence)


def _judge_end(code: str, agency: str, what: str, ends: datetime, now: datetime) -> Iterator[Need]:
    if ends <= now:
        yield Need(f"{code}-ended", agency, ends, f"{agency}: {what} has ended; it needs a new key set")
    elif ends - now <= ENDS_WITHIN:
        yield Need(f"{code}-ending", agency, ends, f"{agency}: {what} ends soon; it needs a new key set before")
