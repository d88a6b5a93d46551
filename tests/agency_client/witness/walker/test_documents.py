"""What a log says of keys: a document that does not hold is believed of nobody, and one about ourselves is an alarm."""

from datetime import timedelta
from typing import Any

import pytest

from agency_client.local_store.contradictions import list_contradictions
from agency_client.local_store.suspicions import list_suspicions
from agency_client.local_store.trust import pin_agency
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_key_sets
from agency_client.witness.walker import walk_log
from keys.encryption_keys import sign_encryption_keys, sign_revocation
from keys.key_sets import sign_key_set
from schemas.codec import b64u_encode
from schemas.key_documents import Revocation
from schemas.log.records import Record, RecordType
from schemas.signed import DocumentType, KeyUse
from tests.support.log_simulator import LogSimulator
from tests.support.members import EXCHANGE, START, Member, make_member, make_signer, succeed

LATER = START + timedelta(hours=1)


def log_own(log: LogSimulator, node: Node) -> None:
    log.append_document(node.agency, DocumentType.KEY_SET, node.own_key_set().document)


def find_codes(node: Node) -> list[tuple[int, str]]:
    with node.store.read() as snapshot:
        return [(item.leaf_index, item.code) for item in list_suspicions(snapshot)]


def _of_another_type(log: LogSimulator, vn: Member) -> None:
    log.append(Record(v=1, type=RecordType.TOKENS_ISSUED, time=START, concerns=(), agency="VN", count=1), "public")


def _unsigned(log: LogSimulator, vn: Member) -> None:
    document = vn.verified.document
    log.append_document("VN", DocumentType.KEY_SET, document.model_copy(update={"signatures": document.signatures[:2]}))


def _of_another_exchange(log: LogSimulator, vn: Member) -> None:
    other = make_member("VN", exchange="other.example")
    log.append_document("VN", DocumentType.KEY_SET, other.verified.document)


def _digest_of_another(log: LogSimulator, vn: Member) -> None:
    digest = make_member("BE").verified.digest
    log.append_document("VN", DocumentType.KEY_SET, vn.verified.document, digest=digest)


def _in_another_name(log: LogSimulator, vn: Member) -> None:
    log.append_document("BE", DocumentType.KEY_SET, vn.verified.document)


def _before_its_key_set(log: LogSimulator, vn: Member) -> None:
    log.append_document("VN", DocumentType.ENCRYPTION_KEYS, vn.encryption.document)


def _no_document_at_all(log: LogSimulator, vn: Member) -> None:
    broken = vn.verified.document.model_copy(update={"payload": b64u_encode(b"{}")})
    log.append_document("VN", DocumentType.KEY_SET, broken)


@pytest.mark.parametrize(
    "write",
    [
        _of_another_type,
        _unsigned,
        _of_another_exchange,
        _digest_of_another,
        _in_another_name,
        _before_its_key_set,
        _no_document_at_all,
    ],
)
def test_a_record_that_does_not_hold_is_told_and_the_walk_goes_on(log: LogSimulator, node: Node, write: Any) -> None:
    vn = make_member("VN")
    write(log, vn)
    log.append_member(vn)
    report = walk_log(node)
    assert [item.leaf_index for item in report.suspicions] == [0]
    assert [index for index, _ in node.directory.load_timeline("VN").key_sets] == [1]
    assert node.directory.find_timeline("BE") is None
    assert walk_log(node).suspicions == []


def test_a_time_that_goes_back_is_told_also_in_a_later_walk(log: LogSimulator, node: Node) -> None:
    log.append_member(make_member("VN"), at=LATER)
    walk_log(node)
    log.append_document("BE", DocumentType.KEY_SET, make_member("BE").verified.document, at=START)
    assert [item.code for item in walk_log(node).suspicions] == ["time-went-back"]
    assert node.directory.find_timeline("BE") is None


def test_an_unknown_key_set_in_our_own_name_is_an_alarm(log: LogSimulator, node: Node) -> None:
    false = make_member(node.agency).key_set.model_copy(update={"roots": make_member("XX").key_set.roots})
    log.append_document(node.agency, DocumentType.KEY_SET, sign_key_set(false, make_member("XX").roots[:2]))
    log_own(log, node)
    walk_log(node)
    assert find_codes(node) == [(0, "key-set-refused")]
    assert node.directory.trusted_timeline(node.agency).newest_key_set.digest == node.own_key_set().digest


def test_a_key_set_by_our_own_roots_that_is_not_installed_is_an_alarm_and_a_proof(
    log: LogSimulator, node: Node
) -> None:
    log.append_member(make_member(node.agency))
    walk_log(node)
    assert find_codes(node)[0] == (0, "not-ours")
    with node.store.read() as snapshot:
        (found,) = list_contradictions(snapshot)
        assert len(load_own_key_sets(snapshot, node.agency)) == 1
    assert found.signer == node.agency


def test_a_document_by_our_own_keys_that_this_node_did_not_make_is_an_alarm(log: LogSimulator, node: Node) -> None:
    log_own(log, node)
    stolen = node.signer(KeyUse.ROTATION)
    opening = make_member("VN").opening_key
    from tests.support.members import make_encryption_keys

    verified = node.directory
    walk_log(node)
    key_set = verified.load_timeline(node.agency).newest_key_set
    false = make_encryption_keys(key_set, stolen, opening)
    log.append_document(node.agency, DocumentType.ENCRYPTION_KEYS, false.document)
    walk_log(node)
    assert find_codes(node) == [(1, "not-ours")]


