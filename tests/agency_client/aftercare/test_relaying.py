"""Notices go on to whoever got a copy, once for each copy, over every hop; what became of them comes back."""

import pytest

from agency_client.local_store.aftercare import list_onward_effects
from schemas.alerts import notice_kinds
from tests.support.aftercare import EFFECTS, Row, find_content


@pytest.mark.parametrize("kind", notice_kinds())
def test_a_notice_follows_a_copy_over_two_hops_and_its_author_learns_of_it(row: Row, kind: str) -> None:
    original = row.send()
    at_be = row.pass_on("VN", original, "BE")
    at_al = row.pass_on("BE", at_be, "AL")
    notice = row.say(kind, original)
    for _ in range(4):
        row.sync()
    for agency, copy in (("VN", original), ("BE", at_be), ("AL", at_al)):
        (found,) = row.notices(agency, copy)
        assert (found.author, found.origin, found.effect) == ("GB", notice.digest, EFFECTS[kind]), agency
    with row.read_store("GB") as snapshot:
        told = {(item.agency, item.path): item.effect for item in list_onward_effects(snapshot, notice.digest)}
    assert told == {("BE", ()): EFFECTS[kind], ("AL", ("BE",)): EFFECTS[kind]}


def test_a_second_look_passes_nothing_on_twice(row: Row) -> None:
    original = row.send()
    row.pass_on("VN", original, "BE")
    row.say("restriction", original)
    first, second = row.sync("VN"), row.sync("VN")
    assert len(first["VN"].relayed) == 1
    assert (second["VN"].relayed, second["VN"].reported) == ([], [])


def test_a_copy_made_after_a_correction_gets_it_too(row: Row) -> None:
    original = row.send()
    row.say("correction", original)
    row.sync("VN")
    copy = row.pass_on("VN", original, "BE")
    row.sync("VN", "BE")
    assert [notice.effect for notice in row.notices("BE", copy)] == ["replaced"]


def test_what_is_to_be_deleted_is_deleted_with_every_copy_that_went_on(row: Row) -> None:
    original = row.send()
    copy = row.pass_on("VN", original, "BE")
    row.say("withdrawal", original)
    row.sync("VN", "BE")
    for agency, digests in (("VN", (original.digest, copy.digest)), ("BE", (copy.digest,))):
        with row.read_store(agency) as snapshot:
            assert not any(find_content(snapshot, digest) for digest in digests), agency
