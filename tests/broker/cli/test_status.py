"""`broker status` and `broker dead-letters`: where a broker serves, and what needs an operator."""

from datetime import timedelta
from pathlib import Path

import pytest

from schemas.codec import decode_canonical
from tests.broker.cli.operating import read_json, run, write_enrolment
from tests.support.exchange import RunningExchange, found, make_live_member


def test_dead_letters_and_needs_are_told_of_a_serving_exchange_without_a_key(served: RunningExchange) -> None:
    told = read_json(run("dead-letters", "--data", served.folder.path, "--json"))
    assert (told["counts"], told["letters"], told["needs"]) == ({"expired": 0, "held": 0, "returned": 0}, [], [])
    status = read_json(run("status", "--data", served.folder.path, "--json"))
    assert (status["dead_letters"], status["needs"]) == (told["counts"], [])
    words = run("dead-letters", "--data", served.folder.path, "--days", "30")
    assert words.stdout.endswith(": 0 expired, 0 held, 0 returned\n")


@pytest.mark.sqlite_only
def test_a_member_whose_keys_end_soon_is_named_by_status_where_nothing_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = found(tmp_path)
    member = make_live_member("GB-HO")
    monkeypatch.setattr("broker.dead_letters.rules.ENDS_WITHIN", timedelta(days=10_000))
    read_json(run("enrol", "--data", exchange.folder.path, "--yes", "--json", write_enrolment(tmp_path, member)))
    status = read_json(run("status", "--data", exchange.folder.path, "--json"))
    assert [(need["code"], need["agency"]) for need in status["needs"]] == [
        ("key-set-ending", "GB-HO"),
        ("authority-ending", "GB-HO"),
    ]
    assert "NEEDED key-set-ending" in run("status", "--data", exchange.folder.path).stdout
    assert "NEEDED key-set-ending" in run("dead-letters", "--data", exchange.folder.path).stdout


def test_status_says_where_a_broker_serves(served: RunningExchange) -> None:
    status = read_json(run("status", "--data", served.folder.path, "--json"))
    words = run("status", "--data", served.folder.path)

    assert status["serving"]["url"] == served.url
    assert served.process is not None
    assert status["serving"]["pid"] == served.process.pid
    assert f"serving at {served.url}" in words.stdout
    assert decode_canonical(served.folder.address.read_bytes().strip()) == status["serving"]
