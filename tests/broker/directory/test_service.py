"""Key documents handed in one after the other, and the list of members by pages."""

from collections.abc import Iterator

import pytest

from broker.directory.service import MAX_KEY_DOCUMENTS_PER_MINUTE
from broker.http.refusal import RefusedError
from keys.errors import KeysError
from schemas.signed import DocumentType, KeyUse
from tests.broker.bench import BE, GB, VN, Bench
from tests.support.documents import make_next_encryption_keys, sign_by


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Give an exchange of three."""
    made = Bench(tmp_path_factory.mktemp("directory"), GB, VN, BE)
    yield made
    made.close()


def test_members_are_listed_by_pages_in_the_order_of_their_ids(bench: Bench) -> None:
    first = bench.directory_service.list_members(limit=2)
    second = bench.directory_service.list_members(after=first.members[-1].agency, limit=2)
    assert [member.agency for member in (*first.members, *second.members)] == [BE, GB, VN]
    assert (first.more, second.more) == (True, False)
    assert [member.agency for member in bench.directory_service.list_members().members] == [BE, GB, VN]
    assert bench.directory_service.list_members(after=VN).members == ()


def test_a_member_hands_in_so_many_key_documents_a_minute_and_holds_up_nobody_else(bench: Bench) -> None:
    bench.clock.move(60)
    member, caller = bench.members[GB], bench.caller(GB)
    kind, keys = DocumentType.ENCRYPTION_KEYS, make_next_encryption_keys(member, bench.now)
    wrong = sign_by(member, keys, kind, KeyUse.MESSAGE)

    for _ in range(MAX_KEY_DOCUMENTS_PER_MINUTE):
        with pytest.raises(KeysError):
            bench.run(bench.directory_service.submit(caller, wrong, kind))
    with pytest.raises(RefusedError, match="key documents this minute") as refused:
        bench.run(bench.directory_service.submit(caller, wrong, kind))
    assert refused.value.refusal.slug == "too-many-requests"
    assert 0 < (refused.value.refusal.retry_after_seconds or 0) <= 60
    known = member.encryption.document
    assert not bench.run(bench.directory_service.submit(caller, known, kind))[1]
    known = bench.members[VN].encryption.document
    assert not bench.run(bench.directory_service.submit(bench.caller(VN), known, kind))[1]
    bench.clock.move(60)
    with pytest.raises(KeysError):
        bench.run(bench.directory_service.submit(caller, wrong, kind))
