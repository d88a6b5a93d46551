"""What lies at AL after the flows brought it there: a copy of each sort, and what followed them up.

A test changes one thing about one of them and asks again where it comes from.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest

from agency_client.aftercare.relaying import relay_notices
from agency_client.errors import ClientError
from agency_client.local_store.engine import Snapshot
from agency_client.onward.forwarding import forward_decisions
from agency_client.onward.held import show_whole
from agency_client.onward.requesting import request_for_partner
from agency_client.own_keys.publishing import publish_queued
from agency_client.own_keys.revoking import prepare_revocation
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.receiving.flow import receive
from agency_client.receiving.provenance import VerifiedProvenance, verify_provenance
from agency_client.receiving.rules import MessageFacts
from agency_client.receiving.verification import EVERYTHING, verify_message
from agency_client.sending.noticing import restrict
from agency_client.witness.walker import walk_log
from schemas.alerts.base import Alert
from schemas.codec import b64u_encode
from schemas.envelope import DisclosedMessage, Message, Reference
from schemas.signed import KeyUse
from tests.support.onward import AL, AUTHOR, BE, GB, VN, Row

Found = TypeVar("Found")
UNKNOWN = b64u_encode(bytes(32))
AFTER_ALL = 1 << 40
"""A place behind everything that any log of the tests holds."""


@dataclass(frozen=True)
class Arrived:
    """What came to AL, opened and read, and what verification knew around it."""

    facts: MessageFacts
    message: Message
    alert: Alert

    def change_header(self, **changes: Any) -> "Arrived":
        """Return it under another header."""
        sealed = replace(self.facts.sealed, header=self.facts.sealed.header.model_copy(update=changes))
        return replace(self, facts=replace(self.facts, sealed=sealed))

    def route(self, **changes: Any) -> "Arrived":
        """Return it with other words on the outside."""
        return self.change_header(routing=self.facts.sealed.header.routing.model_copy(update=changes))

    def refer_to(self, digest: str) -> "Arrived":
        """Return it as following up another message, of which only the digest counts."""
        return self.change_header(refers_to=Reference(id=self.message.header.id, digest=digest))

    def claim(self, **changes: Any) -> "Arrived":
        """Return it with another provenance."""
        assert self.message.provenance is not None
        provenance = self.message.provenance.model_copy(update=changes)
        return replace(self, message=self.message.model_copy(update={"provenance": provenance}))

    def at(self, place: int) -> "Arrived":
        """Return it as if its leaf stood at another place."""
        return replace(self, facts=replace(self.facts, place=place))


@dataclass(frozen=True)
class Scene:
    """One copy by consent, one by name, a notice to the latter, the answer to a question about it.

    `question` is what AL asked, `other_copy` a second copy by name that nobody ever asked about, `plain` a message of
    BE's own. `disputed_consent` is VN's, for the copy by consent, by a key it has revoked from before that moment.
    """

    row: Row
    consented: Arrived
    consent_digest: str
    named: Arrived
    other_copy: Arrived
    notice: Arrived
    answer: Arrived
    plain: Arrived
    disputed_consent: DisclosedMessage
    snapshot: Snapshot | None = None

    @contextmanager
    def pretend(self, sql: str, *values: str) -> Iterator["Scene"]:
        """Give the scene as it would be after a change of AL's store, which is undone at the end."""
        with suppress(_UndoneError), self.row[AL].store.write() as transaction:
            assert transaction.execute(sql, *values) == 1
            yield replace(self, snapshot=transaction)
            raise _UndoneError

    def verify(self, arrived: Arrived, *, is_arriving: bool = True) -> VerifiedProvenance | None:
        """Verify where something comes from, by what AL holds."""
        with nullcontext(self.snapshot) if self.snapshot else self.row[AL].store.read() as snapshot:
            facts, message, alert = arrived.facts, arrived.message, arrived.alert
            return verify_provenance(self.row[AL], snapshot, facts, message, alert, is_arriving=is_arriving)

    def refuse(self, arrived: Arrived) -> tuple[type[ClientError], str, str]:
        """Return how it is refused: kind, code and sentence."""
        with pytest.raises(ClientError) as caught:
            self.verify(arrived)
        return type(caught.value), caught.value.code, caught.value.sentence

    def show(self, arrived: Arrived) -> DisclosedMessage:
        """Return a message of AL as it would be shown to others: by its original where it is a copy."""
        return show_whole(self.row.find(AL, arrived.facts.sealed.header.id), arrived.message)

    @property
    def original_place(self) -> int:
        """Return where the original of the copy by consent stands over all logs."""
        return demand(self.verify(self.consented)).original.place

    @property
    def consent_place(self) -> int:
        """Return where the consent stands over all logs."""
        return demand(demand(self.verify(self.consented)).consent).place


class _UndoneError(Exception):
    """A change of the store was for one look only."""


def demand(found: Found | None) -> Found:
    """Return what must be there."""
    assert found is not None
    return found


def load(row: Row, message_id: str) -> Arrived:
    """Return an opened message of AL with all that is known around it."""
    found = read_message(row[AL], message_id, reason="case 74/08")
    assert isinstance(found, ReadMessage)
    with row[AL].store.read() as snapshot:
        facts = verify_message(row[AL], snapshot, found.stored.digest, EVERYTHING).facts
    return Arrived(facts, found.message, found.alert)


def pass_on_named(row: Row) -> tuple[str, str]:
    """Let VN's message go to AL by name; return its id at BE and the copy's at AL."""
    held = row.send(VN, BE, onward=[AL])
    return held.message_id, row.take_in(AL, row.pass_on(BE, held, AL)).message_id


def answer_question(row: Row, copy_id: str) -> str:
    """Let AL ask over BE whether a copy may go on to GB, and VN consent; return the answer's id at AL."""
    question = row.ask(AL, row.find(AL, copy_id), recipients=(GB,))
    mine = request_for_partner(row[BE], question.message_id, AUTHOR)
    receive(row[VN])
    row.grant(VN, row.find(VN, mine.item.message_id))
    (answer,) = forward_decisions(row[BE]).forwarded
    receive(row[AL])
    return answer


def relay_restriction(row: Row) -> str:
    """Let VN restrict a message that went on to AL; return the id of the notice that BE relayed."""
    held_id, copy_id = pass_on_named(row)
    restrict(row[VN], held_id, AUTHOR, ground="accuracy-contested")
    receive(row[BE])
    relay_notices(row[BE])
    receive(row[AL])
    copy = row.find(AL, copy_id).digest
    with row[AL].store.read() as snapshot:
        sql = "SELECT message_id FROM inbox_message WHERE kind = 'restriction' AND refers_to = ?"
        found: str = snapshot.fetch_value(sql, copy)
    return found


def dispute_consent(row: Row, held_id: str) -> DisclosedMessage:
    """Let VN consent with a key that it revokes afterwards, from an hour before; return that consent as BE shows it."""
    row.later(hours=2)
    decision = row.consent(BE, row.find(BE, held_id), AL)
    found = read_message(row[BE], decision.message_id, reason="case 74/08")
    assert isinstance(found, ReadMessage)
    kids = row[VN].signer(KeyUse.MESSAGE).kids
    publish_queued(row[VN], prepare_revocation(row[VN], list(kids[:1]), "compromised", effective_from=row.in_hours(-1)))
    walk_log(row[AL])
    return show_whole(decision, found.message)
