"""Trust as people make it: anchors typed in from paper, on record, compared with what the log shows."""

from collections.abc import Iterable
from dataclasses import dataclass

from agency_client.directory.directory import AnchorMismatchError
from agency_client.errors import UsageError
from agency_client.local_store.access_log import append_entry
from agency_client.local_store.contradictions import Contradiction, list_contradictions
from agency_client.local_store.suspicions import Suspicion, list_suspicions
from agency_client.local_store.trust import AgencyPin, list_pins, load_exchange, load_pin, pin_agency
from agency_client.node import Node
from agency_client.own_keys.ceremony import read_anchor_page
from agency_client.profiles.joining import read_anchor
from keys.timeline import MemberTimeline
from schemas.key_documents import compute_trust_anchor
from schemas.log.records import Action


@dataclass(frozen=True, slots=True)
class MemberTrust:
    """How an agency stands: its pin, and what the log says of it. `standing` is a code of `describe_member`."""

    agency: str
    standing: str
    pin: AgencyPin | None
    timeline: MemberTimeline | None

    @property
    def anchor_in_log(self) -> str | None:
        """Return the anchor of the roots the log shows, a claim until it is pinned."""
        return None if self.timeline is None else _compute_anchor(self.timeline)

    @property
    def changed_anchor(self) -> str | None:
        """Return the anchor of the roots of now, where these are others than the pinned ones they followed; to compare.

        The pin stays that of the first roots: each later key set was signed by those before it.
        """
        if self.timeline is None:
            return None
        first, newest = (known.key_set.roots for known in (self.timeline.key_sets[0][1], self.timeline.newest_key_set))
        return None if newest == first else compute_trust_anchor(self.agency, newest)


def pin_partner(node: Node, agency: str, anchor: str, *, replacing: bool = False) -> MemberTrust:
    """Pin an agency's anchor in this officer's name, on record, and return how the agency stands now.

    Raises:
        UsageError: it is our own agency's.
        AnchorMismatchError: the log shows other roots; nothing is pinned, the attempt is on record.
        ConflictError: another anchor is pinned and `replacing` was not said.
    """
    if agency == node.agency:
        raise UsageError(f"{agency} is this agency itself; its own anchor is pinned when its keys are installed")
    now = node.clock.now()
    shown = describe_member(node, agency).anchor_in_log
    is_contradicted = shown is not None and shown != anchor
    with node.store.write() as transaction:
        if not is_contradicted:
            pin_agency(transaction, agency, anchor, by=node.officer, at=now, replacing=replacing)
        note = node.note_access(
            Action.KEYS,
            "trust-pin",
            f"anchor {anchor}{', replacing another' if replacing else ''}",
            partner=agency,
            outcome="denied" if is_contradicted else "done",
        )
        append_entry(transaction, note)
    if is_contradicted:
        raise AnchorMismatchError(
            f"the log shows other roots for {agency} than this anchor; nothing was pinned",
            fix="compare the paper with the partner in person; if it is right, somebody enrolled a false " + agency,
        )
    return describe_member(node, agency)


def read_partner_anchor(unverified_text: str, agency: str) -> str:
    """Return the anchor of a partner that was typed in, or that stands on the page its ceremony printed.

    Raises:
        UsageError: it is none, or the page is another agency's.
    """
    page = read_anchor_page(unverified_text)
    if page is None:
        return read_anchor(unverified_text)
    if page[0] != agency:
        raise UsageError(f"this is the page of {page[0][:40]}, not of {agency}", fix="name the page of " + agency)
    return page[1]


def describe_member(node: Node, agency: str) -> MemberTrust:
    """Return how one agency stands.

    `trusted`: pinned, and the log agrees. `unpinned`: in the log only. `unseen`: pinned, not in the log yet.
    `mismatch`: the log shows other roots. `unknown`: neither.
    """
    with node.store.read() as snapshot:
        pin, timeline = load_pin(snapshot, agency), node.directory.read_timeline(snapshot, agency)
    return MemberTrust(agency, _name_standing(pin, timeline), pin, timeline)


def list_members(node: Node) -> list[MemberTrust]:
    """Return how every agency stands that is pinned or in the log, by id."""
    with node.store.read() as snapshot:
        pinned = [pin.agency for pin in list_pins(snapshot) if pin.retired_at is None]
    return [describe_member(node, agency) for agency in _merge(pinned, node.directory.list_agencies())]


def get_exchange_anchor(node: Node) -> str:
    """Return the anchor of the exchange that was accepted by hand."""
    with node.store.read() as snapshot:
        accepted = load_exchange(snapshot)
    assert accepted is not None  # noqa: S101 - a node is not opened without one
    return accepted.anchor


def list_alarms(node: Node) -> tuple[list[Contradiction], list[Suspicion]]:
    """Return the proofs that somebody said two things, and the public records that were not believed."""
    with node.store.read() as snapshot:
        return list_contradictions(snapshot), list_suspicions(snapshot)


def _name_standing(pin: AgencyPin | None, timeline: MemberTimeline | None) -> str:
    if pin is None:
        return "unknown" if timeline is None else "unpinned"
    if timeline is None:
        return "unseen"
    return "trusted" if _compute_anchor(timeline) == pin.anchor else "mismatch"


def _compute_anchor(timeline: MemberTimeline) -> str:
    return compute_trust_anchor(timeline.agency, timeline.key_sets[0][1].key_set.roots)


def _merge(*names: Iterable[str]) -> list[str]:
    return sorted({name for group in names for name in group})
