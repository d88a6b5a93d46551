"""A node at work: which of its keys count now, and the certificate that renews itself."""

from datetime import timedelta
from pathlib import Path

import pytest

from agency_client.node import KeySetUnusableError, Node, NotInstalledError
from agency_client.own_keys.revoking import prepare_revocation
from agency_client.profiles.joining import AcceptedSheet, initialise_node
from agency_client.profiles.key_store import KeyMissingError, TlsUse
from agency_client.profiles.profile import load_profile
from agency_client.profiles.session import open_profile
from agency_client.profiles.tls_identity import get_certificate_path
from agency_client.witness.walker import walk_log
from keys.certificates import find_issuer, read_validity, verify_tls_ca
from schemas.codec import b64u_decode
from schemas.key_documents import compute_exchange_anchor
from schemas.log.records import Action, Role
from schemas.signed import DocumentType, KeyUse
from tests.support.log_simulator import FixedClock, LogSimulator
from tests.support.members import START
from tests.support.nodes import PASSPHRASE, install_next_key_set


def test_before_the_roots_have_signed_there_is_no_key_and_no_connection(log: LogSimulator, tmp_path: Path) -> None:
    accepted = AcceptedSheet(log.sheet, compute_exchange_anchor(log.sheet))
    profile = initialise_node(
        tmp_path / "home",
        "gb",
        agency="GB",
        node="n1",
        broker_url="https://broker.example",
        accepted=accepted,
        passphrase=PASSPHRASE,
        clock=FixedClock(),
        environment={},
    )
    (tmp_path / "p").touch(0o600)
    (tmp_path / "p").write_text(PASSPHRASE)
    opened = open_profile(load_profile(tmp_path / "home", profile.name), environment={}, passphrase_file=tmp_path / "p")
    with Node(opened, FixedClock()) as node:
        assert (node.agency, node.name, node.exchange) == ("GB", "n1", log.name)
        for ask in (node.own_key_set, lambda: node.signer(KeyUse.MESSAGE), lambda: node.connection):
            with pytest.raises(NotInstalledError):
                ask()


def test_an_expired_key_set_signs_revocations_and_nothing_else(node: Node, clock: FixedClock) -> None:
    clock.moment = START + timedelta(days=366)
    with pytest.raises(KeySetUnusableError, match="expired on 2027-11-01"):
        node.signer(KeyUse.MESSAGE)
    assert node.signer(KeyUse.ROTATION, even_expired=True).kids


def test_a_revoked_key_signs_nothing_more(node: Node) -> None:
    kid = node.signer(KeyUse.MESSAGE).kids[1]
    prepare_revocation(node, [kid], "device-lost")
    with pytest.raises(KeySetUnusableError, match="every message key"):
        node.signer(KeyUse.MESSAGE)
    assert node.signer(KeyUse.RECEIPT).kids


def test_a_new_key_set_counts_once_the_log_has_it(log: LogSimulator, node: Node, clock: FixedClock) -> None:
    first = node.own_key_set()
    log.append_document("GB", DocumentType.KEY_SET, first.document)
    walk_log(node)
    old = node.signer(KeyUse.MESSAGE).kids
    clock.moment = START + timedelta(days=300)
    install_next_key_set(node)
    assert node.own_key_set().digest == first.digest
    assert node.signer(KeyUse.MESSAGE).kids == old
    assert len(node.identify().other_request_seeds) == 1
    clock.moment = START + timedelta(days=366)
    assert node.own_key_set().key_set.seq == 2
    clock.moment = START + timedelta(days=301)
    with node.store.read() as snapshot:
        row = snapshot.fetch_one("SELECT document FROM key_document WHERE agency = 'GB' AND seq = 2")
    assert row is not None
    from schemas.signed import SignedDocument

    second = SignedDocument.from_canonical(row["document"])
    log.append_document("GB", DocumentType.KEY_SET, second, at=clock.moment)
    walk_log(node)
    assert node.own_key_set().key_set.seq == 2
    assert node.signer(KeyUse.MESSAGE).kids != old
    assert node.identify().other_request_seeds == ()


def test_the_certificate_is_under_the_agencys_ca_and_renews_itself(node: Node, clock: FixedClock) -> None:
    first = node.identify().tls.certificate
    authority = b64u_decode(node.own_key_set().key_set.tls_ca)
    thumb = verify_tls_ca(authority, clock.moment)
    assert find_issuer(first, {thumb: ("GB", authority)}) == "GB"
    clock.moment = START + timedelta(days=59)
    assert node.identify().tls.certificate == first
    clock.moment = START + timedelta(days=61)
    second = node.identify().tls.certificate
    assert second != first
    assert read_validity(second)[1] == clock.moment + timedelta(days=90)
    assert find_issuer(second, {thumb: ("GB", authority)}) == "GB"
    assert get_certificate_path(node.profile).stat().st_mode & 0o777 == 0o600


def test_without_the_ca_key_no_certificate_is_made(node: Node) -> None:
    node.keys.destroy_key(TlsUse.AUTHORITY, "")
    with pytest.raises(KeyMissingError):
        node.identify()


def test_the_class_decides_the_role_and_a_note_bears_the_officer(node: Node) -> None:
    assert node.role is Role.NODE
    note = node.note_access(Action.KEYS, "test", "why", partner="VN")
    assert (note.officer, note.time, note.outcome) == ("reader", START, "done")


def test_a_node_that_lives_on_connects_anew_when_its_keys_were_replaced_or_a_day_has_passed(
    log: LogSimulator, node: Node, clock: FixedClock
) -> None:
    """Another process installs what the roots signed, publishes it, and revokes: the library's node follows."""
    log.append_document("GB", DocumentType.KEY_SET, node.own_key_set().document)
    walk_log(node)
    del node._connections[Role.NODE]
    first = node.connect(Role.NODE)
    observer = node.observer
    assert node.connect(Role.NODE) is first
    assert node.observer is observer

    prepare_revocation(node, [node.signer(KeyUse.WITNESS).kids[0]], "device-lost")
    second = node.connect(Role.NODE)
    assert second is not first
    assert node.observer is not observer
    clock.moment = START + timedelta(days=1)
    third = node.connect(Role.NODE)
    assert third is not second
    assert node.connect(Role.NODE) is third
    clock.moment = START
    assert node.connect(Role.NODE) is not third, "a clock that was set back tells nothing of the connection's age"
    node.close()
    assert node._left == []


def test_a_connection_that_was_put_in_place_is_kept(log: LogSimulator, node: Node, clock: FixedClock) -> None:
    prepare_revocation(node, [node.signer(KeyUse.WITNESS).kids[0]], "device-lost")
    clock.moment = START + timedelta(days=2)
    put_in_place: object = node.connect(Role.NODE)
    assert put_in_place is log
