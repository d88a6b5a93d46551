"""The library: one set of operations for an agency's own programs, the same that the command line uses.

    with AgencyClient.open("gb", passphrase_file=Path("/run/credentials/gb")) as client:
        draft = Draft(alert, Purpose.DOCUMENT_INTEGRITY, necessity="…", reason="case 74/08", recipients=("VN",))
        report = client.send(draft)
        client.sync()
        for row in client.inbox(InboxFilter(unread=True)).rows:
            found = client.read(row.message.message_id, reason="case 74/08")

A client is used by one thread. Every operation may raise an `agency_client.errors.ClientError` with a stable `code`.
"""

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from agency_client.agreements.pulling import pull_steps
from agency_client.attachments.listing import AttachmentLine, list_attachments
from agency_client.attachments.saving import Saved, Saving, save_attachments
from agency_client.clock import Clock, SystemClock
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.inbox import InboxFilter
from agency_client.local_store.outbox import cancel_message
from agency_client.node import Node
from agency_client.profiles.profile import choose_profile_name, find_home, load_profile
from agency_client.profiles.session import OpenProfile, open_profile
from agency_client.reading.lists import InboxView, ThreadEntry, view_inbox, view_thread
from agency_client.reading.messages import ReadMessage, ReadOwnMessage, read_message
from agency_client.refusals import BusyError, NotSentError, UnansweredError
from agency_client.sending.answering import AnswerReport, Author
from agency_client.sending.composing import Usual, fill_common_part
from agency_client.sending.draft import Draft
from agency_client.sending.flow import SendReport, plan_alert, push_past_client, send_alert
from agency_client.sending.plan import Plan
from agency_client.sending.pseudonym import make_pseudonym
from agency_client.sending.views import BrokerWord, SentLine, ask_broker, describe_sent, list_sent, list_waiting
from agency_client.statuses.files import (
    ExportedStatus,
    ImportedStatus,
    export_status,
    import_status,
    read_status_file,
)
from agency_client.statuses.partners import pull_statuses
from agency_client.statuses.signing import announce_narrowing
from agency_client.statuses.standing import PartnerStanding, has_marked_partner, list_standings
from agency_client.syncing.rounds import RoundReport, sync_once
from agency_client.witness.walker import walk_log
from schemas.log.records import Action
from schemas.markings import Purpose, Tlp

Answering = Callable[..., AnswerReport]
"""A function of `agency_client.sending.answering` or `.noticing`, such as `acknowledge`, `reply` and `withdraw`."""


