"""Where a copy comes from and by which right: every step of its provenance, each broken on its own."""

from dataclasses import replace

import pytest

from agency_client.onward.rules import RightKind
from agency_client.receiving.errors import NotCoveredError, UnprovenError
from agency_client.receiving.provenance import describe_origin
from schemas.alerts import parse_alert
from schemas.envelope import HeaderSender, MessageAttachment, Reference
from schemas.markings import Purpose, Tlp
from tests.agency_client.receiving.provenance.scene import AFTER_ALL, UNKNOWN, Arrived, Scene, demand
from tests.schemas.alerts.filled import load_changed
from tests.support.messages import make_id
from tests.support.onward import AL, BE, GB, VN


def test_a_message_of_its_senders_own_has_no_provenance(scene: Scene) -> None:
    assert scene.verify(scene.plain) is None


def test_who_decides_on_a_release_is_who_sent_the_message_first(scene: Scene) -> None:
    decision = scene.answer
    as_its_own = replace(decision, message=decision.message.model_copy(update={"provenance": None}))
    sentence = "BE decides about a message of VN: only its originator can"
    assert scene.refuse(as_its_own) == (NotCoveredError, "not-the-originator", sentence)
    of_vn = decision.facts.sealed.header.sender.model_copy(update={"agency": VN})
    assert scene.verify(as_its_own.change_header(sender=of_vn)) is None


def test_a_copy_by_consent_is_its_originators_message_with_the_decision_that_let_it_go_on(scene: Scene) -> None:
    found = demand(scene.verify(scene.consented))
    assert (found.originator, found.path, found.recipient) == (VN, (VN, BE), AL)
    assert (found.right, found.sentence) == (RightKind.CONSENT, "VN consented to it")
    assert found.reference == Reference(id=found.original.header.id, digest=found.original.disclosed.digest)
    assert (found.original.agency, found.original.is_pinned) == (VN, True)
    assert demand(found.consent).disclosed.digest == scene.consent_digest
    assert demand(found.decision).conditions == "Once."
    day = f"{demand(found.consent).accepted_at:%Y-%m-%d}"
    assert found.spell_way() == f"VN → BE → AL, consent of VN of {day}"


def test_a_copy_by_name_needs_no_decision(scene: Scene) -> None:
    found = demand(scene.verify(scene.named))
    assert (found.right, found.sentence) == (RightKind.NAMED, "VN names AL in the message itself")
    assert (found.consent, found.decision) == (None, None)
    assert found.spell_way() == "VN → BE → AL, named by VN in the message"


def test_what_is_kept_of_a_copys_origin_outlives_its_content(scene: Scene) -> None:
    by_consent, by_name = demand(scene.verify(scene.consented)), demand(scene.verify(scene.named))
    kept = describe_origin(scene.consented.facts, by_consent)
    assert (kept.copy_digest, kept.original) == (scene.consented.facts.sealed.digest, by_consent.reference)
    assert (kept.originator, kept.path, kept.right_kind) == (VN, (VN, BE), RightKind.CONSENT)
    assert (kept.consent_digest, kept.recorded_at) == (scene.consent_digest, scene.consented.facts.now)
    assert describe_origin(scene.named.facts, by_name).consent_digest is None


def test_what_a_copy_shows_was_accepted_before_it(scene: Scene) -> None:
    originals, consents = scene.original_place, scene.consent_place
    assert originals < consents
    late_original, late_consent = (
        f"the {name} was accepted after the copy that shows it" for name in ("original", "consent")
    )
    at_original, at_consent = scene.consented.at(originals), scene.consented.at(consents)
    assert scene.refuse(at_original) == (UnprovenError, "provenance-refused", late_original)
    assert scene.refuse(at_consent) == (UnprovenError, "provenance-refused", late_consent)
    assert scene.verify(scene.consented.at(consents + 1)) is not None


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ((GB, BE), "path: the original is of VN, not of GB"),
        ((VN, BE, GB), "path: it ends with GB, and BE sent this"),
        ((VN, GB, BE), "path: the original was not sent to GB"),
        ((VN, BE, GB, BE), "path: VN → BE → GB → BE → AL goes in a circle"),
        ((VN, BE, AL, BE), "path: VN → BE → AL → BE → AL goes in a circle"),
    ],
)
def test_the_way_leads_from_the_originator_over_its_recipient_to_the_sender(
    scene: Scene, path: tuple[str, ...], sentence: str
) -> None:
    assert scene.refuse(scene.named.claim(path=path)) == (UnprovenError, "provenance-refused", sentence)


def test_a_way_over_the_recipient_itself_goes_in_a_circle(scene: Scene) -> None:
    over_al = scene.named.change_header(sender=replace_agency(scene.named, AL)).claim(path=(VN, BE, AL))
    sentence = "path: VN → BE → AL → AL goes in a circle"
    assert scene.refuse(over_al) == (UnprovenError, "provenance-refused", sentence)


def replace_agency(arrived: Arrived, agency: str) -> HeaderSender:
    """Return the sender of a header under another name."""
    return arrived.facts.sealed.header.sender.model_copy(update={"agency": agency})


def test_a_copy_is_called_on_the_outside_what_its_original_is_called(scene: Scene) -> None:
    sentence = "the original's header says ping, this one's facilitator"
    renamed = scene.named.route(kind="facilitator")
    assert scene.refuse(renamed) == (UnprovenError, "header-mismatch", sentence)


