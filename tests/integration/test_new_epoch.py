"""The exchange loses the end of its log, is restored, and begins a new one: real brokers, three nodes.

Messages stand in every state when the power goes. Nothing that was acknowledged is lost, nothing is shown twice, and
what a partner narrowed stays narrowed though the new log never heard of it.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from agency_client.agreements.flows import resume, suspend
from agency_client.audit.asking import AuditOrder
from agency_client.audit.exporting import export_audit
from agency_client.audit.purposes import LogPurpose
from agency_client.cli.app import run
from agency_client.clock import SystemClock
from agency_client.doctor import Level, examine_node
from agency_client.local_store.checkpoints import load_newest_checkpoint
from agency_client.local_store.contradictions import list_contradictions
from agency_client.local_store.inbox import InboxFilter, InboxState, list_messages
from agency_client.local_store.outbox import OutboxItem, OutboxState, list_outbox, load_item
from agency_client.node import Node
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.publishing import publish_queued
from agency_client.profiles.profile import update_settings
from agency_client.sending.flow import send_alert
from agency_client.syncing.rounds import RoundReport, run_round, wake_outbox
from agency_client.terminal.exit_codes import ExitCode
from broker.clock import SystemClock as BrokerClock
from broker.epochs.backup import back_up, restore
from broker.epochs.rebase import Tools, plan_rebase, rebase
from broker.exchange import open_exchange, read_stop
from keys.anchors import format_anchor_words
from keys.generation import generate_bytes
from schemas.agreements.terms import Terms
from schemas.codec import decode_json
from schemas.key_documents import ExchangeSheet, compute_exchange_anchor
from tests.support.drafts import make_draft
from tests.support.exchange import RunningExchange, running_exchange
from tests.support.new_log import accept_by, turn_to
from tests.support.nodes import agree, joined_nodes, reconnect
from tests.support.officers import sign_by_two

pytestmark = pytest.mark.long

SETTLED = "settled before the backup"
HANDED_OVER = "handed over before the backup, its receipt never sent"
TAKEN = "taken and never collected"
OPENED = "opened, its receipts lost"
HELD_BY_BE = "settled, and lost to the exchange alone"
SUSPENDED = "taken before its agreement was suspended"
WAITING = "written while the exchange was away"
FOR_BE = frozenset({HELD_BY_BE, SUSPENDED})


def _tell_nobody(done: int, total: int) -> None:
    pass


@dataclass
class Town:
    """An exchange with three agencies, and the messages of GB by what was to become of them."""

    folder: Path
    exchange: RunningExchange
    nodes: dict[str, Node]
    terms: dict[str, Terms]
    sent: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, agency: str) -> Node:
        """Return an agency's node."""
        return self.nodes[agency]

    def send(self, name: str) -> None:
        """Let GB send a message."""
        draft = make_draft("BE" if name in FOR_BE else "VN")
        self.sent[name] = send_alert(self["GB"], draft).legs[0].message_id

    def sync(self, *agencies: str) -> list[RoundReport]:
        """Let nodes run one round each, with everything that waits."""
        reports = []
        for agency in agencies or tuple(self.nodes):
            wake_outbox(self[agency])
            reports.append(run_round(self[agency]))
        return reports

    def start(self) -> None:
        """Start the broker and tell every node where it listens now."""
        self.exchange.start()
        for node in self.nodes.values():
            settings = replace(node.profile.settings, broker_url=self.exchange.url)
            node.profile = update_settings(node.profile, settings)
            reconnect(node)

    def back_up(self) -> None:
        """Back the exchange up while it serves."""
        back_up(self.exchange.folder, self.backup, _tell_nobody, with_open_keys=True)

    def restore(self) -> None:
        """Put the backup's database in the place of the exchange's own."""
        restore(self.backup, self.exchange.folder.path, SystemClock().now())

    def rebase(self, note: bytes) -> ExchangeSheet:
        """Begin a new log after the head that a note shows; return its sheet."""
        folder = self.exchange.folder
        with folder.hold_lock():
            opened = open_exchange(folder, None)
            plan = plan_rebase(opened, read_stop(folder), [("gb.note", note)])
            assert plan.last.note == note
            tools = Tools(BrokerClock(), generate_bytes, _tell_nobody)
            return rebase(opened, plan, None, tools, new_log_keys=False).sheet

    @property
    def backup(self) -> Path:
        """Return where the exchange's backup lies."""
        return self.folder / "exchange.tar"

    def run_agency(self, officer: str, *arguments: str) -> tuple[int, str, str]:
        """Run `agency` for GB in an officer's name and return exit code, answer and words."""
        environment = {
            "BILATERAL_HOME": str(self["GB"].profile.folder.parent),
            "BILATERAL_PROFILE": "gb",
            "BILATERAL_PASSPHRASE_FILE": str(self.folder / "passphrase"),
            "BILATERAL_OFFICER": officer,
            "XDG_RUNTIME_DIR": str(self.folder),
        }
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run(["--json", *arguments], environment)
        return int(code), out.getvalue(), err.getvalue()

    def find_item(self, name: str) -> OutboxItem:
        """Return a message's place in GB's outbox."""
        with self["GB"].store.read() as snapshot:
            return load_item(snapshot, self.sent[name])

    def count_received(self, agency: str) -> Counter[str]:
        """Return how often each message is in an agency's inbox, by its id."""
        with self[agency].store.read() as snapshot:
            found = list_messages(snapshot, InboxFilter(states=tuple(InboxState)))
        assert {item.state for item in found} <= {InboxState.OPENED}
        return Counter(item.message_id for item in found)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Give the three agencies after the power went: the exchange has its backup, the nodes saw more."""
    folder = tmp_path_factory.mktemp("town")
    with running_exchange(folder) as exchange, joined_nodes(exchange, folder, "GB", "VN", "BE") as nodes:
        terms = {partner: agree(nodes["GB"], nodes[partner], f"with {partner}") for partner in ("VN", "BE")}
        found = Town(folder, exchange, nodes, terms)
        found.sync()
        _live_until_the_power_goes(found)
        yield found


def _live_until_the_power_goes(town: Town) -> None:
    town.send(SETTLED)
    town.sync("VN", "GB")
    town.send(HANDED_OVER)
    vn = town["VN"]
    run_round(vn, [stage for stage in _stages(vn) if stage.name != "receipts"])
    town.back_up()
    publish_queued(vn, prepare_encryption_keys(vn))
    town.sync("GB")
    town.send(OPENED)
    run_round(vn, [stage for stage in _stages(vn) if stage.name != "receipts"])
    town.send(HELD_BY_BE)
    town.sync("BE", "GB")
    town.send(TAKEN)
    town.send(SUSPENDED)
    suspend(town["BE"], town.terms["BE"].id, reason="under review")
    town.sync("BE")
    run_round(town["GB"], [stage for stage in _stages(town["GB"]) if stage.name in ("log", "agreements")])
    export_audit(town["GB"], town.folder / "audit.jsonl", AuditOrder("yearly inspection", LogPurpose.SELF_MONITORING))
    town.exchange.kill()
    town.send(WAITING)


def _stages(node: Node) -> Any:
    from agency_client.syncing.rounds import choose_stages

    return choose_stages(node)


def test_a_new_log_takes_over_and_nothing_is_lost_or_shown_twice(town: Town) -> None:
    before = {agency: town.count_received(agency) for agency in ("VN", "BE")}
    assert {name: town.find_item(name).state for name in town.sent} == {
        SETTLED: OutboxState.SETTLED,
        HANDED_OVER: OutboxState.TAKEN,
        OPENED: OutboxState.TAKEN,
        HELD_BY_BE: OutboxState.SETTLED,
        TAKEN: OutboxState.TAKEN,
        SUSPENDED: OutboxState.TAKEN,
        WAITING: OutboxState.QUEUED,
    }
    town.restore()
    town.start()
    for report in town.sync():
        assert report.exit_code in (ExitCode.VERIFICATION_FAILED, ExitCode.OFFLINE_QUEUED)
        assert [stage.stage for stage in report.stages][-1] in ("log", "witnesses")
    assert town.find_item(WAITING).state is OutboxState.QUEUED

    sheet = _rebase(town)
    for report in town.sync():
        stage = report.stages[-1]
        assert stage.failure is not None
        assert (stage.failure.code, report.exit_code) == ("new-log", ExitCode.OFFLINE_QUEUED)
    assert any(finding.level is Level.FAIL and "new log" in finding.sentence for finding in examine_node(town["GB"]))
    _accept_by_command(town, sheet)
    for agency in ("VN", "BE"):
        accept_by(town[agency], sheet, ("first", "second"))
    for node in town.nodes.values():
        turn_to(node, sheet)
        reconnect(node)

    town.sync("GB")
    town.exchange.kill()
    town.sync("VN")
    town.start()
    for _ in range(3):
        town.sync("VN", "BE", "GB")
    waiting = town.find_item(SUSPENDED)
    assert waiting.problem is not None
    assert (waiting.state, waiting.problem.code) == (OutboxState.QUEUED, "agreement-suspended")
    sign_by_two(town["BE"], resume, town.terms["BE"].id)
    for _ in range(3):
        town.sync("BE", "GB", "VN")
    assert {name: town.find_item(name).state for name in town.sent} == dict.fromkeys(town.sent, OutboxState.SETTLED)
    for name, message_id in town.sent.items():
        assert town.count_received("BE" if name in FOR_BE else "VN")[message_id] == 1, name
    for agency, counts in before.items():
        assert counts <= town.count_received(agency)
    for node in town.nodes.values():
        with node.store.read() as snapshot:
            assert list_contradictions(snapshot) == []
            assert list_outbox(snapshot) == []


def test_an_export_of_the_old_log_still_verifies_with_the_sheet_that_was_kept(town: Town) -> None:
    code, answer, words = town.run_agency("auditor", "audit", "verify", str(town.folder / "audit.jsonl"))
    assert code == 0, answer + words
    assert decode_json(answer.splitlines()[-1].encode())["holds"]


def _rebase(town: Town) -> ExchangeSheet:
    """Let the operator begin a new log after the newest head that GB saw; return its sheet."""
    with town["GB"].store.read() as snapshot:
        newest = load_newest_checkpoint(snapshot, town["GB"].sheet.origin)
    assert newest is not None
    town.exchange.kill()
    sheet = town.rebase(newest.note)
    (town.folder / "exchange-2.json").write_bytes(sheet.canonical())
    town.start()
    return sheet


def _accept_by_command(town: Town, sheet: ExchangeSheet) -> None:
    """Let two officers of GB accept the sheet at the command line; one of them alone does not."""
    words = format_anchor_words(compute_exchange_anchor(sheet))
    verb = ("exchange", "accept", str(town.folder / "exchange-2.json"), "--reason", "paper compared")
    wrong = format_anchor_words(compute_exchange_anchor(town["GB"].sheet))
    assert town.run_agency("first", *verb, "--exchange-anchor", wrong)[0] == ExitCode.VERIFICATION_FAILED
    assert town.run_agency("hasty", *verb, "--exchange-anchor", words)[0] == 0
    _, listed, _ = town.run_agency("first", "approvals")
    (waits,) = decode_json(listed.encode())["approvals"]
    assert (waits["officer"], waits["what"]) == ("hasty", f"{town['GB'].sheet.origin} gives way to {sheet.origin}")
    refused = town.run_agency(
        "first", "approval", "refuse", str(waits["id"]), "--reason", "not compared with the paper"
    )
    assert refused[0] == 0, refused[2]
    states = []
    for officer in ("first", "second"):
        code, answer, said = town.run_agency(officer, *verb, "--exchange-anchor", words)
        assert code == 0, said
        states.append(decode_json(answer.encode())["state"])
    assert states == ["waiting", "begun"]
    _, shown, _ = town.run_agency("first", "exchange", "show")
    logs = decode_json(shown.splitlines()[-1].encode())["logs"]
    assert [(log["epoch"], "ended_at" in log) for log in logs] == [(1, True), (2, False)]
