"""Where content is kept: what is confidential in the compartment, erased with everything that led to it."""

import pytest

from agency_client.local_store.compartment import find_referred, is_for_officers, load_summary
from agency_client.local_store.content import CompartmentLockedError, erase_content, has_content, read_content
from agency_client.node import Node
from agency_client.safeguarding.compartment import Compartment
from agency_client.safeguarding.keeping import demand_place, keep_message
from schemas.log.records import Action
from tests.schemas.alerts.filled import parse_changed

PLACE = Compartment(b"p" * 32)
DIGEST, DATA = "d" * 43, b"M about a victim"


def keep(node: Node, kind: str) -> None:
    alert, now = parse_changed(kind, {}), node.clock.now()
    with node.store.write() as transaction:
        place = demand_place(alert, PLACE)
        keep_message(transaction, DIGEST, DATA, alert, place, at=now, until=None)


def read(node: Node, place: Compartment | None) -> bytes:
    note = node.note_access(Action.CONSULTATION, "read", "case 7")
    return read_content(node.store, DIGEST, note, compartment_key=None if place is None else place.content_key)


def test_what_is_confidential_is_read_with_the_compartments_key_alone(node: Node) -> None:
    keep(node, "victim-safeguarding")
    assert read(node, PLACE) == DATA
    with pytest.raises(CompartmentLockedError):
        read(node, None)
    with pytest.raises(ValueError, match="does not open"):
        read(node, Compartment(b"q" * 32))


def test_everything_else_is_read_without_it(node: Node) -> None:
    keep(node, "ping")
    assert read(node, None) == DATA
    with node.store.read() as snapshot:
        assert not is_for_officers(snapshot, DIGEST)


def test_nothing_confidential_is_kept_without_a_compartment() -> None:
    assert demand_place(parse_changed("ping", {}), None) is None
    with pytest.raises(CompartmentLockedError):
        demand_place(parse_changed("victim-safeguarding", {}), None)


def test_what_is_erased_leaves_no_key_and_no_summary(node: Node) -> None:
    keep(node, "victim-safeguarding")
    with node.store.write() as transaction:
        assert is_for_officers(transaction, DIGEST)
        assert erase_content(transaction, DIGEST, node.note_access(Action.ERASURE, "erase", "its time is over"))
        assert not has_content(transaction, DIGEST)
        assert load_summary(transaction, DIGEST) is None


def test_a_message_is_found_by_each_of_its_pseudonyms(node: Node) -> None:
    keep(node, "victim-safeguarding")
    with node.store.read() as snapshot:
        for pseudonym in ("V-7KQ2-M4XD-9TRB-H3CF", "V-0123-4567-89AB-CDE0"):
            assert find_referred(snapshot, PLACE.refer_to(pseudonym)) == [DIGEST]
        assert find_referred(snapshot, PLACE.refer_to("V-0000-0000-0000-0000")) == []
        assert find_referred(snapshot, Compartment(b"q" * 32).refer_to("V-7KQ2-M4XD-9TRB-H3CF")) == []
