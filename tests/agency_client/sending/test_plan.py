"""Every reason for which a message is refused, the choice among agreements, and aftercare, as a pure decision."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agency_client.sending.plan import (
    Candidate,
    MessageFacts,
    Option,
    Original,
    Plan,
    RecipientFacts,
    choose_regardless,
    find_retention_days,
    make_plan,
)
from agency_client.statuses.freshness import StatusFacts, StatusTimes, judge_age
from schemas.agreements.coverage import ContentFacts, Finding
from schemas.agreements.lifecycle import AgreementView, State
from schemas.alerts.base import CaveatCode, SpecialCategory, Transfer, TransferGround
from schemas.envelope import Reference
from schemas.key_documents import EncryptionKey
from schemas.markings import HandlingCode, Purpose, Tlp, Urgency
from schemas.signed import EncryptionUse
from tests.strategies.agreements import GB, VN, make_clause, make_terms
from tests.support.members import make_member
from tests.support.messages import make_id

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CONTENT = ContentFacts(
    purpose=Purpose.DOCUMENT_INTEGRITY,
    handling=frozenset({HandlingCode.H0}),
    nationalities=frozenset({"VNM"}),
    urgency=Urgency.ROUTINE,
    issued_at=NOW,
)
MESSAGE = MessageFacts(
    sender=GB,
    kind="document-fraud",
    is_aftercare=False,
    needs_original=False,
    marking=Tlp.AMBER,
    content=CONTENT,
    size_bytes=8264,
)
CORRECTION = replace(MESSAGE, kind="correction", is_aftercare=True, needs_original=True)
WITHDRAWAL = replace(CORRECTION, kind="withdrawal", is_senders_alone=True)
KEY = EncryptionKey(
    use=EncryptionUse.ENCRYPTION,
    jwk=make_member(VN).opening_key.jwk,
    not_before=NOW - timedelta(days=1),
    expires_at=NOW + timedelta(days=40),
)


def say(**changes: Any) -> MessageFacts:
    """Return the specimen message with changes, of what the header shows or of what only the agencies see."""
    inside = {name: value for name, value in changes.items() if name in ContentFacts.__dataclass_fields__}
    outside = {name: value for name, value in changes.items() if name not in inside}
    return replace(MESSAGE, content=replace(CONTENT, **inside), **outside)


def make_candidate(
    state: State = State.IN_FORCE, *, name: str = "a", sent_today: int = 0, title: str = "Memorandum", **clause: Any
) -> Candidate:
    """Return one version of an agreement in a state, with a clause a direction."""
    clauses = (make_clause(GB, VN, **clause), make_clause(VN, GB))
    terms = make_terms(id=make_id(name), title=title, clauses=clauses)
    return Candidate(AgreementView(terms.digest(), terms, state, "as the test says"), sent_today)


def make_recipient(*candidates: Candidate, original: Original | None = None, **changes: Any) -> RecipientFacts:
    """Return the facts of one recipient that nothing stands in the way of."""
    return RecipientFacts(VN, candidates, KEY, original=original, **changes)


def make_original(candidate: Candidate, **changes: Any) -> Original:
    """Return an own message that was sent to the recipient under this version."""
    reference = Reference(id=make_id("original"), digest=candidate.view.digest)
    return Original(reference, VN, candidate.view.digest, **{"is_own": True} | changes)


def list_codes(plan: Plan) -> list[str]:
    """Return the codes of everything that speaks against the first recipient."""
    (recipient,) = plan.recipients
    return [item.code for item in (*recipient.obstacles, *(f for o in recipient.options for f in o.findings))]


def test_what_an_agreement_in_force_covers_is_allowed_under_it() -> None:
    candidate = make_candidate()
    plan = make_plan(MESSAGE, [make_recipient(candidate)])
    assert plan.is_allowed
    assert plan.recipients[0].chosen is not None
    assert plan.recipients[0].chosen.view.digest == candidate.view.digest


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"kind": "facilitator"}, "kind-not-covered"),
        ({"marking": Tlp.RED}, "marking-too-high"),
        ({"purpose": Purpose.BORDER_CONTROL}, "purpose-not-covered"),
        ({"handling": frozenset({HandlingCode.H3})}, "handling-not-covered"),
        ({"size_bytes": 70_000}, "too-large"),
        ({"sender": "BE"}, "direction-not-covered"),
        ({"special_categories": frozenset({SpecialCategory.HEALTH})}, "special-category-not-covered"),
        ({"onward": frozenset({"AL"})}, "onward-not-covered"),
        ({"transfer": Transfer(ground=TransferGround.ADEQUACY)}, "transfer-not-covered"),
        ({"retain_until": (NOW + timedelta(days=366)).date()}, "retention-too-long"),
    ],
)
def test_what_no_clause_covers_is_refused_by_name(message: dict[str, Any], code: str) -> None:
    plan = make_plan(say(**message), [make_recipient(make_candidate())])
    assert not plan.is_allowed
    assert list_codes(plan) == [code]


def test_what_every_message_of_a_clause_carries_is_demanded() -> None:
    demanding = make_candidate(caveats=(CaveatCode.PROTECT_SOURCE,))
    assert list_codes(make_plan(MESSAGE, [make_recipient(demanding)])) == ["caveat-missing"]
    assert make_plan(say(caveats=frozenset({CaveatCode.PROTECT_SOURCE})), [make_recipient(demanding)]).is_allowed


def test_an_answer_is_not_asked_for_sooner_than_agreed() -> None:
    soon = say(urgency=Urgency.URGENT, reply_due=NOW + timedelta(minutes=479))
    assert list_codes(make_plan(soon, [make_recipient(make_candidate())])) == ["reply-due-too-soon"]


def test_nationals_outside_the_clause_are_refused() -> None:
    plan = make_plan(MESSAGE, [make_recipient(make_candidate(nationalities=("GBR",)))])
    assert list_codes(plan) == ["nationality-not-covered"]


@pytest.mark.parametrize(
    "state", [State.SUSPENDED, State.REVOKED, State.EXPIRED, State.CONFIRMED, State.ACCEPTED, State.PROPOSED]
)
def test_only_a_version_in_force_is_sent_under(state: State) -> None:
    plan = make_plan(MESSAGE, [make_recipient(make_candidate(state))])
    assert list_codes(plan) == [f"agreement-{state.value}"]
    assert state.value in plan.recipients[0].explain()


def test_the_last_message_of_the_day_is_allowed_and_the_next_is_not() -> None:
    assert make_plan(MESSAGE, [make_recipient(make_candidate(daily_quota=3, sent_today=2))]).is_allowed
    plan = make_plan(MESSAGE, [make_recipient(make_candidate(daily_quota=3, sent_today=3))])
    assert list_codes(plan) == ["quota-exhausted"]


def test_versions_that_are_past_are_not_even_considered() -> None:
    plan = make_plan(MESSAGE, [make_recipient(make_candidate(State.SUPERSEDED), make_candidate(name="b"))])
    assert [option.view.state for option in plan.recipients[0].options] == [State.IN_FORCE]


def test_of_several_that_cover_the_narrowest_is_chosen() -> None:
    wide = make_candidate(name="a", highest_marking=Tlp.RED, retention_days=30)
    narrow = make_candidate(name="b", highest_marking=Tlp.AMBER, retention_days=30)
    long = make_candidate(name="c", highest_marking=Tlp.AMBER, retention_days=90)
    chosen = make_plan(MESSAGE, [make_recipient(wide, long, narrow)]).recipients[0].chosen
    assert chosen is not None
    assert chosen.view.digest == narrow.view.digest


def test_an_agreement_named_is_used_and_no_other() -> None:
    covering, other = make_candidate(name="a"), make_candidate(name="b", kinds=("facilitator",))
    named = other.view.terms.id[:8] if other.view.terms else ""
    plan = make_plan(MESSAGE, [make_recipient(covering, other)], wanted=named)
    assert list_codes(plan) == ["kind-not-covered"]
    assert not plan.is_allowed
    assert [option.view.digest for option in plan.recipients[0].options] == [other.view.digest]


def test_one_refused_recipient_refuses_the_whole_unless_nobody_named_it() -> None:
    good, bad = make_recipient(make_candidate()), replace(make_recipient(make_candidate(State.REVOKED)), agency="BE")
    assert not make_plan(MESSAGE, [good, bad]).is_allowed
    open_plan = make_plan(MESSAGE, [good, bad], drop_refused=True)
    assert open_plan.is_allowed
    assert [item.agency for item in open_plan.recipients] == [VN]
    assert [item.agency for item in open_plan.left_out] == ["BE"]


def test_nobody_left_is_refused_with_the_reasons_of_all() -> None:
    plan = make_plan(MESSAGE, [make_recipient(make_candidate(State.REVOKED))], drop_refused=True)
    assert not plan.is_allowed
    assert [item.agency for item in plan.refusals] == [VN]


def test_an_obstacle_stands_against_every_agreement() -> None:
    unpinned = (Finding("not-pinned", "the anchor of VN is not pinned"),)
    plan = make_plan(MESSAGE, [make_recipient(make_candidate(), obstacles=unpinned)])
    assert not plan.is_allowed
    assert plan.recipients[0].explain() == "VN: the anchor of VN is not pinned"


@pytest.mark.parametrize("state", [State.IN_FORCE, State.SUSPENDED, State.REVOKED, State.EXPIRED, State.SUPERSEDED])
def test_aftercare_passes_in_every_state_and_whatever_the_clauses_say(state: State) -> None:
    candidate = make_candidate(state, kinds=("facilitator",))
    facts = make_recipient(candidate, original=make_original(candidate))
    assert make_plan(replace(CORRECTION, marking=Tlp.RED), [facts]).is_allowed


def test_aftercare_cites_the_version_in_force_of_the_agreement_of_its_original() -> None:
    old = make_candidate(State.SUPERSEDED)
    assert old.view.terms is not None
    newer = old.view.terms.model_copy(update={"version": 2, "supersedes": old.view.digest})
    new = Candidate(AgreementView(newer.digest(), newer, State.IN_FORCE, "it stands"), 0)
    facts = make_recipient(old, new, make_candidate(name="other"), original=make_original(old))
    chosen = make_plan(CORRECTION, [facts]).recipients[0].chosen
    assert chosen is not None
    assert chosen.view.digest == new.view.digest


def test_aftercare_needs_the_message_it_follows() -> None:
    assert list_codes(make_plan(CORRECTION, [make_recipient(make_candidate())])) == ["reference-refused"]


def test_what_never_arrived_is_not_followed_up() -> None:
    candidate = make_candidate()
    facts = make_recipient(candidate, original=make_original(candidate, has_ended=True))
    assert list_codes(make_plan(WITHDRAWAL, [facts])) == ["reference-refused"]


def test_a_held_message_can_be_withdrawn_and_not_corrected() -> None:
    candidate = make_candidate(State.SUSPENDED)
    facts = make_recipient(candidate, original=make_original(candidate, is_held=True))
    assert make_plan(WITHDRAWAL, [facts]).is_allowed
    assert list_codes(make_plan(CORRECTION, [facts])) == ["original-held", "agreement-suspended"]


def test_only_its_sender_withdraws_a_message() -> None:
    candidate = make_candidate()
    facts = make_recipient(candidate, original=make_original(candidate, is_own=False))
    assert list_codes(make_plan(WITHDRAWAL, [facts])) == ["reference-refused"]


def test_who_sends_regardless_cites_what_comes_nearest() -> None:
    far = make_candidate(name="a", kinds=("ping",), highest_marking=Tlp.GREEN)
    near = make_candidate(name="b", kinds=("ping",))
    covering = make_candidate(State.SUSPENDED, name="c")
    assert find_cited(far, near) == near.view.digest
    assert find_cited(far, near, covering) == covering.view.digest


def find_cited(*candidates: Candidate) -> str:
    """Return the version that is cited without the client's judgement, where that refuses all of them."""
    (recipient,) = make_plan(MESSAGE, [make_recipient(*candidates)]).recipients
    cited = choose_regardless(recipient)
    assert not recipient.is_allowed
    assert cited is not None
    return cited.view.digest


