"""The directory: each member's key documents with their leaves, rebuilt from the store, and who of them is trusted.

What the store holds was verified when the log was walked; it is verified once more here, so that a changed store adds
no key. Knowing a member is not trusting it: trust is the anchor that somebody typed in from paper, and nothing else.
"""

from agency_client.directory.documents import KEY_RECORDS, rebuild_timeline
from agency_client.epochs.places import Openings, move_to_place, number_epoch
from agency_client.errors import DeniedError, NotFoundError, VerificationFailedError
from agency_client.local_store.engine import Snapshot, Store
from agency_client.local_store.trust import (
    KeyDocument,
    list_exchanges,
    list_known_agencies,
    load_key_chain,
    load_pin,
)
from keys.errors import KeysError, KeySetError
from keys.key_sets import verify_anchor
from keys.timeline import MemberTimeline
from schemas.api import LoggedRecord
from schemas.codec import CodecError


class NotPinnedError(DeniedError):
    """Nobody has typed in this agency's anchor yet: its keys are known and not trusted."""

    default_code = "not-pinned"


class AnchorMismatchError(VerificationFailedError):
    """The log shows other roots for this agency than the ones that were pinned in person."""

    default_code = "anchor-mismatch"


class DirectoryDamagedError(VerificationFailedError):
    """What the store holds about a member does not verify any more."""

    default_code = "directory-damaged"


class Directory:
    """Answers from the store, and remembers what it verified for as long as the store has not changed there."""

    def __init__(self, store: Store, exchange: str) -> None:
        self._store = store
        self._exchange = exchange
        self._known: dict[str, tuple[tuple[str, ...], MemberTimeline]] = {}

    def list_agencies(self) -> list[str]:
        """Return every member the log names with a key set, by id."""
        with self._store.read() as snapshot:
            return [agency for agency in list_known_agencies(snapshot) if self.read_timeline(snapshot, agency)]

    def find_timeline(self, agency: str) -> MemberTimeline | None:
        """Return what the log says of a member, trusted or not; None where it says nothing."""
        with self._store.read() as snapshot:
            return self.read_timeline(snapshot, agency)

    def read_timeline(self, snapshot: Snapshot, agency: str) -> MemberTimeline | None:
        """Return the same as `find_timeline`, inside a transaction that is open already.

        Raises:
            DirectoryDamagedError: the store was changed by something else.
        """
        logged = _load_logged(snapshot, agency)
        if not logged:
            return None
        digests = tuple(document.digest for document in logged)
        remembered = self._known.get(agency)
        if remembered is None or remembered[0] != digests:
            self._known[agency] = (digests, self._rebuild(agency, logged, load_openings(snapshot)))
        return self._known[agency][1]

    def load_timeline(self, agency: str) -> MemberTimeline:
        """Return what the log says of a member, trusted or not.

        Raises:
            NotFoundError: it says nothing of such a member.
        """
        timeline = self.find_timeline(agency)
        if timeline is None:
            raise _unknown(agency)
        return timeline

    def trusted_timeline(self, agency: str) -> MemberTimeline:
        """Return the timeline of a member whose roots are the ones pinned in person. The only one to act on.

        Raises:
            NotPinnedError: nobody pinned it.
            NotFoundError: the log names no such member.
            AnchorMismatchError: the log shows other roots.
        """
        with self._store.read() as snapshot:
            return self.read_trusted_timeline(snapshot, agency)

    def read_trusted_timeline(self, snapshot: Snapshot, agency: str) -> MemberTimeline:
        """Return the same as `trusted_timeline`, inside a transaction that is open already."""
        pin = load_pin(snapshot, agency)
        if pin is None:
            raise NotPinnedError(
                f"the anchor of {agency} is not pinned", fix=f"compare the paper, then run: agency trust pin {agency}"
            )
        timeline = self.read_timeline(snapshot, agency)
        if timeline is None:
            raise _unknown(agency)
        try:
            verify_anchor(timeline.key_sets[0][1], pin.anchor)
        except KeySetError as error:
            raise AnchorMismatchError(
                f"the log shows other roots for {agency} than the ones pinned on {pin.pinned_at:%Y-%m-%d}",
                fix="call the partner's duty desk and compare the anchors; trust nothing in its name until then",
            ) from error
        return timeline

    def is_trusted(self, agency: str) -> bool:
        """Return whether the member is pinned, known, and has the roots that were pinned."""
        try:
            self.trusted_timeline(agency)
        except (DeniedError, NotFoundError, VerificationFailedError):
            return False
        return True

    def _rebuild(self, agency: str, documents: list[KeyDocument], openings: Openings) -> MemberTimeline:
        try:
            timeline = rebuild_timeline(map(read_placed, documents), exchange=self._exchange, openings=openings)
        except (KeysError, CodecError) as error:
            raise DirectoryDamagedError(
                f"the keys of {agency} in the store do not verify: {error}", fix="restore the last backup"
            ) from error
        assert timeline is not None  # noqa: S101 - documents was not empty
        return timeline


def read_placed(document: KeyDocument) -> LoggedRecord:
    """Return the leaf of a document that a log has, at its place over all epochs."""
    if document.leaf is None or document.origin is None:
        raise DirectoryDamagedError(f"a key document of {document.agency} names no log", fix="restore the last backup")
    return move_to_place(LoggedRecord.from_canonical(document.leaf), document.origin)


def load_openings(snapshot: Snapshot) -> Openings:
    """Return when each log that goes on from an earlier one was opened."""
    logs = list_exchanges(snapshot)
    return {number_epoch(log.origin): log.opened_at for log in logs if log.opened_at is not None}


def _load_logged(snapshot: Snapshot, agency: str) -> list[KeyDocument]:
    chains = (load_key_chain(snapshot, agency, document_type) for document_type in KEY_RECORDS.values())
    return [document for chain in chains for document in chain if document.leaf is not None]


def _unknown(agency: str) -> NotFoundError:
    return NotFoundError(
        f"the log names no member {agency}", fix="check the id; if it was enrolled just now, run: agency sync"
    )
