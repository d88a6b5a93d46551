"""What a person is shown of an agreement: state, why, what is due from whom, and how old the answer is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from agency_client.agreements import flows
from agency_client.agreements.views import list_lines, read_as_of, view_page
from agency_client.local_store.agreements import StoredStep
from agency_client.node import Node
from schemas.agreements.lifecycle import State
from tests.agency_client.agreements.conftest import set_clock
from tests.support.officers import sign_by_two
from tests.support.tampering import offline

Say = Callable[..., StoredStep]


def due(node: Node, reference: str) -> str:
    return view_page(node, reference).line.due


def test_what_is_due_is_said_from_each_side(gb: Node, vn: Node, fields: dict[str, Any], say: Say) -> None:
    agreement = say(gb, flows.propose, fields).agreement
    assert (due(gb, agreement), due(vn, agreement)) == ("VN answers", "you accept, counter or reject")
    until = vn.clock.now() + timedelta(days=3)
    say(vn, flows.accept, agreement, confirm_by=until)
    spelt = f"{until:%Y-%m-%d %H:%M}"
    assert (due(gb, agreement), due(vn, agreement)) == (f"you confirm by {spelt}", f"GB confirms by {spelt}")
    say(gb, flows.confirm, agreement)
    assert (due(gb, agreement), due(vn, agreement)) == ("", "")
    say(vn, flows.suspend, agreement, reason="x")
    assert (due(gb, agreement), due(vn, agreement)) == ("", "you resume")


def test_review_and_end_are_announced_sixty_days_before(gb: Node, in_force: str) -> None:
    terms = view_page(gb, in_force).line.terms
    for moment, words in (
        (terms.review_by - timedelta(days=61), ""),
        (terms.review_by - timedelta(days=59), f"review by {terms.review_by:%Y-%m-%d}"),
        (terms.review_by + timedelta(days=1), f"review was due on {terms.review_by:%Y-%m-%d}"),
        (terms.in_force_until - timedelta(days=59), f"ends on {terms.in_force_until:%Y-%m-%d}"),
    ):
        set_clock(gb, timedelta())
        set_clock(gb, moment - gb.clock.now())
        assert due(gb, in_force) == words


def test_ended_versions_are_listed_only_where_asked_for(gb: Node, in_force: str, say: Say) -> None:
    assert in_force in {line.agreement for line in list_lines(gb)}
    say(gb, flows.revoke, in_force, reason="over")
    assert in_force not in {line.agreement for line in list_lines(gb)}
    (line,) = (line for line in list_lines(gb, even_ended=True) if line.agreement == in_force)
    assert (line.state, line.partner, line.because) == (State.REVOKED, "VN", "GB revoked the agreement")


def test_what_waits_here_is_a_draft_for_others_and_said_so(gb: Node, fields: dict[str, Any]) -> None:
    with offline(gb):
        step = sign_by_two(gb, flows.propose, fields)
    page = view_page(gb, step.terms_digest)
    assert (page.line.state, "not in the log yet" in page.line.because) == (State.DRAFT, True)
    assert [(line.step.action.value, line.is_logged) for line in page.history] == [("propose", False)]


def test_an_answer_says_how_old_it_is(gb: Node, in_force: str) -> None:
    as_of = read_as_of(gb)
    assert as_of is not None
    assert as_of.size > 0