def test_there_is_nothing_to_cite_where_nothing_was_agreed() -> None:
    (recipient,) = make_plan(MESSAGE, [make_recipient()]).recipients
    assert choose_regardless(recipient) is None
    assert recipient.explain() == "VN: no agreement with this agency"


def test_a_copy_is_kept_as_long_as_the_covering_clause_says_and_for_aftercare_as_the_strictest_of_the_direction() -> (
    None
):
    candidate = make_candidate(retention_days=30)
    (covered,) = make_plan(MESSAGE, [make_recipient(candidate)]).recipients
    (after,) = make_plan(CORRECTION, [make_recipient(candidate, original=make_original(candidate))]).recipients
    assert covered.chosen is not None
    assert after.chosen is not None
    assert find_retention_days(covered.chosen, GB, VN) == 30
    assert find_retention_days(after.chosen, GB, VN) == 30


def make_aged(hours: float) -> RecipientFacts:
    """Return the facts of a recipient whose newest status is so old, under an agreement that covers everything."""
    moment = NOW - timedelta(hours=hours)
    age = judge_age(StatusFacts(VN, StatusTimes(7, moment, moment, moment), asked_at=NOW), NOW)
    return make_recipient(make_candidate(), status_age=age)


THREAT = replace(say(urgency=Urgency.THREAT_TO_LIFE), overrides_old_status=True)


