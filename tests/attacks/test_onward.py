"""A member that looks away, with a hostile broker at its side, against the originator's control of its message.

BE holds a message of VN and may pass it on to AL by VN's leave. Here its client is changed: it seals whatever it likes
with its own true keys, and the exchange takes everything. AL's client must see through each of it before anything is
shown.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agency_client.aftercare.relaying import relay_notices
from agency_client.local_store.aftercare import list_notices
from agency_client.local_store.inbox import InboxState, load_by_digest
from agency_client.onward.bundle import ExportUse
from agency_client.onward.checking import BundleRefusedError, check_message_bundle
from agency_client.onward.exporting import Export, export_message
from agency_client.onward.held import make_provenance, show_whole
from agency_client.onward.passing_on import NoRightError
from agency_client.onward.requesting import Question, request_release
from agency_client.own_keys.publishing import publish_queued
from agency_client.own_keys.revoking import prepare_revocation
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.receiving.flow import receive
from agency_client.sending.noticing import restrict, withdraw
from schemas.agreements.terms import OnwardRule
from schemas.codec import b64u_encode
from schemas.envelope import Provenance, Reference
from schemas.markings import Purpose, Tlp
from schemas.model import format_timestamp
from schemas.signed import KeyUse
from tests.attacks.copies import (
    Copy,
    Members,
    alter,
    export_for_court,
    forge_the_log,
    has_content,
    list_consents,
    make_copy,
    make_decision,
    read_content,
    say_consent,
    say_in_vns_name,
    send_copy,
    show,
    show_signed,
    sign_original_as_be,
    strip_alert,
    take_from_another_exchange,
    use_another_acceptance,
    widen_by_hand,
)
from tests.support.lying_world import lying_world, make_alert
from tests.support.nodes import make_wide_clause
from tests.support.onward import AL, AUTHOR, BE, GB, ROW, VN, Row, make_row

ROBBED = "RS"
"""The agency whose key is stolen: nobody else's message rests on it."""


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Row]:
    with lying_world(tmp_path_factory.mktemp("onward"), *ROW, ROBBED) as world:
        yield make_row(world, "attacks", (*ROW, ROBBED))


@pytest.fixture(scope="module")
def copy(row: Row) -> Copy:
    return make_copy(row, VN, BE, AL)


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
