"""Lies about keys: put in another's place, made up in another's name, and revocations that nobody gets to see."""

from datetime import datetime, timedelta
from typing import Any

from keys.algorithms import OpeningKey, SigningKey
from keys.encryption_keys import sign_encryption_keys
from keys.generation import generate_salt, generate_seed
from keys.roots import load_root
from keys.signing import SeedSigner, sign_document
from schemas.api import LEAVES_PATH, REVOCATIONS_PATH, LeavesAnswer, RangeLeaf
from schemas.codec import b64u_decode, b64u_encode
from schemas.key_documents import MAX_ENCRYPTION_KEY_DAYS, EncryptionKey, EncryptionKeys, KeySet, digest_key_document
from schemas.log.leaf import commit_record
from schemas.log.records import Record, RecordType
from schemas.signed import USE_ALGORITHMS, DocumentType, EncryptionUse, KeyUse, SignedDocument
from tests.hostile.calls import Call, Reply
from tests.hostile.families.answers import refuse
from tests.hostile.history import OtherHistory
from tests.hostile.manipulation import Manipulation
from tests.hostile.operator import HostileOperator


class SwappedKey(Manipulation):
    name = "swapped-key"
    sentence = "Show, in the leaves of the log, a key of the broker's own in the place of every other member's."
    on = (("GET", LEAVES_PATH),)

    async def change(self, operator: HostileOperator, call: Call, answer: LeavesAnswer) -> LeavesAnswer:
        """Replace the documents, and leave the leaves' commitments as they are."""
        leaves = tuple(_swap_leaf(leaf, call.agency) for leaf in answer.leaves)
        return answer.model_copy(update={"leaves": leaves})


class SwappedKeyHistory(Manipulation):
    name = "swapped-key-history"
    sentence = "Show a log in which every other member has always had the broker's key, with proofs that all hold."

    async def begin(self, operator: HostileOperator) -> None:
        """Replace every encryption key that the log has; whoever reads it from its beginning finds nothing wrong."""
        rows = operator.select("SELECT leaf_index, record FROM log_leaf WHERE record_type = 'encryption-keys'")
        found = {row.leaf_index: Record.model_validate_json(row.record) for row in rows}
        self._replaced = {
            index: make_public_leaf(swap_key(record))
            for index, record in found.items()
            if record.agency != self.against
        }
        self._history = OtherHistory(operator, self._replaced)

    async def change(self, operator: HostileOperator, call: Call, answer: Any) -> Any:
        """Prove the answer under the other history."""
        return self._history.prove(call, answer)


class SwappedKeyInLog(Manipulation):
    name = "swapped-key-in-log"
    sentence = "Log a newer encryption key for every member, or for the one named, signed by a key of the broker's own."

    async def begin(self, operator: HostileOperator) -> None:
        """Write the records, for everybody to read."""
        for timeline in operator.broker.directory.current.timelines.values():
            newest = timeline.newest_encryption_keys
            if newest is None or self.against not in ("", timeline.agency):
                continue
            now, seq = operator.clock.now().replace(microsecond=0), newest.encryption_keys.seq + 1
            document = make_keys_document(newest.encryption_keys, prev=newest.digest, seq=seq, since=now)
            digest = digest_key_document(DocumentType.ENCRYPTION_KEYS, document.payload_bytes)
            who = timeline.agency
            await operator.append(RecordType.ENCRYPTION_KEYS, (who,), agency=who, digest=digest, document=document)
            self.told += 1


class MadeUpKeySet(Manipulation):
    name = "made-up-key-set"
    sentence = "Log a next key set for every member, signed by roots of the broker's own."

    async def begin(self, operator: HostileOperator) -> None:
        """Write the records, for everybody to read."""
        for timeline in operator.broker.directory.current.timelines.values():
            newest = timeline.newest_key_set
            key_set = newest.key_set.model_copy(update={"seq": newest.key_set.seq + 1, "prev": newest.digest})
            document = _sign_as_roots(key_set)
            digest = digest_key_document(DocumentType.KEY_SET, document.payload_bytes)
            who = timeline.agency
            await operator.append(RecordType.KEY_SET, (who,), agency=who, digest=digest, document=document)
            self.told += 1