def test_our_own_key_set_is_no_alarm_and_learns_its_leaf(log: LogSimulator, node: Node) -> None:
    assert not node.own_key_set().is_logged
    log.append_private(2)
    log_own(log, node)
    assert walk_log(node).suspicions == []
    assert node.own_key_set().is_logged
    assert [index for index, _ in node.directory.trusted_timeline(node.agency).key_sets] == [2]


def test_false_roots_that_come_first_do_not_take_the_place_of_pinned_ones(log: LogSimulator, node: Node) -> None:
    vn = make_member("VN")
    roots = tuple(make_member("XX").roots)
    false = vn.key_set.model_copy(update={"roots": make_member("XX").key_set.roots})
    log.append_document("VN", DocumentType.KEY_SET, sign_key_set(false, roots[:2]))
    log.append_member(vn)
    with node.store.write() as transaction:
        pin_agency(transaction, "VN", vn.anchor, by="x", at=START)
    walk_log(node)
    assert find_codes(node) == [(0, "key-set-refused")]
    assert node.directory.trusted_timeline("VN").newest_key_set.digest == vn.verified.digest


def test_two_key_sets_of_one_number_are_proof_against_their_signer(log: LogSimulator, node: Node) -> None:
    vn = make_member("VN")
    log.append_member(vn)
    log.append_document("VN", DocumentType.KEY_SET, sign_key_set(succeed(vn), vn.roots[:2]))
    log.append_document("VN", DocumentType.KEY_SET, sign_key_set(succeed(vn, name="Another"), vn.roots[:2]))
    walk_log(node)
    assert find_codes(node) == [(3, "key-set-refused")]
    with node.store.read() as snapshot:
        (found,) = list_contradictions(snapshot)
    assert (found.signer, found.kind.value) == ("VN", "key-document")
    assert node.directory.load_timeline("VN").newest_key_set.key_set.name == vn.key_set.name


def test_a_first_key_set_by_other_roots_is_no_proof_against_the_agency(log: LogSimulator, node: Node) -> None:
    vn = make_member("VN")
    log.append_member(vn)
    false = vn.key_set.model_copy(update={"roots": make_member("XX").key_set.roots})
    log.append_document("VN", DocumentType.KEY_SET, sign_key_set(false, make_member("XX").roots[:2]))
    walk_log(node)
    assert find_codes(node) == [(2, "key-set-refused")]
    with node.store.read() as snapshot:
        assert list_contradictions(snapshot) == []


def test_a_key_of_one_member_in_anothers_set_is_not_believed(log: LogSimulator, node: Node) -> None:
    vn, be = make_member("VN"), make_member("BE")
    log.append_member(vn)
    copied = be.key_set.model_copy(update={"tls_ca": vn.key_set.tls_ca})
    log.append_document("BE", DocumentType.KEY_SET, sign_key_set(copied, be.roots[:2]))
    log.append_document("BE", DocumentType.KEY_SET, be.verified.document)
    stolen = be.encryption.encryption_keys.model_copy(update={"keys": vn.encryption.encryption_keys.keys})
    document = sign_encryption_keys(stolen, be.signers[KeyUse.ROTATION])
    log.append_document("BE", DocumentType.ENCRYPTION_KEYS, document)
    walk_log(node)
    assert find_codes(node) == [(2, "key-set-refused"), (4, "encryption-keys-refused")]
    assert node.directory.load_timeline("BE").encryption_keys == ()


def make_revocation(member: Member, *kids: str) -> Revocation:
    return Revocation(
        v=1, exchange=EXCHANGE, agency=member.agency, kids=kids, effective_from=START, issued_at=START, reason="lost"
    )


def test_a_revoked_rotation_key_publishes_nothing_more(log: LogSimulator, node: Node) -> None:
    vn = make_member("VN")
    rotation = vn.signers[KeyUse.ROTATION]
    log.append_document("VN", DocumentType.KEY_SET, vn.verified.document)
    revocation = sign_revocation(make_revocation(vn, *rotation.kids), rotation)
    log.append_document("VN", DocumentType.REVOCATION, revocation)
    log.append_document("VN", DocumentType.ENCRYPTION_KEYS, vn.encryption.document)
    again = sign_revocation(make_revocation(vn, *vn.signers[KeyUse.MESSAGE].kids), rotation)
    log.append_document("VN", DocumentType.REVOCATION, again)
    walk_log(node)
    assert find_codes(node) == [(2, "key-revoked"), (3, "key-revoked")]
    timeline = node.directory.load_timeline("VN")
    assert (len(timeline.revocations), timeline.encryption_keys) == (1, ())


def test_a_revocation_by_no_key_of_the_agency_revokes_nothing(log: LogSimulator, node: Node) -> None:
    vn = make_member("VN")
    log.append_member(vn)
    forged = sign_revocation(make_revocation(vn, *vn.signers[KeyUse.MESSAGE].kids), make_signer("XX", KeyUse.ROTATION))
    log.append_document("VN", DocumentType.REVOCATION, forged)
    walk_log(node)
    assert [index for index, _ in find_codes(node)] == [2]
    assert node.directory.load_timeline("VN").revocations == ()
