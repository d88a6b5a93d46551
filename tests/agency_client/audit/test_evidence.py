"""A file that convicts: whoever has the sheet finds it true, and every change of it proves nothing any more."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from agency_client.audit.evidence import EvidenceError, EvidenceFile, check_evidence
from agency_client.local_store.contradictions import ContradictionKind
from agency_client.receiving.sealed import strip_ciphertext
from agency_client.witness.prefix import read_shown_prefix
from keys.encryption_keys import sign_encryption_keys
from keys.key_sets import sign_key_set
from keys.signing import sign_document
from schemas.agreements.steps import Step, StepAction
from schemas.codec import b64u_encode
from schemas.log.checkpoint import parse_checkpoint
from schemas.log.note import parse_note
from schemas.log.records import RecordType
from schemas.log.tree import MerkleTree, hash_leaf
from schemas.signed import DocumentType, KeyUse, SignedDocument
from schemas.status import Status, digest_status
from tests.strategies.agreements import make_terms
from tests.support.lying_exchange import LyingExchange
from tests.support.members import EXCHANGE, START, make_member, make_signer, succeed
from tests.support.members import make_key_set as make_first_key_set
from tests.support.messages import make_message, seal
from tests.support.nodes import MovableClock, make_root_signers

GB = make_member("GB")
OTHER = MerkleTree(hash_leaf(b"another history %d" % number) for number in range(12))
AGREEMENT = "0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b"


@pytest.fixture(scope="module")
def exchange() -> LyingExchange:
    """A log of nine leaves."""
    found = LyingExchange(MovableClock())
    for _ in range(8):
        found.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)
    return found


def make_file(kind: ContradictionKind, first: Any, second: Any, **changes: Any) -> EvidenceFile:
    members: dict[str, Any] = {
        "v": 1,
        "exchange": EXCHANGE,
        "kind": kind,
        "signer": "GB",
        "first": first if isinstance(first, str) else first.canonical().decode(),
        "second": second if isinstance(second, str) else second.canonical().decode(),
        "key_sets": (GB.verified.document,),
        "found_at": START,
    }
    return EvidenceFile(**members | changes)


def convict_log(exchange: LyingExchange, small: int, large: int, /, **changes: Any) -> EvidenceFile:
    """Return the file of two heads: the true one of `large`, and one of another history of `small` leaves."""
    first, second = exchange.sign_note(small, root=OTHER.root(small)), exchange.sign_note(large)
    heads = [parse_checkpoint(parse_note(note.encode()).text) for note in (first, second)]
    path = [] if small == large else exchange.tree.consistency_proof(small, large)
    prefix = read_shown_prefix(heads[0], heads[1], path)
    about = {"signer": exchange.sheet.origin, "key_sets": (), "prefix": prefix}
    file = make_file(ContradictionKind.CHECKPOINT, first, second, **about)
    return file.model_copy(update=changes)


@pytest.mark.parametrize(("small", "large"), [(9, 9), (5, 9)], ids=["one size", "two sizes"])
def test_two_histories_of_a_log_convict_it(exchange: LyingExchange, small: int, large: int) -> None:
    file = EvidenceFile.from_canonical(convict_log(exchange, small, large).canonical())
    verdict = check_evidence(file, exchange.sheet)
    assert verdict.signer == exchange.sheet.origin
    assert verdict.anchor is None
    assert f"{small} leaves" in verdict.sentences[1]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda log: convict_log(log, 5, 9, prefix=None), "no path between them"),
        (lambda log: convict_log(log, 5, 9, prefix=convict_log(log, 6, 9).prefix), "another length|another root"),
        (lambda log: convict_log(log, 9, 9, second=log.sign_note(9, root=OTHER.root(9))), "of the same log"),
        (lambda log: convict_log(log, 5, 9, second=log.sign_note(5)[:-40] + "A" * 38 + "=\n"), "nothing"),
        (lambda log: convict_log(log, 9, 9, exchange="other.example"), "the sheet is of"),
        (lambda log: convict_log(log, 9, 9, signer="exchange.example/2"), "about the log exchange.example/2"),
        (lambda log: convict_log(log, 9, 9, second=_sign_elsewhere()), "nothing"),
    ],
    ids=[
        "no path",
        "another path",
        "no contradiction",
        "a broken note",
        "another exchange",
        "another log",
        "other keys",
    ],
)
def test_what_does_not_convict_a_log_is_refused(
    exchange: LyingExchange, spoil: Callable[[LyingExchange], EvidenceFile], why: str
) -> None:
    with pytest.raises(EvidenceError, match=why):
        check_evidence(spoil(exchange), exchange.sheet)


def _sign_elsewhere() -> str:
    return LyingExchange(MovableClock(), name="another.example").sign_note()


def make_status(seq: int = 7, *, prev: str = "", **changes: Any) -> SignedDocument:
    members: dict[str, Any] = {
        "v": 1, "exchange": EXCHANGE, "agency": "GB", "partner": "VN", "seq": seq, "prev": prev or "A" * 43,
        "time": "2026-11-02T00:00:00Z", "keyset": 1, "revoked": [], "chains": [], "streams": [],
        "checkpoint": {"origin": f"{EXCHANGE}/1", "size": 1, "root": b64u_encode(bytes(32))},
    }  # fmt: skip
    status = Status.from_wire(members | changes)
    return sign_document(status.canonical(), DocumentType.STATUS, [GB.signers[KeyUse.RECEIPT]])


def make_step(action: StepAction, party_seq: int = 2) -> SignedDocument:
    step = Step(
        v=1, exchange=EXCHANGE, agreement=AGREEMENT, digest=make_terms("GB", "VN").digest(), agency="GB",
        party_seq=party_seq, party_prev="A" * 43, action=action, time=START + timedelta(days=1),
    )  # fmt: skip
    return sign_document(step.canonical(), DocumentType.AGREEMENT_STEP, [GB.signers[KeyUse.AGREEMENT]])


def make_key_set(name: str) -> SignedDocument:
    return sign_key_set(succeed(GB, name=name, issued_at=START + timedelta(days=9)), GB.roots[:2])


def make_encryption_keys(days: int) -> SignedDocument:
    later = START + timedelta(days=days)
    document = GB.encryption.encryption_keys.model_copy(update={"issued_at": later})
    return sign_encryption_keys(document, GB.signers[KeyUse.ROTATION])


CASES: dict[str, tuple[ContradictionKind, SignedDocument, SignedDocument, str]] = {
    "statuses of one number": (ContradictionKind.STATUS, make_status(), make_status(keyset=2), "status 7 of GB for VN"),
    "a status that does not follow": (ContradictionKind.STATUS, make_status(7), make_status(8), "does not follow"),
    "steps of one number": (
        ContradictionKind.AGREEMENT_STEP, make_step(StepAction.SUSPEND), make_step(StepAction.REVOKE), "step 2 of GB",
    ),
    "a step that does not follow": (
        ContradictionKind.AGREEMENT_STEP, make_step(StepAction.SUSPEND), make_step(StepAction.REVOKE, 3),
        "does not follow",
    ),
    "key sets of one number": (
        ContradictionKind.KEY_DOCUMENT, make_key_set("one"), make_key_set("other"), "key set 2 of GB",
    ),
    "encryption keys of one number": (
        ContradictionKind.KEY_DOCUMENT, make_encryption_keys(1), make_encryption_keys(2), "encryption keys 1 of GB",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_two_words_of_an_agency_convict_it_under_its_anchor(exchange: LyingExchange, case: str) -> None:
    kind, first, second, words = CASES[case]
    verdict = check_evidence(make_file(kind, first, second), exchange.sheet)
    assert (verdict.signer, verdict.anchor) == ("GB", GB.anchor)
    assert words in verdict.sentences[1]


def test_two_messages_with_one_number_of_a_stream_convict_their_sender(exchange: LyingExchange) -> None:
    first, second = (_seal(number, n=4) for number in (1, 2))
    verdict = check_evidence(make_file(ContradictionKind.STREAM_NUMBER, first, second), exchange.sheet)
    assert "number 4 of its stream to VN" in verdict.sentences[1]
    with pytest.raises(EvidenceError, match="contradict nothing"):
        check_evidence(make_file(ContradictionKind.STREAM_NUMBER, first, _seal(2, n=5)), exchange.sheet)


def _seal(number: int, *, n: int) -> SignedDocument:
    partner = make_member("VN")
    return strip_ciphertext(seal(make_message(GB, partner, name=number, n=n), GB, partner).envelope)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda: make_file(ContradictionKind.STATUS, make_status(), make_status()), "say the same"),
        (lambda: make_file(ContradictionKind.STATUS, make_status(7), make_status(9)), "contradict nothing"),
        (lambda: make_file(ContradictionKind.STATUS, make_status(7), _following()), "contradict nothing"),
        (lambda: make_file(ContradictionKind.STATUS, make_status(), make_status(partner="BE")), "contradict nothing"),
        (lambda: make_file(ContradictionKind.STATUS, make_status(), _forge()), "none of the signer's key sets"),
        (lambda: make_file(ContradictionKind.STATUS, *_two(), key_sets=()), "key sets are not in the file"),
        (lambda: make_file(ContradictionKind.STATUS, *_two(), signer="VN"), "the key sets are of GB"),
        (lambda: make_file(ContradictionKind.STATUS, *_two(), key_sets=_cut_roots()), "nothing"),
        (lambda: make_file(ContradictionKind.AGREEMENT_STEP, *_two()), "nothing"),
        (lambda: make_file(ContradictionKind.KEY_DOCUMENT, GB.verified.document, _found_anew()), "by other roots"),
        (lambda: make_file(ContradictionKind.STATUS, *_two(), exchange="other.example"), "the sheet is of"),
    ],
    ids=[
        "the same twice", "two numbers", "one that follows", "two partners", "a forged one", "without keys",
        "another signer", "key sets that no roots signed", "another kind",
        "a first key set by other roots", "another exchange",
    ],
)  # fmt: skip
def test_what_does_not_convict_an_agency_is_refused(
    exchange: LyingExchange, spoil: Callable[[], EvidenceFile], why: str
) -> None:
    with pytest.raises(EvidenceError, match=why):
        check_evidence(spoil(), exchange.sheet)


def _two() -> Iterator[SignedDocument]:
    yield make_status()
    yield make_status(keyset=2)


def _following() -> SignedDocument:
    return make_status(8, prev=digest_status(make_status(7).payload_bytes))


def _forge() -> SignedDocument:
    true = make_status(keyset=2)
    return sign_document(true.payload_bytes, DocumentType.STATUS, [make_signer("XX", KeyUse.RECEIPT)])


def _found_anew() -> SignedDocument:
    """Return a first key set that somebody else made in GB's name."""
    roots = make_root_signers("a stranger")
    return sign_key_set(make_first_key_set("GB", roots, dict(GB.signers)), roots[:2])


def _cut_roots() -> tuple[SignedDocument, ...]:
    document = GB.verified.document
    return (document.model_copy(update={"signatures": document.signatures[:2]}),)
