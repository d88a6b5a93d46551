"""What follows a message up as a hole in the agreement: persons, secrets, attachments and floods under no clause.

Such messages pass in every state of an agreement. A modified client and an exchange that lets everything through,
against a recipient that holds them to the clause of the message they follow.
"""

from collections import Counter
from dataclasses import asdict, replace
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest

from agency_client.local_store.engine import Transaction
from agency_client.local_store.inbox import InboxState
from agency_client.local_store.sent import list_deliveries
from agency_client.local_store.streams import allocate_number
from agency_client.reading.messages import read_message
from agency_client.receiving import verification
from agency_client.receiving.verification import verify_message
from agency_client.sending.answering import Author
from agency_client.sending.correcting import ChangeRefusedError
from agency_client.sending.draft import AlertRefusedError, Draft
from agency_client.sending.flow import NotCoveredError, send_alert
from agency_client.sending.noticing import correct
from schemas.agreements.following import MAX_FOLLOW_UPS
from schemas.agreements.steps import StepAction
from schemas.alerts import notice_kinds
from schemas.alerts.base import SpecialCategory
from schemas.codec import b64u_encode
from schemas.envelope import Reference
from schemas.markings import HandlingCode, Purpose, Tlp
from schemas.model import format_timestamp
from tests.attacks.recipient import GB, VN
from tests.support.drafts import make_draft
from tests.support.lying_world import LyingWorld, make_aftercare, make_alert, refer_to
from tests.support.nodes import make_terms_of, make_wide_clause, take_step

AUTHOR = Author("case 74/08", "Desk", "officer-17")
PERSON = {"ref": "p1", "role": "suspect", "names": [{"text": "ERIKSSON"}], "nationalities": ["UTO"]}
NEWS: dict[str, Any] = {
    "persons": [PERSON],
    "statements": [{"text": "The bearer travels on tonight.", "basis": "assessment"}],
    "attachments": [{"id": "3f0f6d0a-7c57-4c2c-9d3a-0d2f9a4b1c77", "caption": "The page"}],
    "onward": ["BE"],
    "transfer": {"ground": "adequacy"},
}
SPECIAL = {"categories": ["health"], "strictly_necessary_because": "The bearer needs a doctor."}


@pytest.fixture
def narrow(world: LyingWorld, request: pytest.FixtureRequest) -> Any:
    """An agreement under which GB's messages are about nationals of two states, hold biometric data alone, at AMBER."""
    clause = make_wide_clause(
        GB,
        VN,
        nationalities=("GBR", "VNM"),
        handling=(HandlingCode.H0, HandlingCode.H1),
        special_categories=(SpecialCategory.BIOMETRIC,),
    )
    return world.agree(GB, VN, request.node.name, clauses=(clause, make_wide_clause(VN, GB, highest_marking=Tlp.RED)))


def hold(world: LyingWorld, terms: Any) -> Any:
    """Return a message of GB that VN has opened."""
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    assert world.receive(VN, sealed).state is InboxState.OPENED
    return sealed


def follow(world: LyingWorld, terms: Any, held: Any, kind: str, **changes: Any) -> tuple[str, str | None]:
    """Let GB's modified client send what follows a message up; return its state at VN, and why."""
    header = {name: changes.pop(name) for name in ("marking",) if name in changes}
    alert = make_outcome(held) if kind == "outcome" else make_aftercare(kind, held, world)
    sealed = world.craft(GB, VN, terms, alert=alert | changes, refers_to=refer_to(held), **header)
    world.deliver(sealed, VN)
    found = world.receive(VN, sealed)
    return found.state.value, None if found.problem is None else found.problem.code


def make_outcome(held: Any, **details: Any) -> dict[str, Any]:
    said = {"result": "confirmed", "usefulness": 3} | details
    return make_alert("outcome", said, in_reply_to=refer_to(held).to_wire())


def test_nothing_new_comes_in_with_what_follows_a_message_up(world: LyingWorld, narrow: Any) -> None:
    held = hold(world, narrow)
    for member, kind in zip(sorted(NEWS), cycle(("correction", "acknowledgement", "outcome"))):
        assert follow(world, narrow, held, kind, **{member: NEWS[member]}) == ("refused", "alert-invalid"), member


