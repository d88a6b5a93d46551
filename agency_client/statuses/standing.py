"""How each partner stands: the age of its newest status, gaps in its streams, whom to call. Read from the store only.

The rules are `agency_client.statuses.freshness` and `agency_client.statuses.gaps`; here is what they are asked about.
The exchange is not asked, so a list and a page show the same offline, and say when the exchange was asked last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from agency_client.agreements.chains import Agreement, load_all
from agency_client.agreements.desks import find_desks, load_whom_to_call
from agency_client.errors import NotFoundError
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbound_streams import (
    Gap,
    VoidedMessage,
    count_claimants,
    find_gaps,
    find_newest_issue,
    list_voided_messages,
)
from agency_client.local_store.settings import Setting, read_moment_setting
from agency_client.local_store.statuses import (
    StoredStatus,
    find_last_leaf_time,
    list_status_partners,
    load_newest_own_status,
    load_newest_partner_status,
)
from agency_client.node import Node
from agency_client.statuses.freshness import StatusAge, StatusFacts, StatusTimes, judge_age
from agency_client.statuses.gaps import GapAlarm, describe_gap, list_alarming
from agency_client.statuses.hidden import find_hidden_keys, find_hidden_steps, find_unnamed, load_newest_status
from schemas.agreements.lifecycle import AgreementView, State
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import DutyDesk

_ESTABLISHED = frozenset({State.IN_FORCE, State.SUSPENDED})


@dataclass(frozen=True, slots=True)
class PartnerStanding:
    """One partner in full.

    `status` is the newest of its own that is here, `ours` the newest this node signed for it. `shown_key_set` is the
    number of the key set that the log shows here, `announced_key_set` the one its status speaks of; `hidden` says what
    its status announces and the log has not shown. `alarms` are the gaps old enough to be one, `gaps` all.
    `agreements` are the versions that are in force or suspended. `asked_at` is when the exchange last showed its
    statuses, `emptied_at` when this node's inbox was last empty.
    """

    agency: str
    age: StatusAge
    status: StoredStatus | None
    ours: StoredStatus | None
    shown_key_set: int | None
    announced_key_set: int | None
    hidden: tuple[str, ...]
    gaps: tuple[Gap, ...]
    alarms: tuple[GapAlarm, ...]
    voided: tuple[VoidedMessage, ...]
    agreements: tuple[AgreementView, ...]
    desks: tuple[DutyDesk, ...]
    asked_at: datetime | None
    emptied_at: datetime | None

    @property
    def young_gaps(self) -> list[Gap]:
        """Return the gaps that are no alarm yet."""
        return [gap for gap in self.gaps if all(alarm.gap != gap for alarm in self.alarms)]


def load_age(node: Node, snapshot: Snapshot, agency: str, agreements: Sequence[Agreement] | None = None) -> StatusAge:
    """Return how a partner stands by its newest status; `agreements` are all there are, if they were read already."""
    newest = load_newest_partner_status(snapshot, agency)
    agreed_since = None
    if newest is None:
        known = load_all(snapshot) if agreements is None else agreements
        agreed_since = _find_agreed_since(known, agency, node.clock.now())
    facts = StatusFacts(
        agency,
        None if newest is None else StatusTimes(newest.seq, newest.signed_at, newest.logged_at, newest.recorded_at),
        agreed_since=agreed_since,
        asked_at=read_moment_setting(snapshot, Setting.STATUSES_ASKED),
        heard_at=find_newest_issue(snapshot, agency),
        last_moment=find_last_leaf_time(snapshot),
    )
    return judge_age(facts, node.clock.now())


def list_ages(node: Node, agencies: Iterable[str]) -> dict[str, StatusAge]:
    """Return how these partners stand by their newest status."""
    with node.store.read() as snapshot:
        return {agency: load_age(node, snapshot, agency) for agency in sorted(set(agencies) - {node.agency})}


def load_whom_of_marked(node: Node, ages: Iterable[StatusAge]) -> dict[str, str]:
    """Return whom to call about each of these partners whose status is old."""
    marked = [age.agency for age in ages if age.is_marked]
    return load_whom_to_call(node, marked) if marked else {}


def has_marked_partner(node: Node) -> bool:
    """Tell whether the newest status of some partner is old."""
    with node.store.read() as snapshot:
        agreements = load_all(snapshot)
        partners = _list_partners(agreements, node.agency)
        return any(load_age(node, snapshot, agency, agreements).is_marked for agency in partners)


def list_standings(node: Node) -> list[PartnerStanding]:
    """Return how every other party of an agreement stands, by id."""
    with node.store.read() as snapshot:
        agreements = load_all(snapshot)
        partners = _list_partners(agreements, node.agency)
        return [_load_standing(node, snapshot, agency, agreements) for agency in partners]


def view_partner(node: Node, agency: str) -> PartnerStanding:
    """Return how one partner stands.

    Raises:
        NotFoundError: there is no agreement with such an agency, and it signed no status.
    """
    with node.store.read() as snapshot:
        agreements = load_all(snapshot)
        if agency not in {*_list_partners(agreements, node.agency), *list_status_partners(snapshot)}:
            raise NotFoundError(f"{agency} is no partner of {node.agency}", fix="see: agency partners")
        return _load_standing(node, snapshot, agency, agreements)


def _load_standing(node: Node, snapshot: Snapshot, agency: str, agreements: Sequence[Agreement]) -> PartnerStanding:
    emptied_at = read_moment_setting(snapshot, Setting.INBOX_EMPTIED)
    gaps, views = find_gaps(snapshot, agency), _list_established(agreements, agency, node.clock.now())
    status, timeline = load_newest_status(snapshot, agency), node.directory.read_timeline(snapshot, agency)
    hidden = [] if timeline is None else find_hidden_keys(snapshot, timeline)
    steps = [] if status is None else find_hidden_steps(snapshot, status)
    return PartnerStanding(
        agency=agency,
        age=load_age(node, snapshot, agency, agreements),
        status=load_newest_partner_status(snapshot, agency),
        ours=load_newest_own_status(snapshot, agency),
        shown_key_set=None if timeline is None else timeline.newest_key_set.key_set.seq,
        announced_key_set=None if status is None else status.keyset,
        hidden=tuple(sentence for _, sentence in (*hidden, *steps, *([] if status is None else find_unnamed(status)))),
        gaps=tuple(gaps),
        alarms=tuple(
            describe_gap(gap, node.clock.now(), claimants=count_claimants(snapshot, gap), is_held=_is_held(views))
            for gap in list_alarming(gaps, emptied_at)
        ),
        voided=tuple(list_voided_messages(snapshot, agency)),
        agreements=tuple(views),
        desks=find_desks(agreements, agency, node.clock.now()),
        asked_at=read_moment_setting(snapshot, Setting.STATUSES_ASKED),
        emptied_at=emptied_at,
    )


def _list_partners(agreements: Iterable[Agreement], agency: str) -> list[str]:
    terms = [terms for item in agreements for terms in item.list_terms().values()]
    return sorted({party for one in terms if agency in one.agencies for party in one.agencies} - {agency})


def _list_established(agreements: Iterable[Agreement], agency: str, now: datetime) -> list[AgreementView]:
    views = (view for agreement in agreements for view in agreement.list_views(now))
    return [view for view in views if view.state in _ESTABLISHED and view.terms and agency in view.terms.agencies]


def _is_held(views: Iterable[AgreementView]) -> bool:
    return any(view.state is State.SUSPENDED for view in views)


def _find_agreed_since(agreements: Iterable[Agreement], agency: str, now: datetime) -> datetime | None:
    """Return since when an agreement that is in force with a partner has bound both, by its oldest version."""
    starts = []
    for agreement in agreements:
        if not _list_established([agreement], agency, now):
            continue
        binding = {view.digest: view.terms for view in agreement.list_views(now) if view.binding}
        steps = (item.step for chain in agreement.counting.values() for item in chain)
        confirmed = [step for step in steps if step.action is StepAction.CONFIRM]
        starts += [
            max(step.time, terms.in_force_from) for step in confirmed if (terms := binding.get(step.digest)) is not None
        ]
    return min(starts, default=None)
