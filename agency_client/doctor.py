"""Look a node over: clock, certificate, keys, trust, exchange, broker, queues, store. Each finding names its fix.

Nothing is changed, nothing is signed. Each check stands by itself: one that fails, or breaks, does not hide the others.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

import httpx

from agency_client.aftercare.overview import view_aftercare
from agency_client.agreements.desks import load_whom_to_call, say_whom_to_call
from agency_client.agreements.reminders import Reminder, ReminderKind
from agency_client.agreements.views import AgreementLine, list_lines
from agency_client.approvals import list_waiting
from agency_client.attachments.drafts import list_left_behind
from agency_client.errors import ClientError
from agency_client.local_store.checkpoints import load_walk
from agency_client.local_store.contradictions import list_contradictions
from agency_client.local_store.dispatch import DispatchKind, DispatchState, list_dispatches
from agency_client.local_store.held_steps import list_held_steps
from agency_client.local_store.outbox import OutboxState, list_outbox
from agency_client.local_store.restored import find_restored_at
from agency_client.local_store.signed_times import find_newest_signed_time
from agency_client.local_store.suspicions import list_suspicions
from agency_client.node import Node
from agency_client.node_identity import build_client_context
from agency_client.own_keys.documents import load_own_encryption_keys, load_revoked_kids
from agency_client.own_keys.ending import is_replacement_unwitnessed
from agency_client.own_keys.reminders import KeyReminder, list_key_reminders
from agency_client.profiles.key_store import TlsUse
from agency_client.profiles.private_files import read_private_file
from agency_client.profiles.tls_identity import get_certificate_path
from agency_client.retention.rules import find_clock_doubt
from agency_client.sending.views import list_late
from agency_client.statuses.standing import list_standings
from agency_client.trust import list_members
from agency_client.witness.quorum import describe_quorum
from agency_client.witness.standing import read_quorum
from agency_client.witness.walker import refresh_checkpoint
from keys.certificates import read_validity
from schemas.api import CHECKPOINT_PATH
from schemas.key_documents import AgencyClass
from schemas.signed import EncryptionUse

MAX_SKEW = timedelta(seconds=25)
"""The exchange takes assertions of up to 30 seconds' difference."""
MIN_FREE_BYTES = 256 * 1024 * 1024
STALE_AFTER = timedelta(hours=24)
LONG_WAIT = timedelta(hours=1)
STATUS_WAIT = timedelta(minutes=15)
PROBE_SECONDS = 5.0


class Level(StrEnum):
    """How a finding stands."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination: what was looked at, how it stands, and what to do, "" for nothing.

    Of what has an end, `ends_at` and `days_left` say when.
    """

    check: str
    level: Level
    sentence: str
    fix: str = ""
    ends_at: datetime | None = None
    days_left: int | None = None


Check = Callable[[Node], Iterable[Finding]]


def examine_node(node: Node) -> list[Finding]:
    """Run every check and return what was found, in the order a person would ask."""
    findings: list[Finding] = []
    for check in (
        check_keys,
        check_certificate,
        check_exchange,
        check_broker,
        check_log,
        check_witnesses,
        check_trust,
        check_agreements,
        check_partners,
        check_queues,
        check_owed,
        check_approvals,
        check_aftercare,
        check_retention,
        check_store,
    ):
        name = check.__name__.removeprefix("check_")
        try:
            findings += list(check(node))
        except ClientError as error:
            findings.append(Finding(name, Level.FAIL, error.sentence, error.fix))
    return findings


def check_keys(node: Node) -> Iterator[Finding]:
    """Key set and encryption keys: installed, in the log, not near their end, private sides here."""
    own, now = node.own_key_set(), node.clock.now()
    key_set = own.key_set
    for reminder in list_key_reminders(node):
        if reminder.what not in _JUDGED_HERE:
            yield _make_finding(reminder)
    if not own.is_logged:
        fix = "give the enrolment file to the exchange's operator, then run: agency sync"
        yield Finding("key set", Level.WARN, f"key set {key_set.seq} is not in the log yet", fix)
    with node.store.read() as snapshot:
        revoked = load_revoked_kids(snapshot, node.agency)
        documents = load_own_encryption_keys(snapshot, node.agency)
    missing = [key.use.value for key in key_set.keys if not node.keys.has_key(key.use, key.kids[0])]
    gone = [key.use.value for key in key_set.keys if not revoked.isdisjoint(key.kids)]
    if missing:
        yield Finding("keys", Level.FAIL, f"not on this node: {', '.join(missing)}", "restore the backup that has them")
    if gone:
        yield Finding("keys", Level.WARN, f"revoked: {', '.join(gone)}", "run: agency keys request")
    if key_set.agency_class is AgencyClass.AGENCY:
        keys = documents[-1].encryption_keys.keys if documents else ()
        ends = [key.expires_at for key in keys if key.use is EncryptionUse.ENCRYPTION]
        if ends:
            yield _judge_end("encryption key", "encryption key", max(ends), now, 7, "agency keys rotate-encryption")
        else:
            yield Finding(
                "encryption key", Level.FAIL, "none is published: nobody can send here", "agency keys publish"
            )


