"""Nodes with a safeguarding compartment, its officers, and messages about victims between two of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agency_client.node import Node
from agency_client.own_keys.publishing import publish_due
from agency_client.safeguarding.compartment import Compartment
from agency_client.safeguarding.officers import confirm_founding, found_compartment, open_compartment
from agency_client.sending.draft import Draft
from agency_client.witness.walker import walk_log
from keys.generation import generate_id
from schemas.agreements.terms import Terms
from schemas.markings import Purpose
from schemas.model import format_timestamp
from tests.schemas.alerts.filled import ABSENT, load_changed
from tests.support.lying_world import World
from tests.support.nodes import make_wide_clause
from tests.support.officers import acting_as

CARE, OTHER = "care-officer", "border-officer"
OFFICERS_PASSPHRASE = "a passphrase of the care officer alone"
KIND = "victim-safeguarding"
SECRETS = ("V-7KQ2-M4XD-9TRB-H3CF", "nail bar", "Calls to the family", "debt is still being claimed")
"""Words of the example that nobody outside the compartment may find anywhere."""


def make_compartment(node: Node) -> Compartment:
    """Let two officers found the compartment of a node and publish its key; return it opened, and leave it locked."""
    with acting_as(node, CARE):
        found_compartment(node, OFFICERS_PASSPHRASE, "a desk for victims")
    with acting_as(node, OTHER):
        confirm_founding(node, "seen the decree")
    publish_due(node).raise_problem()
    walk_log(node)
    with acting_as(node, CARE):
        return open_compartment(node, OFFICERS_PASSPHRASE, "tests")


@contextmanager
def caring(node: Node, compartment: Compartment) -> Iterator[None]:
    """Let the care officer sit at a node with the compartment unlocked."""
    before, node._find_compartment = node._find_compartment, lambda: compartment.secret
    try:
        with acting_as(node, CARE):
            yield
    finally:
        node._find_compartment = before


def agree_on_victims(world: World, first: str, second: str, name: object, **changes: Any) -> Terms:
    """Bring an agreement into force under which everything goes, victims for their protection included."""
    clauses = tuple(make_wide_clause(*way, **changes) for way in ((first, second), (second, first)))
    return world.agree(first, second, name, clauses=clauses)


def make_victim_alert(node: Node, **changes: Any) -> dict[str, Any]:
    """Return the example of now, in a thread of its own, with some fields changed by path."""
    now = format_timestamp(node.clock.now())
    dates = {"data_as_of": now, "review_date": ABSENT, "retain_until": ABSENT, "details.next_contact_by": ABSENT}
    paths = {path.replace("__", "."): value for path, value in changes.items()}
    return load_changed(KIND, {"thread": generate_id(), **dates, **paths})


def make_victim_draft(node: Node, terms: Terms, **changes: Any) -> Draft:
    """Return a draft of it to the other party of an agreement."""
    return Draft(
        alert=make_victim_alert(node, **changes),
        purpose=Purpose.VICTIM_PROTECTION,
        necessity="The desk there can look after the family.",
        reason="care case 7",
        recipients=(terms.counterpart_of(node.agency),),
        agreement=terms.id,
        quality={},
    )


def dump_store(node: Node) -> bytes:
    """Return every value of every row of a node's store, as whoever has its key reads them with SQL."""
    with node.store.read() as snapshot:
        tables = [row[0] for row in snapshot.fetch_all("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [row for table in tables for row in snapshot.fetch_all(f"SELECT * FROM {table}")]  # noqa: S608
    values = [value for row in rows for value in row]
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode(errors="replace") for value in values)
