"""Attacks of chance on agreements: a step whose answer was lost, in a crash or before its key was revoked."""

import httpx
import pytest

from schemas.agreements.lifecycle import State
from schemas.api import REVOCATIONS_PATH, STEPS_PATH
from schemas.signed import DocumentType, KeyUse
from tests.attacks.negotiating import GB, PROPOSE, SUSPEND, VN, negotiate, now, read_steps, take, view_state
from tests.support.caller import read_slug
from tests.support.documents import make_revocation, sign_by
from tests.support.exchange import running_exchange


def test_a_step_once_accepted_is_answered_the_same_though_its_key_was_revoked_since(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Its sender may not have got the answer; a new step by that key is refused."""
    with running_exchange(tmp_path_factory.mktemp("revoked"), GB, VN) as exchange:
        gb, negotiation = exchange.caller(GB), negotiate(exchange)
        document = negotiation.sign(GB, PROPOSE, now())
        first = gb.submit(STEPS_PATH, document)
        revocation = make_revocation(gb.member, now(), KeyUse.AGREEMENT)
        gb.submit(REVOCATIONS_PATH, sign_by(gb.member, revocation, DocumentType.REVOCATION))

        assert gb.submit(STEPS_PATH, document).leaf == first.leaf
        assert read_slug(gb.post(STEPS_PATH, negotiation.sign(GB, SUSPEND, now()))) == "key-revoked"


@pytest.mark.parametrize(("place", "was_kept"), [("step.stored", False), ("step.before-answer", True)])
def test_a_step_whose_answer_was_lost_in_a_crash_is_taken_once(
    tmp_path_factory: pytest.TempPathFactory, place: str, was_kept: bool
) -> None:
    """Killed before the commit, nothing was taken; killed after it, the same step again gets the leaf it has."""
    with running_exchange(tmp_path_factory.mktemp("lost"), GB, VN, BILATERAL_FAILPOINT=place) as exchange:
        negotiation = negotiate(exchange)
        document = negotiation.sign(GB, PROPOSE, now())
        with pytest.raises(httpx.TransportError):
            exchange.caller(GB).post(STEPS_PATH, document)
        exchange.wait()
        exchange.start(BILATERAL_FAILPOINT="")

        again = exchange.caller(GB).post(STEPS_PATH, document)

        assert again.status_code == (200 if was_kept else 201)
        assert len(read_steps(exchange.caller(VN))) == 1


@pytest.mark.long
def test_agreements_survive_a_crash(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_exchange(tmp_path_factory.mktemp("crash"), GB, VN) as exchange:
        negotiation = exchange.agree(GB, VN)
        before = read_steps(exchange.caller(GB))
        exchange.kill()
        exchange.start()

        assert read_steps(exchange.caller(GB)) == before
        take(exchange.caller(VN), negotiation, SUSPEND)
        assert view_state(exchange.caller(GB), negotiation) is State.SUSPENDED
