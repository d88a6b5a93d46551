"""Act on a notice, in the transaction that opens it: mark, replace, restrict or erase what it is about.

A person's answer is not given here: it stays due (`acknowledge_by`). What was done is receipted to who sent the notice
(`local_store.received_work`); own notices are only recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agency_client.aftercare.rules import BREACH_NOTICE, CORRECTION, WITHDRAWAL, decide_effect
from agency_client.aftercare.standing import (
    is_authors,
    is_in_words_of,
    is_of_consent,
    list_kin,
    load_standing,
    read_notice,
)
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.aftercare import StoredNotice, list_notices, record_notice
from agency_client.local_store.content import erase_content, has_content, limit_retention
from agency_client.local_store.corrected_index import list_changed_by
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.inbox import InboxState, find_sender, load_by_digest, mark_withdrawn
from agency_client.local_store.onward import list_copies_by_consent, list_onward_copies
from agency_client.local_store.sent import find_message_by_digest
from agency_client.matching.indexing import correct_index, renew_index
from agency_client.node import Node
from agency_client.retention.rules import ErasureCode
from schemas.alerts.base import Alert
from schemas.alerts.coded import NoticeEffect, RequiredAction
from schemas.alerts.kinds.correction import Correction
from schemas.alerts.kinds.misused_identity import MisusedIdentity
from schemas.alerts.kinds.restriction import Restriction
from schemas.alerts.notice import Notice as NoticeDetails
from schemas.envelope import Reference
from schemas.log.records import Action

WITHDRAWN_KEPT = timedelta(days=7)
"""How long the content of a message that was opened before it was taken back may be kept at most."""


@dataclass(frozen=True, slots=True)
class NoticeOrigin:
    """Whose word a notice is: its author, the digest of the author's own message, and when the author signed it.

    `about` is the digest that the author's own message refers to; nothing asks it of this agency's own notices.
    """

    author: str
    digest: str
    said_at: datetime
    about: str = ""


def act_on_notice(
    node: Node, transaction: Transaction, digest: str, alert: Alert, target: Reference, origin: NoticeOrigin
) -> NoticeEffect | None:
    """Do what a received notice demands of the message `target`, and record it; None: the alert is no notice.

    Call `Store.truncate_wal` after the commit where something was erased.
    """
    notice = describe_notice(digest, alert, target.digest, origin)
    if notice is None:
        return None
    if notice.kind == BREACH_NOTICE and not is_authors(transaction, target.digest, origin.author):
        # Whoever got a message tells of a breach of it, and demands nothing of what its sender keeps.
        notice = replace(notice, action=RequiredAction.MARK.value)
    now, copies = node.clock.now(), _list_concerned(transaction, notice)
    if not is_known(transaction, target.digest):
        copies = []  # A withdrawal may come before what it takes back; whose that is will be seen when it comes.
    effect = decide_effect(read_notice(notice), holds_content=any(has_content(transaction, copy) for copy in copies))
    if notice.kind == WITHDRAWAL:
        for copy in copies:
            _take_back(transaction, copy, now)
    if effect is NoticeEffect.ERASED:
        _erase(node, transaction, notice, copies)
    else:
        note = node.note_access(
            Action.ALTERATION, f"act-on-{notice.kind}", effect.label, message=target.id, partner=origin.author
        )
        append_entry(transaction, note)
    record_notice(transaction, replace(notice, effect=effect.value, acted_at=now))
    if isinstance(alert.details, Correction) and is_in_words_of(transaction, target.digest, origin.author):
        for copy in copies:
            correct_index(transaction, copy, digest, alert.details.changes)
    _renew_index(transaction, copies)
    return effect


def note_own_notice(transaction: Transaction, digest: str, alert: Alert, origin: NoticeOrigin) -> None:
    """Record a notice that this agency sends, in the transaction that seals it; what is no notice is left alone."""
    if alert.in_reply_to is None:
        return
    notice = describe_notice(digest, alert, alert.in_reply_to.digest, origin)
    if notice is not None:
        record_notice(transaction, replace(notice, is_own=True))
    if isinstance(alert.details, Correction):
        correct_index(transaction, alert.in_reply_to.digest, digest, alert.details.changes)
    _renew_index(transaction, [alert.in_reply_to.digest])


def _renew_index(transaction: Transaction, targets: Sequence[str]) -> None:
    """Let what is corrected be found by what it says now: where the notice is a correction, or is about one."""
    corrected = (message for target in targets for message in list_changed_by(transaction, target))
    for message in dict.fromkeys((*targets, *corrected)):
        renew_index(transaction, message, lambda notice: load_standing(transaction, notice).is_in_force)


def describe_notice(digest: str, alert: Alert, target: str, origin: NoticeOrigin) -> StoredNotice | None:
    """Return an alert as the notice that it is, about the message with that digest; None: it is none."""
    details = alert.details
    if not isinstance(details, NoticeDetails):
        return None
    return StoredNotice(
        digest=digest,
        origin=origin.digest,
        target=target,
        author=origin.author,
        kind=alert.kind,
        action=details.required_action.value,
        allowed=tuple(use.value for use in details.still_allowed) if isinstance(details, Restriction) else (),
        subjects=details.subjects if isinstance(details, MisusedIdentity) else (),
        said_at=origin.said_at,
        acknowledge_by=details.acknowledge_by,
        is_own=False,
        ground=details.ground.value if isinstance(details, Restriction) else "",
        about=origin.about,
    )


def is_known(snapshot: Snapshot, digest: str) -> bool:
    """Return whether a message is here whose sender is known: sent from here, or received and not found to be false."""
    if find_message_by_digest(snapshot, digest) is not None:
        return True
    sender = find_sender(snapshot, digest)
    return sender is not None and load_by_digest(snapshot, digest).state is not InboxState.UNVERIFIABLE


def list_copies(snapshot: Snapshot, target: str, author: str) -> list[str]:
    """Return the digests of all that a notice is about here: the message, how else it came, what of it went on."""
    held = [target, *list_kin(snapshot, target, author)]
    return [*held, *(copy.copy_digest for digest in held for copy in list_onward_copies(snapshot, digest))]


def _list_concerned(snapshot: Snapshot, notice: StoredNotice) -> list[str]:
    """Return the digests of all that a notice is about here; of a consent taken back, what came or went by it."""
    if is_of_consent(snapshot, notice):
        return [notice.target]
    copies = list_copies(snapshot, notice.target, notice.author)
    if notice.kind == WITHDRAWAL:
        copies += [copy.copy_digest for copy in list_copies_by_consent(snapshot, notice.about)]
    return copies


def _take_back(transaction: Transaction, digest: str, now: datetime) -> None:
    if find_sender(transaction, digest) is not None:
        mark_withdrawn(transaction, digest, at=now)
    limit_retention(transaction, digest, now + WITHDRAWN_KEPT)


def _erase(node: Node, transaction: Transaction, notice: StoredNotice, copies: list[str]) -> None:
    """Destroy the message, its copies, and the corrections, which repeat what it said."""
    reason = f"{notice.author} demanded it: {notice.kind}"
    repeated = [item.digest for copy in copies for item in list_notices(transaction, copy) if item.kind == CORRECTION]
    for digest in dict.fromkeys([*copies, *repeated]):
        if has_content(transaction, digest):
            note = node.note_access(Action.ERASURE, f"act-on-{notice.kind}", reason, partner=notice.author)
            erase_content(transaction, digest, note, code=ErasureCode.ON_NOTICE)
