"""Partners at a terminal: how each stands and whom to call, marks wherever its words are shown, statuses as files."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.cli.app import run as run_command
from agency_client.local_store.engine import Store
from agency_client.node import Node
from agency_client.sending.flow import send_alert
from agency_client.statuses.files import export_status
from agency_client.statuses.signing import sign_status
from schemas.codec import decode_json, encode_canonical
from schemas.markings import Urgency
from tests.agency_client.cli.conftest import Agency, Ended
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld

OLD = timedelta(hours=80)
DESK = "Duty desk, +441632960961"

Run = Callable[..., Ended]


@pytest.fixture
def gb(world: LyingWorld, terms: Any) -> Iterator[Node]:
    """Give GB's node, which has an agreement with VN; nothing of VN's statuses is left afterwards."""
    yield world["GB"]
    for node in world.nodes.values():
        forget_statuses(node.store)


def forget_statuses(store: Store) -> None:
    """Let a store be as before any status."""
    with store.write() as transaction:
        for table in ("status", "status_due", "announced_revocation", "suspicious_record"):
            transaction.execute(f"DELETE FROM {table}")  # noqa: S608 - names from code only


@pytest.fixture(scope="module")
def unlocked(two_agencies: LyingWorld) -> Iterator[dict[str, str]]:
    """Unlock GB's profile for the tests of this module: stretching its passphrase for each command costs most of it."""
    home = two_agencies["GB"].profile.folder.parent
    secret = home.parent / "passphrase"
    own = {"BILATERAL_HOME": str(home), "BILATERAL_PROFILE": "gb", "BILATERAL_OFFICER": "officer-of-gb"}
    own |= {"XDG_RUNTIME_DIR": str(home.parent)}
    assert run_command(["unlock", "--passphrase-file", str(secret)], own) == 0
    yield own
    assert run_command(["lock"], own) == 0


@pytest.fixture
def run(agency: Agency, gb: Node, unlocked: dict[str, str]) -> Run:
    """Give the command of GB's officer, on the same profile as the node."""

    def invoke(*arguments: object) -> Ended:
        return agency(*map(str, arguments), **unlocked)

    return invoke


def answer(ended: Ended, code: int = 0) -> Any:
    """Return the one line of an answer in JSON."""
    assert ended.code == code, ended.stderr
    return decode_json(ended.stdout.encode())


def bring(world: LyingWorld, run: Run, folder: Path, *, age: timedelta = timedelta()) -> Path:
    """Let VN sign a status so long ago, and GB import it from a file."""
    world.clock.ahead = -age
    exported = export_status(world["VN"], "GB")
    world.clock.ahead = timedelta()
    file = folder / "status-of-VN.json"
    file.write_bytes(exported.file.canonical())
    assert run("partner", "import", file).code == 0
    return file


def test_a_partner_that_never_signed_one_is_listed_with_its_duty_desk(run: Run) -> None:
    ended = run("partners", "--plain")
    assert ended.code == 0
    (line,) = [line for line in ended.stdout.splitlines() if line.startswith("VN\t")]
    assert "\tnone\t" in line
    assert line.endswith(DESK)
    assert "never asked for statuses" in ended.stderr


def test_a_status_that_was_carried_counts_and_says_what_cannot_be_shown(
    world: LyingWorld, run: Run, tmp_path: Path
) -> None:
    file = bring(world, run, tmp_path)
    ended = run("partner", "import", file)
    assert "was here already" in ended.stderr
    (partner,) = answer(run("partners", "--json"))["partners"]
    assert partner["partner_status"]["state"] == "fresh"
    assert (partner["last"]["seq"], "logged_at" in partner["last"]) == (1, False)
    forget_statuses(world["GB"].store)
    first = run("partner", "import", file)
    assert "it has no leaf" in first.stderr


def test_what_is_shown_of_a_partner_whose_status_is_old_says_so_and_whom_to_call(
    world: LyingWorld, terms: Any, run: Run, tmp_path: Path
) -> None:
    sealed = world.craft("VN", "GB", terms)
    world.deliver(sealed, "GB")
    world.collect("GB")
    send_alert(world["GB"], make_draft("VN", agreement=terms.digest()), deliver=False)
    bring(world, run, tmp_path, age=OLD)
    reading = ("read", sealed.header.id, "--reason", "test")
    for verb in (["inbox"], ["agreements"], ["trust", "list"], ["outbox"], ["thread", sealed.header.id], reading):
        ended = run(*verb, "--plain")
        assert ended.code == 0
        assert "VN (status 80 h old)" in ended.stdout, verb
        assert f"call VN: {DESK}" in ended.stderr, verb
        assert '"state":"stale"' in run(*verb, "--json").stdout, verb
    for verb in (["partners"], ["agreement", "show", terms.id]):
        assert f"call VN: {DESK}" in run(*verb).stderr, verb


