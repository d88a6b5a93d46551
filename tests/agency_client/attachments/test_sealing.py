"""Files are sealed for each message alone, and nothing of them stays where no message came of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agency_client.attachments.attaching import AttachedFile, choose_files
from agency_client.attachments.fetching import AttachmentForgedError
from agency_client.attachments.folder import find_outgoing, list_outgoing
from agency_client.attachments.sealing import describe_unsealed, plan_file, plan_resealing, sealing_files
from agency_client.attachments.uploading import AttachmentLostError, Uploader
from agency_client.errors import ConflictError
from agency_client.local_store.inbox import load_by_digest
from agency_client.local_store.outbox import OutboxItem, OutboxState, load_item
from agency_client.node import Node
from agency_client.profiles.profile import Profile, hold_lock
from agency_client.receiving.flow import receive
from agency_client.refusals import RefusalDetails, RefusedConflictError
from agency_client.sending.delivery import deliver_messages
from agency_client.sending.flow import NotCoveredError, plan_alert, send_alert
from keys.attachments import AttachmentOpener
from keys.generation import generate_id
from keys.sealing import parse_envelope
from schemas.api import MESSAGES_PATH
from schemas.envelope import MessageAttachment, SealedAttachment
from tests.support.attached import Attaching, agree_to_files
from tests.support.lying_world import LyingWorld


@pytest.fixture
def profile(attaching: Attaching) -> Profile:
    """The profile of GB."""
    return attaching.world["GB"].profile


def list_files(profile: Profile) -> set[Path]:
    return {kept.path for kept in list_outgoing(profile)}


def unseal(path: Path, message_id: str, outer: SealedAttachment, inner: MessageAttachment) -> bytes:
    opener = AttachmentOpener(message_id, outer, inner)
    return opener.update(path.read_bytes()) + opener.verify_end()


def test_each_recipient_gets_a_ciphertext_of_its_own(attaching: Attaching, profile: Profile) -> None:
    path, before, steps = attaching.write("page.png"), list_files(profile), []
    files = [plan_file(file) for file in choose_files([AttachedFile(path)], make_id=generate_id)]
    with sealing_files(profile, ["VN", "BE"], files) as sealed:
        assert len({item.message_id for item in sealed.values()}) == 2
        assert len({item.inside[0].key for item in sealed.values()}) == 2
        for item in sealed.values():
            (outer,), (inner,) = item.sealed, item.inside
            kept = find_outgoing(profile, item.message_id, outer.id)
            assert kept.stat().st_mode & 0o777 == 0o600
            assert unseal(kept, item.message_id, outer, inner) == path.read_bytes()
            assert describe_unsealed(files).sealed[0].size == outer.size
        steps += list(list_files(profile) - before)
    assert len(steps) == 2
    for step in steps:
        step.unlink()


def test_nothing_stays_where_no_message_came_of_it(attaching: Attaching, profile: Profile) -> None:
    before, during = list_files(profile), set[Path]()
    files = [plan_file(file) for file in choose_files([AttachedFile(attaching.write("a.png"))], make_id=generate_id)]

    def seal_and_fail() -> None:
        with sealing_files(profile, ["VN"], files):
            during.update(list_files(profile) - before)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        seal_and_fail()
    assert len(during) == 1
    assert list_files(profile) == before


def test_a_file_that_changes_while_it_is_sealed_is_not_sent(attaching: Attaching, profile: Profile) -> None:
    path, before = attaching.write("page.png"), list_files(profile)
    files = [plan_file(file) for file in choose_files([AttachedFile(path)], make_id=generate_id)]
    path.write_bytes(b"shorter")
    with pytest.raises(ConflictError, match=r"page.png changed"), sealing_files(profile, ["VN"], files):
        pass
    assert list_files(profile) == before


def test_while_files_are_sealed_nobody_else_of_this_profile_clears_away(attaching: Attaching, profile: Profile) -> None:
    files = [plan_file(file) for file in choose_files([AttachedFile(attaching.write("a.png"))], make_id=generate_id)]
    with (
        pytest.raises(ConflictError, match="attachments is already running"),
        sealing_files(profile, ["VN"], files),
        hold_lock(profile, "attachments"),
    ):
        pass


def test_a_ciphertext_is_sealed_anew_for_another_message_and_only_if_it_is_sound(
    attaching: Attaching, profile: Profile
) -> None:
    path = attaching.write("page.png")
    files = [plan_file(file) for file in choose_files([AttachedFile(path)], make_id=generate_id)]
    with sealing_files(profile, ["VN"], files) as sealed:
        first = sealed["VN"]
    kept = find_outgoing(profile, first.message_id, files[0].id)
    again = plan_resealing(kept, first.message_id, first.sealed[0], first.inside[0])
    with sealing_files(profile, ["BE"], [again]) as sealed:
        second = sealed["BE"]
    moved = find_outgoing(profile, second.message_id, files[0].id)
    assert unseal(moved, second.message_id, second.sealed[0], second.inside[0]) == path.read_bytes()
    moved.unlink()
    before = list_files(profile)
    kept.write_bytes(kept.read_bytes()[:-1] + b"\x00")
    with pytest.raises(AttachmentForgedError), sealing_files(profile, ["BE"], [again]):
        pass
    kept.unlink()
    with pytest.raises(AttachmentLostError), sealing_files(profile, ["BE"], [again]):
        pass
    assert list_files(profile) == before - {kept}


def test_what_no_agreement_covers_is_refused_before_anything_is_sealed(
    world: LyingWorld, attaching: Attaching, profile: Profile
) -> None:
    before = list_files(profile)
    path = attaching.write("page.png", 70_000)
    for code, changes in (("attachments-not-covered", {"attachments": False}), ("too-large", {"max_bytes": 65_536})):
        narrow = agree_to_files(world, code, attaching.folder, **changes)
        with pytest.raises(NotCoveredError) as refused:
            send_alert(world["GB"], narrow.draft(path))
        (recipient,) = refused.value.plan.recipients
        assert code in {finding.code for option in recipient.options for finding in option.findings}
        assert not plan_alert(world["GB"], narrow.draft(path)).is_allowed
    assert list_files(profile) == before


def test_with_a_message_that_is_sealed_anew_its_files_are(attaching: Attaching) -> None:
    attaching.send(attaching.write("first.png"))
    path, refusals = attaching.write("page.png"), iter([True])

    def refuse_once(answer: object) -> object:
        if next(refusals, False):
            raise RefusedConflictError("used before", RefusalDetails("number-conflict", 409, (), ""))
        return answer

    attaching.world.exchange.tamper[MESSAGES_PATH] = refuse_once
    report = attaching.send(path)
    assert [problem.code for problem in report.sealed_again] == ["number-conflict"]
    (leg,) = report.legs
    receive(attaching.world["VN"])
    with attaching.world["VN"].store.read() as snapshot:
        message = load_by_digest(snapshot, leg.digest)
    (saved,) = attaching.save(message)
    assert saved.path.read_bytes() == path.read_bytes()
    assert {place[1] for place in attaching.attached.uploads} >= {leg.message_id}


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(bytes(path.stat().st_size))])
def test_a_refused_message_whose_sealed_files_are_lost_ends_and_holds_up_no_other(
    attaching: Attaching, damage: Callable[[Path], object]
) -> None:
    gb, attached = attaching.world["GB"], attaching.draft(attaching.write("page.png"))
    lost, other = (send_alert(gb, draft, deliver=False).legs[0] for draft in (attached, attaching.draft()))
    envelope = load(gb, lost.message_id).envelope
    assert envelope is not None
    Uploader(gb).upload_all(lost.message_id, parse_envelope(envelope).payload.attachments)
    for kept in [kept for kept in list_outgoing(gb.profile) if kept.message == lost.message_id]:
        damage(kept.path)
    refusals = iter([True])

    def refuse_once(answer: object) -> object:
        if next(refusals, False):
            raise RefusedConflictError("not current", RefusalDetails("encryption-key-not-current", 409, (), ""))
        return answer

    attaching.world.exchange.tamper[MESSAGES_PATH] = refuse_once
    delivered = deliver_messages(gb, [lost.message_id, other.message_id])
    assert "cannot be sealed again" in delivered.refused[lost.message_id].sentence
    assert load(gb, lost.message_id).state is OutboxState.REFUSED
    assert delivered.taken == [other.message_id]


def load(node: Node, message_id: str) -> OutboxItem:
    with node.store.read() as snapshot:
        return load_item(snapshot, message_id)
