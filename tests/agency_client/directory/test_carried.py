"""A revocation counts from whatever way it came: the log, a status, a file, a mail; whichever the exchange hides."""

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from agency_client.directory.carried import (
    RevocationsFile,
    export_revocations,
    import_revocations,
    read_revocations_file,
)
from agency_client.errors import DeniedError, NotFoundError, UsageError, VerificationFailedError
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.inbox import InboxState
from agency_client.node import Node
from agency_client.own_keys.publishing import publish_due, publish_queued
from agency_client.own_keys.revoking import prepare_revocation
from agency_client.reading.messages import describe_provenance
from agency_client.receiving.verification import EVERYTHING, verify_message
from agency_client.statuses.files import export_status, import_status
from agency_client.witness.walker import walk_log
from keys.encryption_keys import sign_revocation
from keys.sealing import SealedMessage
from keys.signing import SeedSigner
from schemas.agreements.terms import Terms
from schemas.api import REVOCATIONS_PATH
from schemas.key_documents import Revocation
from schemas.log.records import Action
from schemas.signed import KeyUse
from tests.support.nodes import install_next_key_set
from tests.support.ruling_exchange import RulingWorld, ruling_world

PAIRS = ("FR", "BE", "AL", "GB")
"""Each test revokes keys of one agency of its own; VN is told."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RulingWorld]:
    with ruling_world(tmp_path_factory.mktemp("carried"), *PAIRS, "VN") as found:
        yield found


@pytest.fixture(autouse=True)
def _exchange_takes_everything(world: RulingWorld) -> Iterator[None]:
    yield
    world.exchange.refused_paths.clear()


def steal_and_revoke(world: RulingWorld, agency: str) -> tuple[SeedSigner, RevocationsFile]:
    """Let a message key be stolen, and its agency revoke it while the exchange takes no revocation."""
    world.exchange.refused_paths.add(REVOCATIONS_PATH)
    node = world[agency]
    stolen = node.signer(KeyUse.MESSAGE)
    prepare_revocation(node, [stolen.kids[0]], "key-stolen")
    assert publish_due(node).refused
    return stolen, export_revocations(node)


def send_as_thief(world: RulingWorld, agency: str, terms: Terms, stolen: SeedSigner) -> SealedMessage:
    """Let the thief send, and an exchange that is its friend deliver."""
    sealed = world.craft(agency, "VN", terms, signer=stolen)
    world.deliver(sealed, "VN")
    return sealed


def verify_not_opened(world: RulingWorld, sealed: SealedMessage) -> None:
    found = world.receive("VN", sealed)
    assert found.state is InboxState.NEW
    assert found.problem is not None
    assert found.problem.code == "revocation-hidden"


def is_disputed(node: Node, sealed: SealedMessage) -> bool:
    with node.store.read() as snapshot:
        return describe_provenance(verify_message(node, snapshot, sealed.digest, EVERYTHING)).is_disputed


def test_by_a_file_a_hidden_revocation_counts_at_once(world: RulingWorld) -> None:
    fr, vn = world["FR"], world["VN"]
    terms = world.agree("FR", "VN", "by file")
    before = world.craft("FR", "VN", terms)
    world.deliver(before, "VN")
    assert world.receive("VN", before).state is InboxState.OPENED
    assert not is_disputed(vn, before)

    stolen, file = steal_and_revoke(world, "FR")
    data = file.canonical()
    read = read_revocations_file(data)
    assert read == file
    (imported,) = import_revocations(vn, file)
    assert (imported.is_new, imported.is_logged) == (True, False)
    assert set(imported.revocation.kids) == set(stolen.kids)
    verify_not_opened(world, send_as_thief(world, "FR", terms, stolen))
    assert is_disputed(vn, before), "since when it was revoked the log does not show"

    (again,) = import_revocations(vn, file)
    assert (again.is_new, again.is_logged) == (False, False)
    world.exchange.refused_paths.clear()
    world.clock.ahead += timedelta(minutes=1)
    assert publish_due(fr).logged
    walk_log(vn)
    (shown,) = import_revocations(vn, file)
    assert (shown.is_new, shown.is_logged) == (False, True)
    with vn.store.read() as snapshot:
        entries = list_entries(snapshot, AccessFilter(action=Action.KEYS))
    assert "revocation-import" in {entry.verb for entry in entries}


def test_by_mail_as_an_attachment_it_arrives_as_it_was_signed(world: RulingWorld) -> None:
    stolen, file = steal_and_revoke(world, "BE")
    terms = world.agree("BE", "VN", "by mail")
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = "desk@be.example", "desk@vn.example", "key revoked"
    mail.set_content("Please take this in at once: agency partner import BE-revocations.json")
    mail.add_attachment(file.canonical(), maintype="application", subtype="json", filename="BE-revocations.json")

    received = message_from_bytes(mail.as_bytes(), policy=policy.default)
    (attachment,) = received.iter_attachments()
    read = read_revocations_file(attachment.get_content())
    assert read is not None
    import_revocations(world["VN"], read)
    verify_not_opened(world, send_as_thief(world, "BE", terms, stolen))


def test_by_a_status_it_counts_without_its_document(world: RulingWorld) -> None:
    stolen, _ = steal_and_revoke(world, "AL")
    terms = world.agree("AL", "VN", "by status")
    exported = export_status(world["AL"], "VN")
    import_status(world["VN"], exported.file)
    verify_not_opened(world, send_as_thief(world, "AL", terms, stolen))


def test_by_the_log_it_counts_for_whoever_reads_it(world: RulingWorld) -> None:
    gb, vn = world["GB"], world["VN"]
    terms = world.agree("GB", "VN", "by log")
    stolen = gb.signer(KeyUse.MESSAGE)
    publish_queued(gb, prepare_revocation(gb, [stolen.kids[0]], "key-stolen"))
    sealed = send_as_thief(world, "GB", terms, stolen)
    walk_log(vn)
    assert world.receive("VN", sealed).state is InboxState.UNVERIFIABLE


def test_what_a_revoked_rotation_key_revokes_later_is_not_believed(world: RulingWorld) -> None:
    """The thief of a rotation key must not end the agency's other keys, once the agency has ended that one."""
    gb, vn = world["GB"], world["VN"]
    rotation, receipt = gb.signer(KeyUse.ROTATION), gb.signer(KeyUse.RECEIPT)
    prepare_revocation(gb, [rotation.kids[0]], "key-stolen")
    import_revocations(vn, export_revocations(gb))
    by_thief = sign(gb, rotation, receipt.kids)
    with pytest.raises(VerificationFailedError, match="has revoked the key that signed it"):
        import_revocations(vn, by_thief)
    assert import_revocations(vn, export_revocations(gb)), "what is here already stays"


