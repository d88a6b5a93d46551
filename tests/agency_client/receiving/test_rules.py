"""The pure checks of a received message, state by state of its agreement. What a hostile broker tries is elsewhere."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from agency_client.receiving.errors import NotCoveredError, UnprovenError, WaitingError, WithheldError
from agency_client.receiving.rules import (
    KnownMessage,
    MessageFacts,
    check_encryption_key,
    check_header,
    check_right,
    check_signatures,
    check_standing,
    describe_visible,
    find_governing_terms,
)
from agency_client.receiving.sealed import read_sealed, strip_ciphertext
from keys.timeline import MemberTimeline
from schemas.agreements.steps import ChainedStep, StepAction, digest_step
from schemas.agreements.terms import Terms
from schemas.api import LoggedRecord
from schemas.codec import b64u_encode
from schemas.envelope import Reference, SealedAttachment
from schemas.key_documents import AgencyClass
from schemas.log.records import Record
from schemas.markings import Tlp
from schemas.model import format_timestamp
from tests.strategies.agreements import make_clause
from tests.support.agreements import Negotiation, make_terms_between
from tests.support.members import EXCHANGE, START, Member, make_member
from tests.support.messages import make_id, make_message, seal

GB, VN = make_member("GB-HO"), make_member("VN")
SIGNED = START + timedelta(hours=1)
ACCEPTED = START + timedelta(days=1, minutes=1)
NOW = START + timedelta(days=2)
LEAF = 20


class Agreement:
    """Both chains over some versions, step by step."""

    def __init__(self, **changes: Any) -> None:
        self.terms = make_terms_between(GB, VN, SIGNED, "one", **changes)
        self.chains: dict[str, list[ChainedStep]] = {"GB-HO": [], "VN": []}
        self.negotiation = Negotiation(self.terms, {"GB-HO": GB, "VN": VN})

    def take(self, agency: str, action: StepAction, at: datetime, terms: Terms | None = None, **changes: Any) -> None:
        """Let a party take its next step."""
        self.negotiation.terms = terms or self.terms
        step = self.negotiation.make_step(agency, action, at, **changes)
        digest = digest_step(step.canonical())
        self.negotiation.heads[agency] = (step.party_seq, digest)
        self.chains[agency].append(ChainedStep(step, digest))

    def bind(self, at: datetime = SIGNED, terms: Terms | None = None) -> "Agreement":
        """Propose, accept and confirm."""
        self.take("GB-HO", StepAction.PROPOSE, at, terms)
        self.take("VN", StepAction.ACCEPT, at, terms)
        self.take("GB-HO", StepAction.CONFIRM, at, terms)
        return self

    def copy_chains(self) -> dict[str, list[ChainedStep]]:
        """Return the chains as they stand."""
        return {party: list(chain) for party, chain in self.chains.items()}


def make_facts(agreement: Agreement | None = None, **changes: Any) -> MessageFacts:
    """Return a message from GB to VN under an agreement in force, with what a test changes."""
    agreement = agreement or Agreement().bind()
    sender: Member = changes.pop("signer", GB)
    message = make_message(GB, VN, agreement=agreement.terms.digest(), **changes.pop("message", {}))
    sealed = seal(message, sender, VN)
    evidence = read_sealed(strip_ciphertext(sealed.envelope))
    record = Record.from_wire(
        {
            "v": 1,
            "type": "message-accepted",
            "time": format_timestamp(changes.pop("accepted", ACCEPTED)),
            "concerns": ["GB-HO", "VN"],
            "message": evidence.reference.to_wire(),
            "agency": "GB-HO",
            "recipients": [{"agency": "VN", "agreement": agreement.terms.digest()}],
            "kind": sealed.header.routing.kind,
            "marking": sealed.header.routing.marking.value,
            "urgency": sealed.header.routing.urgency.value,
            "size": evidence.payload.body.size,
        }
    )
    whole: dict[str, Any] = {
        "me": "VN",
        "exchange": EXCHANGE,
        "now": NOW,
        "sealed": evidence,
        "leaf": LoggedRecord(index=LEAF, record=record, salt=b64u_encode(bytes(32))),
        "place": LEAF,
        "sender": GB.timeline,
        "mine": VN.timeline,
        "anchors": {"GB-HO": GB.anchor, "VN": VN.anchor},
        "chains_then": agreement.copy_chains(),
        "chains_now": agreement.copy_chains(),
    }
    return MessageFacts(**whole | changes)


def code_of(check: Any, facts: MessageFacts) -> tuple[type[Exception], str]:
    """Return how a check refuses."""
    with pytest.raises((UnprovenError, WaitingError, NotCoveredError)) as caught:
        check(facts)
    return type(caught.value), caught.value.code


def test_every_check_of_a_sound_message_says_what_holds() -> None:
    facts = make_facts()
    sentences = [
        check(facts) for check in (check_header, check_signatures, check_encryption_key, check_right, check_standing)
    ]
    assert sentences[1] == "signed by GB-HO with key set 1, both signatures"
    assert "version 1, in force at leaf 20" in sentences[3]


def test_a_member_that_is_no_agency_sends_nothing() -> None:
    oversight = make_member("OV", agency_class=AgencyClass.OVERSIGHT)
    assert code_of(check_signatures, make_facts(sender=oversight.timeline)) == (UnprovenError, "not-an-agency")


def test_a_key_set_number_that_was_not_in_force_is_refused() -> None:
    facts = make_facts()
    later = MemberTimeline(((LEAF + 1, GB.verified),))
    assert code_of(check_signatures, replace(facts, sender=later)) == (UnprovenError, "key-set-not-current")


def test_an_encryption_key_published_after_the_leaf_is_refused() -> None:
    late = MemberTimeline(VN.timeline.key_sets, ((LEAF + 1, VN.encryption),))
    assert code_of(check_encryption_key, make_facts(mine=late)) == (UnprovenError, "encryption-key-not-current")


@pytest.mark.parametrize("steps", [0, 1, 2], ids=["nothing", "a proposal", "an acceptance"])
def test_an_agreement_that_is_not_complete_here_yet_is_waited_for(steps: int) -> None:
    whole, part = Agreement().bind(), Agreement()
    for agency, action in (("GB-HO", StepAction.PROPOSE), ("VN", StepAction.ACCEPT))[:steps]:
        part.take(agency, action, SIGNED)
    facts = make_facts(whole, chains_then=part.copy_chains())
    kind, code = code_of(check_right, facts)
    assert kind is WaitingError
    assert code == ("agreement-unknown" if steps == 0 else "agreement-not-in-force")


def test_a_suspension_with_a_step_behind_it_that_is_not_believed_yet_is_waited_for() -> None:
    agreement = Agreement().bind()
    agreement.take("VN", StepAction.SUSPEND, SIGNED)
    suspended = make_facts(agreement)
    assert code_of(check_right, suspended) == (UnprovenError, "agreement-not-in-force")
    assert code_of(check_right, replace(suspended, has_held_steps=True)) == (WaitingError, "agreement-not-in-force")


def test_an_agreement_whose_first_day_had_not_come_covers_nothing() -> None:
    agreement = Agreement(in_force_from=NOW, in_force_until=NOW + timedelta(days=9), review_by=NOW).bind()
    assert code_of(check_right, make_facts(agreement)) == (UnprovenError, "agreement-not-in-force")


def test_an_agreement_that_was_over_covers_nothing() -> None:
    agreement = Agreement(in_force_until=SIGNED + timedelta(hours=2), review_by=SIGNED).bind()
    assert code_of(check_right, make_facts(agreement)) == (UnprovenError, "agreement-not-in-force")


def test_an_agreement_that_ended_since_still_covers_what_was_accepted_before() -> None:
    agreement = Agreement(in_force_until=ACCEPTED + timedelta(hours=2), review_by=SIGNED).bind()
    facts = make_facts(agreement)
    check_right(facts)
    check_standing(facts)


@pytest.mark.parametrize("party", ["GB-HO", "VN"])
def test_another_anchor_in_the_agreement_than_the_pinned_one_is_refused(party: str) -> None:
    facts = make_facts()
    anchors = facts.anchors | {party: b64u_encode(bytes(32))}
    assert code_of(check_right, replace(facts, anchors=anchors)) == (UnprovenError, "anchor-mismatch")


@pytest.mark.parametrize(
    ("clause", "code"),
    [({"highest_marking": Tlp.GREEN}, "marking-too-high"), ({"max_bytes": 10}, "too-large")],
)
def test_what_the_header_shows_must_be_covered(clause: dict[str, Any], code: str) -> None:
    agreement = Agreement(clauses=(make_clause("GB-HO", "VN", **clause),)).bind()
    assert code_of(check_right, make_facts(agreement)) == (UnprovenError, code)


def test_a_suspension_by_either_party_is_waited_out() -> None:
    agreement = Agreement().bind()
    facts = make_facts(agreement)
    agreement.take("GB-HO", StepAction.SUSPEND, ACCEPTED)
    assert code_of(check_standing, replace(facts, chains_now=agreement.chains)) == (
        WithheldError,
        "agreement-suspended",
    )


def test_a_revocation_that_takes_effect_later_stops_nothing_before() -> None:
    agreement = Agreement().bind()
    facts = make_facts(agreement)
    agreement.take("VN", StepAction.REVOKE, ACCEPTED, effective_from=NOW + timedelta(days=1))
    held = replace(facts, chains_now=agreement.chains)
    check_standing(held)
    ended = replace(held, now=NOW + timedelta(days=1))
    assert code_of(check_standing, ended) == (NotCoveredError, "agreement-revoked")


def succeed(agreement: Agreement, **changes: Any) -> Terms:
    """Bring a second version of an agreement into force."""
    newer = agreement.terms.model_copy(
        update={"version": 2, "supersedes": agreement.terms.digest(), "title": "Version two"} | changes
    )
    agreement.bind(ACCEPTED + timedelta(minutes=5), newer)
    return newer


def test_a_newer_version_must_cover_the_message_too() -> None:
    agreement = Agreement().bind()
    facts = make_facts(agreement)
    newer = succeed(agreement)
    held = replace(facts, chains_now=agreement.chains)
    assert "version 2" in check_standing(held)
    assert find_governing_terms(held) == (agreement.terms, newer)


def test_a_newer_version_that_does_not_cover_the_message_refuses_it() -> None:
    agreement = Agreement().bind()
    facts = make_facts(agreement)
    succeed(agreement, clauses=(make_clause("GB-HO", "VN", kinds=("facilitator",)),))
    held = replace(facts, chains_now=agreement.chains)
    assert code_of(check_standing, held) == (NotCoveredError, "agreement-superseded")


ORIGINAL = Reference(id=make_id("original"), digest=b64u_encode(bytes([9]) * 32))


def make_aftercare(kind: str, original: KnownMessage | None, **changes: Any) -> MessageFacts:
    """Return an aftercare message about another."""
    return make_facts(message={"kind": kind, "refers_to": ORIGINAL} | changes, original=original)


def know_original(**changes: Any) -> KnownMessage:
    """Return the original as it is known here, sent by GB to VN."""
    whole: dict[str, Any] = {
        "message_id": ORIGINAL.id,
        "digest": ORIGINAL.digest,
        "sender": "GB-HO",
        "recipients": frozenset({"VN"}),
        "agreement": Agreement().terms.id,
    }
    return KnownMessage(**whole | changes)


def test_aftercare_passes_in_every_state_of_the_agreement() -> None:
    facts = make_aftercare("correction", know_original())
    assert "aftercare" in check_right(facts)
    agreement = Agreement().bind()
    agreement.take("VN", StepAction.REVOKE, SIGNED)
    revoked = replace(facts, chains_then=agreement.chains, chains_now=agreement.chains)
    check_right(revoked)
    check_standing(revoked)
    assert find_governing_terms(revoked) == ()


@pytest.mark.parametrize("kind", ["correction", "withdrawal"])
@pytest.mark.parametrize("signed", [1, 2], ids=["proposed", "accepted"])
def test_aftercare_passes_under_nothing_that_both_have_not_signed(kind: str, signed: int) -> None:
    whole = Agreement().bind()
    chains = {agency: chain[:1] for agency, chain in whole.copy_chains().items() if agency == "GB-HO" or signed == 2}
    facts = replace(make_aftercare(kind, know_original()), chains_then=chains, chains_now=whole.chains)
    assert code_of(check_right, facts) == (WaitingError, "agreement-not-in-force")


def test_aftercare_of_a_message_that_is_not_here_yet_waits() -> None:
    assert code_of(check_right, make_aftercare("correction", None)) == (WaitingError, "reference-unknown")


def test_a_withdrawal_may_come_before_what_it_takes_back() -> None:
    assert "not opened" in check_right(make_aftercare("withdrawal", None))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"message_id": make_id("another")}, "id and digest of two messages"),
        ({"sender": "BE"}, "sent by neither of the two"),
        ({"sender": "VN", "recipients": frozenset({"BE"})}, "sent to somebody else"),
        ({"agreement": make_id("another agreement")}, "under another agreement"),
    ],
)
def test_aftercare_goes_between_exactly_the_agencies_of_its_original(changes: dict[str, Any], why: str) -> None:
    facts = make_aftercare("correction", know_original(**changes))
    assert code_of(check_right, facts) == (UnprovenError, "reference-refused"), why


@pytest.mark.parametrize("kind", ["withdrawal", "correction", "misused-identity", "restriction"])
def test_only_who_sent_a_message_takes_it_back_or_says_what_becomes_of_it(kind: str) -> None:
    ours = know_original(sender="VN", recipients=frozenset({"GB-HO"}))
    assert code_of(check_right, make_aftercare(kind, ours)) == (UnprovenError, "reference-refused")


def test_who_holds_a_message_tells_its_sender_of_a_breach() -> None:
    ours = know_original(sender="VN", recipients=frozenset({"GB-HO"}))
    assert "aftercare of message" in check_right(make_aftercare("breach-notice", ours))


def test_aftercare_says_what_it_is_about() -> None:
    facts = make_facts(message={"kind": "correction"})
    assert code_of(check_right, facts) == (UnprovenError, "reference-refused")


def test_a_key_revoked_later_from_an_earlier_moment_leaves_the_message_disputed() -> None:
    from keys.encryption_keys import sign_revocation, verify_revocation
    from schemas.key_documents import Revocation
    from schemas.signed import KeyUse

    revocation = Revocation(
        v=1,
        exchange=EXCHANGE,
        agency="GB-HO",
        kids=GB.signers[KeyUse.MESSAGE].kids,
        effective_from=START,
        issued_at=NOW,
        reason="compromised",
    )
    verified = verify_revocation(sign_revocation(revocation, GB.signers[KeyUse.ROTATION]), GB.verified)
    facts = make_facts(sender=GB.timeline.add_revocation(LEAF + 5, verified))
    assert check_signatures(facts).endswith("disputed")
    earlier = make_facts(sender=GB.timeline.add_revocation(LEAF - 5, verified))
    assert code_of(check_signatures, earlier) == (UnprovenError, "key-revoked")


def change_header(facts: MessageFacts, **changes: Any) -> MessageFacts:
    """Return the same message with another header, its signatures untouched: what a check of the header alone sees."""
    header = facts.sealed.header.model_copy(update=changes)
    return replace(facts, sealed=replace(facts.sealed, header=header))


def test_a_header_without_a_commitment_is_refused() -> None:
    assert code_of(check_header, change_header(make_facts(), commitment=None)) == (UnprovenError, "body-mismatch")


def test_a_message_in_ones_own_name_is_refused() -> None:
    sender = make_facts().sealed.header.sender.model_copy(update={"agency": "VN"})
    assert code_of(check_header, change_header(make_facts(), sender=sender)) == (UnprovenError, "sent-by-ourselves")


@pytest.mark.parametrize("agencies", [("GB-HO",), ("VN", "VN"), ("VN", "BE", "BE")])
def test_this_agency_stands_once_among_the_recipients_and_nobody_twice(agencies: tuple[str, ...]) -> None:
    facts = make_facts()
    (entry,) = facts.sealed.header.recipients
    recipients = tuple(entry.model_copy(update={"agency": agency}) for agency in agencies)
    assert code_of(check_header, change_header(facts, recipients=recipients)) == (UnprovenError, "wrong-recipient")


def test_attachments_count_for_what_was_agreed_and_none_come_with_what_follows_a_message_up() -> None:
    facts = make_facts()
    attached = SealedAttachment(id=facts.sealed.header.id, sha256=facts.sealed.digest, size=70_000)
    payload = facts.sealed.payload.model_copy(update={"attachments": (attached,)})
    changed = replace(facts, sealed=replace(facts.sealed, payload=payload))
    assert check_header(changed) == check_header(facts)
    visible = describe_visible(changed)
    assert (visible.attachments, visible.size_bytes) == (1, facts.sealed.payload.body.size + 70_000)
    assert code_of(check_right, changed) == (UnprovenError, "too-large")
    following = change_header(
        changed, routing=changed.sealed.header.routing.model_copy(update={"kind": "acknowledgement"})
    )
    assert code_of(check_header, following) == (UnprovenError, "attachments-refused")


def test_a_confidential_message_is_sealed_for_the_key_of_its_own_use() -> None:
    routing = make_facts().sealed.header.routing.model_copy(update={"kind": "confidential"})
    facts = change_header(make_facts(), routing=routing)
    assert code_of(check_encryption_key, facts) == (UnprovenError, "encryption-key-not-current")


def test_the_key_set_named_must_be_the_one_in_force() -> None:
    facts = make_facts()
    sender = facts.sealed.header.sender.model_copy(update={"keyset": 2})
    assert code_of(check_signatures, change_header(facts, sender=sender)) == (UnprovenError, "key-set-not-current")
