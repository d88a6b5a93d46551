"""The decision, reason by reason: sound facts with one thing changed, and the answer must name that thing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.inbox.rules import Passage
from broker.routing.rules import Decision, Progress, Reason, decide
from schemas.agreements.lifecycle import State
from schemas.codec import b64u_encode
from schemas.envelope import Header, Routing
from schemas.key_documents import AgencyClass
from schemas.markings import Purpose, Tlp, Urgency
from schemas.signed import EncryptionUse
from tests.broker.routing.facts import (
    BE,
    GB,
    NOW,
    VN,
    codes,
    make_address,
    make_facts,
    make_header,
    make_key,
    make_many,
    make_named,
    make_recipient,
    make_sender,
    make_view,
)
from tests.strategies.agreements import make_clause, make_terms
from tests.support.messages import make_id

ABSENT = replace(make_named(), upload=None)


def test_sound_facts_are_accepted_under_their_agreement() -> None:
    assert decide(make_facts()) == Decision((), (Passage.COVERED,))


def test_how_far_a_message_has_come_is_stored_by_these_words() -> None:
    assert [str(progress) for progress in Progress] == ["under-way", "handed-over", "ended"]


def test_a_message_of_somebody_else_is_refused_without_a_word_about_it() -> None:
    decision = decide(make_facts(caller=BE, other_digest="something", attachments=(ABSENT,)))
    sentence = "the message is signed for GB-HO; only that agency can send it"
    assert decision == Decision((Reason("not-the-sender", "not-the-sender", sentence, "sender.agency"),), ())


NO_AGENCY = Reason(
    "recipient-refused",
    "not-an-agency",
    "VN is no agency of this exchange that messages can be sent to",
    "recipients.0.agency",
)


UNKNOWN_AGREEMENT = Reason(
    "agreement-unknown",
    "agreement-unknown",
    "no agreement of this digest is known between GB-HO and VN",
    "recipients.0.agreement",
)


BAD_SIGNATURE = Reason(
    "signature-refused", "signature-refused", "the ML-DSA-65 signature does not verify", "signatures"
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"other_digest": "x"},
            Reason(
                "digest-conflict",
                "digest-conflict",
                f"another message was accepted under the id {make_id('message')}; a new message needs a new id",
                "id",
            ),
            id="another-under-this-id",
        ),
        pytest.param(
            {"header": make_header(exchange="staging.example")},
            Reason(
                "wrong-exchange",
                "wrong-exchange",
                "the message is for the exchange staging.example, this is alerts.example",
                "exchange",
            ),
            id="staging-on-production",
        ),
        pytest.param(
            {"signature_problem": BAD_SIGNATURE},
            BAD_SIGNATURE,
            id="signature",
        ),
        pytest.param(
            {"header": make_header(issued_at=NOW + timedelta(seconds=301))},
            Reason(
                "wrong-time",
                "issued-ahead",
                "it is issued more than 300 seconds ahead of this exchange's clock",
                "issued_at",
            ),
            id="issued-more-than-five-minutes-ahead",
        ),
        pytest.param(
            {"header": make_header(issued_at=NOW - timedelta(days=1), expires_at=NOW)},
            Reason("wrong-time", "deadline-passed", "the deadline for its delivery has passed", "expires_at"),
            id="deadline-is-now",
        ),
        pytest.param(
            {"header": make_header(expires_at=NOW + timedelta(days=30, seconds=1))},
            Reason(
                "wrong-time",
                "deadline-too-late",
                "the deadline for its delivery is more than 30 days after issued_at",
                "expires_at",
            ),
            id="deadline-beyond-thirty-days",
        ),
        pytest.param(
            {"attachments": (ABSENT,)},
            Reason(
                "attachments-refused",
                "attachment-missing",
                f"no attachment {ABSENT.sealed.id} was uploaded by its sender for this message; upload it first",
                "attachments.0.id",
            ),
            id="attachment-missing",
        ),
        pytest.param(
            {"size_bytes": 65_537},
            Reason("not-covered", "too-large", "65537 bytes, at most 65536 were agreed", "recipients.0.agreement"),
            id="too-large",
        ),
        pytest.param(
            {"header": make_header(routing=Routing(kind="facilitator", marking=Tlp.AMBER, urgency=Urgency.ROUTINE))},
            Reason(
                "not-covered", "kind-not-covered", "facilitator is not among document-fraud", "recipients.0.agreement"
            ),
            id="kind",
        ),
        pytest.param(
            {"header": make_header(routing=Routing(kind="document-fraud", marking=Tlp.RED, urgency=Urgency.ROUTINE))},
            Reason(
                "not-covered",
                "marking-too-high",
                "red is above amber, the highest marking agreed",
                "recipients.0.agreement",
            ),
            id="marking",
        ),
    ],
)
def test_a_message_is_refused_for_the_one_thing_that_is_wrong(changes: dict[str, Any], expected: Reason) -> None:
    decision = decide(make_facts(**changes))
    assert decision == Decision((expected,), ())
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
        ({"agency_class": None}, NO_AGENCY),
        ({"agency_class": AgencyClass.OVERSIGHT}, NO_AGENCY),
        (
            {"encryption_key": None},
            Reason(
                "encryption-key-not-current",
                "encryption-key-not-current",
                "the encryption key named is no current key of VN; fetch its newest and seal again",
                "recipients.0.kid",
            ),
        ),
        (
            {"encryption_key": make_key(EncryptionUse.SAFEGUARDING)},
            Reason(
                "encryption-key-not-current",
                "encryption-key-of-other-use",
                "the key named is of use encryption-safeguarding, which is not the one for document-fraud",
                "recipients.0.kid",
            ),
        ),
        (
            {"number_used_by": make_id("other")},
            Reason(
                "number-conflict",
                "number-used",
                f"number 7 of this stream was used by the message {make_id('other')}",
                "recipients.0.n",
            ),
        ),
        ({"agreement": None}, UNKNOWN_AGREEMENT),
        ({"agreement": make_view(State.DRAFT, None)}, UNKNOWN_AGREEMENT),
        ({"agreement": make_view(terms=make_terms(BE, VN))}, UNKNOWN_AGREEMENT),
        ({"agreement": make_view(terms=make_terms(BE, GB))}, UNKNOWN_AGREEMENT),
        (
            {"accepted_today": 2},
            Reason(
                "quota-exhausted",
                "quota-exhausted",
                "the 2 messages a day agreed to VN were sent",
                "recipients.0.agreement",
            ),
        ),
        (
            {"has_room": False},
            Reason(
                "inbox-full",
                "inbox-full",
                "the inbox of VN has no room until its node collects it; it can be sent again then",
                "recipients.0.agency",
            ),
        ),
    ],
)
def test_a_recipient_is_refused_for_the_one_thing_that_is_wrong(changes: dict[str, Any], expected: Reason) -> None:
    assert decide(make_facts(recipients=(make_recipient(**changes),))).reasons == (expected,)


def test_the_last_message_of_the_quota_is_accepted() -> None:
    assert decide(make_facts(recipients=(make_recipient(accepted_today=1),))).is_accepted


@pytest.mark.parametrize("state", [state for state in State if state is not State.IN_FORCE])
def test_a_new_message_passes_in_no_other_state_than_in_force(state: State) -> None:
    decision = decide(make_facts(recipients=(make_recipient(agreement=make_view(state)),)))
    assert codes(decision) == [("agreement-not-in-force", f"agreement-{state.value}", "recipients.0.agreement")]
    assert decision.reasons[0].sentence == f"version 1 of the agreement is {state.value}: for a reason"


def test_a_clause_of_the_other_direction_covers_nothing() -> None:
    one_way = make_view(terms=make_terms(GB, VN, clauses=(make_clause(VN, GB),)))
    decision = decide(make_facts(recipients=(make_recipient(agreement=one_way),)))
    assert [code for _, code, _ in codes(decision)] == ["direction-not-covered"]


def test_an_attachment_that_stands_complete_is_accepted_with_its_message() -> None:
    assert decide(make_facts(attachments=(make_named(), make_named("two")))) == decide(make_facts())


def test_attachments_that_were_not_agreed_are_refused_though_they_were_uploaded() -> None:
    bare = make_view(terms=make_terms(GB, VN, clauses=(make_clause(GB, VN, attachments=False),)))
    decision = decide(make_facts(attachments=(make_named(),), recipients=(make_recipient(agreement=bare),)))
    assert [code for _, code, _ in codes(decision)] == ["attachments-not-covered"]


def test_every_reason_is_told_at_once_and_the_first_leads() -> None:
    decision = decide(
        make_facts(
            other_digest="x",
            attachments=(ABSENT,),
            signature_problem=BAD_SIGNATURE,
            recipients=(
                make_recipient(agency_class=None, number_used_by=make_id("other"), accepted_today=9, has_room=False),
            ),
        )
    )
    assert [code for _, code, _ in codes(decision)] == [
        "digest-conflict",
        "signature-refused",
        "attachment-missing",
        "not-an-agency",
        "number-used",
        "quota-exhausted",
        "inbox-full",
    ]


def test_a_confidential_message_goes_under_the_safeguarding_key_alone() -> None:
    clause = make_clause(GB, VN, kinds=("victim-safeguarding",), purposes=(Purpose.VICTIM_PROTECTION,))
    view = make_view(terms=make_terms(GB, VN, clauses=(clause,)))
    header = make_header(routing=Routing(kind="confidential", marking=Tlp.AMBER, urgency=Urgency.ROUTINE))
    key = make_key(EncryptionUse.SAFEGUARDING)
    sound = make_facts(header=header, recipients=(make_recipient(agreement=view, encryption_key=key),))
    assert decide(sound).is_accepted
    other_key = replace(sound, recipients=(make_recipient(agreement=view),))
    assert [code for _, code, _ in codes(decide(other_key))] == ["encryption-key-of-other-use"]


def test_a_recipient_stands_once_and_is_not_the_sender() -> None:
    twice = Reason("recipient-refused", "recipient-twice", "a recipient stands twice", "recipients")
    own = Reason("recipient-refused", "recipient-is-sender", "the sender is a recipient", "recipients")
    assert decide(make_many(make_address(), make_address())).reasons == (twice,)
    assert own in decide(make_many(make_address(GB))).reasons


def test_recipients_of_one_envelope_share_one_agreement_or_are_named() -> None:
    decision = decide(make_many(make_address(), make_address(BE)))
    named = [reason for reason in decision.reasons if reason.code == "not-one-agreement"]
    sentence = "BE-OE is no party to the agreement VN is addressed under; each partner gets an envelope of its own"
    assert named == [Reason("recipient-refused", "not-one-agreement", sentence, "recipients.1.agency")]
    other = b64u_encode(bytes([9]) * 32)
    assert "not-one-agreement" in str(codes(decide(make_many(make_address(), make_address(VN, other)))))


def test_each_of_several_recipients_is_judged_in_its_own_place() -> None:
    """Both are parties of one agreement, and the second has three things against it."""
    sound = make_many(make_address(GB), make_address())
    header = make_header(sender=make_sender(BE), recipients=sound.header.recipients)
    second = make_recipient(make_address(), encryption_key=None, number_used_by=make_id("other"), agreement=None)
    decision = decide(make_facts(caller=BE, header=header, recipients=(make_recipient(make_address(GB)), second)))
    assert [(code, field) for _, code, field in codes(decision)] == [
        ("agreement-unknown", "recipients.0.agreement"),
        ("encryption-key-not-current", "recipients.1.kid"),
        ("number-used", "recipients.1.n"),
        ("agreement-unknown", "recipients.1.agreement"),
    ]