def check_certificate(node: Node) -> Iterator[Finding]:
    """The node's TLS certificate; it is renewed by itself on the next contact when a third of its days is left."""
    path = get_certificate_path(node.profile)
    if not path.is_file():
        here = node.keys.has_key(TlsUse.AUTHORITY)
        fix = "" if here else "restore the backup"
        yield Finding("certificate", Level.OK if here else Level.FAIL, "is made on the first contact", fix)
        return
    _, end = read_validity(read_private_file(path))
    yield _judge_end("certificate", "TLS certificate", end, node.clock.now(), 10, "agency sync renews it")


def check_exchange(node: Node) -> Iterator[Finding]:
    """The exchange that was accepted, and whether the file in the profile is still that one."""
    path = node.profile.exchange_path
    if path.is_file() and path.read_bytes() != node.sheet.canonical():
        yield Finding("exchange", Level.WARN, f"{path} is not the sheet that was accepted", "put the accepted one back")
    yield Finding("exchange", Level.OK, f"{node.exchange}, log {node.sheet.origin}")


def check_broker(node: Node) -> Iterator[Finding]:
    """Whether the broker answers under the exchange's CA, how the clocks compare, and whether it knows this node."""
    try:
        date = probe_date(node)
    except httpx.RemoteProtocolError:
        fix = "give the enrolment file to the exchange's operator"
        yield Finding("broker", Level.FAIL, "it hangs up: it does not know this node's certificate", fix)
        return
    except httpx.HTTPError as error:
        sentence = f"{node.profile.settings.broker_url} does not answer ({type(error).__name__})"
        yield Finding("broker", Level.FAIL, sentence, "check the network; what is sent meanwhile is queued")
        return
    yield Finding("broker", Level.OK, f"{node.profile.settings.broker_url} answers")
    yield judge_clock(date, node.clock.now())
    refresh_checkpoint(node)
    yield Finding("access", Level.OK, f"{node.agency}/{node.name} is known there as {node.role.value}")


def check_log(node: Node) -> Iterator[Finding]:
    """How far the log was read, and what was found in it that cannot be."""
    with node.store.read() as snapshot:
        walk = load_walk(snapshot, node.sheet.origin)
        contradictions = [proof for proof in list_contradictions(snapshot) if proof.settled_at is None]
        suspicions = list_suspicions(snapshot)
    if walk is None:
        yield Finding("log", Level.WARN, "it was never read", "run: agency sync")
    else:
        yield Finding("log", Level.OK, f"read up to leaf {walk.size} on {walk.walked_at:%Y-%m-%d %H:%M}")
    if contradictions:
        sentence = f"{len(contradictions)} proofs that somebody said two things"
        yield Finding("contradictions", Level.FAIL, sentence, "see: agency trust contradictions")
    if suspicions:
        sentence = f"{len(suspicions)} public records that were not believed"
        yield Finding("suspicions", Level.WARN, sentence, "see: agency trust contradictions")


def check_witnesses(node: Node) -> Iterator[Finding]:
    """How much of the log the pinned partners have seen, who is behind, and what waits for them."""
    with node.store.read() as snapshot:
        quorum, waits = read_quorum(node, snapshot), is_replacement_unwitnessed(node, snapshot)
    now = node.clock.now()
    stale = quorum.list_stale(now)
    whom = load_whom_to_call(node, (witness.agency for witness in stale))
    fix = f"let them run agency sync: {'; '.join(whom.values())}" if stale else ""
    yield Finding("witnesses", Level.WARN if quorum.is_short(now) else Level.OK, describe_quorum(quorum), fix)
    if waits:
        sentence = "the newest key set is not yet witnessed: the private keys of the one before it are kept"
        yield Finding("witnesses", Level.WARN, sentence, "run: agency sync, and let the partners do so")


def check_trust(node: Node) -> Iterator[Finding]:
    """Who is pinned, who contradicts the pin, and which partners' steps wait for a pin."""
    members = [member for member in list_members(node) if member.agency != node.agency]
    for member in members:
        if member.standing == "mismatch":
            sentence = f"the log shows other roots for {member.agency} than the ones that were pinned"
            call = load_whom_to_call(node, [member.agency])[member.agency]
            yield Finding("pins", Level.FAIL, sentence, f"{call}; trust nothing in its name")
    trusted = [member.agency for member in members if member.standing == "trusted"]
    words = ", ".join(trusted) if trusted else "no partner is pinned yet"
    fix = "" if trusted else "run: agency trust pin AGENCY"
    yield Finding("pins", Level.OK if trusted else Level.WARN, words, fix)
    with node.store.read() as snapshot:
        held = list_held_steps(snapshot)
    for step in held:
        yield Finding(
            "agreements", Level.WARN, f"a step of {step.agency} waits: {step.sentence}", "see: agency agreements"
        )


