"""Key sets of this agency: the request its roots sign, installing what they signed, and the file that enrols it.

Private keys are drawn before anything names them. A node believes a key set only when it verifies as the next of its
agency's chain and every key in it lies here.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from agency_client.errors import UsageError, VerificationFailedError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.dispatch import DispatchKind
from agency_client.local_store.engine import Snapshot, Transaction
from agency_client.local_store.trust import load_key_chain, pin_agency
from agency_client.node import Node, NotInstalledError
from agency_client.own_keys.ceremony import RootsSheet
from agency_client.own_keys.documents import OwnKeySet, load_own_key_sets
from agency_client.own_keys.publishing import record_own_document
from agency_client.profiles.tls_identity import draw_next_authority, issue_authority
from keys.errors import KeysError
from keys.key_sets import VerifiedKeySet, make_operational_key, verify_key_set
from keys.signing import SeedSigner
from schemas.codec import CodecError, b64u_encode
from schemas.enrolment import EnrolmentFile
from schemas.key_documents import AgencyClass, KeySet, Roots, compute_trust_anchor
from schemas.log.records import Action
from schemas.signed import DocumentType, KeyUse, SignedDocument

KEY_SET_DAYS = 365


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an agency says it is in its key sets. Class and state never change, the name may."""

    name: str
    agency_class: AgencyClass = AgencyClass.AGENCY
    state: str | None = None


def prepare_key_set(
    node: Node,
    *,
    identity: Identity | None = None,
    roots: RootsSheet | None = None,
    days: int = KEY_SET_DAYS,
    new_tls_keys: bool = False,
) -> KeySet:
    """Return the next key set of this agency for its roots to sign, with fresh keys of each use.

    The first needs an identity and the roots; a later one repeats what is not given. Asked again before the answer was
    installed, it names the same keys. The TLS CA keeps its key, so that certificates stay good, unless `new_tls_keys`.

    Raises:
        UsageError: something is missing, or of another agency.
    """
    now = node.clock.now()
    with node.store.read() as snapshot:
        installed = load_own_key_sets(snapshot, node.agency)
    previous = installed[-1] if installed else None
    # A clock that was set back since the key set before does not put this one before it.
    issued_at = max(now, previous.key_set.issued_at) if previous else now
    known = _merge_identity(previous, identity)
    chosen = _choose_roots(node, previous, roots)
    signers = _draw_missing(node, installed, now)
    authority = draw_next_authority(node.keys, now) if new_tls_keys else ""
    try:
        return KeySet(
            v=1,
            exchange=node.exchange,
            agency=node.agency,
            agency_class=known.agency_class,
            name=known.name,
            state=known.state,
            seq=previous.key_set.seq + 1 if previous else 1,
            prev=previous.digest if previous else None,
            issued_at=issued_at,
            expires_at=issued_at + timedelta(days=days),
            roots=chosen,
            keys=tuple(make_operational_key(node.exchange, node.agency, use, key) for use, key in signers.items()),
            tls_ca=b64u_encode(issue_authority(node.keys, now, authority)),
        )
    except ValueError as error:
        raise UsageError(f"the key set cannot be made: {error}", fix="check --name and --state") from error


def install_key_set(node: Node, document: SignedDocument) -> OwnKeySet:
    """Verify a key set that the roots signed, make it this node's, and return it. The same one again changes nothing.

    A first one goes to the exchange's operator by hand (`export_enrolment`); a later one is queued for the exchange.

    Raises:
        VerificationFailedError: it does not verify, is another agency's, or names keys that are not here.
    """
    now = node.clock.now()
    with node.store.write() as transaction:
        chain = load_verified_key_sets(node, transaction)
        known = [item.digest for item in chain if item.document.payload == document.payload]
        if not known:
            verified = _verify_installable(node, document, chain[-1] if chain else None, now)
            _record_key_set(node, transaction, verified, now)
            known = [verified.digest]
        installed = load_own_key_sets(transaction, node.agency)
    return next(item for item in installed if item.digest in known)


