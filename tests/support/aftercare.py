"""What the tests of aftercare do with agencies in a row: send, pass on, say a notice, sync, look."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

from agency_client.aftercare.relaying import RelayReport, relay_notices
from agency_client.aftercare.rules import Standing
from agency_client.aftercare.standing import load_standing
from agency_client.local_store.aftercare import StoredNotice, list_notices, list_own_notices
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.onward import list_onward_copies
from agency_client.onward.passing_on import PassOn, pass_on
from agency_client.receiving.own_receipts import send_due_receipts, sign_owed_receipts
from agency_client.sending.delivery import deliver_due
from agency_client.sending.draft import Draft
from agency_client.sending.flow import send_alert
from schemas.agreements.terms import OnwardRule, Terms
from schemas.envelope import Reference
from schemas.markings import Purpose, Tlp
from schemas.model import format_timestamp
from tests.support.lying_world import LyingWorld, make_alert
from tests.support.nodes import make_wide_clause

CHAIN = ("GB", "VN", "BE", "AL")
NOTICES: dict[str, dict[str, Any]] = {
    "withdrawal": {"reason": "wrong", "required_action": "delete"},
    "correction": {
        "changes": [{"field": "details.text", "was": "hello", "now": "goodbye"}],
        "reason": "typing-error",
        "required_action": "amend",
    },
    "misused-identity": {"subjects": ["persons.0"], "required_action": "mark"},
    "restriction": {"ground": "accuracy-contested", "still_allowed": ["legal-claim"], "required_action": "restrict"},
    "breach-notice": {
        "nature": ["confidentiality"],
        "found_at": "2026-11-21T16:10:00Z",
        "consequences": "Its words may be known.",
        "measures": "The keys were changed.",
        "contact": "+441632960961",
        "required_action": "mark",
    },
}
EFFECTS = {
    "withdrawal": "erased",
    "correction": "replaced",
    "misused-identity": "marked",
    "restriction": "restricted",
    "breach-notice": "marked",
}


@dataclass
class Row:
    """The agencies, and the agreement of each with the next."""

    world: LyingWorld
    terms: dict[tuple[str, str], Terms]

    def send(self, **members: Any) -> Reference:
        """Let GB send VN a message that may go on to the others; VN collects it."""
        alert = make_alert("ping", {"text": "hello"}, onward=["AL", "BE"], **members)
        alert.pop("thread")
        sent = send_alert(
            self.world["GB"],
            Draft(
                alert=alert,
                purpose=Purpose.SYSTEM_TEST,
                necessity="Test.",
                reason="t",
                recipients=("VN",),
                marking=Tlp.GREEN,
                agreement=self.terms["GB", "VN"].id,
            ),
        )
        self.world.collect("VN")
        return Reference(id=sent.legs[0].message_id, digest=sent.legs[0].digest)

    def pass_on(self, holder: str, held: Reference, to: str) -> Reference:
        """Let an agency pass a message on; the next one collects it."""
        pass_on(self.world[holder], PassOn(held.id, (to,), reason="t"))
        self.world.collect(to)
        with self.world[holder].store.read() as snapshot:
            (copy,) = [item for item in list_onward_copies(snapshot, held.digest) if item.recipient == to]
        return copy.reference

    def say(self, kind: str, about: Reference, sender: str = "GB", **details: Any) -> Reference:
        """Let an agency send a notice about its message, due in three days; a detail that is None is left out."""
        node = self.world[sender]
        due = format_timestamp(node.clock.now() + timedelta(days=3))
        said = NOTICES[kind] | {"acknowledge_by": due} | details
        said = {name: value for name, value in said.items() if value is not None}
        alert = make_alert(kind, said, in_reply_to=about.to_wire())
        alert.pop("thread")
        draft = Draft(alert, Purpose.DATA_QUALITY, necessity="It follows it.", reason="t", marking=Tlp.GREEN)
        leg = send_alert(node, draft).legs[0]
        return Reference(id=leg.message_id, digest=leg.digest)

    def sync(self, *agencies: str) -> dict[str, RelayReport]:
        """Let agencies deliver, collect, look after notices and hand in receipts, in this order."""
        reports = {}
        for agency in agencies or CHAIN:
            node = self.world[agency]
            deliver_due(node)
            self.world.collect(agency)
            reports[agency] = relay_notices(node)
            sign_owed_receipts(node)
            send_due_receipts(node)
        return reports

    def read_store(self, agency: str) -> Any:
        """Give a snapshot of an agency's store, for a `with`."""
        return self.world[agency].store.read()

    def standing(self, agency: str, message: Reference) -> Standing:
        """Return how a message stands at an agency."""
        with self.read_store(agency) as snapshot:
            return load_standing(snapshot, message.digest)

    def notices(self, agency: str, about: Reference) -> list[StoredNotice]:
        """Return the notices an agency has about a message."""
        with self.read_store(agency) as snapshot:
            return list_notices(snapshot, about.digest)

    def own_notices(self, agency: str) -> list[StoredNotice]:
        """Return the notices an agency sent."""
        with self.read_store(agency) as snapshot:
            return list_own_notices(snapshot)


def agree_in_a_row(world: LyingWorld) -> Row:
    """Bring an agreement between each two neighbours into force, under which the originator may let a message go on."""
    terms = {}
    for one, other in pairwise(CHAIN):
        wide = (make_wide_clause(*pair, onward=OnwardRule.WITH_CONSENT) for pair in ((one, other), (other, one)))
        terms[one, other] = world.agree(one, other, f"{one} {other}", clauses=tuple(wide))
    return Row(world, terms)


def find_content(snapshot: Snapshot, digest: str) -> bool:
    """Return whether the content of a message is in a store."""
    return snapshot.fetch_one("SELECT 1 FROM content WHERE digest = ?", digest) is not None
