"""What a holder has in hand of another's message, and the ways of telling of it other than it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import InboxMessage, InboxState, load_by_digest
from agency_client.onward.bundle import ExportUse, MessageBundle
from agency_client.onward.consents import HeldDecision, load_decisions
from agency_client.onward.exporting import Export, export_message
from agency_client.onward.held import load_held, make_provenance, show_whole
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.receiving.flow import receive
from keys.sealing import SealedMessage
from schemas.alerts.kinds.release_request import Proceeding
from schemas.api import Evidence
from schemas.codec import b64u_decode, b64u_encode
from schemas.disclosure import disclose
from schemas.envelope import DisclosedMessage, Disclosure, Message, Reference
from schemas.markings import Tlp
from schemas.model import format_timestamp
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.support.lying_world import LyingWorld, make_alert
from tests.support.onward import AL, BE, GB, PURPOSE, VN, Row

Members = dict[str, Any]


@dataclass
class Copy:
    """What BE has in hand: VN's message as it lies at BE, and VN's consent to pass it on to AL."""

    row: Row
    held: InboxMessage
    message: Message
    consent: DisclosedMessage
    originator: str = VN
    holder: str = BE
    recipient: str = AL

    @property
    def honest(self) -> Members:
        """Return the members of the copy that BE may send."""
        return {
            "alert": self.message.alert,
            "purpose": self.message.purpose,
            "marking": Tlp.AMBER,
            "provenance": make_provenance(self.holder, self.held, self.message, self.consent),
        }

    def claim(self, **changes: Any) -> Members:
        """Return the same with another provenance."""
        return self.honest | {"provenance": self.honest["provenance"].model_copy(update=changes)}

    def restate(self, **changes: Any) -> Disclosure:
        """Return the original with another rest of its content."""
        original: Disclosure = self.honest["provenance"].original
        return original.model_copy(update={"rest": original.rest.model_copy(update=changes)})

    def decide(self, **changes: Any) -> DisclosedMessage:
        """Let the originator itself sign another decision, and return it as the holder shows it."""
        return show_signed(self.row, self.originator, self.holder, self.write_decision(**changes))

    def write_decision(self, **changes: Any) -> Members:
        """Return the alert of a consent to exactly this copy, with changes."""
        return make_decision(self.held, **{"held_by": self.holder, "recipients": [self.recipient]} | changes)


def make_decision(held: InboxMessage, **changes: Any) -> Members:
    """Return the alert of a consent; members that are None are left out."""
    now = held.issued_at
    details: Members = {
        "original": {"agency": held.sender, "message": {"id": held.message_id, "digest": held.digest}},
        "use": "onward",
        "purposes": [PURPOSE.value],
        "outcome": "granted",
        "valid_until": format_timestamp(now.replace(year=now.year + 1)),
    }
    found = {name: value for name, value in (details | changes).items() if value is not None}
    reference = {"id": held.message_id, "digest": held.digest}
    return make_alert("release-decision", found, in_reply_to=reference)


def say_consent(held: InboxMessage, holder: str, recipient: str) -> Members:
    """Return the members of a message in which the originator consents to a copy of a message that is held."""
    alert = make_decision(held, held_by=holder, recipients=[recipient])
    return {"alert": alert, "refers_to": Reference(id=held.message_id, digest=held.digest)}


def export_for_court(row: Row, held: InboxMessage, path: Path) -> MessageBundle:
    """Let GB export a message for a court, by a consent that its originator's key signs now."""
    court = Proceeding(court="Brussels", proceeding="74/08")
    alert = make_decision(held, held_by=GB, use="court", court=court.to_wire())
    reference = Reference(id=held.message_id, digest=held.digest)
    send_copy(row, {"alert": alert, "refers_to": reference}, held.sender, GB)
    return export_message(row[GB], path, Export(held.message_id, ExportUse.COURT, "x", purpose=PURPOSE, court=court))


def list_consents(row: Row, held: InboxMessage) -> list[HeldDecision]:
    """Return what GB holds for a decision of its originator about a message."""
    found = load_held(row[GB], held.message_id, reason="x", case=None, verb="read")
    return load_decisions(row[GB], found, reason="x", case=None, verb="read")


def show_signed(row: Row, sender: str, recipient: str, alert: Members, **members: Any) -> DisclosedMessage:
    """Let an agency sign a message to another, let the exchange log it, and return it as it could be shown."""
    terms = row.terms[sender, recipient]
    refers_to = Reference.from_wire(alert["in_reply_to"]) if "in_reply_to" in alert else None
    sealed = row.world.craft(sender, recipient, terms, alert=alert, refers_to=refers_to, **members)
    return show(row.world, sealed, alert)


