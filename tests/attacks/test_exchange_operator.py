"""The operator edits the database behind the broker's back: the log stays whole, and what was changed is named.

Every edit is one line of SQL on a copy of an exchange in which messages passed, waited, were held and returned.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from broker.audit.verification import LogReport
from broker.storage.engine import open_database
from broker.stored_state import verify_stored_state
from keys.signing import sign_document
from schemas.agreements.steps import StepAction
from schemas.key_documents import ExchangeSheet
from schemas.signed import DocumentType, KeyUse
from tests.broker.bench import BE, GB, VN, Bench
from tests.broker.receipts.test_service import make_receipt, submit
from tests.broker.statuses.test_service import make_head, make_status
from tests.support.engines import SQLITE, using_engine

Examine = Callable[[str], list[str]]


@dataclass(frozen=True)
class Original:
    """The database of an exchange with a history, closed, and the exchange's sheet."""

    database: Path
    sheet: ExchangeSheet


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    """An exchange with messages named by what became of them."""
    folder = tmp_path_factory.mktemp("operator")
    with using_engine(SQLITE):  # the edits are its SQL
        bench = Bench(folder, GB, VN, BE)
        live(bench)
        bench.verify_log()
        bench.close()
    return Original(folder / "broker.db", bench.sheet)


def live(bench: Bench) -> None:
    terms, other = bench.agree(GB, VN), bench.agree(GB, BE)
    bench.send(GB, VN, terms, "handed-over")
    leased = bench.lease(VN)
    bench.acknowledge(VN, leased)
    submit(bench, VN, make_receipt(bench, "handed-over"))
    bench.send(GB, VN, terms, "waiting")
    bench.send(GB, BE, other, "held")
    bench.step(BE, other, StepAction.SUSPEND)
    bench.sweep()
    receipt_key = bench.members[GB].signers[KeyUse.RECEIPT]
    for document_type, document in (
        (DocumentType.STATUS, make_status(bench.now)),
        (DocumentType.ACCESS_LOG_HEAD, make_head(bench.now, 3)),
    ):
        signed = sign_document(document.canonical(), document_type, [receipt_key])
        take = bench.statuses.submit_status if document_type is DocumentType.STATUS else bench.statuses.submit_head
        bench.run(take(bench.caller(GB), signed))
    for agency in (BE, GB, VN):
        bench.witness(agency)
        bench.clock.move(1)


@pytest.fixture
def examine(original: Original, tmp_path: Path) -> Iterator[Examine]:
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(original.database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    database = open_database(copy)

    def edit_and_verify(statement: str) -> list[str]:
        with closing(sqlite3.connect(copy)) as tampering:  # none of the broker's pragmas
            assert not statement or tampering.execute(statement).rowcount > 0
            tampering.commit()
        report = LogReport()
        with database.read() as connection:
            verify_stored_state(connection, original.sheet, report)
        return [finding.problem for finding in report.findings]

    yield edit_and_verify
    database.close()


def test_nothing_is_found_where_nothing_was_edited(examine: Examine) -> None:
    assert examine("") == []


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "UPDATE inbox_item SET state = 'handed-over', is_open = 0 WHERE state = 'waiting' AND type = 'message'",
            "where its message for VN-IMM",
        ),
        (
            "UPDATE inbox_item SET state = 'waiting', is_open = 1 WHERE state = 'handed-over'",
            "the ciphertext that was signed",
        ),
        (
            "UPDATE inbox_item SET state = 'waiting', state_at = NULL WHERE state = 'held'",
            "where its message for BE-OE",
        ),
        ("UPDATE inbox_item SET handed_over_at = NULL WHERE state = 'handed-over'", "where its message for VN-IMM"),
        (
            "UPDATE inbox_item SET is_open = 0 WHERE state = 'waiting' AND type = 'message'",
            "where its message for VN-IMM",
        ),
        (
            "DELETE FROM inbox_item WHERE state = 'waiting' AND type = 'message'",
            "its message is missing in the inbox of VN-IMM",
        ),
        ("DELETE FROM inbox_item WHERE type = 'receipt'", "inbox_item has no row of it"),
        ("DELETE FROM inbox_item WHERE type = 'outcome'", "inbox_item has no row of it"),
        ("UPDATE inbox_item SET recipient = 'BE-OE' WHERE type = 'receipt'", "the inbox of BE-OE holds something else"),
        ("UPDATE inbox_item SET number = 99999 WHERE type = 'outcome'", "names a leaf that the log does not have"),
        ("DELETE FROM inbox_content", "the ciphertext that was signed"),
        ("UPDATE inbox_content SET content = zeroblob(9) WHERE recipient = 'VN-IMM'", "the ciphertext that was signed"),
        ("DELETE FROM inbox_content WHERE recipient = 'GB-HO'", "the receipt that waits for GB-HO"),
        ("DELETE FROM message WHERE recipient = 'BE-OE'", "records a message for BE-OE that is not stored"),
        ("UPDATE message SET recipient = 'BE-OE' WHERE recipient = 'VN-IMM'", "is not the one it records"),
        ("UPDATE message SET digest = 'x'", "is not the one it records"),
        ("UPDATE message SET agreement = 'x'", "is not the one it records"),
        ("UPDATE message SET kind = 'outcome'", "is not the one it records"),
        ("UPDATE message SET document = zeroblob(9)", "message holds values of another form"),
        ("UPDATE message SET document = (SELECT max(document) FROM message)", "is not the one it records"),
        ("UPDATE message SET passage = 'aftercare'", "is counted otherwise than it was"),
        ("UPDATE quota_day SET accepted = accepted - 1", "is counted otherwise than it was"),
        ("DELETE FROM quota_day", "is counted otherwise than it was"),
        (
            "DELETE FROM agreement_step WHERE leaf_index = (SELECT max(leaf_index) FROM agreement_step)",
            "agreement_step has no row of it",
        ),
        ("UPDATE agreement_step SET partner = 'VN-IMM' WHERE agency = 'BE-OE'", "step stored under it is not the one"),
        (
            "UPDATE agreement_step SET document = (SELECT max(document) FROM agreement_step)",
            "step stored under it is not the one",
        ),
        ("DELETE FROM receipt", "receipt has no row of it"),
        ("UPDATE receipt SET digest = 'x'", "the receipt remembered under it"),
        ("DELETE FROM status", "status has no row of it"),
        ("UPDATE status SET partner = 'BE-OE'", "the status stored under it"),
        ("UPDATE status SET document = 'text'", "status holds values of another form"),
        ("UPDATE access_log_head SET count = 0", "the access log's head stored under it"),
        ("DELETE FROM access_log_head", "access_log_head has no row of it"),
        ("UPDATE cosignature SET size = size - 1 WHERE agency = 'VN-IMM'", "the cosignature stored of VN-IMM"),
        ("UPDATE cosignature SET timestamp = timestamp + 1 WHERE agency = 'BE-OE'", "the cosignature stored of BE-OE"),
        (
            "UPDATE cosignature SET note = (SELECT note FROM cosignature WHERE agency = 'GB-HO')",
            "the cosignature stored of VN-IMM",
        ),
        ("UPDATE cosignature SET note = 'text' WHERE agency = 'GB-HO'", "cosignature holds values of another form"),
        ("UPDATE cosignature SET agency = 'XX-NO' WHERE agency = 'GB-HO'", "the cosignature stored of XX-NO"),
    ],
)
def test_an_edit_behind_the_brokers_back_is_named(examine: Examine, statement: str, says: str) -> None:
    assert any(says in problem for problem in examine(statement)), examine("")