def test_no_copy_goes_on_without_a_right_and_the_sentence_says_which_is_missing(scene: Scene) -> None:
    without = scene.refuse(scene.consented.claim(consent=None))
    assert without[:2] == (NotCoveredError, "consent-missing")
    assert without[2].startswith("it was passed on without a right: it goes on with the consent of VN only: ")


@pytest.mark.parametrize("sort", ["consented", "named"])
def test_a_copy_is_marked_no_lower_than_its_original(scene: Scene, sort: str) -> None:
    lowered = getattr(scene, sort).route(marking=Tlp.GREEN)
    sentence = "it was passed on without a right: TLP:GREEN is lower than the originator's TLP:AMBER"
    assert scene.refuse(lowered) == (NotCoveredError, "marking-lowered", sentence)


@pytest.mark.parametrize(("sort", "code"), [("consented", "consent-for-another-purpose"), ("named", "purpose-changed")])
def test_a_copy_serves_the_purpose_it_was_let_go_for(scene: Scene, sort: str, code: str) -> None:
    copy: Arrived = getattr(scene, sort)
    changed = replace(copy, message=copy.message.model_copy(update={"purpose": Purpose.BORDER_CONTROL}))
    assert scene.refuse(changed)[:2] == (NotCoveredError, code)


@pytest.mark.parametrize(
    ("sort", "code"), [("consented", "consent-for-another-recipient"), ("named", "consent-missing")]
)
def test_a_copy_for_one_agency_is_no_copy_for_another(scene: Scene, sort: str, code: str) -> None:
    copy: Arrived = getattr(scene, sort)
    assert scene.refuse(replace(copy, facts=replace(copy.facts, me=GB)))[:2] == (NotCoveredError, code)


def test_a_consent_counts_by_the_moment_the_log_took_the_copy_in(scene: Scene) -> None:
    copy = scene.consented
    ends = demand(demand(demand(scene.verify(copy)).decision).valid_until)
    record = copy.facts.leaf.record.model_copy(update={"time": ends})
    late = replace(copy, facts=replace(copy.facts, leaf=copy.facts.leaf.model_copy(update={"record": record})))
    assert scene.refuse(late)[:2] == (NotCoveredError, "consent-ended")


def test_a_consent_is_the_originators_decision_and_nothing_else(scene: Scene) -> None:
    copy = scene.consented.at(AFTER_ALL)
    another_of_vn, of_be = copy.claim(consent=scene.show(scene.named)), copy.claim(consent=scene.show(scene.plain))
    sentence = "the consent is no decision on a release"
    assert scene.refuse(another_of_vn) == (UnprovenError, "consent-of-another", sentence)
    sentence = "the consent is signed by BE, and the original is of VN"
    assert scene.refuse(of_be) == (UnprovenError, "consent-of-another", sentence)


def test_a_consent_by_a_key_since_revoked_lets_nothing_new_in_and_what_is_here_is_marked(scene: Scene) -> None:
    copy = scene.consented.at(AFTER_ALL).claim(consent=scene.disputed_consent)
    sentence = "VN has since revoked the key of the consent, from an earlier moment"
    assert scene.refuse(copy) == (NotCoveredError, "consent-disputed", sentence)
    read_again = demand(scene.verify(copy, is_arriving=False))
    assert read_again.is_disputed
    assert demand(read_again.consent).is_disputed
    assert not read_again.original.is_disputed


def test_what_was_signed_before_the_moment_of_a_revocation_is_not_disputed(scene: Scene) -> None:
    by_consent, by_name = demand(scene.verify(scene.consented)), demand(scene.verify(scene.named))
    assert (by_consent.is_disputed, by_name.is_disputed) == (False, False)
    disputed = replace(by_name.original, is_disputed=True)
    assert replace(by_name, original=disputed).is_disputed
    assert replace(by_consent, original=disputed).is_disputed


def test_what_is_attached_to_a_copy_was_attached_to_its_original(scene: Scene) -> None:
    attached = MessageAttachment(
        id=make_id("a photograph"), key=UNKNOWN, name="page.jpg", media_type="image/jpeg", size=17, sha256=UNKNOWN
    )
    added = replace(scene.named, message=scene.named.message.model_copy(update={"attachments": (attached,)}))
    sentence = f"attachments: {attached.id} is not the one of VN"
    assert scene.refuse(added) == (UnprovenError, "provenance-refused", sentence)


def test_what_its_originator_may_not_report_is_not_reported_by_passing_it_on(scene: Scene) -> None:
    """Of a document's status its own state reports, and the states stand in the originator's key set."""
    report = replace(scene.named, alert=parse_alert(load_changed("document-status", {"details.issuing_state": "D"})))
    kind, code, sentence = scene.refuse(report)
    assert (kind, code) == (NotCoveredError, "not-the-issuer")
    assert sentence.startswith("details.issuing_state: ")


def test_a_refusal_says_which_of_the_two_messages_shown_does_not_verify(scene: Scene) -> None:
    shown = demand(scene.consented.message.provenance)
    consent = demand(shown.consent)
    words = scene.consented.message.alert | {"subject": "Altered"}
    altered = replace(scene.consented, message=scene.consented.message.model_copy(update={"alert": words}))
    widened = consent.model_copy(update={"alert": consent.alert | {"subject": "Altered"}})
    assert scene.refuse(altered)[:2] == (UnprovenError, "body-mismatch")
    assert scene.refuse(altered)[2].startswith("the original: ")
    assert scene.refuse(scene.consented.claim(consent=widened))[2].startswith("the consent: ")