def show(world: LyingWorld, sealed: SealedMessage, alert: Members) -> DisclosedMessage:
    """Return a sealed message as it could be shown, with the proof that a log took it in."""
    placed = world.exchange.accept(sealed.envelope)
    evidence = world.exchange.make_evidence(placed.accepted)
    document = SignedDocument(payload=sealed.envelope.payload, signatures=sealed.envelope.signatures)
    message = Message.from_canonical(sealed.message_bytes, max_bytes=1 << 20).model_copy(update={"provenance": None})
    shown = disclose(document, message, evidence.canonical())
    return DisclosedMessage.from_wire({**shown.to_wire(), "alert": alert})


def read_content(row: Row, agency: str, message_id: str) -> Message:
    """Return a message as an officer of an agency reads it."""
    found = read_message(row[agency], message_id, reason="case 74/08")
    assert isinstance(found, ReadMessage)
    return found.message


def make_copy(row: Row, originator: str, holder: str, recipient: str) -> Copy:
    """Return a message that only a consent lets go on (H2), with the consent."""
    held = row.send(originator, holder, handling={"codes": ["h0", "h2"]}, caveats=[{"code": "not-against-victim"}])
    decision = row.consent(holder, held, recipient)
    consent = show_whole(decision, read_content(row, holder, decision.message_id))
    return Copy(row, held, read_content(row, holder, held.message_id), consent, originator, holder, recipient)


def send_copy(row: Row, members: Members, sender: str = BE, recipient: str = AL) -> InboxMessage:
    """Let a member seal a copy past every check of its own client, and return what became of it at its recipient."""
    sealed = row.world.craft(sender, recipient, row.terms[sender, recipient], **members)
    row.world.deliver(sealed, recipient)
    receive(row[recipient])
    with row[recipient].store.read() as snapshot:
        found = load_by_digest(snapshot, sealed.digest)
        is_opened = found.state is InboxState.OPENED
        assert (has_content(snapshot, sealed.digest), found.summary is not None) == (is_opened, is_opened)
    return found


def has_content(snapshot: Snapshot, digest: str) -> bool:
    """Return whether a store keeps what a message says."""
    return snapshot.fetch_one("SELECT 1 FROM content WHERE digest = ?", digest) is not None


def alter(copy: Copy, **changes: Any) -> Members:
    """Return a copy that says something else than its original."""
    return copy.honest | {"alert": copy.message.alert | changes}


def sign_original_as_be(copy: Copy) -> Disclosure:
    """Return VN's payload under BE's own signatures."""
    original: Disclosure = copy.honest["provenance"].original
    signatures = copy.row[BE].signer(KeyUse.MESSAGE).sign(DocumentType.ENVELOPE, original.payload)
    return original.model_copy(update={"signatures": signatures})


def say_in_vns_name(copy: Copy) -> Members:
    """Return a message that BE wrote, shown as if VN had sent it: header, log and all."""
    alert = copy.message.alert | {"subject": "VN never said this"}
    shown = show_signed(copy.row, BE, AL, alert, marking=Tlp.AMBER, purpose=PURPOSE)
    return copy.claim(original=strip_alert(shown)) | {"alert": alert}


def strip_alert(shown: DisclosedMessage) -> Disclosure:
    """Return a shown message without its alert, as the provenance of a copy has it."""
    return Disclosure(payload=shown.payload, signatures=shown.signatures, rest=shown.rest, acceptance=shown.acceptance)


def use_another_acceptance(copy: Copy) -> Members:
    """Return a copy whose original shows the log's proof about another message."""
    return copy.claim(
        original=copy.honest["provenance"].original.model_copy(update={"acceptance": copy.consent.acceptance})
    )


def forge_the_log(copy: Copy) -> Members:
    """Return a copy whose proof says another time than the log has."""
    evidence = Evidence.from_canonical(b64u_decode(copy.honest["provenance"].original.acceptance), max_bytes=1 << 20)
    leaf = evidence.leaf.model_copy(update={"index": evidence.leaf.index + 1})
    forged = evidence.model_copy(update={"leaf": leaf})
    original = copy.honest["provenance"].original
    return copy.claim(original=original.model_copy(update={"acceptance": b64u_encode(forged.canonical())}))


def take_from_another_exchange(copy: Copy) -> Members:
    """Return a copy of what VN sent on another exchange under the same keys."""
    shown = show_signed(
        copy.row, VN, BE, copy.message.alert, exchange="staging.example", marking=Tlp.AMBER, purpose=PURPOSE
    )
    return copy.claim(original=strip_alert(shown))


def widen_by_hand(consent: DisclosedMessage) -> DisclosedMessage:
    """Return a consent that names another agency beside the one it was given for."""
    details = consent.alert["details"] | {"recipients": [AL, GB]}
    return consent.model_copy(update={"alert": consent.alert | {"details": details}})
