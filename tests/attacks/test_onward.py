"""A member that looks away, with a hostile broker at its side, against the originator's control of its message.

BE holds a message of VN and may pass it on to AL by VN's leave. Here its client is changed: it seals whatever it likes
with its own true keys, and the exchange takes everything. AL's client must see through each of it before anything is
shown.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agency_client.aftercare.relaying import relay_notices
from agency_client.local_store.aftercare import list_notices
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import InboxMessage, InboxState, load_by_digest
from agency_client.onward.bundle import ExportUse, MessageBundle
from agency_client.onward.checking import BundleRefusedError, check_message_bundle
from agency_client.onward.consents import HeldDecision, load_decisions
from agency_client.onward.exporting import Export, export_message
from agency_client.onward.held import load_held, make_provenance, show_whole
from agency_client.onward.passing_on import NoRightError
from agency_client.onward.requesting import Question, request_release
from agency_client.own_keys.publishing import publish_queued
from agency_client.own_keys.revoking import prepare_revocation
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.receiving.flow import receive
from agency_client.sending.noticing import restrict, withdraw
from keys.sealing import SealedMessage
from schemas.agreements.terms import OnwardRule
from schemas.alerts.kinds.release_request import Proceeding
from schemas.api import Evidence
from schemas.codec import b64u_decode, b64u_encode
from schemas.disclosure import disclose
from schemas.envelope import DisclosedMessage, Disclosure, Message, Provenance, Reference
from schemas.markings import Purpose, Tlp
from schemas.model import format_timestamp
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.support.lying_world import LyingWorld, lying_world, make_alert
from tests.support.nodes import make_wide_clause
from tests.support.onward import AL, AUTHOR, BE, GB, PURPOSE, ROW, VN, Row, make_row

Members = dict[str, Any]
ROBBED = "RS"
"""The agency whose key is stolen: nobody else's message rests on it."""


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
    found = read_message(row[agency], message_id, reason="case 74/08")
    assert isinstance(found, ReadMessage)
    return found.message


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Row]:
    with lying_world(tmp_path_factory.mktemp("onward"), *ROW, ROBBED) as world:
        yield make_row(world, "attacks", (*ROW, ROBBED))


@pytest.fixture(scope="module")
def copy(row: Row) -> Copy:
    return make_copy(row, VN, BE, AL)


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
    return snapshot.fetch_one("SELECT 1 FROM content WHERE digest = ?", digest) is not None


def alter(copy: Copy, **changes: Any) -> Members:
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


UNVERIFIABLE: dict[str, tuple[Callable[[Copy], Members], str]] = {
    "an altered alert": (lambda copy: alter(copy, subject="Altered"), "body-mismatch"),
    "stripped handling": (lambda copy: alter(copy, handling={"codes": ["h0"]}), "body-mismatch"),
    "stripped caveats": (
        lambda copy: {
            **copy.honest,
            "alert": {name: value for name, value in copy.message.alert.items() if name != "caveats"},
        },
        "body-mismatch",
    ),
    "an added name": (lambda copy: alter(copy, onward=[AL]), "body-mismatch"),
    "another purpose in the original": (
        lambda copy: copy.claim(original=copy.restate(purpose=Purpose.BORDER_CONTROL)),
        "body-mismatch",
    ),
    "the original signed by who passes it on": (
        lambda copy: copy.claim(original=sign_original_as_be(copy)),
        "signature-refused",
    ),
    "a message of one's own as the originator's": (say_in_vns_name, "provenance-refused"),
    "the proof of another message": (use_another_acceptance, "log-not-proven"),
    "a proof that the log does not have": (forge_the_log, "log-not-proven"),
    "a message of another exchange": (take_from_another_exchange, "wrong-exchange"),
    "a way that begins with another": (lambda copy: copy.claim(path=(GB, BE)), "provenance-refused"),
    "a way that ends with another": (lambda copy: copy.claim(path=(VN, GB)), "provenance-refused"),
    "a way over who never had it": (lambda copy: copy.claim(path=(VN, GB, BE)), "provenance-refused"),
    "a way in a circle": (lambda copy: copy.claim(path=(VN, BE, VN, BE)), "provenance-refused"),
    "a way over the recipient itself": (lambda copy: copy.claim(path=(VN, AL, BE)), "provenance-refused"),
    "a consent that BE signed itself": (
        lambda copy: copy.claim(consent=show_signed(copy.row, BE, AL, copy.write_decision())),
        "consent-of-another",
    ),
    "a consent that was altered": (
        lambda copy: copy.claim(consent=widen_by_hand(copy.consent)),
        "body-mismatch",
    ),
    "another message of the originator as a consent": (
        lambda copy: copy.claim(consent=show_whole(copy.held, copy.message)),
        "consent-of-another",
    ),
}


