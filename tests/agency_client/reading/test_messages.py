"""Reading: on record before anything is decrypted, receipted once, never of what does not verify."""

from typing import Any

import pytest

from agency_client.errors import ConflictError, NotFoundError, UsageError, VerificationFailedError
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.content import erase_content
from agency_client.local_store.dispatch import DispatchKind, list_dispatches
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.receipts import has_own_receipt
from agency_client.node import Node
from agency_client.reading.messages import (
    NotShownError,
    ReadMessage,
    ReadOwnMessage,
    list_check_lines,
    read_message,
    verify_again,
)
from agency_client.sending.draft import Draft
from agency_client.sending.flow import send_alert
from keys.sealing import SealedMessage
from schemas.agreements.steps import StepAction
from schemas.log.records import Action
from schemas.markings import Purpose, Tlp
from tests.support.lying_world import LyingWorld, make_aftercare, make_ping, refer_to
from tests.support.nodes import take_step


def receive_one(world: LyingWorld, terms: Any, **changes: Any) -> SealedMessage:
    """Let VN receive a message of GB."""
    sealed = world.craft("GB", "VN", terms, **changes)
    world.deliver(sealed, "VN")
    world.collect("VN")
    return sealed


def list_reasons(node: Node, message_id: str, verb: str) -> list[str]:
    """Return the reasons on record for what was done with a message, oldest first."""
    with node.store.read() as snapshot:
        entries = list_entries(snapshot, AccessFilter(message=message_id))
    return [entry.reason for entry in reversed(entries) if entry.verb == verb]


def test_a_message_is_read_with_its_origin_and_its_reason_on_record(world: LyingWorld, terms: Any) -> None:
    sealed = receive_one(world, terms, alert=make_ping(subject="Line test"))
    found = read_message(world["VN"], sealed.header.id[:8], reason="case 74/08", case="74/08")
    assert isinstance(found, ReadMessage)
    assert found.alert.subject == "Line test"
    origin = found.provenance
    assert (origin.sender, origin.key_set, origin.version) == ("GB", 1, 1)
    assert origin.kids == sealed.header.sender.kids
    assert origin.agreement == terms.title
    assert list_reasons(world["VN"], sealed.header.id, "read") == ["case 74/08"]


def test_nothing_is_decrypted_when_the_reason_cannot_be_recorded(world: LyingWorld, terms: Any) -> None:
    sealed = receive_one(world, terms)
    with pytest.raises(UsageError, match="reason"):
        read_message(world["VN"], sealed.header.id, reason="two\nlines")
    assert world.look_up("VN", sealed).read_at is None


def test_the_first_reading_is_receipted_and_no_other(world: LyingWorld, terms: Any) -> None:
    sealed = receive_one(world, terms)
    for _ in range(2):
        read_message(world["VN"], sealed.header.id, reason="again")
    with world["VN"].store.read() as snapshot:
        assert has_own_receipt(snapshot, sealed.digest, "opened")
        receipts = [item for item in list_dispatches(snapshot) if item.kind is DispatchKind.RECEIPT]
        subjects = snapshot.fetch_all("SELECT receipt FROM receipt_subject WHERE message = ?", sealed.digest)
    assert len(subjects) == 1
    assert subjects[0]["receipt"] in {item.digest for item in receipts}


def test_reading_goes_on_when_no_receipt_can_be_made(world: LyingWorld, terms: Any) -> None:
    sealed = receive_one(world, terms)
    key = world["VN"].keys
    folder = world["VN"].profile.keys_folder
    hidden = list(folder.glob("receipt.*"))
    for path in hidden:
        path.rename(path.with_suffix(".away"))
    key._signers.clear()
    try:
        assert isinstance(read_message(world["VN"], sealed.header.id, reason="urgent"), ReadMessage)
    finally:
        for path in hidden:
            path.with_suffix(".away").rename(path)
    with world["VN"].store.read() as snapshot:
        assert not has_own_receipt(snapshot, sealed.digest, "opened")


def test_a_message_under_an_agreement_suspended_since_may_be_read_on(world: LyingWorld, terms: Any) -> None:
    sealed = receive_one(world, terms)
    take_step(world["VN"], terms, StepAction.SUSPEND, world["VN"], world["GB"])
    assert isinstance(read_message(world["VN"], sealed.header.id, reason="x"), ReadMessage)


def test_a_message_taken_back_after_it_was_opened_says_so(world: LyingWorld, terms: Any) -> None:
    sealed = receive_one(world, terms)
    alert = make_aftercare("withdrawal", sealed, world, required_action="amend")
    back = receive_one(world, terms, alert=alert, refers_to=refer_to(sealed))
    found = read_message(world["VN"], sealed.header.id, reason="x")
    assert isinstance(found, ReadMessage)
    assert found.stored.withdrawn_at is not None
    assert [later.message_id for later in found.followed_by] == [back.header.id]


def test_a_message_that_is_to_be_deleted_is_gone_when_its_withdrawal_is_opened(world: LyingWorld, terms: Any) -> None:
    sealed = receive_one(world, terms)
    receive_one(world, terms, alert=make_aftercare("withdrawal", sealed, world), refers_to=refer_to(sealed))
    with pytest.raises(NotFoundError) as caught:
        read_message(world["VN"], sealed.header.id, reason="x")
    assert caught.value.code == "content-erased"


