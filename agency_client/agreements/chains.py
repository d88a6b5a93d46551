"""The two chains of an agreement as the store holds them, and which version a person means by a few characters.

What counts: every step the log has, and beyond it the steps that narrow. A step that widens counts only once the log
has it; a step that narrows counts as soon as it is verified, whatever way it came.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from agency_client.epochs.places import compute_place
from agency_client.errors import NotFoundError, UsageError
from agency_client.local_store.agreements import StoredStep, list_agreements, load_chains
from agency_client.local_store.engine import Snapshot
from schemas.agreements.lifecycle import AgreementView, Chains, State, list_versions, view_agreement
from schemas.agreements.steps import NARROWING_ACTIONS, ChainedStep, Step, digest_step
from schemas.agreements.terms import MAX_TERMS_BYTES, Terms
from schemas.api import LoggedRecord
from schemas.signed import SignedDocument

MAX_STEP_BYTES = MAX_TERMS_BYTES + 16 * 1024
MAX_STEP_DOCUMENT_BYTES = 2 * MAX_STEP_BYTES
MIN_REFERENCE_CHARACTERS = 4
ENDED = frozenset({State.REVOKED, State.EXPIRED, State.SUPERSEDED, State.WITHDRAWN, State.REJECTED, State.LAPSED})


@dataclass(frozen=True, slots=True)
class Agreement:
    """One agreement id: every verified step by party, and those that count."""

    id: str
    stored: dict[str, list[StoredStep]]
    chains: Chains
    counting: Chains

    def list_views(self, now: datetime) -> list[AgreementView]:
        """Return every version as it stands, the newest number first."""
        views = [view_agreement(digest, self.counting, now) for digest in self.list_terms()]
        terms = self.list_terms()
        return sorted(views, key=lambda view: (-terms[view.digest].version, view.digest))

    def list_terms(self) -> dict[str, Terms]:
        """Return the terms of every version either chain proposes, by digest."""
        return list_versions(self.chains)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one agreement, with its terms and how it stands."""

    agreement: Agreement
    digest: str
    terms: Terms
    view: AgreementView


def load_agreement(snapshot: Snapshot, agreement: str) -> Agreement:
    """Return an agreement by its full id; both chains are empty where nothing of it is here."""
    stored = load_chains(snapshot, agreement)
    chains = {party: [read_step(item) for item in chain] for party, chain in stored.items()}
    counting = {
        party: [step for step, item in zip(chains[party], chain, strict=True) if is_counting(item)]
        for party, chain in stored.items()
    }
    return Agreement(agreement, stored, chains, counting)


def is_counting(stored: StoredStep) -> bool:
    """Return whether a verified step counts: the log has it, or it narrows."""
    return stored.leaf is not None or stored.action in NARROWING_ACTIONS


def find_place(stored: StoredStep) -> int | None:
    """Return the place over all epochs at which a log has a step, None where none has it."""
    if stored.leaf is None or stored.origin is None:
        return None
    return compute_place(stored.origin, LoggedRecord.from_canonical(stored.leaf).index)


def read_step(stored: StoredStep) -> ChainedStep:
    """Return the step a stored document holds; it was verified before it was recorded."""
    return _parse_stored(stored.document)


@lru_cache(maxsize=1024)
def _parse_stored(document: bytes) -> ChainedStep:
    # The same few steps are read for every list, every message and every status; none of them ever changes.
    return parse_step(SignedDocument.from_canonical(document, max_bytes=MAX_STEP_DOCUMENT_BYTES))


def parse_step(document: SignedDocument) -> ChainedStep:
    """Return what a signed step claims to be, with its digest. Nothing is verified.

    Raises:
        CodecError: it is of another form.
    """
    payload = document.payload_bytes
    return ChainedStep(Step.from_canonical(payload, max_bytes=MAX_STEP_BYTES), digest_step(payload))


def load_all(snapshot: Snapshot) -> list[Agreement]:
    """Return every agreement of which a step is here, in the order they came."""
    return [load_agreement(snapshot, agreement) for agreement in list_agreements(snapshot)]


def find_agreement(snapshot: Snapshot, reference: str) -> Agreement:
    """Return the one agreement whose id, or a version's digest, begins with `reference`.

    Raises:
        NotFoundError: none does.
        UsageError: several do, or the reference is too short.
    """
    agreements = [item for item in load_all(snapshot) if _is_meant(item, reference)]
    if not agreements:
        raise NotFoundError(f"no agreement begins with {reference!r}", fix="see: agency agreements")
    if len(agreements) > 1:
        found = ", ".join(item.id for item in agreements)
        raise UsageError(f"{reference!r} may mean {found}", fix="give more of the id")
    return agreements[0]


def choose_version(
    snapshot: Snapshot, reference: str, now: datetime, wanted: Callable[[AgreementView], bool]
) -> Version:
    """Return the one version a person means: named by its digest, or the only one of the agreement that is `wanted`.

    Where none is wanted the newest is returned: the lifecycle then says why the step does not fit it.

    Raises:
        NotFoundError, UsageError: no such agreement, or several versions fit; their digests are named.
    """
    agreement, fitting, newest = _list_fitting(snapshot, reference, now, wanted)
    if len(fitting) > 1:
        digests = ", ".join(view.digest for view in fitting)
        raise UsageError(f"several versions of {agreement.id} may be meant: {digests}", fix="give the digest")
    return _make_version(agreement, fitting[0] if fitting else newest)


def choose_newest(
    snapshot: Snapshot, reference: str, now: datetime, wanted: Callable[[AgreementView], bool]
) -> Version:
    """Return a version for what is said or shown of an agreement as a whole: named by its digest, else the newest.

    Where none is wanted it is the newest of all, as in `choose_version`.

    Raises:
        NotFoundError, UsageError: no such agreement, or several.
    """
    agreement, fitting, newest = _list_fitting(snapshot, reference, now, wanted)
    return _make_version(agreement, fitting[0] if fitting else newest)


def is_standing(view: AgreementView) -> bool:
    """Return whether a version binds both parties and has not ended."""
    return view.binding and view.state not in ENDED


def _list_fitting(
    snapshot: Snapshot, reference: str, now: datetime, wanted: Callable[[AgreementView], bool]
) -> tuple[Agreement, list[AgreementView], AgreementView]:
    agreement = find_agreement(snapshot, reference)
    views = agreement.list_views(now)
    # A digest can be searched for until it begins like an id that people type: the id goes before.
    named = [] if agreement.id.startswith(reference) else [view for view in views if view.digest.startswith(reference)]
    return agreement, named or [view for view in views if wanted(view)], views[0]


def _make_version(agreement: Agreement, view: AgreementView) -> Version:
    return Version(agreement, view.digest, agreement.list_terms()[view.digest], view)


def _is_meant(agreement: Agreement, reference: str) -> bool:
    if len(reference) < MIN_REFERENCE_CHARACTERS:
        raise UsageError(f"{reference!r} is too short", fix=f"give at least {MIN_REFERENCE_CHARACTERS} characters")
    return agreement.id.startswith(reference) or any(digest.startswith(reference) for digest in agreement.list_terms())
