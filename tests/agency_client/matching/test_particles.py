"""What half a nation shares tells little; what nobody shares tells everything."""

from agency_client.matching.particles import ARTICLES, COMMON_WEIGHT, FULL_WEIGHT, PARTICLE_WEIGHT, weigh_word


def test_a_particle_counts_for_less_than_a_common_word_and_that_for_less_than_a_name() -> None:
    assert weigh_word("von") == weigh_word("ibn") == weigh_word("بن") == PARTICLE_WEIGHT
    assert weigh_word("thị") == weigh_word("pasha") == COMMON_WEIGHT
    assert weigh_word("eriksson") == FULL_WEIGHT
    assert PARTICLE_WEIGHT < COMMON_WEIGHT < FULL_WEIGHT


def test_articles_are_those_of_arabic() -> None:
    assert {"al", "ad", "ur"} <= ARTICLES
    assert "van" not in ARTICLES
