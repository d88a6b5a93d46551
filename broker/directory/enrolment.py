"""Entering a member: its key sets become public leaves, and the operator's hand one more."""

from collections.abc import Sequence
from dataclasses import dataclass

from broker.directory.members import Members
from broker.directory.rules import verify_enrolment
from broker.storage.transaction import PendingLeaf, Transaction
from keys.key_sets import VerifiedKeySet, read_key_set
from schemas.key_documents import AgencyClass, compute_trust_anchor
from schemas.log.records import RecordType
from schemas.signed import SignedDocument


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an enrolment did: whose, which class, the trust anchor of its first key set, and how many sets were new."""

    agency: str
    agency_class: AgencyClass
    name: str
    anchor: str
    is_new_member: bool
    new_key_sets: int


def enrol(
    transaction: Transaction, members: Members, documents: Sequence[SignedDocument], exchange: str
) -> tuple[Enrolment, Members, PendingLeaf | None]:
    """Verify an enrolment and append its leaves; without any when all its key sets are known.

    Returns what was done, the members after it, and the last leaf of a key set.

    Raises:
        DirectoryError, KeysError, CodecError: naming what failed.
    """
    new = verify_enrolment(members, documents, exchange, transaction.now)
    agency = read_key_set(documents[0]).agency
    is_new_member = members.get(agency) is None
    leaf: PendingLeaf | None = None
    if new and is_new_member:
        transaction.append(RecordType.MEMBER_ENROLLED, concerns=[agency], agency=agency, digest=new[0].digest)
    for key_set in new:
        leaf = _append_key_set(transaction, key_set)
        members = members.add(leaf.index, key_set)
    if new:
        transaction.append(
            RecordType.OPERATOR_ACTION, concerns=[agency], agency=agency, detail=_describe(agency, new, is_new_member)
        )
    first = members.find(agency).key_sets[0][1].key_set
    enrolment = Enrolment(
        agency=agency,
        agency_class=first.agency_class,
        name=members.find(agency).newest_key_set.key_set.name,
        anchor=compute_trust_anchor(agency, first.roots),
        is_new_member=is_new_member,
        new_key_sets=len(new),
    )
    return enrolment, members, leaf


def _append_key_set(transaction: Transaction, key_set: VerifiedKeySet) -> PendingLeaf:
    return transaction.append(
        RecordType.KEY_SET,
        concerns=[key_set.agency],
        agency=key_set.agency,
        document=key_set.document,
        digest=key_set.digest,
    )


def _describe(agency: str, new: Sequence[VerifiedKeySet], is_new_member: bool) -> str:
    numbers = ", ".join(str(key_set.key_set.seq) for key_set in new)
    return f"{'enrolled' if is_new_member else 'entered key sets of'} {agency}: key set {numbers}"
