"""An agreement's life by commands: proposed, countered, accepted, confirmed, suspended, resumed, revoked; offline too.

A real broker over TLS; two agencies, each believing only what it verified itself. The first life is lived by processes
of their own, the others by the same command inside this one.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from agency_client.agreements.pulling import pull_steps
from agency_client.agreements.submitting import submit_due_steps
from agency_client.node import Node
from agency_client.profiles.profile import load_profile
from agency_client.profiles.session import open_profile
from schemas.codec import b64u_decode, decode_json, encode_canonical
from tests.support.desk import Desk
from tests.support.exchange import RunningExchange, running_exchange
from tests.support.nodes import MovableClock, make_node
from tests.support.officers import SECOND_OFFICER

EXAMPLES = Path(__file__).parents[2] / "examples" / "agreements"
MIGRATION = EXAMPLES / "gb-vn-migration.toml"
TRAFFICKING = EXAMPLES / "gb-vn-trafficking.toml"

pytestmark = pytest.mark.long


@dataclass
class Pair:
    """Two desks with pinned partners, and their exchange."""

    exchange: RunningExchange
    gb: Desk
    vn: Desk

    def reach_force(self, terms: Path = MIGRATION) -> str:
        """Bring terms into force between the two and return the agreement's id."""
        agreement = str(self.gb.by_two("agreement", "propose", terms).data["agreement"])
        self.vn.by_two("agreement", "accept", agreement)
        assert self.gb.by_two("agreement", "confirm", agreement).data["state"] == "in-force"
        return agreement


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    with running_exchange(folder) as exchange:
        desks = {}
        for agency in ("GB", "VN"):
            desks[agency] = Desk(folder / agency.lower(), agency, is_in_process=True)
            make_node(exchange, desks[agency].folder, agency).close()
        pair = Pair(exchange, desks["GB"], desks["VN"])
        pair.gb.pin(pair.vn)
        pair.vn.pin(pair.gb)
        yield pair


def replace_by_processes(desk: Desk) -> Desk:
    """Return the same desk with a command line of processes."""
    by_processes = copy(desk)
    by_processes.is_in_process = False
    return by_processes


def find_state(desk: Desk, agreement: str) -> str:
    shown = desk.agency("agreement", "show", agreement).data
    return str(shown["state"])


def sync_agreements(desk: Desk) -> None:
    """Do what `agency sync` does for agreements, ten seconds later: what could not be handed in is due again."""
    environment = {"BILATERAL_OFFICER": desk.officer}
    (folder,) = (path for path in (desk.folder / "home").iterdir() if path.is_dir())
    profile = load_profile(folder.parent, folder.name)
    opened = open_profile(profile, environment=environment, passphrase_file=desk.folder / "passphrase")
    with Node(opened, MovableClock(timedelta(seconds=10))) as node:
        assert not submit_due_steps(node).refused
        pull_steps(node)


def test_from_a_proposal_over_a_counter_to_force_and_to_the_end(pair: Pair) -> None:
    gb, vn = replace_by_processes(pair.gb), replace_by_processes(pair.vn)
    proposed = gb.by_two("agreement", "propose", MIGRATION, "--reason", "first draft").data
    agreement, first = proposed["agreement"], proposed["digest"]
    assert (proposed["state"], proposed["partner"], proposed["due"]) == ("proposed", "VN", "VN answers")
    ours = vn.folder / "ours.toml"
    ours.write_text(MIGRATION.read_text().replace("retention_days = 1825", "retention_days = 365"))
    countered = vn.by_two("agreement", "counter", agreement, ours, "--reason", "retention is too long").data
    assert (countered["state"], countered["agreement"], countered["version"]) == ("proposed", agreement, 1)
    accepted = gb.by_two("agreement", "accept", "--confirm-within", "3", "--", countered["digest"][:10]).data
    assert accepted["due"].startswith("VN confirms by")
    confirmed = vn.by_two("agreement", "confirm", agreement[:8]).data
    assert (confirmed["state"], confirmed["because"]) == ("in-force", "both parties signed and it stands")
    assert vn.agency("agreement", "show", first).data["state"] == "superseded"
    assert vn.agency("agreement", "suspend", agreement, "--reason", "no answer").data["state"] == "suspended"
    refused = gb.agency("agreement", "resume", agreement, code=8)
    assert "only who suspended can resume" in refused.error["sentence"]
    assert find_state(gb, agreement) == "suspended"
    assert vn.by_two("agreement", "resume", agreement).data["state"] == "in-force"
    assert gb.agency("agreement", "revoke", agreement, "--reason", "ended").data["state"] == "revoked"
    shown = gb.agency("agreement", "show", agreement).data
    assert [step["action"] for step in shown["history"]] == [
        "propose", "propose", "accept", "confirm", "suspend", "resume", "revoke",
    ]  # fmt: skip
    assert all(step["is_logged"] for step in shown["history"])
    assert agreement not in {line["agreement"] for line in gb.agency("agreements").data["agreements"]}
    assert agreement in {line["agreement"] for line in gb.agency("agreements", "--all").data["agreements"]}