@pytest.mark.parametrize("name", UNVERIFIABLE)
def test_what_proves_nothing_is_set_aside(row: Row, copy: Copy, name: str) -> None:
    make, code = UNVERIFIABLE[name]
    found = send_copy(row, make(copy))
    assert (found.state, found.problem and found.problem.code) == (InboxState.UNVERIFIABLE, code)


NOT_ALLOWED: dict[str, tuple[Callable[[Copy], Members], str]] = {
    "no consent at all": (lambda copy: copy.claim(consent=None), "consent-missing"),
    "a lowered marking": (lambda copy: copy.honest | {"marking": Tlp.GREEN}, "marking-lowered"),
    "another purpose": (lambda copy: copy.honest | {"purpose": Purpose.BORDER_CONTROL}, "consent-for-another-purpose"),
    "a consent for another recipient": (
        lambda copy: copy.claim(consent=copy.decide(recipients=[GB])),
        "consent-for-another-recipient",
    ),
    "a consent for another holder": (
        lambda copy: copy.claim(consent=copy.decide(held_by=GB)),
        "consent-for-another-holder",
    ),
    "a consent for another purpose": (
        lambda copy: copy.claim(consent=copy.decide(purposes=["border-control"])),
        "consent-for-another-purpose",
    ),
    "a consent for another message": (
        lambda copy: copy.claim(
            consent=copy.decide(
                original={"agency": VN, "message": {"id": copy.held.message_id, "digest": b64u_encode(bytes(32))}}
            )
        ),
        "consent-for-another-message",
    ),
    "a consent for a court": (
        lambda copy: copy.claim(
            consent=copy.decide(use="court", recipients=None, court={"court": "Brussels", "proceeding": "74/08"})
        ),
        "consent-for-another-use",
    ),
    "a consent that has ended": (
        lambda copy: copy.claim(consent=copy.decide(valid_until=format_timestamp(copy.held.issued_at))),
        "consent-ended",
    ),
    "a refusal": (
        lambda copy: copy.claim(
            consent=copy.decide(outcome="refused", valid_until=None, refusal={"ground": "not-competent"})
        ),
        "consent-refused",
    ),
}


@pytest.mark.parametrize("name", NOT_ALLOWED)
def test_what_the_originator_did_not_allow_is_refused(row: Row, copy: Copy, name: str) -> None:
    make, code = NOT_ALLOWED[name]
    found = send_copy(row, make(copy))
    assert (found.state, found.problem and found.problem.code) == (InboxState.REFUSED, code)


def test_a_copy_that_another_member_takes_over_proves_nothing(row: Row, copy: Copy) -> None:
    found = send_copy(row, copy.honest, sender=GB, recipient=AL)
    assert (found.state, found.problem and found.problem.code) == (InboxState.UNVERIFIABLE, "provenance-refused")


def test_a_copy_is_no_original_of_who_passed_it_on(row: Row, copy: Copy) -> None:
    """AL shows BE's copy as BE's own words, to be rid of VN's consent."""
    alert = copy.message.alert
    sealed = row.world.craft(BE, AL, row.terms[BE, AL], **copy.honest)
    shown = show(row.world, sealed, alert)
    members = copy.honest | {"provenance": Provenance(original=strip_alert(shown), path=(BE, AL))}
    found = send_copy(row, members, sender=AL, recipient=GB)
    assert (found.state, found.problem and found.problem.code) == (InboxState.UNVERIFIABLE, "body-mismatch")


