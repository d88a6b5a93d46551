"""Agencies in a row, each with agreements with its neighbours only: VN → BE → AL → GB. What goes on, goes this way."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from agency_client.local_store.inbox import InboxFilter, InboxMessage, list_messages
from agency_client.node import Node
from agency_client.onward.deciding import Decided, Grant, grant_release
from agency_client.onward.passing_on import PassedOn, PassOn, pass_on
from agency_client.onward.requesting import Question, request_release
from agency_client.receiving.flow import receive
from agency_client.sending.answering import Author
from agency_client.sending.draft import Draft
from agency_client.sending.flow import SendReport, send_alert
from schemas.agreements.terms import OnwardRule, Terms
from schemas.envelope import Reference
from schemas.markings import Purpose, Tlp
from tests.support.lying_world import LyingWorld, make_ping
from tests.support.nodes import make_wide_clause

VN, BE, AL, GB = "VN", "BE", "AL", "GB"
ROW = (VN, BE, AL, GB)
PURPOSE = Purpose.DOCUMENT_INTEGRITY
AUTHOR = Author(reason="case 74/08", unit="Central unit", pseudonym="examiner-11")


@dataclass
class Row:
    """The agencies of a row around one exchange, and the terms between neighbours."""

    world: LyingWorld
    terms: dict[tuple[str, str], Terms]

    def __getitem__(self, agency: str) -> Node:
        """Return an agency's node."""
        return self.world[agency]

    def send(
        self, sender: str, recipient: str, *, marking: Tlp = Tlp.AMBER, purpose: Purpose = PURPOSE, **members: Any
    ) -> InboxMessage:
        """Let one agency send an alert of its own to the next, and return it as it lies there."""
        draft = Draft(
            alert=make_ping(**members),
            purpose=purpose,
            necessity="It is needed there.",
            reason="case 74/08",
            recipients=(recipient,),
            marking=marking,
            agreement=self.terms[sender, recipient].id,
        )
        return self.take_in(recipient, send_alert(self[sender], draft))

    def take_in(self, agency: str, report: SendReport | PassedOn | Decided) -> InboxMessage:
        """Let an agency collect what was sent to it, and return that message as it lies there."""
        item = report.items[0] if isinstance(report, SendReport) else report.item
        receive(self[agency])
        return self.find(agency, item.message_id)

    def find(self, agency: str, message_id: str) -> InboxMessage:
        """Return a message in an agency's store, whatever became of it."""
        from agency_client.local_store.inbox import InboxState

        with self[agency].store.read() as snapshot:
            found = list_messages(snapshot, InboxFilter(states=tuple(InboxState)), limit=10_000)
        return next(message for message in found if message.message_id == message_id)

    def find_sent(self, agency: str, message_id: str) -> Reference:
        """Return how others refer to what an agency sent."""
        with self[agency].store.read() as snapshot:
            digest = snapshot.fetch_value("SELECT digest FROM sent_message WHERE message_id = ?", message_id)
        return Reference(id=message_id, digest=digest)

    def ask(self, asker: str, held: InboxMessage, **members: Any) -> InboxMessage:
        """Let an agency ask for a further use of what it holds, and return the question as it lies at who sent that."""
        question = Question(because="Their laboratory needs it.", **members)
        asked = request_release(self[asker], held.message_id, question, AUTHOR)
        receive(self[held.sender])
        return self.find(held.sender, asked.item.message_id)

    def grant(self, originator: str, question: InboxMessage, **members: Any) -> InboxMessage:
        """Let the originator consent, and return the consent as it lies at who asked."""
        decided = grant_release(self[originator], question.message_id, Grant(**members), AUTHOR)
        return self.take_in(question.sender, decided)

    def consent(self, holder: str, held: InboxMessage, recipient: str, **members: Any) -> InboxMessage:
        """Ask the originator, and let it consent; return the consent as it lies at the holder."""
        question = self.ask(holder, held, recipients=(recipient,), purposes=(PURPOSE,))
        return self.grant(held.sender, question, **members)

    def pass_on(self, holder: str, held: InboxMessage, recipient: str, **members: Any) -> PassedOn:
        """Let an agency pass on what it holds."""
        wanted = PassOn(held.message_id, (recipient,), reason="their laboratory asks", **members)
        (copy,) = pass_on(self[holder], wanted)
        return copy

    def in_hours(self, hours: int) -> datetime:
        """Return the moment so many hours from now."""
        return self.world.clock.now() + timedelta(hours=hours)

    def later(self, *, hours: int) -> None:
        """Move everybody's clock on; it is never set back, since no log goes backwards."""
        self.world.clock.ahead += timedelta(hours=hours)


def make_row(world: LyingWorld, name: str, agencies: tuple[str, ...] = ROW, **clauses: Any) -> Row:
    """Return a row under fresh agreements between neighbours; `clauses` is what VN agreed with BE in its own way."""
    terms: dict[tuple[str, str], Terms] = {}
    clauses = {"onward": OnwardRule.WITH_CONSENT} | clauses
    for first, second in pairwise(agencies):
        changes = clauses if (first, second) == (VN, BE) else {"onward": OnwardRule.WITH_CONSENT}
        both = [make_wide_clause(*pair, **changes) for pair in ((first, second), (second, first))]
        agreed = world.agree(first, second, f"{name} {first} {second}", clauses=tuple(both))
        terms |= {(first, second): agreed, (second, first): agreed}
    return Row(world, terms)
