"""A fully hostile broker against a client: dates that move, forks, steps held back, words that forge lines.

Nodes have real keys; the exchange lies with its true log keys. Here: what one answer, or the lack of one, can do.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.agreements.pulling import pull_steps
from agency_client.languages.words import ENGLISH
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, list_contradictions
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.suspicions import list_suspicions
from agency_client.own_keys.publishing import publish_queued
from agency_client.own_keys.revoking import prepare_revocation
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.refusals import read_refusal
from agency_client.sending.flow import NotCoveredError, send_alert
from agency_client.statuses.partners import pull_statuses
from agency_client.statuses.signing import sign_status
from agency_client.statuses.standing import list_ages
from agency_client.terminal.message_pages import show_received
from agency_client.terminal.output import Form, Output
from agency_client.witness.observer import LogError
from agency_client.witness.walker import refresh_checkpoint, walk_log
from schemas.agreements.steps import StepAction
from schemas.api import (
    CHECKPOINT_PATH,
    CONSISTENCY_PATH,
    LEASE_PATH,
    STATUSES_PATH,
    STEPS_PATH,
    CheckpointAnswer,
    ConsistencyAnswer,
    LeaseAnswer,
    MessageItem,
    PartnerStatus,
    StepsAnswer,
)
from schemas.codec import b64u_encode
from schemas.log.records import RecordType
from schemas.model import format_timestamp
from schemas.problems import TYPE_PREFIX, ProblemDocument
from schemas.signed import KeyUse, SignedDocument
from schemas.status import digest_status
from tests.agency_client.terminal.test_output import capture
from tests.attacks.recipient import GB, VN, demand_set_aside
from tests.support.drafts import make_draft
from tests.support.lying_answers import HANDLERS
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.nodes import take_step


def wait_reasons(world: LyingWorld) -> dict[str, str]:
    """Let VN collect; return why messages wait, by digest."""
    findings = world.collect(VN).findings
    return {found.digest: found.problem.code for found in findings if found.state is InboxState.NEW and found.problem}


def test_a_leaf_dated_back_does_not_bring_an_ended_agreement_back(world: LyingWorld) -> None:
    now = world.clock.now()
    ended = world.agree(
        GB,
        VN,
        "ended yesterday",
        in_force_from=now - timedelta(days=9),
        review_by=now - timedelta(days=5),
        in_force_until=now - timedelta(days=1),
    )
    walk_log(world[VN])
    issued = now - timedelta(days=2)
    sealed = world.craft(GB, VN, ended, issued_at=issued, expires_at=issued + timedelta(days=20))
    world.deliver(sealed, VN, time=format_timestamp(issued + timedelta(minutes=1)))
    demand_set_aside(world, sealed, "leaf-dated-back")


def test_a_leaf_dated_ahead_does_not_bring_an_agreement_into_force_early(world: LyingWorld) -> None:
    now = world.clock.now()
    coming = world.agree(GB, VN, "in force in a week", in_force_from=now + timedelta(days=7))
    sealed = world.craft(GB, VN, coming)
    ahead = format_timestamp(now + timedelta(days=8))
    world.deliver(sealed, VN, time=ahead)

    def hand_over_ahead(answer: LeaseAnswer) -> LeaseAnswer:
        (item,) = answer.items
        assert isinstance(item, MessageItem)
        members = {name: getattr(item.handed_over.record, name) for name in ("message", "agency", "partner", "lease")}
        dated = world.exchange.append(RecordType.MESSAGE_HANDED_OVER, (GB, VN), time=ahead, **members)
        proofs = {"accepted_proof": world.exchange.prove(item.accepted.index)}
        proofs["handed_over_proof"] = world.exchange.prove(dated.index)
        changed = item.model_copy(update={"handed_over": dated, **proofs})
        return answer.model_copy(update={"items": (changed,), "checkpoint": world.exchange.sign_note()})

    world.exchange.tamper[LEASE_PATH] = hand_over_ahead
    assert wait_reasons(world)[sealed.digest] == "leaf-ahead-of-now"
    del world.exchange.tamper[LEASE_PATH]
    world.clock.ahead = timedelta(days=8)
    assert world.receive(VN, sealed).state is InboxState.OPENED


def test_another_root_of_an_older_size_is_a_proof_too(world: LyingWorld) -> None:
    exchange, node = world.exchange, world[VN]
    older = refresh_checkpoint(node).size
    exchange.append(RecordType.OPERATOR_ACTION, (), detail="grows")
    refresh_checkpoint(node)
    forked = exchange.sign_note(older, bytes(32))
    exchange.tamper[CHECKPOINT_PATH] = lambda _: CheckpointAnswer(checkpoint=forked)
    with pytest.raises(EquivocationError):
        refresh_checkpoint(node)
    with node.store.read() as snapshot:
        proofs = list_contradictions(snapshot, ContradictionKind.CHECKPOINT)
    assert forked.encode() in {proofs[-1].first, proofs[-1].second}


@pytest.mark.parametrize("beyond", [-1, 1000], ids=["a smaller tree", "a larger tree"])
def test_a_fork_of_another_size_is_not_used_and_its_signed_note_is_kept(
    world: LyingWorld, beyond: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange, node = world.exchange, world[VN]
    exchange.append(RecordType.OPERATOR_ACTION, (), detail="grows")
    exchange.append(RecordType.OPERATOR_ACTION, (), detail="grows")
    newest = refresh_checkpoint(node)
    forked = exchange.sign_note(newest.size + beyond, bytes(32))
    exchange.tamper[CHECKPOINT_PATH] = lambda _: CheckpointAnswer(checkpoint=forked)
    unproven = ConsistencyAnswer(old_size=1, proof=(b64u_encode(bytes(32)),), checkpoint=forked)
    monkeypatch.setitem(HANDLERS, CONSISTENCY_PATH, lambda *_: unproven)
    with pytest.raises(LogError):
        refresh_checkpoint(node)
    assert node.observer.read_seen().size == newest.size
    with node.store.read() as snapshot:
        kept = {item.record for item in list_suspicions(snapshot)}
    assert forked.encode() in kept


def serve_status(world: LyingWorld, signer: str, reader: str) -> None:
    """Let a member sign its status for another, and the exchange log and show it."""
    walk_log(world[signer])
    sign_status(world[signer], reader)
    with world[signer].store.read() as snapshot:
        stored = snapshot.fetch_value(
            "SELECT document FROM status WHERE direction = 'out' AND partner = ? ORDER BY seq DESC LIMIT 1", reader
        )
    document = SignedDocument.from_canonical(stored)
    digest = digest_status(document.payload_bytes)
    leaf = world.exchange.append(RecordType.STATUS, (signer, reader), agency=signer, partner=reader, digest=digest)

    def show(answer: Any) -> Any:
        proof = world.exchange.prove(leaf.index)
        return answer.model_copy(
            update={"statuses": (PartnerStatus(agency=signer, document=document, leaf=leaf, proof=proof),)}
        )

    world.exchange.tamper[STATUSES_PATH] = show


def hide_steps(world: LyingWorld, hidden: Callable[[Any], bool]) -> None:
    """Let the exchange show no step that is `hidden`."""

    def hide(answer: Any) -> Any:
        if not isinstance(answer, StepsAnswer):
            return answer
        return answer.model_copy(update={"steps": tuple(item for item in answer.steps if not hidden(item))})

    world.exchange.tamper[STEPS_PATH] = hide


def test_a_suspension_its_signer_speaks_of_holds_everything_back_until_the_exchange_shows_it(world: LyingWorld) -> None:
    terms = world.agree(GB, VN, "with a hidden suspension")
    other = world.agree(GB, VN, "another, untouched")
    step = take_step(world[GB], terms, StepAction.SUSPEND, world[GB])
    hide_steps(world, lambda item: item.leaf.record.agreement == step.agreement)
    serve_status(world, GB, VN)
    report = pull_statuses(world[VN])
    assert [alarm.code for alarm in report.alarms] == ["step-hidden"]
    with pytest.raises(NotCoveredError, match="has not shown"):
        send_alert(world[VN], make_draft(GB, agreement=terms.digest()))
    sealed, passing = world.craft(GB, VN, terms), world.craft(GB, VN, other)
    world.deliver(sealed, VN)
    world.deliver(passing, VN)
    assert wait_reasons(world)[sealed.digest] == "step-hidden"
    assert world.look_up(VN, passing).state is InboxState.OPENED


def test_a_revocation_its_signer_speaks_of_holds_back_what_the_key_signs_until_the_log_shows_it(
    tmp_path: Path,
) -> None:
    with lying_world(tmp_path, GB, VN) as world:
        terms = world.agree(GB, VN, "with a stolen key")
        stolen = world[GB].signer(KeyUse.MESSAGE)
        digest = prepare_revocation(world[GB], [stolen.kids[0]], "stolen")
        serve_status(world, GB, VN)
        pull_statuses(world[VN])
        sealed = world.craft(GB, VN, terms, signer=stolen)
        world.deliver(sealed, VN)
        assert wait_reasons(world)[sealed.digest] == "revocation-hidden"
        publish_queued(world[GB], digest)
        assert world.receive(VN, sealed).state is InboxState.OPENED  # its leaf stands before: disputed, not refused
        found = read_message(world[VN], sealed.header.id, reason="who signed this")
        assert isinstance(found, ReadMessage)
        shown, _ = capture(
            Form.PLAIN, lambda output: show_received(output, found, list_ages(world[VN], (GB,)), ENGLISH)
        )
        assert "DISPUTED: its sender has revoked the key" in shown


def test_a_step_that_was_passed_over_is_asked_for_again_once_its_signer_speaks_of_it(world: LyingWorld) -> None:
    terms = world.agree(GB, VN, "with a step passed over")
    take_step(world[GB], terms, StepAction.SUSPEND, world[GB])
    later = world.exchange.steps[-1][1].index
    hide_steps(world, lambda item: item.leaf.index == later)
    world.agree(GB, VN, "a later one moves the place up to which steps were pulled")
    pull_steps(world[VN])
    serve_status(world, GB, VN)
    pull_statuses(world[VN])
    del world.exchange.tamper[STEPS_PATH]
    pull_steps(world[VN])
    with pytest.raises(NotCoveredError, match="suspended by GB"):
        send_alert(world[VN], make_draft(GB, agreement=terms.digest()))


HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(HOSTILE, HOSTILE, st.sampled_from([400, 401, 404, 409, 422, 429, 500, 503, 507]))
def test_a_refusal_in_the_brokers_words_is_one_line_and_cannot_add_a_fix(detail: str, slug: str, status: int) -> None:
    problem = ProblemDocument(type=TYPE_PREFIX + slug, title="x", status=status, detail=detail + "\nfix: run: evil\n")
    error = read_refusal(status, {}, problem.canonical())

    def show(output: Output) -> None:
        output.show_error(error.code, error.sentence, error.fix)

    _, words = capture(Form.PLAIN, show)
    assert words.count("\n") == 1
    assert words.startswith("error: ")
    assert "\n" not in error.code
    assert not {character for character in words[:-1] if not character.isprintable()} - set("\u00a0")


def test_an_error_of_the_clients_own_that_repeats_a_foreign_line_break_stays_one_line() -> None:
    _, words = capture(Form.PLAIN, lambda output: output.show_error("x", "held\nfix: forged", "true\nfix: forged"))
    assert [line.split(":")[0] for line in words.splitlines()] == ["error", "fix"]
