"""A new log that names the last head anybody saw of the old one, in a folder that changes whole or not at all."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from broker.audit.log import LogDamagedError
from broker.audit.opening import find_opening
from broker.audit.standing import ExchangeStoppedError, Stop, StopReason
from broker.audit.verification import verify_stored_log
from broker.composition import open_broker
from broker.epochs.errors import CarryingError, NotWitnessedError, WrongStateError
from broker.epochs.reading import read_database
from broker.epochs.rebase import Rebased, Tools, plan_rebase, rebase
from broker.exchange import ExchangeError, ExchangeFolder, open_exchange, read_sheet, read_stop, write_stop
from broker.founding import found_exchange
from broker.stored_state import verify_stored_state
from keys.certificates import verify_tls_ca
from keys.generation import generate_bytes
from keys.log_keys import sign_checkpoint
from schemas.codec import b64u_decode, b64u_encode
from schemas.envelope import SeenCheckpoint
from schemas.log.checkpoint import Checkpoint
from schemas.log.records import Record, RecordType
from tests.broker.epochs.places import CLOCK, GB, VN, copy_place, grow, make_place, open_place, settings_of

TOOLS = Tools(CLOCK, generate_bytes, lambda _done, _of: None)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> ExchangeFolder:
    return make_place(tmp_path_factory.mktemp("rebase") / "exchange")


@pytest.fixture
def place(original: ExchangeFolder, tmp_path: Path) -> ExchangeFolder:
    return copy_place(original, tmp_path / "exchange")


def move_on(place: ExchangeFolder, *notes: bytes, new_log_keys: bool = False, new_tls_keys: bool = False) -> Rebased:
    with place.hold_lock():
        exchange = open_place(place)
        given = [(f"note {number}", note) for number, note in enumerate(notes, start=1)]
        plan = plan_rebase(exchange, read_stop(place), given)
        return rebase(exchange, plan, None, TOOLS, new_log_keys=new_log_keys, new_tls_keys=new_tls_keys)


def sign(place: ExchangeFolder, size: int, fill: int = 7) -> bytes:
    exchange = open_place(place)
    return sign_checkpoint(Checkpoint(exchange.sheet.origin, size, bytes([fill]) * 32), exchange.log_signer)


def read_records(place: ExchangeFolder) -> list[Record]:
    with read_database(place) as connection:
        rows = connection.exec_driver_sql("SELECT record FROM log_leaf ORDER BY leaf_index").scalars().all()
        assert find_opening(connection) is not None
        report = verify_stored_log(connection, read_sheet(place), lambda _done, _of: None)
        verify_stored_state(connection, read_sheet(place), report)
    assert report.findings == []
    return [Record.model_validate_json(row) for row in rows]


def test_leaf_0_names_the_largest_head_that_anybody_showed(place: ExchangeFolder) -> None:
    old = read_sheet(place)
    evidence = Stop(
        v=1, reason=StopReason.BEHIND, since=CLOCK.now().replace(microsecond=0), note=sign(place, 70).decode(),
        witness=GB,
    )  # fmt: skip
    write_stop(place, evidence)
    done = move_on(place, sign(place, 71), sign(place, 3))
    first, *_, last = read_records(place)
    assert first.type is RecordType.EXCHANGE_OPENED
    assert first.checkpoint == SeenCheckpoint(origin=old.origin, size=71, root=b64u_encode(bytes([7]) * 32))
    assert (last.type, last.detail) == (
        RecordType.OPERATOR_ACTION,
        "carried over from exchange.example/1: 2 key-set, 2 member-enrolled",
    )
    assert (done.sheet.origin, done.sheet.log_keys, done.sheet.tls_ca) == (
        "exchange.example/2", old.log_keys, old.tls_ca,
    )  # fmt: skip
    assert read_sheet(place) == done.sheet
    assert read_stop(place) is None


def test_a_broker_serves_the_new_epoch_and_can_be_moved_on_again(place: ExchangeFolder) -> None:
    move_on(place)
    with open_broker(open_place(place), settings_of(place), CLOCK) as broker:
        grow(broker)
        assert broker.log.view.checkpoint.origin == "exchange.example/2"
        assert set(broker.directory.current.timelines) == {GB, VN}
    assert move_on(place).sheet.origin == "exchange.example/3"
    assert sorted(path.name for path in place.path.glob("epoch-*")) == ["epoch-1", "epoch-2"]


def test_the_old_epoch_stays_verifiable_and_nobody_can_serve_it(place: ExchangeFolder) -> None:
    archive = ExchangeFolder(move_on(place).archive)
    with read_database(archive) as connection:
        report = verify_stored_log(connection, read_sheet(archive), lambda _done, _of: None)
    assert report.is_sound
    with pytest.raises(ExchangeError):
        open_exchange(archive, None)


def test_fresh_log_keys_are_drawn_where_asked_for(place: ExchangeFolder) -> None:
    before = open_place(place)
    done = move_on(place, new_log_keys=True)
    after = open_place(place)
    assert done.sheet.log_keys != before.sheet.log_keys
    assert after.secrets.tls_ca == before.secrets.tls_ca
    read_records(place)


def test_fresh_keys_of_tls_and_tokens_are_drawn_where_asked_for(place: ExchangeFolder) -> None:
    before = open_place(place)
    done = move_on(place, new_tls_keys=True)
    after = open_place(place)
    assert done.sheet.tls_ca != before.sheet.tls_ca
    assert done.sheet.log_keys == before.sheet.log_keys
    for name in ("token", "tls_ca", "tls_server"):
        assert getattr(after.secrets, name) != getattr(before.secrets, name)
    assert verify_tls_ca(b64u_decode(done.sheet.tls_ca), CLOCK.now())
    read_records(place)


def test_keys_under_a_passphrase_stay_under_it(tmp_path: Path) -> None:
    found_exchange(tmp_path / "sealed", "exchange.example", ("localhost",), "a passphrase", CLOCK, generate_bytes)
    place = ExchangeFolder(tmp_path / "sealed")
    with place.hold_lock():
        exchange = open_exchange(place, "a passphrase")
        rebase(exchange, plan_rebase(exchange, None, []), "a passphrase", TOOLS, new_log_keys=True)
    assert not place.open_secrets.exists()
    assert open_exchange(place, "a passphrase").secrets.log_ed25519 != exchange.secrets.log_ed25519


def test_without_a_note_it_goes_on_from_the_databases_own_head(place: ExchangeFolder) -> None:
    with open_broker(open_place(place), settings_of(place), CLOCK) as broker:
        grow(broker)
        head = broker.log.view.checkpoint
    assert move_on(place).last == head


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("UPDATE log_leaf SET record = (SELECT max(record) FROM log_leaf) WHERE leaf_index = 2", CarryingError),
        ("UPDATE log_leaf SET record = 'text' WHERE leaf_index = 2", CarryingError),
        ("INSERT INTO inbox_binding VALUES ('GB-HO', 'node-1', 'text', NULL)", TypeError),
        ("UPDATE log_head SET root = zeroblob(32)", LogDamagedError),
        ("DELETE FROM log_leaf WHERE leaf_index = 2", LogDamagedError),
    ],
)
def test_what_does_not_verify_stops_it_and_changes_nothing(
    place: ExchangeFolder, statement: str, error: type[Exception]
) -> None:
    with closing(sqlite3.connect(place.database)) as tampering:
        assert tampering.execute(statement).rowcount == 1
        tampering.commit()
    before = place.sheet.read_bytes()
    with pytest.raises(error):
        move_on(place)
    assert place.sheet.read_bytes() == before
    assert [path.name for path in place.path.iterdir() if path.is_dir()] == []


def test_an_archive_of_that_name_is_never_written_over(place: ExchangeFolder) -> None:
    (place.path / "epoch-1").mkdir()
    with pytest.raises(WrongStateError):
        move_on(place)


def test_a_note_of_another_log_is_refused(place: ExchangeFolder) -> None:
    with pytest.raises(NotWitnessedError, match="note 1"):
        move_on(place, b"text\n")


def test_a_log_that_has_stopped_takes_no_leaf_wherever_it_is_opened(place: ExchangeFolder) -> None:
    write_stop(place, Stop(v=1, reason=StopReason.RESTORED, since=CLOCK.now().replace(microsecond=0)))
    with open_broker(open_place(place), settings_of(place), CLOCK) as broker:
        before = broker.log.view
        with pytest.raises(ExchangeStoppedError, match="put back from a backup"):
            grow(broker)
        assert broker.log.view == before