@pytest.mark.parametrize(("hours", "is_allowed"), [(0, True), (30, True), (72, True), (72.01, False), (200, False)])
def test_nothing_new_goes_to_a_partner_whose_status_is_older_than_72_hours(hours: float, is_allowed: bool) -> None:
    plan = make_plan(MESSAGE, [make_aged(hours)])
    assert plan.is_allowed == is_allowed
    assert ("status-stale" in list_codes(plan)) != is_allowed


@pytest.mark.parametrize("urgency", [Urgency.ROUTINE, Urgency.URGENT])
def test_only_a_threat_to_life_overrides_an_old_status(urgency: Urgency) -> None:
    assert list_codes(make_plan(replace(THREAT, content=replace(CONTENT, urgency=urgency)), [make_aged(80)])) == [
        "status-stale"
    ]
    plan = make_plan(THREAT, [make_aged(80)])
    assert plan.is_allowed
    found = plan.recipients[0].overridden
    assert found is not None
    assert "80 h old" in found.sentence


def test_a_threat_to_life_without_a_reason_overrides_nothing() -> None:
    assert not make_plan(replace(THREAT, overrides_old_status=False), [make_aged(80)]).is_allowed


def test_what_is_not_old_is_not_overridden() -> None:
    assert make_plan(THREAT, [make_aged(30)]).recipients[0].overridden is None


