"""What of this agency's keys comes to its end, told 60, 30 and 7 days before, and how many roots may still be lost.

A reminder is read from the store and the profile; nothing is asked of the exchange, and nothing is changed. What the
node renews by itself is told only when it did not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from agency_client.node import Node
from agency_client.own_keys.documents import OwnKeySet, load_own_encryption_keys
from agency_client.own_keys.ending import list_overdue_opening_keys
from agency_client.profiles.private_files import read_private_file
from agency_client.profiles.tls_identity import get_certificate_path
from keys.certificates import read_validity
from schemas.codec import b64u_decode
from schemas.key_documents import AgencyClass, Roots
from schemas.signed import EncryptionUse

STAGES = (60, 30, 7)
"""Days before an end at which it is told: a ceremony takes weeks to arrange."""
RENEWED_BY_ITSELF = (7,)
_ENCRYPTION_NAMES = {EncryptionUse.ENCRYPTION: "encryption key", EncryptionUse.SAFEGUARDING: "safeguarding key"}


@dataclass(frozen=True, slots=True)
class KeyReminder:
    """One thing that ends: `stage` is the stage reached (60, 30 or 7 days, 0 when it is over), None before the first.

    What has no date (roots, keys that are kept too long) has neither `ends_at` nor `days_left`; `stage` is 0 where a
    person must act.
    """

    what: str
    sentence: str
    fix: str
    stage: int | None
    ends_at: datetime | None = None
    days_left: int | None = None


def list_key_reminders(node: Node) -> list[KeyReminder]:
    """Return how long everything of this agency's keys lasts, whether it is time to act or not.

    Raises:
        NotInstalledError: no key set is installed.
    """
    own = node.own_key_set()
    return [*_judge_key_set(own, node.clock.now()), *_judge_tls(node), *_judge_encryption(node, own)]


def judge_roots(roots: Roots) -> KeyReminder:
    """Say how many roots may still be lost, and how many stolen, before the agency is somebody else's or nobody's."""
    count, threshold = len(roots.keys), roots.threshold
    spare = count - threshold
    words = f"{threshold} of {count} roots must sign: {spare} may be lost, {threshold - 1} stolen"
    if spare and threshold > 1:
        return KeyReminder("roots", words, "", None)
    problem = "one that is lost ends this agency" if not spare else "one that is stolen is this agency"
    return KeyReminder("roots", f"{words}; {problem}", "more roots: agency ceremony change", 0)


def judge_end(
    what: str, name: str, ends_at: datetime, now: datetime, fix: str, *, stages: tuple[int, ...] = STAGES
) -> KeyReminder:
    """Say how long something lasts, and which stage before its end is reached."""
    days_left = max((ends_at - now).days, 0)
    if now >= ends_at:
        return KeyReminder(what, f"the {name} ended on {ends_at:%Y-%m-%d}", fix, 0, ends_at, 0)
    reached = [stage for stage in stages if (ends_at - now).total_seconds() <= stage * 86_400]
    if not reached:
        return KeyReminder(what, f"{name} until {ends_at:%Y-%m-%d}", "", None, ends_at, days_left)
    sentence = f"the {name} ends on {ends_at:%Y-%m-%d}, in {days_left} days"
    return KeyReminder(what, sentence, fix, min(reached), ends_at, days_left)


def _judge_key_set(own: OwnKeySet, now: datetime) -> Iterator[KeyReminder]:
    key_set = own.key_set
    fix = "run: agency keys request; have the roots sign it; then: agency keys install FILE"
    yield judge_end("key set", f"key set {key_set.seq}", key_set.expires_at, now, fix)
    _, ends_at = read_validity(b64u_decode(key_set.tls_ca))
    yield judge_end("TLS CA", "TLS CA of the key set", ends_at, now, fix)
    yield judge_roots(key_set.roots)


def _judge_tls(node: Node) -> Iterator[KeyReminder]:
    path = get_certificate_path(node.profile)
    if path.is_file():
        _, ends_at = read_validity(read_private_file(path))
        yield judge_end(
            "certificate", "TLS certificate", ends_at, node.clock.now(), "run: agency sync", stages=RENEWED_BY_ITSELF
        )


def _judge_encryption(node: Node, own: OwnKeySet) -> Iterator[KeyReminder]:
    if own.key_set.agency_class is not AgencyClass.AGENCY:
        return
    now = node.clock.now()
    with node.store.read() as snapshot:
        documents = load_own_encryption_keys(snapshot, node.agency)
        overdue = list_overdue_opening_keys(node, snapshot)
    shown = [key for item in documents if item.is_logged for key in item.encryption_keys.keys]
    for use, name in _ENCRYPTION_NAMES.items():
        ends = [key.expires_at for key in shown if key.use is use]
        if ends:
            fix = "run: agency sync; then: agency keys rotate-encryption"
            yield judge_end(name, name, max(ends), now, fix, stages=RENEWED_BY_ITSELF)
    if overdue:
        sentence = f"{len(overdue)} opening keys are kept past their last deadline: the inbox was not empty since"
        yield KeyReminder("opening keys", sentence, "run: agency sync", 0)
