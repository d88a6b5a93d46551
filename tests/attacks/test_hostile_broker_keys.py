"""The broker as the enemy of keys and agreements: keys swapped, made up and never taken back, steps hidden and forged.

Trust comes from paper and from signatures; the log only carries them. What a member's client does not believe it keeps
as a suspicion; what a partner says it signed and the broker has not shown holds everything back that it could narrow.
"""

from typing import Any

import pytest

from agency_client.agreements.chains import load_agreement
from agency_client.agreements.files import export_steps, import_steps
from agency_client.agreements.flows import resume, suspend
from agency_client.agreements.pulling import pull_steps
from agency_client.errors import ClientError
from agency_client.local_store.dispatch import DispatchState, load_dispatch
from agency_client.local_store.inbox import InboxState
from agency_client.own_keys.publishing import publish_queued
from agency_client.own_keys.revoking import prepare_revocation
from agency_client.reading.messages import ReadMessage, read_message
from agency_client.sending.flow import NotCoveredError, send_alert
from agency_client.witness.observer import LogError
from agency_client.witness.walker import walk_log
from schemas.agreements.lifecycle import State
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from schemas.signed import EncryptionUse, KeyUse
from tests.attacks.arena import GB, VN, Arena, list_codes, speak
from tests.support.drafts import make_draft
from tests.support.lying_world import find_encryption_key
from tests.support.nodes import make_terms_of, take_step
from tests.support.officers import sign_by_two


@pytest.fixture
def terms(arena: Arena, request: pytest.FixtureRequest) -> Any:
    """An agreement between GB and VN in force, of this test alone."""
    return arena.agree(GB, VN, request.node.name)


def state_of(arena: Arena, agency: str, terms: Terms) -> State:
    """Return where an agreement stands by what a node holds."""
    with arena[agency].store.read() as snapshot:
        views = load_agreement(snapshot, terms.id).list_views(arena.clock.now())
    return next(view.state for view in views if view.digest == terms.digest())


# Keys


def test_a_key_swapped_in_the_record_that_is_shown_is_not_the_one_its_leaf_commits_to(arena: Arena, terms: Any) -> None:
    key, walked = find_encryption_key(arena[VN]), arena.count_walked(GB)
    publish_another_member(arena)
    with arena.lying(f"swapped-key={GB}"), pytest.raises(LogError, match="is not the one the leaf commits to"):
        walk_log(arena[GB])
    assert arena.count_walked(GB) == walked
    walk_log(arena[GB])
    assert known_key(arena, GB, VN) == key[0]
    arena.demand_service(terms)


def publish_another_member(arena: Arena) -> None:
    """Let somebody join, whose keys nobody has read yet."""
    arena.join(f"M{len(arena.nodes)}", meets=False)


def known_key(arena: Arena, reader: str, agency: str) -> str:
    """Return the kid of the key that a node would seal for."""
    newest = arena[reader].directory.load_timeline(agency).newest_encryption_keys
    key = newest.choose_key(EncryptionUse.ENCRYPTION, arena.clock.now()) if newest else None
    return key.kid if key else ""


@pytest.mark.parametrize(
    ("switch", "record"), [("swapped-key-in-log", "encryption-keys"), ("made-up-key-set", "key-set")]
)
def test_keys_logged_in_a_members_name_that_it_did_not_sign_are_not_believed(
    arena: Arena, terms: Any, switch: str, record: str
) -> None:
    (kid, _), size = find_encryption_key(arena[VN]), arena[GB].observer.read_seen().size
    with arena.lying(switch):
        report = arena.sync(GB)
        assert arena.count_walked(GB) > size
        assert known_key(arena, GB, VN) == kid
        arena.demand_service(terms)  # sealed for the true key, under the eyes of the broker
    assert report.stages[0].failure is None
    assert {"log"} <= {stage.stage for stage in report.stages if stage.alarms}
    assert arena.has_doubt(GB, "", f"the {record} record of VN: ")


def test_a_log_that_always_had_the_brokers_key_gives_a_newcomer_no_key_at_all(arena: Arena) -> None:
    with arena.lying("swapped-key-history=NEW"):
        node = arena.join("NEW", meets=False)
        walk_log(node)
        arena.introduce(node)
        assert known_key(arena, "NEW", VN) == ""
        assert arena.has_doubt("NEW", "key-set-refused", "encryption-keys record of VN")
        with pytest.raises(ClientError):
            send_alert(node, make_draft(VN))
    with pytest.raises(ClientError, match="log"):
        walk_log(node)  # the honest log is another one, and the newcomer holds the signed heads of both