def test_an_override_overcomes_nothing_else() -> None:
    recipient = replace(make_aged(80), obstacles=(Finding("not-pinned", "not pinned"),))
    assert list_codes(make_plan(THREAT, [recipient])) == ["not-pinned"]
    assert not make_plan(THREAT, [recipient]).is_allowed


@pytest.mark.parametrize("message", [CORRECTION, WITHDRAWAL])
def test_aftercare_passes_however_old_the_status_is(message: MessageFacts) -> None:
    aged = make_aged(1000)
    aged = replace(aged, original=make_original(aged.candidates[0]))
    assert make_plan(message, [aged]).is_allowed


def list_findings(plan: Plan) -> list[Finding]:
    """Return everything that speaks against the first recipient, in words."""
    (recipient,) = plan.recipients
    return [*recipient.obstacles, *(found for option in recipient.options for found in option.findings)]


def test_each_direction_has_a_retention_of_its_own_and_an_unknown_one_the_strictest() -> None:
    clauses = (make_clause(GB, VN, retention_days=30), make_clause(VN, GB, retention_days=10))
    terms = make_terms(clauses=(*clauses, make_clause(GB, VN, retention_days=20)))
    option = Option(AgreementView(terms.digest(), terms, State.IN_FORCE, "it stands"), terms, None, ())
    days = [find_retention_days(option, *pair) for pair in ((GB, VN), (VN, GB), ("BE", "AL"), ("BE", VN), (GB, "AL"))]
    assert days == [20, 10, 10, 10, 10]