def test_an_outcome_holds_no_special_category_that_its_message_could_not(world: LyingWorld, narrow: Any) -> None:
    held = hold(world, narrow)
    biometric = SPECIAL | {"categories": ["biometric"]}
    assert follow(world, narrow, held, "outcome", special_categories=biometric) == ("opened", None)
    found = follow(world, narrow, held, "outcome", special_categories=SPECIAL)
    assert found == ("refused", "special-category-not-covered")


def test_nothing_that_follows_has_a_handling_or_a_marking_that_its_message_could_not(
    world: LyingWorld, narrow: Any
) -> None:
    held = hold(world, narrow)
    h2 = {"codes": ["h2"]}
    assert follow(world, narrow, held, "correction", handling=h2) == ("refused", "handling-not-covered")
    assert follow(world, narrow, held, "acknowledgement", marking=Tlp.RED) == ("refused", "marking-too-high")
    assert follow(world, narrow, held, "correction", marking=Tlp.AMBER) == ("refused", "marking-too-high")
    assert follow(world, narrow, held, "acknowledgement", marking=Tlp.AMBER) == ("opened", None)


@pytest.fixture
def proposed(world: LyingWorld, request: pytest.FixtureRequest) -> Any:
    """Terms that would let GB say anything at RED, and that GB alone has signed."""
    clauses = (make_wide_clause(GB, VN, highest_marking=Tlp.RED), make_wide_clause(VN, GB))
    terms = make_terms_of(world[GB], world[VN], request.node.name, clauses=clauses)
    take_step(world[GB], terms, StepAction.PROPOSE, world[GB], world[VN])
    return terms


def test_nothing_follows_under_terms_that_only_its_sender_has_signed(world: LyingWorld, proposed: Any) -> None:
    made_up = world.craft(GB, VN, proposed)
    withdrawal = make_aftercare("withdrawal", made_up, world, words="The bearer travels on tonight.")
    sealed = world.craft(GB, VN, proposed, alert=withdrawal, refers_to=refer_to(made_up), marking=Tlp.RED)
    world.deliver(sealed, VN)
    assert world.receive(VN, sealed).state is InboxState.NEW
    found = follow(world, proposed, sealed, "outcome", special_categories=SPECIAL, marking=Tlp.RED)
    assert found == ("new", "agreement-not-in-force")


def test_what_no_agreement_let_through_opens_no_door_to_what_follows_it(
    world: LyingWorld, narrow: Any, proposed: Any
) -> None:
    """The agreement that is cited was signed by both; the message it is said of came under none."""
    wide = widen(world, narrow, proposed)
    for cited, code in ((wide.digest(), "agreement-not-in-force"), (b64u_encode(bytes(32)), "agreement-unknown")):
        sealed = world.craft(GB, VN, cited)
        world.deliver(sealed, VN)
        found = world.receive(VN, sealed)
        assert (found.state, found.problem and found.problem.code) == (InboxState.NEW, code)
        assert follow(world, narrow, sealed, "outcome", special_categories=SPECIAL) == ("new", "reference-unknown")
        refused = follow(world, narrow, sealed, "withdrawal", handling={"codes": ["h2"]})
        assert refused == ("refused", "handling-not-covered"), "it may come first, and says no more than was agreed"


def widen(world: LyingWorld, narrow: Any, proposed: Any) -> Any:
    """Let GB propose a next version with other clauses, which VN does not answer."""
    wide = narrow.model_copy(update={"version": 2, "supersedes": narrow.digest(), "clauses": proposed.clauses})
    take_step(world[GB], wide, StepAction.PROPOSE, world[GB], world[VN])
    return wide


def test_what_follows_a_message_that_was_taken_back_unverified_is_held_to_what_both_signed(
    world: LyingWorld, narrow: Any, proposed: Any
) -> None:
    sealed = world.craft(GB, VN, widen(world, narrow, proposed))
    world.deliver(sealed, VN)
    world.collect(VN)
    assert follow(world, narrow, sealed, "withdrawal") == ("opened", None)
    assert world.look_up(VN, sealed).state is InboxState.WITHDRAWN
    found = follow(world, narrow, sealed, "outcome", special_categories=SPECIAL)
    assert found == ("refused", "special-category-not-covered")


