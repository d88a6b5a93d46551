"""`agency send --batch` at a terminal: a line for each draft, a count, and an exit code by the worst of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import typer

from agency_client.cli.invocation import Invocation
from agency_client.cli.send_batch import send_batch
from agency_client.cli.send_options import SendOptions
from agency_client.errors import UsageError
from agency_client.terminal.output import Form, Output
from schemas.api import MESSAGE_BATCHES_PATH
from schemas.codec import decode_json, encode_canonical
from tests.agency_client.cli.conftest import Agency
from tests.support.bad_line import LostRequest, tampered
from tests.support.lying_batches import refuse_member
from tests.support.lying_world import LyingWorld, lying_world

numbers = count()


@dataclass
class Ran:
    """How one run ended: its exit code and what it wrote."""

    code: int
    lines: list[str]
    words: str

    @property
    def answers(self) -> list[dict[str, Any]]:
        """Return the answers in JSON, one a line."""
        return [decode_json(line.encode()) for line in self.lines]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    with lying_world(tmp_path_factory.mktemp("world"), "GB", "VN") as made:
        made.agree("GB", "VN", "batch")
        yield made


@pytest.fixture
def world(honest: LyingWorld) -> Iterator[LyingWorld]:
    yield honest
    honest.exchange.tamper.clear()


def write(folder: Path, *drafts: dict[str, Any]) -> Path:
    """Write drafts, a line each."""
    path = folder / f"drafts-{next(numbers)}.jsonl"
    path.write_bytes(b"".join(encode_canonical(draft) + b"\n" for draft in drafts))
    return path


def make_alert(**members: Any) -> dict[str, Any]:
    return {"kind": "ping", "subject": "Test", "details": {"text": f"text {next(numbers)}"}, **members}


def run(world: LyingWorld, path: Path, form: Form = Form.JSON, **options: Any) -> Ran:
    """Send a batch as GB, and return how that ended."""
    out, err = StringIO(), StringIO()
    invocation = Invocation({}, output=Output(form, stdout=out, stderr=err), clock=world.clock)
    asked = {"to": ["VN"], "necessity": "It is needed there.", "reason": "exercise", **options}
    code = 0
    try:
        send_batch(invocation, world["GB"], path, SendOptions(batch=path, **asked))
    except typer.Exit as ended:
        code = ended.exit_code
    return Ran(code, out.getvalue().splitlines(), err.getvalue())


def test_each_draft_is_a_line_and_the_last_line_counts_them(world: LyingWorld, tmp_path: Path) -> None:
    path = write(tmp_path, make_alert(), {"alert": make_alert(), "marking": "green"})
    ended = run(world, path)
    assert ended.code == 0
    assert [answer.get("state") for answer in ended.answers] == ["sent", "sent", None]
    assert [message["recipient"] for answer in ended.answers[:2] for message in answer["messages"]] == ["VN", "VN"]
    assert ended.answers[2] == {"v": 1, "count": 2, "states": {"sent": 2}}
    assert [answer.get("state") for answer in run(world, path).answers[:2]] == ["sent-before"] * 2


def test_a_person_reads_which_line_is_wrong_and_what_mends_it(world: LyingWorld, tmp_path: Path) -> None:
    path = write(tmp_path, make_alert(), make_alert(kind="rumour"))
    ended = run(world, path, Form.PLAIN)
    assert ended.code == 2
    assert ended.lines[0].startswith("line 1: sent: VN ")
    assert ended.lines[1].startswith("line 2: not-sealed: ")
    assert ended.words == "1 not-sealed, 1 sent\n"


def test_what_is_not_allowed_outweighs_what_is_wrong(world: LyingWorld, tmp_path: Path) -> None:
    path = write(tmp_path, make_alert(kind="rumour"), {"alert": make_alert(), "to": ["BE"]})
    ended = run(world, path)
    assert ended.code == 5
    assert [answer.get("state") for answer in ended.answers[:2]] == ["not-sealed", "not-sealed"]


def test_what_the_exchange_refuses_is_told_as_such(world: LyingWorld, tmp_path: Path) -> None:
    world.exchange.tamper[MESSAGE_BATCHES_PATH] = lambda answer: answer.model_copy(
        update={"members": (refuse_member("quota-exhausted", "used up"), *answer.members[1:])}
    )
    ended = run(world, write(tmp_path, make_alert(), make_alert()))
    assert ended.code == 5
    assert ended.answers[0]["problem"] == {"code": "quota-exhausted", "sentence": "used up"}
    assert [answer.get("state") for answer in ended.answers[:2]] == ["refused", "sent"]


def test_with_the_exchange_away_all_is_queued(world: LyingWorld, tmp_path: Path) -> None:
    with tampered(world["GB"], LostRequest(MESSAGE_BATCHES_PATH)):
        ended = run(world, write(tmp_path, make_alert(), make_alert()), Form.PLAIN)
    assert ended.code == 7
    assert "agency sync" in ended.words


def test_a_dry_run_sends_nothing_and_needs_no_reason(world: LyingWorld, tmp_path: Path) -> None:
    size = len(world.exchange.records)
    ended = run(world, write(tmp_path, make_alert()), dry_run=True, necessity="", reason="")
    assert (ended.code, ended.answers[0]["state"]) == (0, "would-be-sent")
    assert len(world.exchange.records) == size


def test_fields_set_for_all_count_for_every_line(world: LyingWorld, tmp_path: Path) -> None:
    drafts = [make_alert(), make_alert()]
    for draft in drafts:
        del draft["kind"]
    ended = run(world, write(tmp_path, *drafts), kind="ping", assignments=["subject=Exercise"])
    assert [answer.get("state") for answer in ended.answers[:2]] == ["sent", "sent"]


@pytest.mark.parametrize("option", ["mrz", "attach", "quality"])
def test_what_is_about_one_message_is_not_taken_for_many(world: LyingWorld, tmp_path: Path, option: str) -> None:
    with pytest.raises(UsageError, match=f"--{option} is about one message"):
        run(world, write(tmp_path, make_alert()), Form.JSON, **{option: ["x=y"]})


def test_a_file_and_a_batch_are_not_taken_together(agency: Agency, tmp_path: Path) -> None:
    ended = agency("send", "alert.json", "--batch", str(tmp_path))
    assert ended.code == 2
    assert "--batch names what is sent" in ended.stderr
