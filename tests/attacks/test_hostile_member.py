"""A member that lies, with the exchange at its side: proposals swapped under an id, text that steers who reads it.

Everything is signed with the member's real keys; what counts is what an honest partner signs, and what it is shown.
"""

import re
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from agency_client.agreements import chains, flows
from agency_client.agreements.pulling import pull_steps
from agency_client.agreements.views import list_lines, view_page
from agency_client.audit.rows import make_rows
from agency_client.errors import UsageError
from agency_client.languages.words import ENGLISH
from agency_client.local_store.inbox import InboxFilter, InboxState
from agency_client.reading.lists import view_inbox
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.receiving.content_rules import accept_content
from agency_client.receiving.errors import UnprovenError
from agency_client.receiving.sealed import read_sealed, strip_ciphertext
from agency_client.receiving.verification import load_facts
from agency_client.statuses.standing import list_ages
from agency_client.terminal.agreement_pages import show_page
from agency_client.terminal.audit_pages import show_rows
from agency_client.terminal.cleaning import is_shown
from agency_client.terminal.inbox_pages import show_inbox, show_set_aside
from agency_client.terminal.message_pages import show_received
from agency_client.terminal.output import Form, Output
from agency_client.terminal.partner_pages import show_age
from agency_client.witness.walker import walk_log
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import DutyDesk, Terms
from schemas.envelope import Message
from schemas.log.records import RecordType
from tests.agency_client.terminal.test_output import capture
from tests.attacks.recipient import GB, VN
from tests.schemas.alerts.filled import leaves, load_changed, problems_of
from tests.support.lying_world import LyingWorld
from tests.support.nodes import make_terms_of, make_wide_clause, take_step
from tests.support.officers import sign_by_two
from tests.support.witnesses import see_together

HOSTILE = (
    "x\u202egnp.exe\u2066\u200b\ufeff\U000e0041\u0336e\u0301\u0301\u0301\u0301\u0301\u0301[red]:smile:\u2800\u3164"
)
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def offer(world: LyingWorld, terms: Terms, *before: Terms) -> None:
    """Let GB take back what it proposed before, and propose these terms in its place."""
    for taken_back in before:
        take_step(world[GB], taken_back, StepAction.WITHDRAW)
    take_step(world[GB], terms, StepAction.PROPOSE)
    pull_steps(world[VN])
    see_together(*world.nodes.values())


def test_terms_put_in_the_place_of_those_that_were_read_are_not_accepted_by_the_agreements_id(
    world: LyingWorld,
) -> None:
    read = make_terms_of(world[GB], world[VN], "read and swapped")
    swapped = make_terms_of(world[GB], world[VN], "read and swapped", title="Memorandum, as nobody read it")
    assert read.id == swapped.id
    offer(world, read)
    offer(world, swapped, read)
    with pytest.raises(UsageError, match="several versions"):
        flows.accept(world[VN], read.id)
    assert sign_by_two(world[VN], flows.accept, swapped.digest()).terms_digest == swapped.digest()


def test_a_digest_searched_for_until_it_begins_like_the_id_does_not_draw_the_acceptance(
    world: LyingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chains, "MIN_REFERENCE_CHARACTERS", 2)  # four characters take the attacker a minute
    with world[VN].store.read() as snapshot:
        known = chains.load_all(snapshot)
    held = {reference[:2] for agreement in known for reference in (agreement.id, *agreement.list_terms())}
    drafts = (make_terms_of(world[GB], world[VN], f"drawn by its digest {number}") for number in count())
    read = next(terms for terms in drafts if terms.id[:2] not in held)  # nothing else there begins like it
    variants = (read.model_copy(update={"note": f"attempt {number}"}) for number in count())
    drawn = next(terms for terms in variants if terms.digest().startswith(read.id[:2]))
    offer(world, read)
    offer(world, drawn, read)
    with pytest.raises(UsageError, match="several versions"):
        flows.accept(world[VN], read.id[:2])