def test_what_follows_a_message_up_does_not_go_on_as_news(row: Row, copy: Copy) -> None:
    acknowledgement = make_alert(
        "acknowledgement",
        {"action": "noted", "done_at": format_timestamp(copy.held.issued_at)},
        in_reply_to={"id": copy.held.message_id, "digest": copy.held.digest},
    )
    shown = show_signed(row, VN, BE, acknowledgement)
    arrived = send_copy(row, copy.honest)
    members = {
        "alert": acknowledgement,
        "provenance": Provenance(original=strip_alert(shown), path=(VN, BE)),
        "refers_to": Reference(id=arrived.message_id, digest=arrived.digest),
    }
    found = send_copy(row, members)
    assert (found.state, found.problem and found.problem.code) == (InboxState.UNVERIFIABLE, "kind-not-passed-on")


def test_a_decision_on_another_message_answers_no_question_asked_here(row: Row, copy: Copy) -> None:
    """BE answers AL's question about one copy with VN's consent about another message."""
    arrived = send_copy(row, copy.honest)
    asked = request_release(row[AL], arrived.message_id, Question(because="Why", recipients=(GB,)), AUTHOR)
    question = row.find_sent(AL, asked.item.message_id)
    other = row.send(VN, BE)
    alert = make_decision(other, held_by=AL, recipients=[GB])
    shown = show_signed(row, VN, BE, alert)
    members = {
        "alert": alert,
        "provenance": Provenance(original=strip_alert(shown), path=(VN, BE)),
        "refers_to": question,
    }
    found = send_copy(row, members)
    assert (found.state, found.problem and found.problem.code) == (InboxState.UNVERIFIABLE, "reference-refused")


def test_who_passed_a_message_on_decides_nothing_about_it(row: Row, copy: Copy) -> None:
    """BE answers AL's question itself: AL's client must not take that for VN's leave."""
    arrived = send_copy(row, copy.honest)
    asked = request_release(row[AL], arrived.message_id, Question(because="Why", recipients=(GB,)), AUTHOR)
    alert = copy.write_decision(held_by=AL, recipients=[GB])
    alert["in_reply_to"] = row.find_sent(AL, asked.item.message_id).to_wire()
    found = send_copy(row, {"alert": alert, "refers_to": row.find_sent(AL, asked.item.message_id)})
    assert (found.state, found.problem and found.problem.code) == (InboxState.REFUSED, "not-the-originator")
    with pytest.raises(NoRightError):
        row.pass_on(AL, arrived, GB)


def test_an_originator_nobody_pinned_is_marked_as_such(row: Row, copy: Copy) -> None:
    with row[AL].store.write() as transaction:
        transaction.execute("UPDATE agency_pin SET retired_at = 1 WHERE agency = 'VN'")
    try:
        found = send_copy(row, copy.honest)
        shown = read_message(row[AL], found.message_id, reason="case 74/08")
    finally:
        with row[AL].store.write() as transaction:
            transaction.execute("UPDATE agency_pin SET retired_at = NULL WHERE agency = 'VN'")
    assert isinstance(shown, ReadMessage)
    assert shown.origin is not None
    assert shown.origin.original.is_pinned is False


def test_an_originator_with_other_roots_than_the_pinned_ones_is_not_believed(row: Row, copy: Copy) -> None:
    with row[AL].store.write() as transaction:
        (pinned,) = transaction.fetch_one("SELECT anchor FROM agency_pin WHERE agency = 'VN'") or ("",)
        transaction.execute("UPDATE agency_pin SET anchor = ? WHERE agency = 'VN'", b64u_encode(bytes(32)))
    try:
        found = send_copy(row, copy.honest)
    finally:
        with row[AL].store.write() as transaction:
            transaction.execute("UPDATE agency_pin SET anchor = ? WHERE agency = 'VN'", pinned)
    assert (found.state, found.problem and found.problem.code) == (InboxState.UNVERIFIABLE, "anchor-mismatch")