class AgencyClient:
    """One agency's node, open for work. Make one with `open`, or of an opened profile."""

    def __init__(self, opened: OpenProfile, clock: Clock | None = None) -> None:
        """Take an opened profile over; `close` closes it."""
        self.node = Node(opened, clock or SystemClock())

    @classmethod
    def open(
        cls,
        profile: str | None = None,
        *,
        passphrase_file: Path | None = None,
        environment: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> Self:
        """Open a profile by its name: with a passphrase file, or through an `agency unlock` that holds.

        Raises:
            NotFoundError, LockedError, NotAuthenticatedError: there is none, or it does not open.
        """
        known = os.environ if environment is None else environment
        found = load_profile(find_home(known), choose_profile_name(known, profile))
        return cls(open_profile(found, environment=known, passphrase_file=passphrase_file), clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and store."""
        self.node.close()

    def plan(self, draft: Draft) -> Plan:
        """Judge a draft for every recipient and agreement, and do nothing else."""
        return plan_alert(self.node, draft)

    def send(self, draft: Draft) -> SendReport:
        """Send a draft to all its recipients, or to none: sealed, queued, and delivered now if the broker is there.

        Raises:
            NotCoveredError: an agreement does not allow it.
            AlertRefusedError: the alert is not what its kind demands.
        """
        return send_alert(self.node, draft)

    def push_past_client(self, draft: Draft) -> SendReport:
        """Send without this client's own judgement of agreements, for tests and demonstrations of the broker's."""
        return push_past_client(self.node, draft)

    def ping(self, partner: str, *, reason: str = "test of the connection", text: str | None = None) -> SendReport:
        """Send a sealed test message without personal data."""
        return send_alert(self.node, make_ping(self.node, partner, reason=reason, text=text))

    def refresh(self) -> bool:
        """Learn of the newest agreement steps and keys; return False when the broker is not there."""
        return refresh(self.node)

    def sync(self) -> RoundReport:
        """Run one round of everything: log, agreements, keys, statuses, outbox, inbox, receipts.

        Raises:
            ConflictError: another process of this profile is at it.
        """
        return sync_once(self.node)

    def inbox(self, wanted: InboxFilter | None = None, *, limit: int = 200) -> InboxView:
        """Return what has come, most urgent first. Reads no content."""
        return view_inbox(self.node, wanted or InboxFilter(), limit=limit)

    def thread(self, reference: str) -> list[ThreadEntry]:
        """Return the messages of a thread, sent and received, by its id or by that of one of its messages."""
        return view_thread(self.node, reference)[1]

    def read(self, message_id: str, *, reason: str, case: str | None = None) -> ReadMessage | ReadOwnMessage:
        """Return a message's content. Who read it and why is on record before anything is decrypted.

        Raises:
            NotFoundError, VerificationFailedError: it is not here, was erased, or does not hold.
        """
        return read_message(self.node, message_id, reason=reason, case=case)

    def attachments(self, message_id: str, *, reason: str, case: str | None = None) -> tuple[AttachmentLine, ...]:
        """Return what is attached to a message, and where its bytes are; the reading is on record."""
        return list_attachments(self.node, message_id, reason=reason, case=case)[1]

    def save_attachments(self, wanted: Saving) -> tuple[Saved, ...]:
        """Save attachments of a received message, each verified to the last byte; fetched where they are not here.

        Raises:
            NotFoundError, VerificationFailedError, OfflineError: there are none, they do not hold, or wait.
        """
        return save_attachments(self.node, wanted)

    def answer(
        self, message_id: str, how: Answering, *, reason: str, case: str | None = None, **what: Any
    ) -> AnswerReport:
        """Answer a message, or follow one of one's own, by a function of `sending.answering` or `.noticing`.

        client.answer(message_id, acknowledge, reason="case 74/08")
        client.answer(message_id, reply, reason="case 74/08", details={…})
        """
        author = Author(reason=reason, unit=self.node.agency, pseudonym=make_pseudonym(self.node), case=case)
        return how(self.node, message_id, author, **what)

    def partners(self) -> list[PartnerStanding]:
        """Return how every partner stands: the age of its status, what is missing, and whom to call."""
        return list_standings(self.node)

    def export_status(self, partner: str) -> ExportedStatus:
        """Return this node's newest status for a partner, to carry past the exchange; a fresh one where one is due."""
        return export_status(self.node, partner)

    def import_status(self, unverified_data: bytes) -> ImportedStatus:
        """Take in a partner's status from a file. What it narrows works at once.

        Raises:
            VerificationFailedError, DeniedError: it does not hold, or its signer is not trusted.
        """
        return import_status(self.node, read_status_file(unverified_data))

    def outbox(self) -> list[SentLine]:
        """Return what waits to be delivered, or for its recipients to sign for it."""
        return list_waiting(self.node)

    def sent(self, *, thread: str | None = None, limit: int = 50) -> list[SentLine]:
        """Return what was sent, newest first."""
        return list_sent(self.node, thread=thread, limit=limit)

    def status(self, message_id: str) -> SentLine:
        """Return how far a message has come, by what the broker's leaves and the recipients' signatures say."""
        return describe_sent(self.node, message_id)

    def ask_broker(self, line: SentLine) -> BrokerWord:
        """Return what the broker says of a message now: its word, not a proof."""
        return ask_broker(self.node, line)

    def cancel(self, message_id: str, *, reason: str) -> None:
        """Take back a message that certainly has not arrived at the broker.

        Raises:
            ConflictError: it may have arrived; withdraw it instead.
        """
        cancel_queued(self.node, message_id, reason=reason)


def refresh(node: Node, told: Callable[[str], object] = lambda _: None) -> bool:
    """Walk the log and pull agreement steps before something is judged; False: the broker is not there, or busy.

    Where a partner's status is old its newest is asked for as well: it decides what may be sent. An exchange that has
    stopped for good is away like any other: what is sent then waits here, and goes to the log that comes after.

    Raises:
        LogError, EquivocationError: the broker's answers do not hold.
    """
    try:
        walk_log(node)
        pull_steps(node)
        if has_marked_partner(node):
            pull_statuses(node)
    except (NotSentError, UnansweredError, BusyError) as error:
        told(error.sentence)
        return False
    return True


def make_ping(node: Node, partner: str, *, reason: str, text: str | None = None) -> Draft:
    """Return a test message to one partner."""
    alert: dict[str, Any] = {"kind": "ping", "subject": "Test of the connection", "details": {}}
    if text:
        alert["details"]["text"] = text
    usual = make_usual(node, Tlp.GREEN, node.clock.now())
    return Draft(
        alert=fill_common_part(alert, usual),
        purpose=Purpose.SYSTEM_TEST,
        necessity="A test of the connection, without personal data.",
        reason=reason,
        recipients=(partner,),
        marking=Tlp.GREEN,
        delivery_days=1,
    )


def make_usual(
    node: Node, marking: Tlp, now: datetime, *, unit: str | None = None, officer: str | None = None
) -> Usual:
    """Return what the common part of an alert says by itself: unit and pseudonym of this officer, time, permissions."""
    return Usual(unit or node.agency, officer or make_pseudonym(node), marking, now)


def cancel_queued(node: Node, message_id: str, *, reason: str) -> SentLine:
    """Take back a message that certainly has not arrived at the broker, and return where it stands.

    Raises:
        NotFoundError, ConflictError: there is none, or it may have arrived.
    """
    line = describe_sent(node, message_id)
    with node.store.write() as transaction:
        cancel_message(transaction, line.message.message_id, reason=reason, at=node.clock.now())
        note = node.note_access(Action.ALTERATION, "cancel", reason, message=line.message.message_id)
        append_entry(transaction, note)
    announce_narrowing(node)
    return describe_sent(node, line.message.message_id)