def test_a_partners_page_has_all_that_a_telephone_call_needs(
    world: LyingWorld, run: Run, tmp_path: Path, terms: Any
) -> None:
    sign_status(world["GB"], "VN")
    bring(world, run, tmp_path, age=OLD)
    ended = run("partner", "show", "VN", "--plain")
    assert ended.code == 0
    page = dict(line.split("\t", 1) for line in ended.stdout.splitlines())
    assert page["status"] == "stale, 80 h"
    assert page["its last"].startswith("number 1, signed ")
    assert page["our last for it"].startswith("number 1, signed ")
    assert page["duty desk"] == DESK
    assert "--override-old-status" in ended.stderr
    assert "agency partner import" in ended.stderr
    shown = run("agreement", "show", terms.id, "--plain")
    assert "status of VN\tstale, 80 h" in shown.stdout
    assert answer(run("agreement", "show", terms.id, "--json"))["partner_status"]["state"] == "stale"


def test_a_partner_that_is_none_is_not_found(run: Run) -> None:
    assert run("partner", "show", "XX").code == 3


def test_the_doctor_names_a_stale_status_and_a_status_that_the_exchange_does_not_take(
    world: LyingWorld, run: Run, tmp_path: Path
) -> None:
    bring(world, run, tmp_path, age=OLD)
    sign_status(world["GB"], "VN")
    with world["GB"].store.write() as transaction:
        transaction.execute("UPDATE dispatch SET created_at = created_at - 3600 WHERE kind = 'status'")
    found = answer(run("doctor", "--json"), code=1)["findings"]
    levels = {(item["level"], item["fix"]) for item in found if item["check"] == "status"}
    assert ("fail", "call VN: Duty desk, +441632960961; more: agency partner show VN") in levels
    assert any("carry it: agency partner export VN --out FILE" in fix for level, fix in levels if level == "warn")


def test_sending_is_refused_with_the_way_out_and_overridden_for_a_life_only(
    world: LyingWorld, run: Run, tmp_path: Path, terms: Any
) -> None:
    bring(world, run, tmp_path, age=OLD)
    alert = tmp_path / "alert.json"
    alert.write_bytes(encode_canonical({**make_draft("VN").alert, "urgency_reason": "A life is at stake."}))
    why = ("--necessity", "The bearer is expected tonight.", "--reason", "r")
    usual = (alert, "--to", "VN", *why, "--agreement", terms.id)
    refused = run("send", *usual)
    assert refused.code == 5
    assert "nothing new is sent there but a threat to life" in refused.stderr
    assert f"call VN: {DESK}" in refused.stderr
    wrong = run("send", *usual, "--urgency", "urgent", "--override-old-status", "w")
    assert wrong.code == 2
    assert "the urgency here is urgent" in wrong.stderr
    plan = answer(run("send", *usual, "--dry-run", "--json"), code=5)
    assert plan["recipients"][0]["obstacles"][0]["code"] == "status-stale"
    life = ("--urgency", Urgency.THREAT_TO_LIFE.value, "--override-old-status", "desk reached by telephone")
    sent = run("send", *usual, *life)
    assert sent.code == 7, "allowed, and queued: nobody answers at that address"
    assert "80 h old" in sent.stderr


def test_an_export_names_what_the_status_cannot_speak_of_yet(
    world: LyingWorld, run: Run, tmp_path: Path, terms: Any
) -> None:
    hide_leaf(world["GB"], terms.id)
    file = tmp_path / "status-for-VN.json"
    ended = run("partner", "export", "VN", "--out", file)
    assert ended.code == 0
    assert f"agency agreement export {terms.id} --out steps.json" in ended.stderr
    again = run("partner", "export", "VN", "--out", file)
    assert again.code == 0, "the very same status"
    file.write_text("something else")
    assert run("partner", "export", "VN", "--out", file).code == 8


def hide_leaf(node: Node, agreement: str) -> None:
    """Let a node not know that the log has its last step of an agreement."""
    with node.store.write() as transaction:
        transaction.execute("UPDATE agreement_step SET leaf = NULL WHERE agreement = ? AND party = 'GB'", agreement)


def test_a_file_that_is_no_status_changes_nothing(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "nonsense.json"
    file.write_text("{}")
    ended = run("partner", "import", file)
    assert ended.code == 6
    assert "no file of a status" in ended.stderr