def test_a_consent_by_a_stolen_key_allows_nothing(row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thief of the originator's key signs a consent before that notices, and one after."""
    monkeypatch.setattr("agency_client.onward.exporting.is_leaf_witnessed", lambda *_: True)
    copy = make_copy(row, ROBBED, GB, AL)
    thief = row[ROBBED].signer(KeyUse.MESSAGE)
    held = row.send(ROBBED, GB)
    row.later(hours=2)
    unnoticed = copy.decide(conditions="By a thief.")
    send_copy(row, say_consent(held, GB, AL), ROBBED, GB)
    assert len(list_consents(row, held)) == 1
    bundle = export_for_court(row, held, tmp_path / "then.json")
    check_message_bundle(bundle)
    digest = prepare_revocation(row[ROBBED], [thief.kids[0]], "compromised", effective_from=row.in_hours(-1))
    publish_queued(row[ROBBED], digest)
    late = show_signed(row, ROBBED, GB, copy.write_decision(), signer=thief)

    after = send_copy(row, copy.claim(consent=late), GB, AL)
    assert (after.state, after.problem and after.problem.code) == (InboxState.UNVERIFIABLE, "key-revoked")
    receive(row[GB])
    assert list_consents(row, held) == []
    now = export_message(row[GB], tmp_path / "now.json", Export(held.message_id, ExportUse.OWN_FILE, "x"))
    with pytest.raises(BundleRefusedError) as refused:
        check_message_bundle(bundle.model_copy(update={"keys": now.keys}))
    assert refused.value.code == "consent-disputed"
    with pytest.raises(NoRightError):
        row.pass_on(GB, held, AL)
    disputed = send_copy(row, copy.claim(consent=unnoticed), GB, AL)
    assert (disputed.state, disputed.problem and disputed.problem.code) == (InboxState.REFUSED, "consent-disputed")
    # What was signed before the moment from which the key was given up still counts.
    assert send_copy(row, copy.honest, GB, AL).state is InboxState.OPENED


def test_a_notice_that_one_holder_keeps_back_takes_the_other_way(row: Row) -> None:
    """GB has VN's message over AL and from BE; AL does not tell what VN restricts, and ROBBED got AL's copy from GB."""
    clauses = [make_wide_clause(*pair, onward=OnwardRule.WITH_CONSENT) for pair in ((BE, GB), (GB, BE))]
    row.terms |= {(BE, GB): row.world.agree(BE, GB, "another way", clauses=tuple(clauses))}
    held = row.send(VN, BE, onward=[AL, GB, ROBBED])
    over_al = row.take_in(GB, row.pass_on(AL, row.take_in(AL, row.pass_on(BE, held, AL)), GB))
    row.take_in(GB, row.pass_on(BE, held, GB))
    further = row.take_in(ROBBED, row.pass_on(GB, over_al, ROBBED))
    restrict(row[VN], held.message_id, AUTHOR, ground="accuracy-contested")
    for agency in (BE, GB, GB, ROBBED):
        receive(row[agency])
        relay_notices(row[agency])
    with row[ROBBED].store.read() as snapshot:
        (notice,) = list_notices(snapshot, further.digest)
    assert (notice.author, notice.effect) == (VN, "restricted")


def test_a_consent_that_is_taken_back_takes_no_copy_of_another_consent(row: Row) -> None:
    """BE has two consents of VN, and shows AL the withdrawal of one as if it were of the other."""
    held, other = row.send(VN, BE), row.send(VN, BE)
    row.consent(BE, held, AL)
    taken_back = row.consent(BE, other, AL)
    copy = row.take_in(AL, row.pass_on(BE, held, AL))
    withdraw(row[VN], taken_back.message_id, AUTHOR, because="wrong")
    receive(row[BE])
    with row[BE].store.read() as snapshot:
        (notice,) = list_notices(snapshot, taken_back.digest)
        stored = load_by_digest(snapshot, notice.digest)
    message = read_content(row, BE, stored.message_id)
    about = Reference(id=copy.message_id, digest=copy.digest)
    provenance = make_provenance(BE, stored, message)
    shown = {"alert": message.alert, "purpose": message.purpose, "provenance": provenance, "refers_to": about}
    found = send_copy(row, shown)
    assert (found.state, found.problem and found.problem.code) == (InboxState.UNVERIFIABLE, "reference-refused")
    with row[AL].store.read() as snapshot:
        assert has_content(snapshot, copy.digest)