def check_agreements(node: Node) -> Iterator[Finding]:
    """What is due about each agreement: an answer, a confirmation, a review before it ends."""
    lines = list_lines(node)
    whom = load_whom_to_call(node, (line.partner for line in lines))
    for line in lines:
        for reminder in line.reminders:
            if reminder.kind is not ReminderKind.APPROVAL:  # `check_approvals` tells of those
                yield _judge_reminder(line, reminder, whom[line.partner])


def _judge_reminder(line: AgreementLine, reminder: Reminder, call: str) -> Finding:
    sentence = f"{line.terms.title} ({line.agreement[:8]}, version {line.terms.version}): {reminder.sentence}"
    if not reminder.is_ours:
        return Finding("agreements", Level.OK, sentence, call)
    return Finding("agreements", Level.WARN, sentence, f"see: agency agreement show {line.agreement[:8]}; {call}")


def check_partners(node: Node) -> Iterator[Finding]:
    """How old each partner's status is, which of its messages are missing, and whether ours reach it."""
    standings = list_standings(node)
    for standing in standings:
        see = f"{say_whom_to_call(standing.agency, standing.desks)}; more: agency partner show {standing.agency}"
        if standing.age.is_marked:
            level = Level.FAIL if standing.age.stops_sending else Level.WARN
            yield Finding("status", level, standing.age.sentence, see)
        for alarm in standing.alarms:
            yield Finding("missing", Level.WARN, alarm.sentence, see)
        for sentence in standing.hidden:
            yield Finding("hidden", Level.WARN, sentence, see)
    fresh = [standing.agency for standing in standings if not standing.age.is_marked]
    if fresh:
        yield Finding("status", Level.OK, f"of {', '.join(fresh)} heard in the last 24 h, or none is due")
    with node.store.read() as snapshot:
        waiting = [item for item in list_dispatches(snapshot) if item.kind is DispatchKind.STATUS]
    for partner in sorted({item.partner for item in waiting if node.clock.now() - item.created_at > STATUS_WAIT}):
        fix = f"run: agency sync; if it stays so, carry it: agency partner export {partner} --out FILE"
        yield Finding("status", Level.WARN, f"the exchange has not taken our status for {partner}", fix)


def check_queues(node: Node) -> Iterator[Finding]:
    """What waits to be handed in, for how long, and what the exchange would not take."""
    now = node.clock.now()
    with node.store.read() as snapshot:
        waiting, refused = list_dispatches(snapshot), list_dispatches(snapshot, DispatchState.REFUSED)
        queued = list_outbox(snapshot, states=(OutboxState.QUEUED, OutboxState.IN_DOUBT))
        not_taken = list_outbox(snapshot, states=(OutboxState.REFUSED,))
    old = [item for item in waiting if now - item.created_at > LONG_WAIT]
    level = Level.WARN if old else Level.OK
    sentence = f"{len(queued)} messages and {len(waiting)} documents wait"
    yield Finding("outbox", level, sentence, "run: agency sync; then see: agency outbox" if old else "")
    if refused or not_taken:
        sentence = f"{len(not_taken)} messages and {len(refused)} documents were refused"
        yield Finding("refused", Level.WARN, sentence, "see: agency outbox")


def check_owed(node: Node) -> Iterator[Finding]:
    """What partners owe by the agreements and are late with: receipts, and answers."""
    late = list_late(node)
    whom = load_whom_to_call(node, (item.recipient for item in late))
    for item in late:
        owed = [f"the receipt {receipt.type.value} since {receipt.since:%Y-%m-%d %H:%M}" for receipt in item.receipts]
        owed += [f"an answer by {item.answer_due:%Y-%m-%d %H:%M}"] if item.answer_due else []
        sentence = f"{item.recipient} owes {' and '.join(owed)} for {item.message_id[:8]}"
        yield Finding("owed", Level.WARN, sentence, whom[item.recipient])


def check_aftercare(node: Node) -> Iterator[Finding]:
    """Who is late with acting on this agency's notices, and which of others a person here must answer."""
    view = view_aftercare(node)
    for line, acting in view.overdue:
        sentence = f"{acting.agency} has not acted on the {line.notice.kind} {line.message_id[:8]} in time"
        yield Finding("aftercare", Level.WARN, sentence, view.whom_to_call.get(acting.reported_by or acting.agency, ""))
    for item in view.due:
        if item.is_breach:
            sentence = f"{item.message.sender} tells of a breach, and nobody has answered"
            yield Finding("aftercare", Level.FAIL, sentence, f"see: agency read {item.message.message_id[:8]}")
    late = sum(view.now > item.notice.acknowledge_by and not item.is_breach for item in view.due)
    if late:
        yield Finding("aftercare", Level.WARN, f"{late} notices of others are not answered in time", "agency aftercare")


