"""A restored log grows again on the word of every agency, and on no other."""

from pathlib import Path

import pytest

from broker.audit.standing import Stop, StopReason
from broker.composition import open_broker
from broker.epochs.errors import NotWitnessedError, WrongStateError
from broker.epochs.resume import Resumed, resume
from broker.exchange import ExchangeFolder, read_stop, write_stop
from schemas.log.checkpoint import Checkpoint
from schemas.log.records import Record, RecordType
from tests.broker.epochs.places import CLOCK, GB, VN, copy_place, cosign, grow, make_place, open_place, settings_of


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> ExchangeFolder:
    """An exchange as `broker restore` leaves it."""
    folder = make_place(tmp_path_factory.mktemp("resume") / "exchange")
    write_stop(folder, Stop(v=1, reason=StopReason.RESTORED, since=CLOCK.now().replace(microsecond=0)))
    return folder


@pytest.fixture
def place(original: ExchangeFolder, tmp_path: Path) -> ExchangeFolder:
    return copy_place(original, tmp_path / "exchange")


def read_head(place: ExchangeFolder) -> Checkpoint:
    with open_broker(open_place(place), settings_of(place), CLOCK) as broker:
        return broker.log.view.checkpoint


def go_on(place: ExchangeFolder, *notes: bytes, without: frozenset[str] = frozenset()) -> Resumed:
    given = [(f"note {number}", note) for number, note in enumerate(notes, start=1)]
    with place.hold_lock():
        return resume(open_place(place), settings_of(place), CLOCK, given, without)


def test_it_goes_on_when_every_agency_has_spoken_or_is_answered_for(place: ExchangeFolder) -> None:
    head = read_head(place)
    done = go_on(place, cosign(open_place(place), GB, head), without=frozenset({VN}))
    assert done == Resumed((GB,), (VN,), head.size + 1)
    assert read_stop(place) is None
    with open_broker(open_place(place), settings_of(place), CLOCK) as broker:
        grow(broker)
        with broker.database.read() as connection:
            (data,) = connection.exec_driver_sql(
                f"SELECT record FROM log_leaf WHERE leaf_index = {head.size}"  # noqa: S608 - a number of our own
            ).one()
    record = Record.model_validate_json(data)
    assert record.type is RecordType.OPERATOR_ACTION
    assert record.detail == ("resumed after a restore; nothing was lost by the word of GB-HO; without VN-IMM")


def test_it_stays_stopped_while_somebody_is_silent_or_knows_more(place: ExchangeFolder) -> None:
    head = read_head(place)
    larger = Checkpoint(head.origin, head.size + 1, bytes(32))
    exchange = open_place(place)
    for notes, says in (
        ([cosign(exchange, GB, head)], "VN-IMM cosigned nothing"),
        ([cosign(exchange, GB, head), cosign(exchange, VN, larger)], "note 2 shows a head"),
    ):
        with pytest.raises(NotWitnessedError, match=says):
            go_on(place, *notes)
        assert read_stop(place) is not None
    assert read_head(place) == head


def test_what_this_broker_signed_last_counts_though_everybody_is_answered_for(place: ExchangeFolder) -> None:
    head, exchange = read_head(place), open_place(place)
    signed = exchange.sign(Checkpoint(head.origin, head.size + 1, bytes(32)))
    place.signed_head.write_bytes(signed)
    with pytest.raises(NotWitnessedError, match=f"signed last shows a head of {head.size + 1} leaves that was lost"):
        go_on(place, without=frozenset({GB, VN}))
    assert read_stop(place) is not None
    assert place.signed_head.read_bytes() == signed

    place.signed_head.write_bytes(exchange.sign(head))
    assert go_on(place, without=frozenset({GB, VN})).size == head.size + 1


def test_only_a_restored_log_is_resumed(place: ExchangeFolder) -> None:
    stop = read_stop(place)
    assert stop is not None
    write_stop(place, stop.model_copy(update={"reason": StopReason.BEHIND}))
    with pytest.raises(WrongStateError, match="rebase"):
        go_on(place)
    place.stop.unlink()
    with pytest.raises(WrongStateError, match="may grow"):
        go_on(place)
