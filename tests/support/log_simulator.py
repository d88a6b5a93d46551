"""A log in memory with real keys and a real tree, for a client to read; a test may make it lie.

It answers what `agency_client.connection.BrokerConnection` would be answered under `/log`, and stands in its place in a
node. `tamper` sees every answer before the client does.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from agency_client.clock import Clock
from agency_client.local_store.migrations import open_store
from agency_client.node import Node
from agency_client.profiles.joining import AcceptedSheet, initialise_node
from agency_client.profiles.profile import Profile, load_profile
from agency_client.profiles.session import OpenProfile, derive_store_key, open_profile
from keys.certificates import make_tls_ca
from keys.log_keys import LogSigner, sign_checkpoint
from schemas.api import (
    CHECKPOINT_PATH,
    CONSISTENCY_PATH,
    LEAVES_PATH,
    CheckpointAnswer,
    ConsistencyAnswer,
    LeavesAnswer,
    LoggedRecord,
    RangeLeaf,
)
from schemas.codec import b64u_encode
from schemas.jwk import AkpJwk, Algorithm, OkpJwk, make_jwk
from schemas.key_documents import ExchangeSheet, LogKeys, compute_exchange_anchor, digest_key_document
from schemas.log.checkpoint import Checkpoint
from schemas.log.leaf import LeafClass, commit_record, leaf_hash, make_leaf
from schemas.log.records import Record, RecordType
from schemas.log.tree import MerkleTree
from schemas.model import WireModel
from schemas.signed import DocumentType, SignedDocument
from tests.support.members import EXCHANGE, START, Member, derive_seed
from tests.support.nodes import PASSPHRASE, install_first_key_set
from tests.support.stretching import one_salt

Answer = TypeVar("Answer", bound=WireModel)
Tamper = Callable[[str, Any], Any]

RECORD_TYPES = {
    DocumentType.KEY_SET: RecordType.KEY_SET,
    DocumentType.ENCRYPTION_KEYS: RecordType.ENCRYPTION_KEYS,
    DocumentType.REVOCATION: RecordType.REVOCATION,
}


@dataclass
class FixedClock:
    """A clock that stands until a test moves it."""

    moment: datetime = START

    def now(self) -> datetime:
        """Return where it stands."""
        return self.moment


@dataclass
class LogSimulator:
    """A log, its keys and its leaves."""

    name: str = EXCHANGE
    tree: MerkleTree = field(default_factory=MerkleTree)
    leaves: list[tuple[LeafClass, LoggedRecord]] = field(default_factory=list)
    tamper: Tamper = lambda _, answer: answer
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Draw the log's keys."""
        self.signer = LogSigner(derive_seed(self.name, "log", "ed"), derive_seed(self.name, "log", "ml"))

    @property
    def sheet(self) -> ExchangeSheet:
        """Return the exchange's sheet."""
        ed25519 = make_jwk(Algorithm.ED25519, self.signer.public.ed25519)
        ml_dsa = make_jwk(Algorithm.ML_DSA_44, self.signer.public.ml_dsa_44)
        assert isinstance(ed25519, OkpJwk)
        assert isinstance(ml_dsa, AkpJwk)
        authority = make_tls_ca(derive_seed("ca"), serial=1, not_before=START, not_after=START.replace(year=2099))
        keys = LogKeys(ed25519=ed25519, ml_dsa=ml_dsa)
        origin = f"{self.name}/1"
        return ExchangeSheet(v=1, name=self.name, origin=origin, log_keys=keys, tls_ca=b64u_encode(authority))

    def append(self, record: Record, leaf_class: LeafClass | None = None) -> LoggedRecord:
        """Add a record under the class of its type, or another."""
        index = len(self.tree)
        logged = LoggedRecord(index=index, record=record, salt=b64u_encode(derive_seed("salt", index)))
        found: LeafClass = leaf_class or ("public" if record.is_public else "private")
        self.leaves.append((found, logged))
        self.tree.append(leaf_hash(make_leaf(found, self._commit(logged))))
        return logged

    def append_document(
        self, agency: str, document_type: DocumentType, document: SignedDocument, at: datetime = START, **changes: Any
    ) -> LoggedRecord:
        """Add the record of a key document."""
        digest = digest_key_document(document_type, document.payload_bytes)
        members: dict[str, Any] = {"agency": agency, "document": document, "digest": digest} | changes
        return self.append(Record(v=1, type=RECORD_TYPES[document_type], time=at, concerns=(), **members))

    def append_member(self, member: Member, at: datetime = START) -> None:
        """Add a member's key set and its encryption keys."""
        self.append_document(member.agency, DocumentType.KEY_SET, member.verified.document, at)
        self.append_document(member.agency, DocumentType.ENCRYPTION_KEYS, member.encryption.document, at)

    def append_private(self, count: int = 1, at: datetime = START) -> None:
        """Add records that only their own agencies may read."""
        for number in range(count):
            self.append(Record(v=1, type=RecordType.TOKENS_ISSUED, time=at, concerns=(), agency="ZZ", count=number))

    def note(self, size: int | None = None) -> str:
        """Return the signed checkpoint of a size, the newest by default."""
        size = len(self.tree) if size is None else size
        return sign_checkpoint(Checkpoint(f"{self.name}/1", size, self.tree.root(size)), self.signer).decode()

    def get(self, path: str, answer: type[Answer], query: Mapping[str, Any] | None = None) -> Answer:
        """Answer like the broker."""
        self.asked.append((path, dict(query or {})))
        made: WireModel
        if path == CHECKPOINT_PATH:
            made = CheckpointAnswer(checkpoint=self.note())
        elif path == CONSISTENCY_PATH:
            assert query is not None
            proof = self.tree.consistency_proof(query["from"], query["to"])
            hashes = tuple(b64u_encode(item) for item in proof)
            made = ConsistencyAnswer(old_size=query["from"], proof=hashes, checkpoint=self.note())
        else:
            assert path == LEAVES_PATH
            assert query is not None
            shown = tuple(self._show(index) for index in range(query["start"], query["end"]))
            made = LeavesAnswer(start=query["start"], leaves=shown, checkpoint=self.note())
        tampered = self.tamper(path, made)
        assert isinstance(tampered, answer)
        return tampered

    def close(self) -> None:
        """Do nothing: there is no connection."""

    def _show(self, index: int) -> RangeLeaf:
        leaf_class, logged = self.leaves[index]
        is_public = leaf_class == "public"
        return RangeLeaf(
            leaf_class=leaf_class,
            commitment=b64u_encode(self._commit(logged)),
            record=logged.record if is_public else None,
            salt=logged.salt if is_public else None,
        )

    def _commit(self, logged: LoggedRecord) -> bytes:
        return commit_record(logged.record.to_wire(), derive_seed("salt", logged.index))