def test_a_new_version_takes_the_place_of_the_one_before(pair: Pair) -> None:
    agreement = pair.reach_force()
    second = pair.gb.by_two("agreement", "propose", TRAFFICKING, "--amends", agreement).data
    assert (second["agreement"], second["version"], second["state"]) == (agreement, 2, "proposed")
    pair.vn.by_two("agreement", "accept", agreement)
    pair.gb.by_two("agreement", "confirm", agreement)
    states = {line["version"]: line["state"] for line in pair.gb.agency("agreements", "--all").data["agreements"]
              if line["agreement"] == agreement}  # fmt: skip
    assert states == {1: "superseded", 2: "in-force"}


def test_a_proposal_is_rejected_and_another_withdrawn(pair: Pair) -> None:
    first = pair.gb.by_two("agreement", "propose", TRAFFICKING).data["agreement"]
    assert pair.vn.agency("agreement", "reject", first, "--reason", "no").data["state"] == "rejected"
    ended = pair.gb.agency("agreement", "confirm", first, code=8)
    assert "rejected" in ended.error["sentence"]
    second = pair.gb.by_two("agreement", "propose", TRAFFICKING).data["agreement"]
    assert pair.gb.agency("agreement", "withdraw", second).data["state"] == "withdrawn"
    assert "withdrawn" in pair.vn.agency("agreement", "accept", second, code=8).error["sentence"]


def test_what_is_said_offline_narrows_here_at_once_and_is_handed_in_later(pair: Pair) -> None:
    agreement = pair.reach_force()
    pair.exchange.stop()
    try:
        ended = pair.gb.agency("agreement", "suspend", agreement, "--reason", "offline", code=7)
        assert "agency sync" in ended.error["fix"]
        assert find_state(pair.gb, agreement) == "suspended"
        assert pair.gb.by_two("agreement", "propose", TRAFFICKING, code=7).error["code"] == "offline"
        drafts = [line for line in pair.gb.agency("agreements").data["agreements"] if line["state"] == "draft"]
        assert ["not in the log yet" in line["because"] for line in drafts] == [True]
        history = pair.gb.agency("agreement", "show", agreement).data["history"]
        assert [step["is_logged"] for step in history] == [True, True, True, False]
    finally:
        _restart(pair)
    sync_agreements(pair.gb)
    sync_agreements(pair.vn)
    assert find_state(pair.vn, agreement) == "suspended"
    assert find_state(pair.vn, drafts[0]["agreement"]) == "proposed"
    assert pair.gb.agency("agreement", "show", agreement).data["history"][-1]["is_logged"]


def test_a_suspension_counts_from_a_file_when_the_exchange_keeps_it_back(pair: Pair) -> None:
    agreement = pair.reach_force()
    sync_agreements(pair.vn)
    pair.exchange.stop()
    try:
        pair.gb.agency("agreement", "suspend", agreement, "--reason", "past the exchange", code=7)
        pair.gb.agency("agreement", "export", agreement, "--out", "steps.json")
        new = pair.vn.agency("agreement", "import", pair.gb.folder / "steps.json").data["new"]
        assert ([(step["agency"], step["action"]) for step in new])[-1] == ("GB", "suspend")
        assert find_state(pair.vn, agreement) == "suspended"
        assert pair.vn.agency("agreement", "import", pair.gb.folder / "steps.json").data["new"] == []
    finally:
        _restart(pair)
    sync_agreements(pair.gb)
    sync_agreements(pair.vn)
    assert pair.vn.agency("agreement", "show", agreement).data["history"][-1]["is_logged"]


