"""What a person is shown of an agreement: state, why, what is due from whom, and how old the answer is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from agency_client.agreements import flows
from agency_client.agreements.approving import AwaitedStep
from agency_client.agreements.reminders import ReminderKind
from agency_client.agreements.views import list_lines, read_as_of, view_page
from agency_client.local_store.agreements import StoredStep
from agency_client.node import Node
from schemas.agreements.lifecycle import State
from tests.support.nodes import set_clock
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
    overdue = f"review was due on {terms.review_by:%Y-%m-%d}"
    for moment, words in (
        (terms.review_by - timedelta(days=61), ""),
        (terms.review_by - timedelta(days=59), f"review by {terms.review_by:%Y-%m-%d}"),
        (terms.review_by + timedelta(days=1), overdue),
        (terms.in_force_until - timedelta(days=59), f"ends on {terms.in_force_until:%Y-%m-%d}; {overdue}"),
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


def test_what_one_officer_approved_is_shown_to_the_other_who_has_to_approve_it_too(
    gb: Node, vn: Node, in_force: str, say: Say
) -> None:
    say(vn, flows.suspend, in_force, reason="x")
    flows.resume(vn, in_force)
    (approval,) = (item for item in view_page(vn, in_force).line.reminders if item.kind is ReminderKind.APPROVAL)
    assert approval.is_ours
    assert approval.sentence.startswith("another officer of yours gives resume, too, by ")
    assert approval.sentence.endswith(f": {vn.officer} has approved it")
    assert "approved" not in due(gb, in_force)
    say(vn, flows.resume, in_force)
    assert due(vn, in_force) == ""


def test_terms_that_one_officer_approved_are_read_in_full_before_anybody_signs(
    gb: Node, fields: dict[str, Any]
) -> None:
    awaited = flows.propose(gb, fields)
    assert isinstance(awaited, AwaitedStep)
    page = view_page(gb, awaited.agreement[:10])
    assert (page.line.state, page.line.terms.title, page.history) == (State.DRAFT, fields["title"], ())
    assert page.line.because == f"{gb.officer} has approved it, and nobody has signed it"
    assert view_page(gb, awaited.terms_digest).line.digest == awaited.terms_digest
    assert awaited.agreement in {line.agreement for line in list_lines(gb)}
    step = sign_by_two(gb, flows.propose, fields)
    assert (step.agreement, step.terms_digest) == (awaited.agreement, awaited.terms_digest)
    assert [line.digest for line in list_lines(gb)].count(awaited.terms_digest) == 1


def test_a_version_revoked_with_notice_says_when_it_ends(gb: Node, vn: Node, in_force: str, say: Say) -> None:
    end = gb.clock.now() + timedelta(days=100)
    say(gb, flows.revoke, in_force, reason="over", effective_from=end)
    assert due(vn, in_force) == f"revoked with notice: ends on {end:%Y-%m-%d}"