def test_a_message_withdrawn_before_it_was_opened_is_not_shown(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft("GB", "VN", terms)
    world.deliver(sealed, "VN")
    receive_one(world, terms, alert=make_aftercare("withdrawal", sealed, world), refers_to=refer_to(sealed))
    with pytest.raises(NotShownError) as caught:
        read_message(world["VN"], sealed.header.id, reason="x")
    assert caught.value.code == "withdrawn"
    assert list_reasons(world["VN"], sealed.header.id, "read") == []


def test_a_refused_message_is_not_shown(world: LyingWorld) -> None:
    from tests.support.nodes import make_wide_clause

    narrow = world.agree(
        "GB", "VN", "no pings", clauses=(make_wide_clause("GB", "VN", purposes=(Purpose.BORDER_CONTROL,)),)
    )
    sealed = receive_one(world, narrow)
    assert world.look_up("VN", sealed).state is InboxState.REFUSED
    with pytest.raises(NotShownError, match="does not cover its content"):
        read_message(world["VN"], sealed.header.id, reason="x")


def test_an_erased_message_is_gone_and_no_entry_claims_that_it_was_read(world: LyingWorld, terms: Any) -> None:
    sealed = receive_one(world, terms)
    node = world["VN"]
    with node.store.write() as transaction:
        note = node.note_access(Action.ERASURE, "erase", "its time is over", message=sealed.header.id)
        erase_content(transaction, sealed.digest, note)
    with pytest.raises(NotFoundError) as caught:
        read_message(node, sealed.header.id, reason="x")
    assert caught.value.code == "content-erased"
    assert list_reasons(node, sealed.header.id, "read") == []


_EXCHANGES = {
    "another message's signatures": [
        "UPDATE inbox_message SET evidence = (SELECT evidence FROM inbox_message WHERE digest = ?2) WHERE digest = ?1"
    ],
    "another message's leaf": [
        "UPDATE inbox_message SET leaf = (SELECT leaf FROM inbox_message WHERE digest = ?2) WHERE digest = ?1"
    ],
    "another message's content": [
        "UPDATE content SET sealed = (SELECT sealed FROM content WHERE digest = ?2) WHERE digest = ?1",
        "UPDATE content_key SET key = (SELECT key FROM content_key WHERE digest = ?2) WHERE digest = ?1",
    ],
}


@pytest.mark.parametrize("what", _EXCHANGES)
def test_what_was_exchanged_in_the_store_is_not_shown(world: LyingWorld, terms: Any, what: str) -> None:
    one, other = receive_one(world, terms), receive_one(world, terms)
    with world["VN"].store.write() as transaction:
        for statement in _EXCHANGES[what]:
            transaction.execute(statement, one.digest, other.digest)
    with pytest.raises(VerificationFailedError):
        read_message(world["VN"], one.header.id, reason="x")


def test_an_unknown_id_and_an_ambiguous_one_are_told_apart(world: LyingWorld, terms: Any) -> None:
    receive_one(world, terms)
    receive_one(world, terms)
    with pytest.raises(NotFoundError):
        read_message(world["VN"], "ffffffff-ffff", reason="x")
    with pytest.raises((NotFoundError, ConflictError)):
        read_message(world["VN"], "", reason="x")


def test_ones_own_message_is_read_as_it_was_sealed(world: LyingWorld, terms: Any) -> None:
    alert = {name: value for name, value in make_ping(subject="From here").items() if name != "thread"}
    draft = Draft(
        alert=alert, purpose=Purpose.SYSTEM_TEST, necessity="Test.", reason="test", recipients=("GB",),
        agreement=terms.id, marking=Tlp.GREEN,
    )  # fmt: skip
    sent = send_alert(world["VN"], draft)
    found = read_message(world["VN"], sent.legs[0].message_id, reason="what did we say")
    assert isinstance(found, ReadOwnMessage)
    assert (found.recipients, found.alert.subject) == (("GB",), "From here")
    assert list_reasons(world["VN"], sent.legs[0].message_id, "read") == ["what did we say"]


def test_verifying_again_names_every_step_and_shows_nothing(world: LyingWorld, terms: Any) -> None:
    sealed = receive_one(world, terms)
    found, checks = verify_again(world["VN"], sealed.header.id, reason="inspection")
    assert found.digest == sealed.digest
    assert [check.name for check in checks] == [
        "log",
        "sender",
        "header",
        "signatures",
        "encryption key",
        "agreement",
        "content",
    ]
    assert list_check_lines(checks)[3].startswith("4. signatures: signed by GB")
    assert list_reasons(world["VN"], sealed.header.id, "verify") == ["inspection"]
    assert world.look_up("VN", sealed).read_at is None


def test_verifying_needs_no_exchange(world: LyingWorld, terms: Any) -> None:
    sealed = receive_one(world, terms)
    connections = dict(world["VN"]._connections)
    world["VN"]._connections.clear()
    try:
        _, checks = verify_again(world["VN"], sealed.header.id, reason="offline")
    finally:
        world["VN"]._connections.update(connections)
    assert checks[-1].name == "content"
