"""Markings have an order, from the widest to the narrowest."""

from schemas.markings import Pap, Tlp, Urgency


def test_markings_are_ranked_from_the_widest_audience_to_the_narrowest() -> None:
    ranked = [Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED]

    assert sorted(Tlp, key=lambda marking: marking.rank) == ranked
    assert [marking.rank for marking in ranked] == [0, 1, 2, 3, 4]


def test_urgencies_are_ranked_from_routine_to_a_threat_to_life() -> None:
    assert [urgency.rank for urgency in (Urgency.ROUTINE, Urgency.URGENT, Urgency.THREAT_TO_LIFE)] == [0, 1, 2]


def test_permitted_actions_are_ranked_from_clear_to_red() -> None:
    assert [pap.rank for pap in (Pap.CLEAR, Pap.GREEN, Pap.AMBER, Pap.RED)] == [0, 1, 2, 3]


def test_labels_are_those_of_the_protocols() -> None:
    assert Tlp.AMBER_STRICT.label == "TLP:AMBER+STRICT"
    assert Pap.RED.label == "PAP:RED"