def test_a_confidential_header_hides_no_kind_but_the_one_it_stands_for(world: LyingWorld) -> None:
    clauses = tuple(make_wide_clause(*way, kinds=("victim-safeguarding",)) for way in ((GB, VN), (VN, GB)))
    terms = world.agree(GB, VN, "victims only", clauses=clauses)
    sealed = world.craft(GB, VN, terms, kind="confidential")
    placed = world.deliver(sealed, VN)
    walk_log(world[VN])
    evidence = read_sealed(strip_ciphertext(sealed.envelope))
    with world[VN].store.read() as snapshot:
        facts = load_facts(world[VN], snapshot, evidence, placed.accepted, world[VN].sheet.origin)
    with pytest.raises(UnprovenError, match="confidential") as refusal:
        accept_content(facts, Message.from_canonical(sealed.message_bytes))
    assert refusal.value.code == "header-mismatch"


def demand_harmless(show: Callable[[Output], object]) -> None:
    """Render in both forms for people: styles apart, nothing may reach the terminal that is not shown as itself."""
    for form in (Form.RICH, Form.PLAIN):
        for text in capture(form, lambda output: (show(output), None)[1]):
            steering = {character for character in _STYLE.sub("", text) if not is_shown(character)} - set("\n\t")
            assert steering == set(), form


def make_hostile_alert(kind: str) -> dict[str, Any]:
    """Return the filled example of a kind with hostile text wherever its model lets text stand."""
    example = load_changed(kind, {})
    changes: dict[str, Any] = {}
    for path in leaves(example):
        if path != "kind" and not problems_of(kind, changes | {path: HOSTILE}):
            changes[path] = HOSTILE
    assert {"subject", "unit", "officer"} <= changes.keys()
    return load_changed(kind, changes)


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let lines be long, so that nothing is broken where a test looks for it."""
    monkeypatch.setenv("COLUMNS", "2000")
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.parametrize("kind", ["document-fraud", "facilitator"])
def test_no_text_of_a_message_steers_the_terminal_of_who_lists_or_reads_it(
    world: LyingWorld, terms: Any, kind: str
) -> None:
    node, sealed = world[VN], world.craft(GB, VN, terms, alert=make_hostile_alert(kind))
    world.deliver(sealed, VN)
    assert world.receive(VN, sealed).state is InboxState.OPENED
    found = read_message(node, sealed.header.id, reason=HOSTILE)
    assert isinstance(found, ReadMessage)
    ages = list_ages(node, (GB,))
    demand_harmless(lambda output: show_received(output, found, ages, ENGLISH))
    view = view_inbox(node, InboxFilter(states=tuple(InboxState)))
    demand_harmless(lambda output: show_inbox(output, view, ages, node.clock.now()))
    demand_harmless(lambda output: show_set_aside(output, view, ages))


def test_no_text_of_an_agreement_steers_the_terminal_of_who_reads_it(world: LyingWorld) -> None:
    desks = tuple(DutyDesk(agency=agency, name=HOSTILE, phone="+441632960961") for agency in (GB, VN))
    terms = make_terms_of(
        world[GB], world[VN], "steering", title=HOSTILE, legal_basis=(HOSTILE,), duty_desks=desks, note=HOSTILE
    )
    take_step(world[GB], terms, StepAction.PROPOSE, reason=f"{HOSTILE}\n2026-11-21 VN accept in the log")
    pull_steps(world[VN])
    page = view_page(world[VN], terms.id)
    status = show_age(list_ages(world[VN], (GB,))[GB])
    demand_harmless(lambda output: show_page(output, page, status))
    assert any(line.terms.title == HOSTILE for line in list_lines(world[VN]))
    shown, _ = capture(Form.PLAIN, lambda output: show_page(output, page, status))
    assert not any(line.startswith("2026-11-21 VN accept") for line in shown.splitlines())


def test_no_text_of_a_record_steers_the_terminal_of_an_auditor(world: LyingWorld) -> None:
    logged = world.exchange.append(RecordType.OPERATOR_ACTION, (GB,), detail=HOSTILE)

    demand_harmless(lambda output: show_rows(output, make_rows([logged], ())))
