"""The exchange's folder: made whole or not at all, opened by its owner alone, with the keys its sheet names."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

import broker.exchange
from broker.clock import SystemClock
from broker.durable_files import write_private_file
from broker.exchange import (
    ExchangeError,
    ExchangeExistsError,
    ExchangeFolder,
    ExchangeInUseError,
    ExchangeMissingError,
    PassphraseError,
    build_folder,
    open_exchange,
    read_sheet,
)
from broker.founding import found_exchange
from broker.http.tls import build_server_context
from keys.certificates import read_validity
from keys.generation import generate_bytes
from schemas.model import DocumentError

HOSTS = ("127.0.0.1", "localhost", "::1")


def make(path: Path, passphrase: str | None = None) -> ExchangeFolder:
    found_exchange(path, "exchange.example", HOSTS, passphrase, SystemClock(), generate_bytes)
    return ExchangeFolder(path)


@pytest.fixture
def folder(tmp_path: Path) -> ExchangeFolder:
    return make(tmp_path / "exchange")


def test_everything_in_the_folder_is_the_owners_alone(folder: ExchangeFolder) -> None:
    assert folder.path.stat().st_mode & 0o777 == 0o700
    for path in folder.path.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path


def test_the_keys_that_open_are_those_of_the_sheet(folder: ExchangeFolder) -> None:
    exchange = open_exchange(folder, None)

    assert exchange.log_signer.public.ed25519 == exchange.sheet.log_keys.ed25519.public_bytes
    assert exchange.log_signer.public.ml_dsa_44 == exchange.sheet.log_keys.ml_dsa.public_bytes
    assert (exchange.name, exchange.sheet.origin) == ("exchange.example", "exchange.example/1")
    assert exchange.hosts == HOSTS


def test_a_server_certificate_is_made_afresh_and_is_tls_material(folder: ExchangeFolder) -> None:
    exchange = open_exchange(folder, None)
    now = datetime.now(UTC)

    chain, key = exchange.issue_server_identity(now, 5)

    build_server_context(chain, key, [])
    leaf = ssl.PEM_cert_to_DER_cert(
        chain.decode().partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----"
    )
    first, last = read_validity(leaf)
    assert first < now < last
    assert (last - now).days <= 397


def test_without_its_passphrase_a_sealed_exchange_stays_shut(tmp_path: Path) -> None:
    folder = make(tmp_path / "sealed", "correct horse battery staple")

    assert not folder.open_secrets.exists()
    assert open_exchange(folder, "correct horse battery staple").name == "exchange.example"
    for wrong in (None, "", "correct horse battery stable"):
        with pytest.raises(PassphraseError):
            open_exchange(folder, wrong)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, folder: ExchangeFolder) -> None:
    before = folder.sheet.read_bytes()

    with pytest.raises(ExchangeExistsError):
        make(folder.path)
    with pytest.raises(ExchangeExistsError):
        make(folder.sheet)

    assert folder.sheet.read_bytes() == before


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert make(tmp_path / "empty").sheet.is_file()


def test_what_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with build_folder(tmp_path / "half") as folder:
            write_private_file(folder.sheet, b"{}")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        fail()

    assert list(tmp_path.iterdir()) == []


def test_a_folder_and_its_names_are_durable_before_anything_is_done_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut took the whole exchange with everything that it had answered: keys, database and all."""
    place, synced = tmp_path / "exchange", []
    monkeypatch.setattr(broker.exchange, "sync_folder", lambda folder: synced.append((folder, place.exists())))
    with build_folder(place) as building:
        building.path.joinpath("broker.db").touch()
    assert synced == [(building.path, False), (tmp_path, True)]


def test_what_a_killed_attempt_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".exchange.new").mkdir()
    (tmp_path / ".exchange.new" / "secrets.json").write_text("half")

    assert make(tmp_path / "exchange").open_secrets.read_bytes() != b"half"
    assert not (tmp_path / ".exchange.new").exists()


@pytest.mark.parametrize(("name", "host"), [("Exchange Example", "localhost"), ("exchange.example", "no/host")])
def test_a_name_nobody_could_write_is_refused(tmp_path: Path, name: str, host: str) -> None:
    with pytest.raises(DocumentError):
        found_exchange(tmp_path / "x", name, (host,), None, SystemClock(), generate_bytes)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_others_may_enter_is_not_opened(folder: ExchangeFolder) -> None:
    folder.path.chmod(0o750)

    with pytest.raises(ExchangeError, match="chmod 700"):
        read_sheet(folder)


def test_a_folder_without_an_exchange_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ExchangeMissingError, match="broker init"):
        read_sheet(ExchangeFolder(tmp_path))


def test_files_of_two_exchanges_do_not_mix(tmp_path: Path, folder: ExchangeFolder) -> None:
    other = make(tmp_path / "other")
    write_private_file(folder.open_secrets, other.open_secrets.read_bytes())

    with pytest.raises(ExchangeError, match="another's"):
        open_exchange(folder, None)


@pytest.mark.parametrize("name", ["sheet", "open_secrets", "names"])
def test_a_damaged_file_is_named(folder: ExchangeFolder, name: str) -> None:
    write_private_file(getattr(folder, name), b'{"v":1}')

    with pytest.raises(ExchangeError):
        open_exchange(folder, None)


def test_only_one_process_holds_the_exchange(folder: ExchangeFolder) -> None:
    with folder.hold_lock(), pytest.raises(ExchangeInUseError), folder.hold_lock():
        pass
    with folder.hold_lock():
        pass


def test_two_exchanges_share_no_key(tmp_path: Path, folder: ExchangeFolder) -> None:
    one, two = open_exchange(folder, None).secrets, open_exchange(make(tmp_path / "other"), None).secrets
    seeds = [*one.to_wire().values(), *two.to_wire().values()]

    assert len({seed for seed in seeds if seed != 1}) == 10
