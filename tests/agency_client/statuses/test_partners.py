"""Partners' statuses, taken from a real exchange: verified, compared with what is known, and kept, or proofs."""

from typing import Any

import pytest

from agency_client.errors import VerificationFailedError
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, list_contradictions
from agency_client.local_store.statuses import load_announced_revocations
from agency_client.local_store.suspicions import list_suspicions
from agency_client.node import Node
from agency_client.statuses.partners import StatusReport, pull_statuses, take_status, verify_partner_status
from agency_client.witness.gossip import compare_sightings
from schemas.agreements.steps import StepAction
from schemas.api import STATUSES_PATH, STEPS_PATH, StatusesAnswer, StepsAnswer
from schemas.codec import b64u_encode
from schemas.signed import KeyUse, SignedDocument
from tests.agency_client.statuses.exchanged import hand_over, load_stored, make_verified, read
from tests.support.bad_line import Changed, tampered
from tests.support.nodes import agree, take_step


def test_the_same_status_again_is_no_news(gb: Node, vn: Node) -> None:
    hand_over(vn)
    assert pull_statuses(gb).news == ["VN"]
    assert pull_statuses(gb).news == []


def test_a_step_that_the_broker_hides_is_noticed_by_the_status(gb: Node, vn: Node) -> None:
    terms = agree(gb, vn, "with a hidden step")
    take_step(vn, terms, StepAction.SUSPEND, vn)
    hand_over(vn)

    def hide(answer: StepsAnswer) -> StepsAnswer:
        return answer.model_copy(update={"steps": (), "more": False})

    with tampered(gb, Changed(STEPS_PATH, hide)):
        report = pull_statuses(gb)
    assert [alarm.code for alarm in report.alarms] == ["step-hidden"]
    assert terms.id in report.alarms[0].sentence
    with gb.store.read() as snapshot:
        assert "step-hidden" in {item.code for item in list_suspicions(snapshot, "VN")}
    hand_over(vn)
    assert pull_statuses(gb).alarms == []


def test_an_older_status_shown_again_is_noticed(gb: Node, vn: Node) -> None:
    hand_over(vn)
    old = gb.connection.get(STATUSES_PATH, StatusesAnswer)
    hand_over(vn)
    pull_statuses(gb)
    with tampered(gb, Changed(STATUSES_PATH, lambda _: old)):
        report = pull_statuses(gb)
    assert [alarm.code for alarm in report.alarms] == ["status-rolled-back"]


def test_two_statuses_with_one_number_are_a_proof(gb: Node, vn: Node) -> None:
    hand_over(vn)
    pull_statuses(gb)
    held = load_stored(gb)
    true = read(held)
    rival = make_verified(vn, true.model_copy(update={"keyset": 2}))
    with pytest.raises(EquivocationError, match="two different statuses"):
        take_status(gb, rival, StatusReport())
    other = make_verified(vn, true.model_copy(update={"seq": true.seq + 1, "prev": b64u_encode(bytes(32))}))
    with pytest.raises(EquivocationError, match="does not follow"):
        take_status(gb, other, StatusReport())
    assert load_stored(gb) == held


def test_a_proof_found_while_pulling_is_kept(gb: Node, vn: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_over(vn)
    pull_statuses(gb)
    forged = make_verified(vn, read(load_stored(gb)).model_copy(update={"keyset": 2}))
    monkeypatch.setattr("agency_client.statuses.partners.verify_partner_status", lambda *_: forged)
    assert pull_statuses(gb).problems["VN"].code == "equivocation"
    with gb.store.read() as snapshot:
        assert list_contradictions(snapshot, ContradictionKind.STATUS)


def test_what_a_partner_says_it_saw_waits_to_be_compared(gb: Node, vn: Node) -> None:
    hand_over(vn)
    pull_statuses(gb)
    held = load_stored(gb)
    seen = read(held).checkpoint.model_copy(update={"root": b64u_encode(bytes(32))})
    following = {"seq": read(held).seq + 1, "prev": held.digest, "checkpoint": seen}
    take_status(gb, make_verified(vn, read(held).model_copy(update=following)), StatusReport())
    assert [alarm.code for alarm in compare_sightings(gb).alarms] == ["checkpoint-differs"]


def test_what_a_partner_calls_revoked_is_known_from_its_status(gb: Node, vn: Node) -> None:
    hand_over(vn)
    pull_statuses(gb)
    held = load_stored(gb)
    kid = vn.signer(KeyUse.MESSAGE).kids[0]
    following = {"seq": read(held).seq + 1, "prev": held.digest, "revoked": (kid,)}
    take_status(gb, make_verified(vn, read(held).model_copy(update=following)), StatusReport())
    with gb.store.read() as snapshot:
        assert load_announced_revocations(snapshot, "VN") == {kid}
        assert load_announced_revocations(snapshot, "XX") == frozenset()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda item: item.model_copy(update={"agency": "GB"}), "log-not-proven"),
        (lambda item: item.model_copy(update={"proof": ()}), "log-not-proven"),
        (lambda item: item.model_copy(update={"document": swap_signatures(item.document)}), "malformed"),
    ],
)
def test_a_status_that_does_not_verify_is_not_kept(gb: Node, vn: Node, change: Any, code: str) -> None:
    hand_over(vn)
    answer = gb.connection.get(STATUSES_PATH, StatusesAnswer)
    checkpoint = gb.observer.observe(answer.checkpoint)
    (item,) = answer.statuses
    assert verify_partner_status(gb, item, checkpoint).status.agency == "VN"
    with pytest.raises((VerificationFailedError, ValueError)):
        verify_partner_status(gb, change(item), checkpoint)
    with tampered(gb, Changed(STATUSES_PATH, lambda _: answer.model_copy(update={"statuses": (change(item),)}))):
        report = pull_statuses(gb)
    assert len(report.problems) == 1
    assert report.news == []


def swap_signatures(document: SignedDocument) -> SignedDocument:
    """Return a document whose two signatures stand in each other's place."""
    return document.model_copy(update={"signatures": tuple(reversed(document.signatures))})
