"""The broker as the enemy of comparing: sham witnesses, a view of the log for one member alone, and time that stands.

What a node cannot see alone it learns from its partners: they cosign what they saw, say so in every message and status,
and a status that does not come is told by its age. Nobody counts as a witness but who was pinned from paper.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agency_client.agreements.flows import accept
from agency_client.agreements.pulling import pull_steps
from agency_client.local_store.inbox import InboxState
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.sending.facts import SendingStoppedError
from agency_client.sending.flow import NotCoveredError, send_alert
from agency_client.statuses.standing import list_ages
from agency_client.witness.observer import read_log_keys
from agency_client.witness.standing import NotYetWitnessedError, load_quorum
from keys.log_keys import verify_checkpoint
from schemas.agreements.steps import StepAction
from schemas.markings import Urgency
from tests.attacks.arena import GB, VN, Arena, list_codes, make_arena, speak
from tests.support.drafts import make_draft
from tests.support.nodes import make_terms_of, take_step
from tests.support.officers import sign_by_two


@pytest.fixture
def terms(arena: Arena, request: pytest.FixtureRequest) -> Any:
    """An agreement between GB and VN in force, of this test alone."""
    return arena.agree(GB, VN, request.node.name)


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """An arena of its own, in which days go by: leaves dated so late would hold everything back elsewhere."""
    with make_arena(tmp_path_factory.mktemp("days")) as made:
        yield made


# Witnesses


def test_cosignatures_made_up_in_partners_names_count_nothing(arena: Arena, terms: Any) -> None:
    leg = arena.send(terms, VN, GB)
    with arena.lying(f"sham-witnesses={GB}"):
        report = arena.sync(GB)
        found = read_message(arena[GB], leg.message_id, reason="who has seen it")
    assert "cosignature" in " ".join(problem.sentence for problem in list_problems(report))
    assert isinstance(found, ReadMessage)
    assert not found.is_witnessed
    assert load_quorum(arena[GB]).witnessed_size <= found.stored.leaf_index
    arena.witness()
    again = read_message(arena[GB], leg.message_id, reason="who has seen it now")
    assert isinstance(again, ReadMessage)
    assert again.is_witnessed


def list_problems(report: Any) -> list[Any]:
    """Return every problem of a round."""
    return [problem for stage in report.stages for problem in stage.problems]


def test_cosignatures_kept_back_let_alerts_pass_and_no_agreement(arena: Arena, terms: Any) -> None:
    fresh = make_terms_of(arena[GB], arena[VN], "proposed while nobody cosigns")
    with arena.lying(f"hidden-cosignatures={VN}"):
        take_step(arena[GB], fresh, StepAction.PROPOSE, arena[GB])
        arena.sync(VN)
        with pytest.raises(NotYetWitnessedError, match="have not all seen"):
            accept(arena[VN], fresh.digest())
        arena.demand_service(terms)
    arena.witness()
    pull_steps(arena[VN])
    assert sign_by_two(arena[VN], accept, fresh.digest()).action == "accept"


# One member's own view of the log


def test_a_view_of_the_log_for_one_member_is_found_by_what_a_partners_status_says(arena: Arena) -> None:
    enter(arena, "SEES")
    with arena.lying("split-view=SEES"):
        speak(arena, VN, "SEES")
        report = arena.sync("SEES")
    demand_difference_told(arena, report, "SEES")


def test_a_view_of_the_log_for_one_member_is_found_by_what_a_partners_message_says(arena: Arena) -> None:
    terms = enter(arena, "READS")
    with arena.lying("split-view=READS", "frozen-statuses=READS"):
        arena.sync(VN)
        leg = arena.send(terms, VN, "READS")
        speak(arena, VN, "READS")
        report = arena.sync("READS")
        assert arena.load("READS", leg.digest).state is InboxState.OPENED
    demand_difference_told(arena, report, "READS")


def enter(arena: Arena, agency: str) -> Any:
    """Let another agency join, in an agreement with VN, and both know of each other."""
    arena.join(agency)
    terms = arena.agree(agency, VN, agency)
    for one in (agency, VN, agency):
        arena.sync(one)
    return terms


def demand_difference_told(arena: Arena, report: Any, agency: str) -> None:
    """Demand an alarm that says whom to call, and that what was claimed is kept."""
    assert "checkpoint-differs" in list_codes(report)
    assert arena.has_doubt(agency, "checkpoint-differs", "VN says it saw a log of")
    assert arena.has_doubt(agency, "checkpoint-differs", "call its duty desk")


def test_a_head_that_a_partner_cosigned_proves_the_other_history_and_stops_sending(arena: Arena) -> None:
    terms = enter(arena, "SHOWN")
    with arena.lying("careless-split-view=SHOWN"):
        arena.sync(VN)
        arena.sync("SHOWN")
    proof = arena.list_proofs("SHOWN")[-1]
    keys = read_log_keys(arena["SHOWN"].sheet)
    one, other = (verify_checkpoint(note, arena["SHOWN"].sheet.origin, keys) for note in (proof.first, proof.second))
    assert (one.size, one.root) != (other.size, other.root)
    with pytest.raises(SendingStoppedError):
        send_alert(arena["SHOWN"], make_draft(VN, agreement=terms.digest()))


# Time that stands


def test_a_partner_whose_statuses_are_kept_back_is_marked_after_a_day_and_gets_nothing_new_after_three(
    days: Arena,
) -> None:
    terms = days.agree(GB, VN, "frozen")
    for agency in (GB, VN, GB):
        days.sync(agency)
    draft = make_draft(GB, agreement=terms.digest())
    with days.lying(f"frozen-statuses={VN}"):
        pass_hours(days, 25)
        assert list_ages(days[VN], [GB])[GB].is_marked
        send_alert(days[VN], draft)
        pass_hours(days, 48)
        assert "kept back" in list_ages(days[VN], [GB])[GB].sentence
        with pytest.raises(NotCoveredError, match="nothing new is sent"):
            send_alert(days[VN], draft)
        urgent = replace(
            draft,
            alert={**draft.alert, "urgency_reason": "People in a sealed lorry."},
            quality={"sent-before": "it has become a matter of life"},
            urgency=Urgency.THREAT_TO_LIFE,
            old_status_override="life at stake",
        )
        send_alert(days[VN], urgent)
    days.sync(VN)
    assert not list_ages(days[VN], [GB])[GB].is_marked
    send_alert(days[VN], make_draft(GB, agreement=terms.digest()))


def pass_hours(arena: Arena, hours: int) -> None:
    """Let hours go by for everybody; GB says how it stands, VN asks."""
    arena.clock.ahead += timedelta(hours=hours)
    arena.exchange.move_clock(arena.clock.ahead.total_seconds())
    speak(arena, GB, VN)
    arena.sync(VN)