def test_a_row_of_messages_that_nothing_let_through_is_not_followed_to_its_beginning(
    world: LyingWorld, narrow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each could have the node verify all before it, over and over."""
    sealed = world.craft(GB, VN, b64u_encode(bytes(32)))
    row = [sealed]
    for _ in range(2):
        sealed = world.craft(GB, VN, narrow, alert=make_outcome(sealed), refers_to=refer_to(sealed))
        row.append(sealed)
    for sealed in row:
        world.deliver(sealed, VN)
    verified = Counter[str]()

    def count(node: Any, snapshot: Any, digest: str, horizon: Any) -> Any:
        verified[digest] += 1
        return verify_message(node, snapshot, digest, horizon)

    world.collect(VN)
    monkeypatch.setattr(verification, "verify_message", count)
    assert {world.receive(VN, sealed).state for sealed in row} == {InboxState.NEW}
    assert [item.digest in verified for item in row] == [True, False, False]


def test_what_follows_a_message_that_is_held_back_is_read_all_the_same(world: LyingWorld, terms: Any) -> None:
    sealed = world.craft(GB, VN, terms)
    world.deliver(sealed, VN)
    take_step(world[VN], terms, StepAction.SUSPEND, world[VN], world[GB])
    assert world.receive(VN, sealed).state is InboxState.NEW
    assert follow(world, terms, sealed, "breach-notice") == ("opened", None)


def test_what_duty_demands_still_passes_after_the_agreement_was_revoked(world: LyingWorld, narrow: Any) -> None:
    held = hold(world, narrow)
    take_step(world[VN], narrow, StepAction.REVOKE, world[GB], world[VN])
    assert {kind: follow(world, narrow, held, kind) for kind in notice_kinds()} == dict.fromkeys(
        notice_kinds(), ("opened", None)
    )
    assert follow(world, narrow, held, "correction", persons=[PERSON]) == ("refused", "alert-invalid")


def test_nobody_is_flooded_by_what_follows_a_message_up(world: LyingWorld, terms: Any) -> None:
    held, other = hold(world, terms), hold(world, terms)
    assert follow(world, terms, held, "acknowledgement") == ("opened", None)
    with world[VN].store.write() as transaction:
        repeat_received(transaction, "acknowledgement", held.digest, MAX_FOLLOW_UPS - 2)
    assert follow(world, terms, held, "acknowledgement") == ("opened", None)
    assert follow(world, terms, held, "acknowledgement") == ("refused", "follow-ups-exhausted")
    assert follow(world, terms, other, "acknowledgement") == ("opened", None)
    assert follow(world, terms, held, "withdrawal") == ("opened", None), "each kind counts for itself"


def repeat_received(transaction: Transaction, kind: str, about: str, times: int) -> None:
    """Let the store hold a message that was opened here so many times more."""
    row = transaction.fetch_one("SELECT * FROM inbox_message WHERE kind = ? AND refers_to = ?", kind, about)
    assert row is not None
    for number in range(times):
        transaction.insert("inbox_message", {**dict(row), "digest": f"d{number}", "message_id": f"m{number}"})


def test_the_senders_client_stops_at_the_same_number_and_says_so(world: LyingWorld, terms: Any) -> None:
    about = send(world, terms)
    draft = make_acknowledgement(world, about)
    send_alert(world[GB], draft)
    with world[GB].store.write() as transaction:
        repeat_sent(transaction, about.digest, MAX_FOLLOW_UPS - 2)
    send_alert(world[GB], draft)
    with pytest.raises(NotCoveredError, match="64 messages of the kind acknowledgement were sent"):
        send_alert(world[GB], draft)


def send(world: LyingWorld, terms: Any) -> Reference:
    """Let GB send VN an alert about a false passport; VN opens it."""
    leg = send_alert(world[GB], make_draft(VN, agreement=terms.id)).legs[0]
    world.collect(VN)
    return Reference(id=leg.message_id, digest=leg.digest)


def make_acknowledgement(world: LyingWorld, about: Reference) -> Draft:
    details = {"action": "noted", "done_at": format_timestamp(world.clock.now())}
    alert = make_alert("acknowledgement", details, in_reply_to=about.to_wire())
    alert.pop("thread")
    return Draft(alert, Purpose.DATA_QUALITY, necessity="It follows it.", reason="t", marking=Tlp.GREEN)


def repeat_sent(transaction: Transaction, about: str, times: int) -> None:
    """Let the store hold what was sent about a message so many times more."""
    sent = dict(transaction.fetch_one("SELECT * FROM sent_message WHERE refers_to = ?", about) or {})
    (delivery,) = list_deliveries(transaction, sent["message_id"])
    waiting = dict(transaction.fetch_one("SELECT * FROM outbox WHERE message_id = ?", sent["message_id"]) or {})
    for item in (f"m{number}" for number in range(times)):
        number = allocate_number(transaction, VN, item, make_stream=str, at=sent["created_at"])
        transaction.insert("sent_message", {**sent, "message_id": item, "digest": item})
        placed = replace(delivery, stream=number.stream, n=number.n)
        transaction.insert("sent_delivery", {"message_id": item, **asdict(placed)})
        transaction.insert("outbox", {**waiting, "message_id": item})


def test_the_senders_client_seals_nothing_new_in_what_follows(world: LyingWorld, terms: Any) -> None:
    draft = make_acknowledgement(world, send(world, terms))
    for member, value in NEWS.items():
        with pytest.raises(AlertRefusedError, match=f"{member}: what follows a message up says nothing new"):
            send_alert(world[GB], replace(draft, alert={**draft.alert, member: value}))


def test_the_senders_client_holds_an_outcome_to_the_clause_of_its_message(world: LyingWorld, narrow: Any) -> None:
    held = hold(world, narrow)
    alert = make_outcome(held, matches=[{"key": "face"}])
    alert.pop("thread")
    draft = Draft(alert, Purpose.DATA_QUALITY, necessity="It follows it.", reason="t", marking=Tlp.GREEN)
    declared = {**alert, "special_categories": SPECIAL | {"categories": ["biometric", "health"]}}
    with pytest.raises(NotCoveredError, match="special categories health are not among biometric"):
        send_alert(world[VN], replace(draft, alert=declared))
    declared["special_categories"] = SPECIAL | {"categories": ["biometric"]}
    assert send_alert(world[VN], replace(draft, alert=declared)).legs


CHANGED_FIELD = "details.document.holder.nationality"


def test_a_correction_does_not_bring_in_what_its_message_could_not_say(world: LyingWorld, narrow: Any) -> None:
    draft = make_draft(VN, agreement=narrow.id)
    alert: dict[str, Any] = {**draft.alert, "handling": {"codes": ["h1"]}}
    alert["details"]["document"]["holder"]["nationality"] = "GBR"
    leg = send_alert(world[GB], replace(draft, alert=alert)).legs[0]
    world.collect(VN)
    due = format_timestamp(world.clock.now() + timedelta(days=3))
    changes = [{"field": CHANGED_FIELD, "was": "GBR", "now": "UTO"}]
    details = {"changes": changes, "reason": "typing-error", "required_action": "amend", "acknowledge_by": due}
    with pytest.raises(ChangeRefusedError, match="nationals of UTO are outside GBR, VNM") as refusal:
        correct(world[GB], leg.message_id, AUTHOR, details=details)
    assert "withdraw the message" in refusal.value.fix
    about = Reference(id=leg.message_id, digest=leg.digest)
    said = make_alert("correction", details, in_reply_to=about.to_wire())
    sealed = world.craft(GB, VN, narrow, alert=said, refers_to=about, stream="C" * 21 + "Q")
    world.deliver(sealed, VN)
    assert world.receive(VN, sealed).state is InboxState.OPENED
    found = read_message(world[VN], leg.message_id, reason="x")
    assert found.corrected is not None
    (field,) = found.corrected.fields
    assert (field.is_outside, field.now) == (True, None)
    assert "the agreement does not cover what would stand there" in field.misfit
    assert found.corrected.alert == found.alert
    covered = details | {"changes": [{**changes[0], "now": "VNM"}]}
    assert correct(world[GB], leg.message_id, AUTHOR, details=covered).items
