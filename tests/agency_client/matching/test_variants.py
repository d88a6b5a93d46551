"""Forms of one given name are known as such; a name that is in no table has no forms."""

from agency_client.matching.variants import find_groups


def test_forms_of_one_name_share_a_group() -> None:
    assert find_groups(("mehmet",)) & find_groups(("muhammad",))
    assert find_groups(("yevgeny",)) & find_groups(("evgenii",))


def test_other_names_share_none() -> None:
    assert not find_groups(("mehmet",)) & find_groups(("ahmet",))
    assert find_groups(("eriksson",)) == frozenset()
    assert find_groups(()) == frozenset()
