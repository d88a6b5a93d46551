"""Records that stand for themselves end by a term of their own, the oldest first; the log holds as before."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from broker.retention.purging import Purged, read_due
from broker.retention.rules import RECORD_TERMS
from broker.storage.transaction import Transaction
from schemas.log.records import RecordType
from tests.broker.bench import BE, GB, VN, Bench
from tests.broker.statuses.test_service import make_status, sign, submit

APPENDED = (RecordType.TOKENS_ISSUED, RecordType.AUDIT_QUERY, RecordType.REFUSED)
DAY = timedelta(days=1)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, GB, VN, BE)
    yield bench
    bench.close()


def append(transaction: Transaction) -> None:
    """Add one record of each type that nothing else in the store speaks of."""
    transaction.append(RecordType.TOKENS_ISSUED, concerns=[GB], agency=GB, count=1)
    transaction.append(RecordType.AUDIT_QUERY, concerns=[GB], agency=GB, count=1, detail="messages")
    transaction.append(RecordType.REFUSED, concerns=[GB], agency=GB, problem="malformed", reasons=("malformed",))


def count(bench: Bench) -> Counter[RecordType]:
    return Counter(record.type for record in bench.records(*RECORD_TERMS))


def test_each_type_ends_with_its_own_term_and_not_before(bench: Bench) -> None:
    start = bench.now
    bench.writer.commit_and_wait(append)
    assert set(count(bench)) == set(APPENDED)
    for record_type in sorted(APPENDED, key=lambda one: RECORD_TERMS[one]):
        end = start + RECORD_TERMS[record_type]
        bench.clock.move((end - bench.now).total_seconds() - 1)
        assert read_due(bench.database, bench.now).records == 0
        bench.clock.move(1)
        due = read_due(bench.database, bench.now)
        assert (due.records, due.oldest) == (1, end)
        assert bench.purger.purge_and_wait() == Purged(records=1)
        assert record_type not in count(bench)
    bench.verify_log()


def test_of_statuses_the_newest_of_each_signer_and_partner_stays(bench: Bench) -> None:
    start, prev = bench.now, None
    for seq in (1, 2, 3):
        status = make_status(bench.now, seq, prev)
        evidence, _ = submit(bench, sign(bench, status))
        prev = evidence.leaf.record.digest
        bench.clock.move(DAY.total_seconds())
    other, _ = submit(bench, sign(bench, make_status(bench.now, partner=BE)))
    bench.clock.move((start + RECORD_TERMS[RecordType.STATUS] + 30 * DAY - bench.now).total_seconds())
    assert read_due(bench.database, bench.now).records == 2
    assert bench.purger.purge_and_wait() == Purged(records=2)
    kept = [record.digest for record in bench.records(RecordType.STATUS)]
    assert kept == [prev, other.leaf.record.digest]
    assert bench.purger.purge_and_wait() == Purged()
    bench.verify_log()


def test_what_keys_agreements_and_access_logs_rest_on_has_no_term() -> None:
    assert set(RECORD_TERMS) == {*APPENDED, RecordType.STATUS}