def test_an_altered_file_is_refused_and_nothing_of_it_counts(pair: Pair) -> None:
    agreement = pair.reach_force()
    pair.gb.agency("agreement", "suspend", agreement, "--reason", "true words")
    pair.gb.agency("agreement", "export", agreement, "--out", "true.json")
    file = decode_json((pair.gb.folder / "true.json").read_bytes())
    suspension = next(step for step in file["steps"] if b"true words" in b64u_decode(step["payload"]))
    first, second = suspension["signatures"]
    suspension["signatures"] = [first, {**second, "signature": "A" + second["signature"][1:]}]
    (pair.vn.folder / "altered.json").write_bytes(encode_canonical(file))
    before = find_state(pair.vn, agreement)
    assert "signature" in pair.vn.agency("agreement", "import", "altered.json", code=6).error["sentence"]
    assert find_state(pair.vn, agreement) == before


def test_terms_that_do_not_hold_name_the_field_and_nothing_is_signed(pair: Pair) -> None:
    before = len(pair.gb.agency("agreements", "--all").data["agreements"])
    wrong = pair.gb.folder / "wrong.toml"
    for old, new, field in (
        ('highest_marking = "amber-strict"', 'highest_marking = "pink"', "clauses.0.highest_marking"),
        ('phone = "+441632960101"', 'phone = "0163 2960101"', "duty_desks.0.phone"),
        ("notice_days = 90", "notice_day = 90", "notice_day"),
        ("notice_days = 90", 'exchange = "other"', "exchange"),
    ):
        wrong.write_text(MIGRATION.read_text().replace(old, new))
        ended = pair.gb.agency("agreement", "propose", wrong, code=2)
        assert field in ended.error["sentence"], ended.error
    foreign = pair.gb.agency("agreement", "propose", EXAMPLES / "be-vn-migration.toml", code=2)
    assert "GB is none of them" in foreign.error["sentence"]
    assert len(pair.gb.agency("agreements", "--all").data["agreements"]) == before


def test_a_title_cannot_steer_the_partners_terminal(pair: Pair) -> None:
    foreign = pair.gb.folder / "foreign.toml"
    foreign.write_text(MIGRATION.read_text().replace('title = "Migration', 'title = "\\u202egnol oot Migration'))
    agreement = pair.gb.by_two("agreement", "propose", foreign).data["agreement"]
    sync_agreements(pair.vn)
    shown = pair.vn.run("--plain", "agreement", "show", agreement).stdout
    assert "<U+202E>" in shown
    assert not {"\u202e", "\x1b"} & set(shown)


def test_every_verb_of_an_agreement_is_in_the_access_log(pair: Pair) -> None:
    pair.gb.agency("agreement", "suspend", pair.reach_force(), "--reason", "for the record")
    (folder,) = (path for path in (pair.gb.folder / "home").iterdir() if path.is_dir())
    profile = load_profile(folder.parent, folder.name)
    opened = open_profile(profile, environment={}, passphrase_file=pair.gb.folder / "passphrase")
    from agency_client.local_store.access_log import AccessFilter, list_entries
    from schemas.log.records import Action

    with opened, opened.store.read() as snapshot:
        entries = list_entries(snapshot, AccessFilter(action=Action.AGREEMENTS))
    assert {"agreement-propose", "agreement-confirm", "agreement-suspend"} <= {entry.verb for entry in entries}
    assert {entry.partner for entry in entries if entry.verb == "agreement-propose"} == {"VN"}
    assert {entry.officer for entry in entries} == {"officer", SECOND_OFFICER}
    approvals = [entry for entry in entries if entry.verb == "agreement-approve"]
    signed = [entry for entry in entries if entry.verb in ("agreement-propose", "agreement-confirm")]
    assert {entry.officer for entry in signed} == {SECOND_OFFICER}
    assert {entry.officer for entry in approvals} == {"officer", SECOND_OFFICER}