def sign(node: Node, signer: SeedSigner, kids: tuple[str, ...]) -> RevocationsFile:
    """Return a file with a revocation of these keys, signed by any key."""
    now = node.clock.now()
    revocation = Revocation(
        v=1,
        exchange=node.exchange,
        agency=node.agency,
        kids=kids,
        effective_from=now,
        issued_at=now,
        reason="key-stolen",
    )
    return RevocationsFile(v=1, exchange=node.exchange, revocations=(sign_revocation(revocation, signer),))


def test_a_file_that_nobody_signed_who_may_is_refused_whole(world: RulingWorld) -> None:
    fr, be, vn = world["FR"], world["BE"], world["VN"]
    kids = fr.signer(KeyUse.RECEIPT).kids
    for signer in (be.signer(KeyUse.ROTATION), fr.signer(KeyUse.AGREEMENT)):
        with pytest.raises(VerificationFailedError, match="does not hold"):
            import_revocations(vn, sign(fr, signer, kids))
    with pytest.raises(UsageError, match="of this agency itself"):
        import_revocations(fr, sign(fr, fr.signer(KeyUse.ROTATION), kids))
    elsewhere = sign(fr, fr.signer(KeyUse.ROTATION), kids).model_copy(update={"exchange": "another.example"})
    with pytest.raises(UsageError, match="another"):
        import_revocations(vn, elsewhere)
    with vn.store.write() as transaction:
        transaction.execute("UPDATE agency_pin SET retired_at = 1 WHERE agency = 'FR'")
    with pytest.raises(DeniedError, match="not pinned"):
        import_revocations(vn, sign(fr, fr.signer(KeyUse.ROTATION), kids))
    with vn.store.write() as transaction:
        transaction.execute("UPDATE agency_pin SET retired_at = NULL WHERE agency = 'FR'")
        assert transaction.fetch_value("SELECT count(*) FROM announced_revocation WHERE kid = ?", kids[0]) == 0


def test_a_signer_of_a_key_set_that_is_not_known_yet_waits_for_the_log(world: RulingWorld) -> None:
    al, vn = world["AL"], world["VN"]
    install_next_key_set(al)
    publish_due(al)
    walk_log(al)
    with pytest.raises(VerificationFailedError) as caught:
        import_revocations(vn, sign(al, al.signer(KeyUse.ROTATION), al.signer(KeyUse.RECEIPT).kids))
    assert "agency sync" in caught.value.fix
    walk_log(vn)
    assert import_revocations(vn, sign(al, al.signer(KeyUse.ROTATION), al.signer(KeyUse.RECEIPT).kids))


def test_other_files_are_told_apart_and_nothing_revoked_is_nothing_to_carry(world: RulingWorld) -> None:
    assert read_revocations_file(b'{"v":1,"status":{}}') is None
    with pytest.raises(VerificationFailedError, match="no file of revocations"):
        read_revocations_file(b'{"revocations":[],"v":1}')
    with pytest.raises(NotFoundError, match="no key of VN was revoked"):
        export_revocations(world["VN"])


def test_a_file_still_holds_once_another_rotation_key_has_followed_the_one_of_its_older_words(
    world: RulingWorld,
) -> None:
    fr, vn = world["FR"], world["VN"]
    publish_queued(fr, prepare_revocation(fr, [fr.signer(KeyUse.AGREEMENT).kids[0]], "key-stolen"))
    install_next_key_set(fr)
    publish_due(fr)
    walk_log(fr)
    walk_log(vn)
    world.exchange.refused_paths.add(REVOCATIONS_PATH)
    stolen = fr.signer(KeyUse.MESSAGE)
    prepare_revocation(fr, [stolen.kids[0]], "key-stolen")
    imported = import_revocations(vn, export_revocations(fr))
    (hidden,) = [item for item in imported if set(item.revocation.kids) == set(stolen.kids)]
    assert (hidden.is_new, hidden.is_logged) == (True, False)
    assert all(item.is_logged for item in imported if item is not hidden)
    assert len(imported) > 1
