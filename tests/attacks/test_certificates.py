"""Attacks with client certificates: none, a stranger's, an expired one, another member's, and TLS of yesterday."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from keys.certificates import export_certificate_pem, export_tls_key, issue_client_certificate
from schemas.api import VERSION_HEADER, TokenAnswer
from schemas.log.records import Role
from tests.attacks.refusals import find_refusals
from tests.support.caller import make_client_context, make_trusting_context, read_answer, read_problem, read_slug
from tests.support.exchange import RunningExchange, make_live_member, running_exchange
from tests.support.members import derive_seed


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with running_exchange(tmp_path_factory.mktemp("certificates"), "GB-HO", "VN-IMM", oversight="OVERSEER") as running:
        yield running


def test_who_shows_no_certificate_does_not_get_past_the_handshake(exchange: RunningExchange) -> None:
    context = make_trusting_context(exchange.sheet)
    with (
        httpx.Client(base_url=exchange.url, verify=context, headers={VERSION_HEADER: "1"}) as client,
        pytest.raises((httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError)),
    ):
        client.get("/")


def test_a_certificate_of_nobody_enrolled_does_not_get_past_the_handshake(exchange: RunningExchange) -> None:
    context = make_client_context(exchange.sheet, make_live_member("NO-BODY"))
    with (
        httpx.Client(base_url=exchange.url, verify=context, headers={VERSION_HEADER: "1"}) as client,
        pytest.raises((httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError)),
    ):
        client.get("/")


def test_an_expired_client_certificate_does_not_get_past_the_handshake(exchange: RunningExchange) -> None:
    now = datetime.now(UTC)
    context = make_client_context(
        exchange.sheet, exchange.members["GB-HO"], not_before=now - timedelta(days=2), not_after=now - timedelta(days=1)
    )
    with (
        httpx.Client(base_url=exchange.url, verify=context, headers={VERSION_HEADER: "1"}) as client,
        pytest.raises((httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError)),
    ):
        client.get("/")


def test_tls_before_1_3_is_refused(exchange: RunningExchange) -> None:
    context = make_client_context(exchange.sheet, exchange.members["GB-HO"])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        httpx.Client(base_url=exchange.url, verify=context) as client,
        pytest.raises(httpx.ConnectError),
    ):
        client.get("/")


def test_the_ca_of_one_member_cannot_issue_a_certificate_that_counts_as_anothers(exchange: RunningExchange) -> None:
    """Viet Nam's CA writes "GB-HO" into a certificate, and the attacker even has GB's request key."""
    gb, vn = exchange.members["GB-HO"], exchange.members["VN-IMM"]
    caller = exchange.caller("GB-HO", certificate_member=vn, node="gb-ho")

    refused = caller.ask_token()

    assert read_slug(refused) == "assertion-refused"
    assert "client certificate is of VN-IMM" in read_problem(refused).detail
    assert gb.agency not in {record.record.agency for record in find_refusals(exchange, agency="GB-HO").records}


def test_names_in_a_certificate_are_ignored(exchange: RunningExchange, tmp_path: Path) -> None:
    """A certificate by GB's CA that says VN-IMM is GB's."""
    gb = exchange.members["GB-HO"]
    now = datetime.now(UTC)
    certificate = issue_client_certificate(
        gb.tls_ca_seed,
        derive_seed("any"),
        "VN-IMM",
        serial=9,
        not_before=now - timedelta(minutes=1),
        not_after=now + timedelta(hours=1),
    )
    context = make_trusting_context(exchange.sheet)
    chain = tmp_path / "chain.pem"
    chain.write_bytes(export_certificate_pem(certificate) + export_tls_key(derive_seed("any")))
    context.load_cert_chain(chain)
    caller = exchange.caller("GB-HO")
    caller.http = httpx.Client(base_url=exchange.url, verify=context, headers={VERSION_HEADER: "1"})

    with caller.http:
        assert read_answer(caller.ask_token(), TokenAnswer).scope is Role.NODE
