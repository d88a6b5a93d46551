"""The decision, reason by reason: sound facts with one thing changed, and the answer must name that thing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.inbox.rules import Passage
from broker.routing.rules import (
    Decision,
    EarlierMessage,
    Facts,
    Progress,
    Reason,
    RecipientFacts,
    decide,
)
from schemas.agreements.lifecycle import AgreementView, State
from schemas.agreements.terms import Terms
from schemas.codec import b64u_encode
from schemas.envelope import Header, HeaderRecipient, HeaderSender, Reference, Routing
from schemas.key_documents import AgencyClass, EncryptionKey
from schemas.markings import Tlp, Urgency
from schemas.signed import EncryptionUse
from tests.strategies.agreements import make_clause, make_terms
from tests.support.members import make_member
from tests.support.messages import make_id

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EXCHANGE = "alerts.example"
GB, VN, BE = "GB-HO", "VN", "BE-OE"
TERMS = make_terms(GB, VN, clauses=(make_clause(GB, VN, daily_quota=2), make_clause(VN, GB)))
ORIGINAL = Reference(id=make_id("original"), digest=b64u_encode(bytes(32)))


def make_header(**changes: Any) -> Header:
    whole: dict[str, Any] = {
        "v": 1,
        "exchange": EXCHANGE,
        "id": make_id("message"),
        "issued_at": NOW,
        "expires_at": NOW + timedelta(days=10),
        "sender": HeaderSender(agency=GB, keyset=1, kids=(ORIGINAL.digest, ORIGINAL.digest)),
        "recipients": (make_address(),),
        "routing": Routing(kind="document-fraud", marking=Tlp.AMBER, urgency=Urgency.ROUTINE),
    }
    return Header(**whole | changes)


def make_address(agency: str = VN, agreement: str = TERMS.digest()) -> HeaderRecipient:
    return HeaderRecipient(agency=agency, kid=ORIGINAL.digest, agreement=agreement, stream=b64u_encode(bytes(16)), n=7)


def make_key(use: EncryptionUse = EncryptionUse.ENCRYPTION) -> EncryptionKey:
    return make_member("GB-HO").encryption.encryption_keys.keys[0].model_copy(update={"use": use})


def make_view(state: State = State.IN_FORCE, terms: Terms | None = TERMS) -> AgreementView:
    return AgreementView(TERMS.digest(), terms, state, "for a reason", binding=True)


def make_recipient(header: HeaderRecipient | None = None, **changes: Any) -> RecipientFacts:
    sound = RecipientFacts(
        header=header or make_address(),
        agency_class=AgencyClass.AGENCY,
        encryption_key=make_key(),
        agreement=make_view(),
        accepted_today=0,
        number_used_by=None,
    )
    return replace(sound, **changes)


def make_facts(**changes: Any) -> Facts:
    sound = Facts(
        caller=GB,
        exchange=EXCHANGE,
        now=NOW,
        header=make_header(),
        size_bytes=4096,
        attachments=0,
        signature_problem=None,
        other_digest=None,
        is_aftercare=False,
        earlier=None,
        recipients=(make_recipient(),),
    )
    return replace(sound, **changes)


def codes(decision: Decision) -> list[tuple[str, str, str]]:
    return [(reason.problem, reason.code, reason.field) for reason in decision.reasons]


def test_sound_facts_are_accepted_under_their_agreement() -> None:
    assert decide(make_facts()) == Decision((), (Passage.COVERED,))


def test_a_message_of_somebody_else_is_refused_without_a_word_about_it() -> None:
    decision = decide(make_facts(caller=BE, other_digest="something", attachments=3))
    assert codes(decision) == [("not-the-sender", "not-the-sender", "sender.agency")]
    assert GB in decision.reasons[0].sentence


BAD_SIGNATURE = Reason(
    "signature-refused", "signature-refused", "the ML-DSA-65 signature does not verify", "signatures"
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"other_digest": "x"}, ("digest-conflict", "digest-conflict", "id"), id="another-under-this-id"),
        pytest.param(
            {"header": make_header(exchange="staging.example")},
            ("wrong-exchange", "wrong-exchange", "exchange"),
            id="staging-on-production",
        ),
        pytest.param(
            {"signature_problem": BAD_SIGNATURE},
            ("signature-refused", "signature-refused", "signatures"),
            id="signature",
        ),
        pytest.param(
            {"header": make_header(issued_at=NOW + timedelta(seconds=301))},
            ("wrong-time", "issued-ahead", "issued_at"),
            id="issued-more-than-five-minutes-ahead",
        ),
        pytest.param(
            {"header": make_header(issued_at=NOW - timedelta(days=1), expires_at=NOW)},
            ("wrong-time", "deadline-passed", "expires_at"),
            id="deadline-is-now",
        ),
        pytest.param(
            {"header": make_header(expires_at=NOW + timedelta(days=30, seconds=1))},
            ("wrong-time", "deadline-too-late", "expires_at"),
            id="deadline-beyond-thirty-days",
        ),
        pytest.param(
            {"attachments": 1}, ("attachments-refused", "attachments-not-carried", "attachments"), id="attachment"
        ),
        pytest.param({"size_bytes": 65_537}, ("not-covered", "too-large", "recipients.0.agreement"), id="too-large"),
        pytest.param(
            {"header": make_header(routing=Routing(kind="facilitator", marking=Tlp.AMBER, urgency=Urgency.ROUTINE))},
            ("not-covered", "kind-not-covered", "recipients.0.agreement"),
            id="kind",
        ),
        pytest.param(
            {"header": make_header(routing=Routing(kind="document-fraud", marking=Tlp.RED, urgency=Urgency.ROUTINE))},
            ("not-covered", "marking-too-high", "recipients.0.agreement"),
            id="marking",
        ),
    ],
)
def test_a_message_is_refused_for_the_one_thing_that_is_wrong(
    changes: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    decision = decide(make_facts(**changes))
    assert codes(decision) == [expected]
    assert decision.passages == ()
    assert not decision.is_accepted


@pytest.mark.parametrize(
    "header",
    [
        make_header(issued_at=NOW + timedelta(seconds=300)),
        make_header(expires_at=NOW + timedelta(seconds=1)),
        make_header(expires_at=NOW + timedelta(days=30)),
    ],
    ids=["five-minutes-ahead", "a-second-left", "thirty-days"],
)
def test_the_limits_of_time_themselves_are_accepted(header: Header) -> None:
    assert decide(make_facts(header=header)).is_accepted


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"agency_class": None}, ("recipient-refused", "not-an-agency", "recipients.0.agency")),
        ({"agency_class": AgencyClass.OVERSIGHT}, ("recipient-refused", "not-an-agency", "recipients.0.agency")),
        (
            {"encryption_key": None},
            ("encryption-key-not-current", "encryption-key-not-current", "recipients.0.kid"),
        ),
        (
            {"encryption_key": make_key(EncryptionUse.SAFEGUARDING)},
            ("encryption-key-not-current", "encryption-key-of-other-use", "recipients.0.kid"),
        ),
        ({"number_used_by": make_id("other")}, ("number-conflict", "number-used", "recipients.0.n")),
        ({"agreement": None}, ("agreement-unknown", "agreement-unknown", "recipients.0.agreement")),
        (
            {"agreement": make_view(State.DRAFT, None)},
            ("agreement-unknown", "agreement-unknown", "recipients.0.agreement"),
        ),
        (
            {"agreement": make_view(terms=make_terms(BE, VN))},
            ("agreement-unknown", "agreement-unknown", "recipients.0.agreement"),
        ),
        (
            {"agreement": make_view(terms=make_terms(BE, GB))},
            ("agreement-unknown", "agreement-unknown", "recipients.0.agreement"),
        ),
        ({"accepted_today": 2}, ("quota-exhausted", "quota-exhausted", "recipients.0.agreement")),
    ],
)
def test_a_recipient_is_refused_for_the_one_thing_that_is_wrong(
    changes: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    assert codes(decide(make_facts(recipients=(make_recipient(**changes),)))) == [expected]


def test_the_last_message_of_the_quota_is_accepted() -> None:
    assert decide(make_facts(recipients=(make_recipient(accepted_today=1),))).is_accepted


@pytest.mark.parametrize("state", [state for state in State if state is not State.IN_FORCE])
def test_a_new_message_passes_in_no_other_state_than_in_force(state: State) -> None:
    decision = decide(make_facts(recipients=(make_recipient(agreement=make_view(state)),)))
    assert codes(decision) == [("agreement-not-in-force", f"agreement-{state.value}", "recipients.0.agreement")]
    assert "for a reason" in decision.reasons[0].sentence


def test_a_clause_of_the_other_direction_covers_nothing() -> None:
    one_way = make_view(terms=make_terms(GB, VN, clauses=(make_clause(VN, GB),)))
    decision = decide(make_facts(recipients=(make_recipient(agreement=one_way),)))
    assert [code for _, code, _ in codes(decision)] == ["direction-not-covered"]


def test_every_reason_is_told_at_once_and_the_first_leads() -> None:
    decision = decide(
        make_facts(
            other_digest="x",
            attachments=1,
            signature_problem=BAD_SIGNATURE,
            recipients=(make_recipient(agency_class=None, number_used_by=make_id("other"), accepted_today=9),),
        )
    )
    assert [code for _, code, _ in codes(decision)] == [
        "digest-conflict",
        "signature-refused",
        "attachments-not-carried",
        "not-an-agency",
        "number-used",
        "quota-exhausted",
    ]


def test_a_confidential_message_goes_under_the_safeguarding_key_alone() -> None:
    clause = make_clause(GB, VN, kinds=("victim-safeguarding",))
    view = make_view(terms=make_terms(GB, VN, clauses=(clause,)))
    header = make_header(routing=Routing(kind="confidential", marking=Tlp.AMBER, urgency=Urgency.ROUTINE))
    key = make_key(EncryptionUse.SAFEGUARDING)
    sound = make_facts(header=header, recipients=(make_recipient(agreement=view, encryption_key=key),))
    assert decide(sound).is_accepted
    other_key = replace(sound, recipients=(make_recipient(agreement=view),))
    assert [code for _, code, _ in codes(decide(other_key))] == ["encryption-key-of-other-use"]


def test_a_recipient_stands_once_and_is_not_the_sender() -> None:
    twice = (make_address(), make_address())
    assert "recipient-twice" in str(codes(decide(make_many(*twice))))
    assert ("recipient-refused", "recipient-is-sender", "recipients") in codes(decide(make_many(make_address(GB))))


def test_recipients_of_one_envelope_share_one_agreement_or_are_named() -> None:
    decision = decide(make_many(make_address(), make_address(BE)))
    named = [reason for reason in decision.reasons if reason.code == "not-one-agreement"]
    assert [(reason.problem, reason.field) for reason in named] == [("recipient-refused", "recipients.1.agency")]
    assert named[0].sentence.startswith(BE)
    other = b64u_encode(bytes([9]) * 32)
    assert "not-one-agreement" in str(codes(decide(make_many(make_address(), make_address(VN, other)))))


def make_many(*addresses: HeaderRecipient) -> Facts:
    recipients = tuple(make_recipient(address) for address in addresses)
    return make_facts(header=make_header(recipients=addresses), recipients=recipients)


def make_aftercare(
    kind: str = "correction",
    *,
    caller: str = GB,
    to: str = VN,
    sender: str = GB,
    progress: dict[str, Progress] | None = None,
    state: State = State.IN_FORCE,
    **changes: Any,
) -> Facts:
    header = make_header(
        sender=HeaderSender(agency=caller, keyset=1, kids=(ORIGINAL.digest, ORIGINAL.digest)),
        routing=Routing(kind=kind, marking=Tlp.RED, urgency=Urgency.ROUTINE),
        refers_to=ORIGINAL,
        recipients=(make_address(to),),
    )
    earlier = EarlierMessage(
        ORIGINAL.digest, TERMS.id, sender, {VN: Progress.HANDED_OVER} if progress is None else progress
    )
    recipient = make_recipient(make_address(to), agreement=make_view(state), accepted_today=99)
    sound = make_facts(caller=caller, header=header, is_aftercare=True, earlier=earlier, recipients=(recipient,))
    return replace(sound, **changes)


@pytest.mark.parametrize("state", [state for state in State if state is not State.DRAFT])
@pytest.mark.parametrize("kind", ["correction", "withdrawal", "misused-identity"])
def test_aftercare_of_what_was_handed_over_passes_in_every_state_and_outside_quotas(kind: str, state: State) -> None:
    assert decide(make_aftercare(kind, state=state)) == Decision((), (Passage.AFTERCARE,))


@pytest.mark.parametrize("state", [State.IN_FORCE, State.SUSPENDED, State.REVOKED])
def test_an_outcome_goes_back_to_the_sender_in_every_state(state: State) -> None:
    facts = make_aftercare("outcome", caller=VN, to=GB, state=state)
    assert decide(facts) == Decision((), (Passage.AFTERCARE,))


def test_a_correction_of_what_is_under_way_shares_its_fate() -> None:
    under_way = {VN: Progress.UNDER_WAY}
    assert decide(make_aftercare(progress=under_way)) == Decision((), (Passage.FOLLOWING,))
    suspended = decide(make_aftercare(progress=under_way, state=State.SUSPENDED))
    assert codes(suspended) == [("agreement-not-in-force", "agreement-suspended", "refers_to")]


def test_a_withdrawal_of_what_is_under_way_passes_in_every_state() -> None:
    facts = make_aftercare("withdrawal", progress={VN: Progress.UNDER_WAY}, state=State.SUSPENDED)
    assert decide(facts) == Decision((), (Passage.AFTERCARE,))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        pytest.param(make_aftercare(earlier=None), "was accepted here", id="unknown"),
        pytest.param(
            make_aftercare(earlier=EarlierMessage("another", TERMS.id, GB, {VN: Progress.HANDED_OVER})),
            "was accepted here",
            id="another-digest",
        ),
        pytest.param(
            make_aftercare(
                header=make_header(routing=Routing(kind="correction", marking=Tlp.RED, urgency=Urgency.ROUTINE))
            ),
            "was accepted here",
            id="no-reference",
        ),
        pytest.param(
            make_aftercare(earlier=EarlierMessage(ORIGINAL.digest, make_id("else"), GB, {VN: Progress.HANDED_OVER})),
            "cites the agreement of",
            id="another-agreement",
        ),
        pytest.param(make_aftercare(progress={VN: Progress.ENDED}), "never reached", id="never-reached-it"),
        pytest.param(make_aftercare(progress={BE: Progress.HANDED_OVER}), "did not pass between", id="not-a-recipient"),
        pytest.param(make_aftercare("withdrawal", caller=VN, to=GB), "only the agency that sent", id="not-its-sender"),
        pytest.param(
            make_aftercare("outcome", caller=VN, to=GB, progress={VN: Progress.UNDER_WAY}),
            "did not pass between",
            id="outcome-of-what-nobody-handed-over",
        ),
        pytest.param(
            make_aftercare("outcome", caller=GB, to=VN, sender=BE, progress={GB: Progress.HANDED_OVER}),
            "did not pass between",
            id="to-a-third-agency",
        ),
    ],
)
def test_aftercare_goes_only_where_the_message_went(facts: Facts, words: str) -> None:
    decision = decide(facts)
    assert codes(decision) == [("reference-refused", "reference-refused", "refers_to")]
    assert words in decision.reasons[0].sentence