class KeptBackRevocation(Manipulation):
    name = "kept-back-revocation"
    sentence = "Take no revocation: ask whoever brings one to come back later, for ever."

    async def take(self, operator: HostileOperator, call: Call) -> Reply | None:
        """Be busy."""
        return refuse("busy", "The exchange is busy.") if call.path == REVOCATIONS_PATH else None


class RevocationUnderPrivateLeaf(Manipulation):
    name = "revocation-under-private-leaf"
    sentence = "Log revocations under private leaves, which nobody but their signer reads."

    def __init__(self, against: str = "") -> None:
        super().__init__(against)
        self._history: OtherHistory | None = None

    async def change(self, operator: HostileOperator, call: Call, answer: Any) -> Any:
        """From the revocation on, prove everything under a tree in which its leaf is private."""
        if call.path == REVOCATIONS_PATH:
            commitment = commit_record(answer.leaf.record.to_wire(), b64u_decode(answer.leaf.salt))
            hidden = RangeLeaf(leaf_class="private", commitment=b64u_encode(commitment))
            self._history = OtherHistory(operator, {answer.leaf.index: hidden})
        return answer if self._history is None else self._history.prove(call, answer)


def swap_key(record: Record) -> Record:
    """Return a record of encryption keys with the broker's own in their place."""
    assert record.document is not None
    keys = EncryptionKeys.from_canonical(record.document.payload_bytes)
    document = make_keys_document(keys, prev=keys.prev, seq=keys.seq, since=keys.issued_at)
    digest = digest_key_document(DocumentType.ENCRYPTION_KEYS, document.payload_bytes)
    return record.model_copy(update={"document": document, "digest": digest})


def make_keys_document(keys: EncryptionKeys, *, prev: str | None, seq: int, since: datetime) -> SignedDocument:
    """Return an encryption key that the broker can open, in a member's name, signed by a rotation key of nobody."""
    until = since + timedelta(days=MAX_ENCRYPTION_KEY_DAYS)
    jwk = OpeningKey(generate_seed()).jwk
    mine = EncryptionKey(use=EncryptionUse.ENCRYPTION, jwk=jwk, not_before=since, expires_at=until)
    changed = keys.model_copy(update={"seq": seq, "prev": prev, "issued_at": since, "keys": (mine,)})
    return sign_encryption_keys(changed, make_signer_of_nobody(KeyUse.ROTATION))


def make_signer_of_nobody(use: KeyUse) -> SeedSigner:
    """Return a signer whose keys stand in no key set."""
    return SeedSigner(tuple(SigningKey(algorithm, generate_seed()) for algorithm in USE_ALGORITHMS[use]))


def make_public_leaf(record: Record) -> RangeLeaf:
    """Return a public leaf that commits to a record."""
    salt = generate_salt()
    commitment = commit_record(record.to_wire(), b64u_decode(salt))
    return RangeLeaf(leaf_class="public", commitment=b64u_encode(commitment), record=record, salt=salt)


def _swap_leaf(leaf: RangeLeaf, reader: str) -> RangeLeaf:
    record = leaf.record
    if record is None or record.type is not RecordType.ENCRYPTION_KEYS or record.agency == reader:
        return leaf
    return leaf.model_copy(update={"record": swap_key(record)})


def _sign_as_roots(key_set: KeySet) -> SignedDocument:
    roots = [load_root(generate_seed(), generate_seed()) for _ in range(2)]
    return sign_document(key_set.canonical(), DocumentType.KEY_SET, sorted(roots, key=lambda root: root.kids[0]))