def export_enrolment(node: Node) -> EnrolmentFile:
    """Return the file that the exchange's operator enters with `broker enrol`.

    Raises:
        NotInstalledError: no key set is installed.
    """
    return EnrolmentFile(v=1, key_sets=tuple(item.document for item in _load_installed(node)))


def get_own_anchor(node: Node) -> str:
    """Return the trust anchor of this agency, which partners pin.

    Raises:
        NotInstalledError: no key set is installed.
    """
    return compute_trust_anchor(node.agency, _load_installed(node)[0].key_set.roots)


def load_verified_key_sets(node: Node, snapshot: Snapshot) -> list[VerifiedKeySet]:
    """Return this agency's installed key sets with every check made again, oldest first."""
    chain: list[VerifiedKeySet] = []
    for stored in load_key_chain(snapshot, node.agency, DocumentType.KEY_SET):
        document = SignedDocument.from_canonical(stored.document)
        previous = chain[-1] if chain else None
        chain.append(verify_key_set(document, previous, exchange=node.exchange, now=stored.verified_at))
    return chain


def _load_installed(node: Node) -> list[OwnKeySet]:
    with node.store.read() as snapshot:
        installed = load_own_key_sets(snapshot, node.agency)
    if not installed:
        raise NotInstalledError("no key set is installed on this node", fix="run: agency keys install FILE")
    return installed


def _draw_missing(node: Node, installed: list[OwnKeySet], now: datetime) -> dict[KeyUse, SeedSigner]:
    """Return a signer of each use that no installed set names: one drawn for an earlier request, or a new one."""
    named = {kids[0] for own in installed for kids in (key.kids for key in own.key_set.keys)}
    waiting = {
        key.use: key.kid for key in node.keys.list_keys() if isinstance(key.use, KeyUse) and key.kid not in named
    }
    return {
        use: node.keys.load_signer(use, waiting[use]) if use in waiting else node.keys.make_signing_key(use, now)
        for use in KeyUse
    }


def _merge_identity(previous: OwnKeySet | None, identity: Identity | None) -> Identity:
    if previous is not None:
        before = previous.key_set
        return Identity(identity.name if identity else before.name, before.agency_class, before.state)
    if identity is None:
        raise UsageError("a first key set needs the agency's name", fix="add --name, and --state for an agency")
    return identity


def _choose_roots(node: Node, previous: OwnKeySet | None, sheet: RootsSheet | None) -> Roots:
    if sheet is not None and sheet.agency != node.agency:
        raise UsageError(f"the roots are of {sheet.agency}, this node is of {node.agency}")
    if sheet is not None:
        return sheet.roots
    if previous is None:
        raise UsageError("a first key set needs the roots", fix="add --roots AGENCY-roots.json from the ceremony")
    return previous.key_set.roots


def _verify_installable(
    node: Node, document: SignedDocument, previous: VerifiedKeySet | None, now: datetime
) -> VerifiedKeySet:
    try:
        verified = verify_key_set(document, previous, exchange=node.exchange, now=now)
    except (KeysError, CodecError) as error:
        raise VerificationFailedError(f"the key set is refused: {error}", code="key-set-refused") from error
    if verified.agency != node.agency:
        raise VerificationFailedError(f"the key set is of {verified.agency}, this node is of {node.agency}")
    here = {key.kid for key in node.keys.list_keys()}
    missing = [key.use.value for key in verified.key_set.keys if key.kids[0] not in here]
    if missing:
        raise VerificationFailedError(
            f"the key set names keys that are not on this node: {', '.join(missing)}",
            fix="let the roots sign the request this node made: agency keys request",
            code="keys-not-here",
        )
    return verified


def _record_key_set(node: Node, transaction: Transaction, verified: VerifiedKeySet, now: datetime) -> None:
    seq = verified.key_set.seq
    if seq == 1:
        anchor = compute_trust_anchor(node.agency, verified.key_set.roots)
        pin_agency(transaction, node.agency, anchor, by=node.officer, at=now)
    record_own_document(
        node,
        transaction,
        DispatchKind.KEY_SET,
        verified.document,
        verified.digest,
        seq,
        at=now,
        is_queued=seq > 1,
    )
    append_entry(transaction, node.note_access(Action.KEYS, "keys-install", f"key set {seq}"))
