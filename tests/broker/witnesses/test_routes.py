"""Cosignatures over real TLS: who hands them in, who reads them, and what a broker that fell behind still does."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from broker.control import StatusCommand, ask_control
from broker.exchange import read_stop
from keys.cosignatures import cosign_checkpoint
from keys.log_keys import LogSigner, sign_checkpoint
from schemas.api import (
    AUDIT_PATH,
    CHECKPOINT_PATH,
    COSIGNATURES_PATH,
    LEAVES_PATH,
    AuditQuery,
    CheckpointAnswer,
    Cosignature,
    CosignatureAnswer,
    CosignedNotes,
)
from schemas.codec import b64u_decode, decode_canonical
from schemas.log.checkpoint import Checkpoint, parse_checkpoint
from schemas.log.cosignature import attach_cosignature, format_witness_name
from schemas.log.note import parse_note
from schemas.log.records import Role
from schemas.signed import KeyUse
from tests.support.caller import Caller, read_answer, read_problem, read_slug
from tests.support.exchange import RunningExchange, running_exchange
from tests.support.members import EXCHANGE


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with running_exchange(tmp_path_factory.mktemp("witnesses"), "GB-HO", oversight="OVERSEER") as running:
        yield running


def cosign(caller: Caller, note: str) -> Cosignature:
    checkpoint = parse_checkpoint(parse_note(note.encode()).text)
    (key,) = caller.member.signers[KeyUse.WITNESS].keys
    line = cosign_checkpoint(checkpoint, format_witness_name(EXCHANGE, caller.agency), key, datetime.now(UTC))
    return Cosignature(note=attach_cosignature(note.encode(), line).decode())


def ask_note(caller: Caller) -> str:
    return read_answer(caller.get(CHECKPOINT_PATH), CheckpointAnswer).checkpoint


def test_agencies_and_oversight_cosign_and_everybody_reads(exchange: RunningExchange) -> None:
    callers = [exchange.caller("GB-HO"), exchange.caller("OVERSEER")]
    for caller in callers:
        note = ask_note(caller)
        answer = read_answer(caller.post(COSIGNATURES_PATH, cosign(caller, note)), CosignatureAnswer)
        assert answer.checkpoint == note
    reader = exchange.caller("GB-HO", Role.AUDITOR)
    shown = read_answer(reader.get(COSIGNATURES_PATH, agencies="OVERSEER,GB-HO,VN-IMM,GB-HO"), CosignedNotes)
    assert [one.agency for one in shown.notes] == ["GB-HO", "OVERSEER"]
    assert shown.checkpoint == ask_note(reader)


@pytest.mark.parametrize(
    "agencies", [None, "", "gb", "GB-HO,", ",GB-HO", "GB HO", ",".join(f"A{number}" for number in range(65))]
)
def test_a_list_of_agencies_has_one_form_and_a_length(exchange: RunningExchange, agencies: str | None) -> None:
    query = {} if agencies is None else {"agencies": agencies}
    assert read_slug(exchange.caller("GB-HO").get(COSIGNATURES_PATH, **query)) == "wrong-shape"


def test_an_auditor_reads_and_does_not_cosign(exchange: RunningExchange) -> None:
    auditor = exchange.caller("GB-HO", Role.AUDITOR)
    assert read_slug(auditor.post(COSIGNATURES_PATH, cosign(auditor, ask_note(auditor)))) == "role-not-allowed"


def read_stopped_metric(exchange: RunningExchange) -> float:
    lines = httpx.get(f"{exchange.admin_url}/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith("bilateral_exchange_stopped ")).partition(" ")[2])


def test_a_broker_shown_what_it_lost_says_so_everywhere_and_survives_a_restart(exchange: RunningExchange) -> None:
    """Last in this file: it ends the exchange that the other tests use."""
    gb = exchange.caller("GB-HO")
    size = parse_checkpoint(parse_note(ask_note(gb).encode()).text).size
    assert read_stopped_metric(exchange) == 0
    lost = sign_as_the_log(exchange, Checkpoint(exchange.sheet.origin, size + 7, bytes(32)))
    for _ in range(2):
        gb = exchange.caller("GB-HO")
        problem = read_problem(gb.post(COSIGNATURES_PATH, cosign(gb, lost)))
        assert (problem.type.rpartition(":")[2], problem.status) == ("exchange-behind", 503)
        auditor = exchange.caller("GB-HO", Role.AUDITOR)
        assert read_slug(auditor.post(AUDIT_PATH, AuditQuery(reason="who lost it", limit=1))) == "exchange-behind"
        assert gb.get(LEAVES_PATH, start=0, end=1).status_code == 200
        assert httpx.get(f"{exchange.admin_url}/ready").status_code == 503
        assert read_stopped_metric(exchange) == 1
        stopped = ask_control(exchange.folder.control_socket, StatusCommand(v=1, command="status"))["stopped"]
        assert (stopped["reason"], stopped["witness"], stopped["shown"]["size"]) == ("behind", "GB-HO", size + 7)
        assert ask_note(gb) == ask_note(exchange.caller("OVERSEER"))
        assert exchange.stop() == 0
        assert '"exchange-behind"' in exchange.errors
        exchange.start()
    stop = read_stop(exchange.folder)
    assert stop is not None
    assert stop.note is not None
    assert stop.note.startswith(lost)


def sign_as_the_log(exchange: RunningExchange, checkpoint: Checkpoint) -> str:
    secrets = decode_canonical(exchange.folder.open_secrets.read_bytes())
    signer = LogSigner(b64u_decode(secrets["log_ed25519"]), b64u_decode(secrets["log_ml_dsa_44"]))
    return sign_checkpoint(checkpoint, signer).decode()
