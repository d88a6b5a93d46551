"""Text of others in every field and verb: nothing steers the terminal, no line passes for ours, no file goes astray.

The command line runs inside this process, against nodes whose partner and exchange say hostile things in every place.
"""

from collections.abc import Iterator
from io import StringIO
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from agency_client.errors import ClientError
from agency_client.refusals import read_refusal
from agency_client.terminal.output import Form, Output
from agency_client.witness.walker import walk_log
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import DutyDesk
from schemas.alerts import kind_names, kind_of
from schemas.api import STATUSES_PATH, STEPS_PATH
from schemas.codec import decode_canonical, decode_json
from schemas.log.records import RecordType
from schemas.problems import PROBLEMS, ProblemDocument, ProblemReason
from tests.attacks.recipient import GB, VN
from tests.schemas.alerts.filled import leaves, load, load_changed, problems_of
from tests.strategies.hostile_text import FORGED, HOSTILE, MARK, PRINTABLE
from tests.support.command_line import CommandLine, find_steering
from tests.support.lying_exchange import LyingConnection
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.nodes import make_terms_of, make_wide_clause, take_step

NOT_ALONE = tuple(kind for kind in kind_names() if kind_of(kind).needs_refers_to)
"""Kinds that answer another message: what they say is shown by the same pages."""
CONFIDENTIAL = {kind for kind in kind_names() if kind_of(kind).is_confidential}
"""Kinds that only safeguarding officers read, by the same pages."""
PAGES = sorted(set(kind_names()) - set(NOT_ALONE) - CONFIDENTIAL)
LINE = MARK + PRINTABLE["an override from right to left"] + PRINTABLE["nothing to be seen"] + "[red]:skull:"
PROBLEM = LINE + PRINTABLE["a flood of marks"]


def text_fields(kind: str) -> list[str]:
    """Name the fields of a kind's example that take any text of somebody's own."""
    return [path for path in leaves(load(kind)) if path != "kind" and not problems_of(kind, {path: "any text"})]


@pytest.mark.parametrize("kind", sorted(kind_names()))
def test_no_field_of_any_alert_takes_a_control_character(kind: str) -> None:
    fields = text_fields(kind)
    assert {"subject", "unit", "officer"} <= set(fields)
    for control in ("\x00", "\x07", "\x1b", "\r", "\x7f", "\x85", "\x9b", "\u2028"):
        assert [field for field in fields if not problems_of(kind, {field: f"any{control}text"})] == []


def make_hostile_alert(kind: str) -> dict[str, Any]:
    """Return the example of a kind with another hostile text in each field that takes text."""
    texts = cycle(PRINTABLE.values())
    changes: dict[str, Any] = {field: next(texts)[:75] for field in text_fields(kind)}
    while problems := problems_of(kind, changes):
        for problem in problems:
            changes.pop(problem.field, None)
    assert {"subject", "unit", "officer"} <= changes.keys()
    return load_changed(kind, changes)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    with lying_world(tmp_path_factory.mktemp("hostile"), GB, VN) as made:
        yield made