@dataclass(frozen=True)
class ReaderTemplate:
    """A finished profile at rest, and its secret: a copy is open in a moment, without a passphrase to stretch."""

    profile: Profile
    secret: bytes
    officer: str


def make_template(folder: Path, agency: str = "GB") -> ReaderTemplate:
    """Return a profile with installed keys, of an agency that no log names yet."""
    clock, sheet = FixedClock(), LogSimulator().sheet
    home, officer = folder / "home", {"BILATERAL_OFFICER": "reader"}
    with one_salt():
        profile = initialise_node(
            home,
            agency.lower(),
            agency=agency,
            node="n1",
            broker_url="https://broker.example",
            accepted=AcceptedSheet(sheet, compute_exchange_anchor(sheet)),
            passphrase=PASSPHRASE,
            clock=clock,
            environment=officer,
        )
    secret = folder / "passphrase"
    secret.touch(0o600)
    secret.write_text(PASSPHRASE)
    opened = open_profile(load_profile(home, profile.name), environment=officer, passphrase_file=secret)
    with Node(opened, clock) as node:
        install_first_key_set(node)
    return ReaderTemplate(profile, opened.secret, opened.officer)


def make_reader(log: LogSimulator, template: ReaderTemplate, folder: Path, clock: Clock | None = None) -> Node:
    """Return a node of its own, copied from a template, that reads this log."""
    home = folder / "home"
    shutil.copytree(template.profile.folder.parent, home)
    profile = load_profile(home, template.profile.name)
    store = open_store(profile.store_path, derive_store_key(template.secret))
    node = Node(OpenProfile(profile, store, template.officer, template.secret), clock or FixedClock())
    node._connections[node.role] = log  # type: ignore[assignment]
    return node