def test_every_reason_against_every_agreement_stands_in_the_sentence() -> None:
    first = make_candidate(title="First", kinds=("ping",), highest_marking=Tlp.GREEN)
    second = make_candidate(State.SUSPENDED, name="b", title="Second")
    (recipient,) = make_plan(MESSAGE, [make_recipient(first, second)]).recipients
    assert recipient.explain() == (
        "VN: First: document-fraud is not among ping, amber is above green, the highest marking agreed; "
        "Second: it is suspended: as the test says"
    )


def test_aftercare_is_refused_in_words() -> None:
    candidate, other = make_candidate(State.SUSPENDED), make_candidate(name="other")
    held = make_recipient(candidate, original=make_original(candidate, is_held=True))
    under_another = make_recipient(other, candidate, original=make_original(candidate))
    unknown = make_recipient(other, original=make_original(candidate))
    gone = make_recipient(candidate, original=make_original(candidate, has_ended=True))
    received = make_recipient(candidate, original=make_original(candidate, is_own=False, is_held=True))
    elsewhere = Finding("another-agreement", "the message it refers to was sent under another agreement")
    assert list_findings(make_plan(CORRECTION, [held])) == [
        Finding(
            "original-held", "the message it refers to is held back: withdraw it, or follow it up once it has arrived"
        ),
        Finding("agreement-suspended", "it is suspended: as the test says"),
    ]
    assert list_findings(make_plan(CORRECTION, [under_another])) == [elsewhere]
    assert list_findings(make_plan(CORRECTION, [unknown])) == [elsewhere]
    assert list_findings(make_plan(CORRECTION, [received])) == []
    assert list_findings(make_plan(CORRECTION, [gone])) == [
        Finding(
            "reference-refused",
            "the message it refers to never reached VN, so there is nothing to follow up there",
        )
    ]
    assert list_findings(make_plan(CORRECTION, [make_recipient(candidate)])) == [
        Finding("reference-refused", "the message it refers to did not pass between GB-HO and VN")
    ]
    own_only = make_recipient(candidate, original=make_original(candidate, is_own=False))
    assert list_findings(make_plan(WITHDRAWAL, [own_only])) == [
        Finding("reference-refused", "only the agency that sent a message can follow it up by a withdrawal")
    ]


def test_what_stands_in_the_way_of_new_messages_is_said_in_words() -> None:
    used_up, hidden = make_candidate(daily_quota=3, sent_today=3), replace(make_candidate(), is_step_hidden=True)
    assert list_findings(make_plan(MESSAGE, [make_recipient(used_up)])) == [
        Finding("quota-exhausted", "the 3 messages a day that were agreed have been sent")
    ]
    assert list_findings(make_plan(MESSAGE, [make_recipient(hidden)])) == [
        Finding("step-hidden", "VN has signed a step of it that the exchange has not shown")
    ]
    (stale,) = list_findings(make_plan(MESSAGE, [make_aged(80)]))
    assert stale.sentence.endswith(": after 72 h nothing new is sent there but a threat to life")


def test_the_choice_is_explained_where_something_allows_it_and_empty_where_nothing_does() -> None:
    narrow, wide = (
        make_candidate(title="Narrow"),
        make_candidate(name="b", title="Wide", kinds=("document-fraud", "ping")),
    )
    (recipient,) = make_plan(MESSAGE, [make_recipient(wide, narrow)]).recipients
    (refused,) = make_plan(say(marking=Tlp.RED), [make_recipient(wide)]).recipients
    assert recipient.explain_choice() == (
        "clause 1 of “Narrow”, version 1: of the 2 that cover it, it is for fewer kinds than “Wide”"
    )
    assert refused.explain_choice() == ""


def test_who_sends_regardless_cites_what_is_in_force_of_two_equally_near() -> None:
    ended = make_candidate(State.EXPIRED, name="a")
    stands = make_candidate(name="b", kinds=("ping",))
    (recipient,) = make_plan(MESSAGE, [make_recipient(ended, stands)]).recipients
    near = [replace(option, clause=None) for option in recipient.options]
    cited = choose_regardless(replace(recipient, options=tuple(near)))
    assert cited is not None
    assert cited.view.digest == stands.view.digest