@pytest.fixture(scope="module")
def agency(world: LyingWorld) -> Iterator[CommandLine]:
    """VN's command line, connected to the lying exchange, after GB said hostile things in every way there is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "2000")
        patch.setenv("TERM", "xterm-256color")
        patch.setattr(
            "agency_client.node.BrokerConnection",
            lambda _url, _sheet, identity, _clock, _role: LyingConnection(world.exchange, identity.agency),
        )
        folder = world[VN].profile.folder.parent.parent
        line = CommandLine(folder, VN.lower())
        assert line.run("--passphrase-file", "passphrase", "unlock")[0] == 0
        yield line
        line.run("lock")


@pytest.fixture(scope="module")
def terms(world: LyingWorld) -> Any:
    """An agreement in force whose every text is hostile."""
    desks = tuple(DutyDesk(agency=name, name=LINE, phone="+441632960961") for name in (GB, VN))
    clauses = tuple(make_wide_clause(*way, kinds=tuple(sorted(kind_names()))) for way in ((GB, VN), (VN, GB)))
    texts: dict[str, Any] = {"title": LINE, "legal_basis": (LINE, FORGED), "note": f"{LINE}\n{FORGED}\n{FORGED}"}
    return world.agree(GB, VN, "hostile", duty_desks=desks, clauses=clauses, **texts)


@pytest.fixture(scope="module")
def messages(world: LyingWorld, agency: CommandLine, terms: Any) -> dict[str, str]:
    """The ids of one message of each kind, collected by `agency sync`."""
    sent = {}
    for kind in PAGES:
        sealed = world.craft(GB, VN, terms, alert=make_hostile_alert(kind))
        world.deliver(sealed, VN)
        sent[kind] = sealed.header.id
    walk_log(world[VN])
    agency.demand_harmless("sync")
    return sent


def test_the_list_of_what_came_obeys_nothing_of_it(agency: CommandLine, messages: dict[str, str]) -> None:
    shown = agency.demand_harmless("inbox")
    assert shown.count(MARK) >= len(messages)
    for options in (["--unverifiable"], ["--waiting"], ["--unread"]):
        agency.demand_harmless("inbox", *options)


@pytest.mark.parametrize("kind", PAGES)
def test_a_message_is_read_verified_and_shown_in_its_case_without_being_obeyed(
    agency: CommandLine, messages: dict[str, str], kind: str
) -> None:
    found = messages[kind]
    assert MARK in agency.demand_harmless("read", found, "--reason", LINE, "--case", LINE[:60])
    agency.demand_harmless("verify", found)
    assert MARK in agency.demand_harmless("thread", found)


def test_what_goes_out_and_became_of_it_is_shown_without_being_obeyed(
    agency: CommandLine, messages: dict[str, str]
) -> None:
    found = messages["document-verification"]
    agency.demand_harmless("ack", found, "--reason", LINE, codes=(0, 7))
    for verb in ("outbox", "sent"):
        agency.demand_harmless(verb)
    _, out, _ = agency.run("sent", form="--json")
    own = decode_json(out.encode())["messages"][0]
    agency.demand_harmless("status", str(own["id"]), "--offline")


def test_agreements_are_shown_without_being_obeyed(world: LyingWorld, agency: CommandLine, terms: Any) -> None:
    assert MARK in agency.demand_harmless("agreements")
    assert MARK in agency.demand_harmless("agreement", "show", terms.id)
    proposed = make_terms_of(world[GB], world[VN], "proposed", title=LINE, note=f"{LINE}\n{FORGED}")
    take_step(world[GB], proposed, StepAction.PROPOSE, reason=f"{LINE}\n{FORGED}")
    agency.demand_harmless("sync")
    assert MARK in agency.demand_harmless("agreement", "show", proposed.id)
    assert MARK in agency.demand_harmless("agreement", "history", proposed.id)
    other = proposed.model_copy(update={"title": f"{LINE}2", "note": FORGED})
    take_step(world[GB], other, StepAction.PROPOSE, counters=proposed.digest(), reason=LINE)
    agency.demand_harmless("sync")
    assert MARK in agency.demand_harmless("agreement", "diff", proposed.id)


def test_what_the_exchange_wrote_into_the_log_is_shown_without_being_obeyed(
    world: LyingWorld, agency: CommandLine, messages: dict[str, str]
) -> None:
    world.exchange.append(RecordType.OPERATOR_ACTION, (VN,), detail=LINE)
    assert MARK in agency.demand_harmless("audit", "list", "--purpose", "self-monitoring", "--reason", LINE)
    assert MARK in agency.demand_harmless("audit", "list", "--own", "--purpose", "self-monitoring", "--reason", LINE)


def refuse_in_words() -> ClientError:
    """Return a refusal as hostile as its form lets it be."""
    problem = PROBLEMS["not-covered"]
    reasons = (ProblemReason(code="forged", sentence=f"{PROBLEM}\n{FORGED}"),)
    words: dict[str, Any] = {"title": FORGED, "detail": f"{PROBLEM}\r\n{FORGED}\n\n{FORGED}", "field": f"x\n{FORGED}"}
    document = ProblemDocument(type=problem.uri, status=problem.status, reasons=reasons, reference="r", **words)
    return read_refusal(problem.status, {}, document.canonical())


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_words_beside_the_data_are_one_line_whatever_others_put_into_them(name: str) -> None:
    for form in (Form.PLAIN, Form.JSON):
        out, err = StringIO(), StringIO()
        Output(form, stdout=out, stderr=err).say(f"somebody says: {HOSTILE[name]}")
        assert out.getvalue() == ""
        assert len(err.getvalue().splitlines()) == 1
        assert find_steering(err.getvalue()) == set()


@pytest.mark.parametrize("path", [STEPS_PATH, STATUSES_PATH])
def test_a_refusal_in_hostile_words_is_told_by_a_round_and_obeyed_by_nobody(
    world: LyingWorld, agency: CommandLine, messages: dict[str, str], path: str
) -> None:
    def refuse(_: object) -> object:
        raise refuse_in_words()

    world.exchange.tamper[path] = refuse
    try:
        assert MARK in agency.demand_harmless("sync", codes=(0, 1, 5, 6))
    finally:
        del world.exchange.tamper[path]


@pytest.mark.parametrize(
    "verb",
    [
        ("doctor",),
        ("partners",),
        ("keys", "list"),
        ("trust", "list"),
        ("trust", "contradictions"),
        ("trust", "show"),
        ("profile", "list"),
        ("profile", "show"),
        ("whoami",),
        ("approvals",),
    ],
    ids=" ".join,
)
def test_every_other_list_obeys_nothing(agency: CommandLine, messages: dict[str, str], verb: tuple[str, ...]) -> None:
    agency.demand_harmless(*verb, codes=(0, 1, 6))


def test_a_word_of_ours_that_is_none_is_refused_in_one_line(agency: CommandLine) -> None:
    verbs = cycle([("read", "--reason", "test", "--"), ("agreement", "show", "--"), ("status", "--offline", "--"), ()])
    for name, verb in zip(HOSTILE, verbs, strict=False):
        text = HOSTILE[name].replace("\x00", "").removeprefix(FORGED)
        code, out, err = agency.run(*verb, text)
        assert code != 0
        assert find_steering(out + err) == set(), verb
        assert not any(line.startswith(FORGED) for line in err.splitlines()), (verb, name, err)


def test_nothing_is_written_outside_the_folder(agency: CommandLine, messages: dict[str, str]) -> None:
    def list_all() -> set[Path]:
        return {path for path in agency.folder.rglob("*") if "home" not in path.parts}

    partner = CommandLine(agency.folder, GB.lower())
    assert partner.run("--passphrase-file", "passphrase", "sync")[0] == 0  # it cosigns what it saw
    assert agency.run("sync")[0] == 0
    before, above = list_all(), set(agency.folder.parent.iterdir())
    code, _, err = agency.run(
        "audit", "export", "--purpose", "self-monitoring", "--reason", LINE, "--out", "export.jsonl"
    )
    assert code in (0, 7), err
    agency.demand_harmless("audit", "verify", "export.jsonl", forms=("--plain", "--json"))  # a bar moves in the other
    agency.run("backup", "copy.backup")
    assert {path.name for path in list_all() - before} <= {"export.jsonl", "copy.backup"}
    assert set(agency.folder.parent.iterdir()) == above
    for line in (agency.folder / "export.jsonl").read_bytes().splitlines():
        decode_canonical(line)