def check_approvals(node: Node) -> Iterator[Finding]:
    """What one officer has approved and waits for a second one."""
    for approval in list_waiting(node):
        sentence = f"{approval.what}: approved by {approval.officer}, until {approval.expires_at:%Y-%m-%d %H:%M}"
        yield Finding("approvals", Level.WARN, sentence, "a second officer approves it too, or: agency approvals")


def check_retention(node: Node) -> Iterator[Finding]:
    """Whether anybody confirms the clock by which content is erased; nothing does at a node that is new."""
    with node.store.read() as snapshot:
        newest = find_newest_signed_time(snapshot)
    doubt = "" if newest is None else find_clock_doubt(node.clock.now(), newest)
    if doubt:
        fix = 'set the clock and run: agency sync; or: agency retention run --clock-is-right "REASON"'
        yield Finding("retention", Level.WARN, doubt, fix)


def check_store(node: Node) -> Iterator[Finding]:
    """The store's disk, plaintext that should not lie about, and whether the node has caught up after a restore."""
    free = shutil.disk_usage(node.profile.folder).free
    if free < MIN_FREE_BYTES:
        yield Finding("store", Level.WARN, f"{free // (1024 * 1024)} MiB are free on its disk", "free some space")
    else:
        yield Finding("store", Level.OK, f"opens; {free // (1024 * 1024 * 1024)} GiB are free on its disk")
    for path in list_left_behind(node.profile):
        sentence = f"{path} was left behind, decrypted, when its saving was killed"
        yield Finding("drafts", Level.WARN, sentence, "run: agency retention run")
    with node.store.read() as snapshot:
        restored_at = find_restored_at(snapshot)
    if restored_at is not None:
        sentence = f"restored from a backup on {restored_at:%Y-%m-%d}; it has not caught up"
        yield Finding("restored", Level.WARN, sentence, "run: agency sync")


def check_terminal(encoding: str | None) -> Finding:
    """Whether names in every script can be shown."""
    if (encoding or "").lower().replace("-", "") == "utf8":
        return Finding("terminal", Level.OK, "UTF-8")
    return Finding(
        "terminal", Level.WARN, f"{encoding or 'unknown'}: names may not show", "use a UTF-8 locale, like C.UTF-8"
    )


def judge_clock(broker: datetime | None, here: datetime) -> Finding:
    """Compare the clocks; `broker` is what its answer was dated, None where it had no date."""
    if broker is None:
        return Finding("clock", Level.WARN, "the broker's answer bears no date", "compare the clock by other means")
    apart = abs(here - broker)
    sentence = f"{int(apart.total_seconds())} s {'ahead of' if here > broker else 'behind'} the broker's"
    if apart > MAX_SKEW:
        return Finding("clock", Level.FAIL, sentence, "set the clock by NTP; the exchange refuses tokens otherwise")
    return Finding("clock", Level.OK, "agrees with the broker's" if apart <= timedelta(seconds=2) else sentence)


def probe_date(node: Node) -> datetime | None:
    """Ask the broker for anything and return the date of its answer; None where there is none, or no true one.

    Raises:
        httpx.HTTPError: it was not reached, or is not the exchange's.
    """
    context = build_client_context(node.sheet, node.identify())
    with httpx.Client(verify=context, timeout=PROBE_SECONDS, trust_env=False) as client:
        answer = client.get(node.profile.settings.broker_url + CHECKPOINT_PATH)
    try:
        found = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


_JUDGED_HERE = frozenset({"encryption key", "certificate"})


def _make_finding(reminder: KeyReminder) -> Finding:
    levels = {None: Level.OK, 0: Level.FAIL if reminder.ends_at is not None else Level.WARN}
    level = levels.get(reminder.stage, Level.WARN)
    fix = reminder.fix if level is not Level.OK else ""
    return Finding(reminder.what, level, reminder.sentence, fix, reminder.ends_at, reminder.days_left)


def _judge_end(check: str, what: str, end: datetime, now: datetime, days: int, fix: str) -> Finding:
    if now >= end:
        return Finding(check, Level.FAIL, f"the {what} ended on {end:%Y-%m-%d}", f"run: {fix}")
    if end - now < timedelta(days=days):
        return Finding(check, Level.WARN, f"the {what} ends on {end:%Y-%m-%d}", f"run: {fix}")
    return Finding(check, Level.OK, f"{what} until {end:%Y-%m-%d}")