def test_the_template_is_terms_that_can_be_proposed(pair: Pair) -> None:
    template = pair.gb.run("agreement", "propose", "--template")
    assert template.code == 0
    (pair.gb.folder / "template.toml").write_text(template.stdout)
    assert pair.gb.by_two("agreement", "propose", "template.toml").data["state"] == "proposed"


def test_versions_are_compared_listed_printed_and_ended_with_notice(pair: Pair) -> None:
    gb, vn = pair.gb, pair.vn
    text = gb.folder / "memorandum.txt"
    text.write_text("What the two governments signed.")
    first = gb.folder / "first.toml"
    first.write_text('text_file = "memorandum.txt"\n' + MIGRATION.read_text())
    agreement = pair.reach_force(first)
    shorter = vn.folder / "shorter.toml"
    shorter.write_text(MIGRATION.read_text().replace("retention_days = 1825", "retention_days = 365"))
    second = vn.by_two("agreement", "propose", shorter, "--amends", agreement).data["digest"]
    sync_agreements(gb)
    compared = gb.agency("agreement", "diff", agreement, "1", "2").data
    assert (compared["old"]["version"], compared["new"]["digest"], compared["widens"]) == (1, second, False)
    assert {(item["field"], item["effect"]) for item in compared["changes"]} == {
        ("retention_days", "narrows"), ("text_sha256", "changes"),
    }  # fmt: skip
    listed = gb.agency("agreement", "history", agreement).data
    assert [(item["version"], item["state"]) for item in listed["versions"]] == [(2, "proposed"), (1, "in-force")]
    assert [step["leaf"] is not None for step in listed["steps"]] == [True] * 4
    assert gb.agency("agreement", "show", agreement, "--text", text).data["text_matches"] is True
    text.write_text("What somebody made of it.")
    assert gb.agency("agreement", "show", agreement, "--text", text, code=6).error["code"] == "text-differs"
    none = gb.agency("agreement", "show", "--text", text, "--", second, code=3)
    assert "name no text" in none.error["sentence"]
    gb.agency("agreement", "page", agreement, "--out", "agreement.html")
    assert "<h2>Signed steps</h2>" in (gb.folder / "agreement.html").read_text()
    too_soon = gb.agency("agreement", "revoke", agreement, "--reason", "over", "--from", "2026-01-01", code=2)
    assert "90 days' notice was agreed" in too_soon.error["sentence"]
    ended = gb.agency("agreement", "revoke", agreement, "--reason", "over", "--notice").data
    assert ended["state"] == "in-force"
    assert ended["due"].startswith("revoked with notice: ends on 20")
    sync_agreements(vn)
    assert vn.agency("agreement", "show", agreement).data["due"] == ended["due"]


def test_what_one_officer_approved_is_listed_shown_and_can_be_refused(pair: Pair) -> None:
    awaited = pair.gb.agency("agreement", "propose", TRAFFICKING, "--reason", "as agreed").data
    assert (awaited["state"], [item["officer"] for item in awaited["approvals"]]) == (
        "awaits-second-officer", ["officer"],
    )  # fmt: skip
    shown = pair.gb.agency("agreement", "show", awaited["agreement"]).data
    assert (shown["state"], shown["digest"], shown["history"]) == ("draft", awaited["digest"], [])
    found = pair.gb.run("--json", "doctor").data["findings"]
    waiting = [item["sentence"] for item in found if item["check"] == "approvals"]
    assert len(waiting) == 1
    assert waiting[0].startswith(f"propose agreement {awaited['agreement']} with VN")
    (approval,) = pair.gb.agency("approvals").data["approvals"]
    assert (approval["kind"], approval["officer"], approval["reason"]) == ("agreement-step", "officer", "as agreed")
    pair.gb.agency("approval", "refuse", str(approval["id"]), "--reason", "not these terms")
    assert pair.gb.agency("agreement", "show", awaited["agreement"], code=3).error["code"] == "not-found"


def _restart(pair: Pair) -> None:
    """Start the broker again, where the profiles know it."""
    port = pair.exchange.url.rpartition(":")[2]
    pair.exchange.start()
    new = pair.exchange.url
    for desk in (pair.gb, pair.vn):
        for path in (desk.folder / "home").glob("*/profile.toml"):
            text = path.read_text()
            path.write_text(text.replace(f":{port}", f":{new.rpartition(':')[2]}"))
            path.chmod(0o600)
