"""Ciphertexts go when nobody needs them: those that were delivered, and those whose message was erased."""

from agency_client.attachments.clearing import clear_attachments
from agency_client.attachments.folder import list_incoming, list_outgoing
from agency_client.local_store.outbox import OutboxState, load_item
from agency_client.profiles.profile import Profile, hold_lock
from agency_client.receiving.flow import receive
from agency_client.receiving.own_receipts import send_due_receipts, sign_owed_receipts
from agency_client.retention.by_hand import erase_early
from agency_client.sending.flow import send_alert
from tests.support.attached import Attaching


def find_out(profile: Profile, message_id: str) -> int:
    return sum(kept.message == message_id for kept in list_outgoing(profile))


def find_in(profile: Profile, digest: str) -> int:
    return sum(kept.message == digest for kept in list_incoming(profile))


def test_sealed_files_stay_as_long_as_the_sealed_message_and_no_longer(attaching: Attaching) -> None:
    gb, vn = attaching.world["GB"], attaching.world["VN"]
    report = attaching.send(attaching.write("page.png"))
    message_id = report.legs[0].message_id
    assert report.items[0].state is OutboxState.TAKEN
    clear_attachments(gb)
    assert find_out(gb.profile, message_id) == 1, "the exchange may still lose it"
    receive(vn)
    sign_owed_receipts(vn)
    send_due_receipts(vn)
    receive(gb)
    with gb.store.read() as snapshot:
        assert load_item(snapshot, message_id).state is OutboxState.SETTLED
    assert clear_attachments(gb) >= 1
    assert find_out(gb.profile, message_id) == 0


def test_what_never_became_a_message_goes(attaching: Attaching) -> None:
    gb = attaching.world["GB"]
    report = send_alert(gb, attaching.draft(attaching.write("page.png")), deliver=False)
    (kept,) = [kept for kept in list_outgoing(gb.profile) if kept.message == report.legs[0].message_id]
    orphan = kept.path.with_name(f"{kept.attachment}.{kept.attachment}")
    orphan.touch(0o600)
    orphan.write_bytes(b"left by a process that was killed")
    with hold_lock(gb.profile, "attachments"):
        assert clear_attachments(gb) == 0, "somebody seals just now"
    assert clear_attachments(gb) >= 1
    assert kept.path.exists()
    assert not orphan.exists()


def test_with_the_content_of_a_message_what_was_fetched_of_it_goes(attaching: Attaching) -> None:
    vn = attaching.world["VN"]
    message = attaching.arrive(attaching.write("page.png"))
    attaching.save(message)
    clear_attachments(vn)
    assert find_in(vn.profile, message.digest) == 1
    erase_early(vn, message.message_id, reason="a request of the person")
    assert find_in(vn.profile, message.digest) == 0