def test_a_revocation_that_the_broker_does_not_take_counts_as_soon_as_its_signer_speaks_of_it(arena: Arena) -> None:
    node = arena.join("LOST")
    terms = arena.agree("LOST", VN, "with a stolen key")
    stolen = node.signer(KeyUse.MESSAGE)
    sealed = arena.craft("LOST", VN, terms, signer=stolen)
    with arena.lying("kept-back-revocation=LOST"):
        digest = prepare_revocation(node, [stolen.kids[0]], "stolen")
        speak(arena, "LOST", VN)
        arena.hand_in("LOST", sealed)
        arena.sync(VN)
    found = arena.load(VN, sealed.digest)
    assert (found.state, found.problem and found.problem.code) == (InboxState.NEW, "revocation-hidden")
    publish_queued(node, digest)
    arena.sync(VN)
    read = read_message(arena[VN], sealed.header.id, reason="who signed this")
    assert isinstance(read, ReadMessage)
    assert read.provenance.is_disputed


def test_a_revocation_under_a_private_leaf_is_no_revocation_and_its_signer_is_told(arena: Arena) -> None:
    node = arena.join("HIDE")
    digest = prepare_revocation(node, [node.signer(KeyUse.MESSAGE).kids[0]], "stolen")
    with (
        arena.lying("revocation-under-private-leaf=HIDE"),
        pytest.raises(LogError, match="is not shown to be in the log"),
    ):
        publish_queued(node, digest)
    with node.store.read() as snapshot:
        queued = load_dispatch(snapshot, digest)
    assert queued is not None
    assert queued.state is DispatchState.WAITING


# Agreements


def test_a_suspension_that_the_broker_hides_holds_everything_back(arena: Arena, terms: Any) -> None:
    with arena.lying(f"hidden-suspension={VN}"):
        suspend(arena[GB], terms.id, reason="a complaint")
        arena.sync(GB)
        report = arena.sync(VN)
        assert "step-hidden" in list_codes(report)
        with pytest.raises(NotCoveredError, match="has not shown"):
            send_alert(arena[VN], make_draft(GB, agreement=terms.digest()))
    arena.sync(VN)
    assert state_of(arena, VN, terms) is State.SUSPENDED
    arena.witness()
    sign_by_two(arena[GB], resume, terms.id)
    arena.sync(GB)
    arena.sync(VN)
    arena.demand_service(terms)


def test_a_suspension_that_the_broker_does_not_take_counts_at_once_for_who_signed_it_and_by_file_for_its_partner(
    arena: Arena, terms: Any
) -> None:
    leg = arena.send(terms, VN, GB)
    with arena.lying(f"kept-back-suspension={GB}"):
        suspend(arena[GB], terms.id, reason="a complaint")
        arena.sync(GB)
        with pytest.raises(NotCoveredError, match="suspended by GB"):
            send_alert(arena[GB], make_draft(VN, agreement=terms.digest()))
        held = arena.load(GB, leg.digest)
        assert (held.state, held.problem and held.problem.code) == (InboxState.NEW, "agreement-suspended")
        import_steps(arena[VN], export_steps(arena[GB], terms.id))
        with pytest.raises(NotCoveredError, match="suspended by GB"):
            send_alert(arena[VN], make_draft(GB, agreement=terms.digest()))
    arena.sync(GB)
    arena.sync(VN)
    assert state_of(arena, VN, terms) is State.SUSPENDED


def test_a_resumption_forged_in_a_partners_name_resumes_nothing(arena: Arena, terms: Any) -> None:
    take_step(arena[GB], terms, StepAction.SUSPEND, arena[GB])
    with arena.lying(f"forged-resumption={VN}"):
        report = pull_steps(arena[VN])
    assert [(held.agency, held.code) for held in report.held if held.agreement == terms.id] == [(GB, "step-refused")]
    assert state_of(arena, VN, terms) is State.SUSPENDED
    with pytest.raises(NotCoveredError, match="suspended by GB"):
        send_alert(arena[VN], make_draft(GB, agreement=terms.digest()))


def test_terms_widened_on_their_way_to_a_partner_are_not_those_it_signed(arena: Arena) -> None:
    terms = make_terms_of(arena[GB], arena[VN], "to be widened")
    take_step(arena[GB], terms, StepAction.PROPOSE, arena[GB])
    with arena.lying(f"widened-terms={VN}"):
        report = pull_steps(arena[VN])
    (held,) = [held for held in report.held if held.agreement == terms.id]
    assert (held.code, "signature" in held.sentence) == ("step-refused", True)
    with arena[VN].store.read() as snapshot:
        assert load_agreement(snapshot, terms.id).list_views(arena.clock.now()) == []
    speak(arena, GB, VN)
    arena.sync(VN)
    arena.sync(VN)
    assert state_of(arena, VN, terms) is State.PROPOSED


def test_steps_in_another_order_come_to_the_same(arena: Arena, terms: Any) -> None:
    take_step(arena[GB], terms, StepAction.SUSPEND, arena[GB])
    take_step(arena[GB], terms, StepAction.RESUME, arena[GB])
    with arena.lying(f"reordered-steps={VN}"):
        report = pull_steps(arena[VN])
    assert [held for held in report.held if held.agreement == terms.id] == []
    assert state_of(arena, VN, terms) is State.IN_FORCE
    arena.demand_service(terms)
