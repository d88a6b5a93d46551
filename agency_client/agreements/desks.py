"""Whom to call at a partner when the wire does not reach it: its duty desks, as the newest terms name them.

What counts first is what both signed and what stands; of each agreement its newest version. Where nothing stands any
more, the numbers of the last terms that bound both are better than none; where nothing ever bound both, those of a
proposal.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from agency_client.agreements.chains import Agreement, load_all
from agency_client.node import Node
from schemas.agreements.lifecycle import AgreementView, State
from schemas.agreements.terms import DutyDesk

_STANDING = frozenset({State.IN_FORCE, State.SUSPENDED, State.CONFIRMED})


def find_desks(agreements: Iterable[Agreement], agency: str, now: datetime) -> tuple[DutyDesk, ...]:
    """Return a partner's duty desks, each once, from the newest version of each agreement that counts most."""
    newest: list[AgreementView] = []
    for agreement in agreements:
        about = [view for view in agreement.list_views(now) if view.terms and agency in view.terms.agencies]
        if about:
            newest.append(min(about, key=lambda view: (_rank(view), -_number(view))))
    best = min(map(_rank, newest), default=0)
    chosen = [view.terms for view in newest if view.terms and _rank(view) == best]
    desks = [desk for terms in chosen for desk in terms.duty_desks if desk.agency == agency]
    return tuple({(desk.name, desk.phone): desk for desk in desks}.values())


def spell_desks(desks: Sequence[DutyDesk]) -> str:
    """Return duty desks as words: name and number."""
    return " or ".join(f"{desk.name}, {desk.phone}" for desk in desks)


def say_whom_to_call(agency: str, desks: Sequence[DutyDesk]) -> str:
    """Return whom to call about a partner, as the end of a sentence."""
    return f"call {agency}: {spell_desks(desks)}" if desks else f"call {agency}'s duty desk"


def spell_whom_to_call(agreements: Sequence[Agreement], agencies: Iterable[str], now: datetime) -> dict[str, str]:
    """Return whom to call about each of several agencies, in the order of their ids."""
    return {agency: say_whom_to_call(agency, find_desks(agreements, agency, now)) for agency in sorted(set(agencies))}


def load_whom_to_call(node: Node, agencies: Iterable[str]) -> dict[str, str]:
    """Return whom to call about each of these partners."""
    with node.store.read() as snapshot:
        return spell_whom_to_call(load_all(snapshot), set(agencies) - {node.agency}, node.clock.now())


def _rank(view: AgreementView) -> int:
    if view.state in _STANDING:
        return 0
    return 1 if view.binding else 2


def _number(view: AgreementView) -> int:
    return view.terms.version if view.terms else 0
