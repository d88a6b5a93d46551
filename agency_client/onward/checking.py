"""Check an exported message, offline and without a profile: every signature, the log, the content, the consent. Pure.

Nothing in the file is believed but what follows from the anchors that its reader compares with paper: the exchange's,
and that of every agency that signed something in it. When it was made is its maker's word. What it cannot show is that
no revocation was left out of the keys it carries: an exported audit does (`agency audit verify`), with every leaf.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agency_client.directory.documents import rebuild_timeline
from agency_client.epochs.places import compute_place
from agency_client.errors import VerificationFailedError
from agency_client.onward.bundle import MAX_BUNDLE_BYTES, MessageBundle
from agency_client.onward.rules import WantedUse, judge_decision, spell_path
from agency_client.receiving.disclosed import (
    describe_sealed,
    find_keys_at,
    name_log,
    read_acceptance,
    read_shown_alert,
    verify_acceptance,
)
from agency_client.receiving.errors import UnprovenError
from agency_client.receiving.rules import verify_times
from agency_client.receiving.sealed import SealedEvidence, read_sealed
from agency_client.witness.observer import LogError
from keys.disclosure import VerifiedDisclosure, verify_disclosure
from keys.errors import KeysError
from keys.log_keys import LogSignatureError
from keys.sealing import verify_message
from keys.signing import verify_document
from keys.timeline import MemberTimeline
from schemas.alerts.base import Alert
from schemas.alerts.kinds.release_decision import ReleaseDecision
from schemas.alerts.kinds.release_request import OriginalMessage, ReleaseUse
from schemas.alerts.registry import AlertError, parse_alert
from schemas.api import Evidence, LoggedRecord
from schemas.codec import CodecError, b64u_decode
from schemas.disclosure import parse_disclosure
from schemas.envelope import Disclosure, Header, Message, Reference
from schemas.key_documents import compute_exchange_anchor, compute_trust_anchor
from schemas.log.tree import LogProofError
from schemas.signed import DocumentType


class BundleRefusedError(VerificationFailedError):
    """The file does not prove what it is said to prove."""

    default_code = "bundle-refused"


@dataclass(frozen=True, slots=True)
class BundleVerdict:
    """What a file proves: each step in a sentence, and the anchors that its reader compares with paper, by name."""

    header: Header
    alert: Alert
    sentences: tuple[str, ...]
    exchange_anchors: Mapping[str, str]
    agency_anchors: Mapping[str, str]


@dataclass(slots=True)
class _Check:
    """A check under way: the file, and what it has come to. `disputed` are digests of messages."""

    bundle: MessageBundle
    sentences: list[str] = field(default_factory=list)
    timelines: dict[str, MemberTimeline] = field(default_factory=dict)
    disputed: set[str] = field(default_factory=set)

    def say(self, sentence: str) -> None:
        """Note a step that holds."""
        self.sentences.append(sentence)


def read_bundle(unverified_data: bytes) -> MessageBundle:
    """Return the bundle a file claims to be. Nothing is verified.

    Raises:
        BundleRefusedError: it is of another form.
    """
    try:
        return MessageBundle.from_canonical(unverified_data, max_bytes=MAX_BUNDLE_BYTES)
    except CodecError as error:
        raise BundleRefusedError(f"the file is no exported message: {error}") from error


def check_message_bundle(bundle: MessageBundle) -> BundleVerdict:
    """Check an exported message.

    1. Its log accepted it, for the agency that exports it. 2. Its sender's keys at that leaf signed it. 3. The content
    is what was committed to. 4. Where it was passed on, the originator's own message, the same way. 5. For a court, the
    originator's consent to exactly this use.

    Raises:
        BundleRefusedError: a step does not hold; it is named.
    """
    check = _Check(bundle)
    try:
        header, message = _check_message(check)
        alert = parse_alert(message.alert)
        original = _check_original(check, header, message)
        _check_consent(check, original)
    except UnprovenError as error:
        raise BundleRefusedError(error.sentence, code=error.code) from error
    except (LogSignatureError, LogProofError, LogError) as error:
        raise BundleRefusedError(f"the proof of the log: {error}", code="log-not-proven") from error
    except (KeysError, CodecError, AlertError) as error:
        raise BundleRefusedError(str(error), code=error.code) from error
    return BundleVerdict(
        header=header,
        alert=alert,
        sentences=tuple(check.sentences),
        exchange_anchors={log.sheet.origin: compute_exchange_anchor(log.sheet) for log in bundle.logs},
        agency_anchors={
            agency: compute_trust_anchor(agency, timeline.key_sets[0][1].key_set.roots)
            for agency, timeline in check.timelines.items()
        },
    )


def _check_message(check: _Check) -> tuple[Header, Message]:
    bundle = check.bundle
    sealed = read_sealed(bundle.message)
    header = sealed.header
    evidence = Evidence.from_canonical(b64u_decode(bundle.acceptance), max_bytes=MAX_BUNDLE_BYTES)
    leaf, place = _check_acceptance(check, sealed, evidence)
    if bundle.made_by not in {recipient.agency for recipient in header.recipients}:
        raise UnprovenError(f"the message was not sent to {bundle.made_by}", code="wrong-recipient")
    timeline = _load_timeline(check, header.sender.agency)
    verify_document(sealed.document, DocumentType.ENVELOPE, find_keys_at(timeline, header, place, leaf.record.time))
    message = verify_message(header, b64u_decode(bundle.content))
    _note_disputed(check, timeline, sealed, (leaf, place))
    check.say(f"accepted at leaf {leaf.index} of {name_log(evidence)}, {leaf.record.time:%Y-%m-%d %H:%M:%S} UTC")
    check.say(f"signed by {header.sender.agency} for {bundle.made_by}, both signatures")
    check.say(f"{len(b64u_decode(bundle.content))} bytes of content are the ones that it committed to")
    return header, message


def _check_original(check: _Check, header: Header, message: Message) -> OriginalMessage:
    provenance = message.provenance
    if provenance is None:
        sealed = read_sealed(check.bundle.message)
        return OriginalMessage(agency=header.sender.agency, message=sealed.reference)
    shown = _check_shown(check, provenance.original, message.alert)
    reference = Reference(id=shown.header.id, digest=shown.digest)
    if (provenance.path[0], provenance.path[-1]) != (shown.header.sender.agency, header.sender.agency):
        raise UnprovenError("path: it does not lead from the originator to the sender", code="provenance-refused")
    way = spell_path(provenance.path, check.bundle.made_by)
    check.say(f"first sent by {shown.header.sender.agency}, to the letter; it went {way}")
    return OriginalMessage(agency=shown.header.sender.agency, message=reference)


def _check_consent(check: _Check, original: OriginalMessage) -> None:
    bundle = check.bundle
    if bundle.consent is None:
        return
    shown = _check_shown(check, bundle.consent, bundle.consent.alert)
    if shown.digest in check.disputed:
        raise UnprovenError(
            f"{original.agency} has since revoked the key of the consent, from an earlier moment",
            code="consent-disputed",
        )
    decision = read_shown_alert(shown).details
    if shown.header.sender.agency != original.agency or not isinstance(decision, ReleaseDecision):
        raise UnprovenError("the consent is no decision of the originator", code="consent-of-another")
    wanted = WantedUse(
        use=ReleaseUse.COURT,
        original=original,
        holder=bundle.made_by,
        purpose=bundle.purpose,
        at=bundle.made_at,
        court=bundle.court,
    )
    findings = judge_decision(decision, wanted)
    if findings:
        raise UnprovenError("; ".join(finding.sentence for finding in findings), code=findings[0].code)
    court = bundle.court
    where = "" if court is None else f" before {court.court} in {court.proceeding}"
    check.say(f"{original.agency} consented to its use{where}, for {bundle.purpose.value}")
    if decision.conditions is not None:
        check.say(f"conditions of {original.agency}: {decision.conditions}")


def _check_shown(check: _Check, disclosure: Disclosure, unverified_alert: Mapping[str, Any]) -> VerifiedDisclosure:
    parsed = parse_disclosure(disclosure)
    sealed = describe_sealed(parsed)
    leaf, place = _check_acceptance(check, sealed, read_acceptance(disclosure))
    timeline = _load_timeline(check, parsed.header.sender.agency)
    verify_times(parsed.header, leaf.record.time)
    jwks = find_keys_at(timeline, parsed.header, place, leaf.record.time)
    _note_disputed(check, timeline, sealed, (leaf, place))
    return verify_disclosure(parsed, unverified_alert, jwks)


def _note_disputed(
    check: _Check, timeline: MemberTimeline, sealed: SealedEvidence, accepted: tuple[LoggedRecord, int]
) -> None:
    """Note a message whose key its sender has given up since, from before its acceptance (leaf and place)."""
    (leaf, place), header = accepted, sealed.header
    if timeline.is_disputed(header.sender.kids, place, leaf.record.time):
        check.disputed.add(sealed.digest)
        check.say(f"DISPUTED: {timeline.agency} has since revoked the key of {header.id}, from an earlier moment")


def _check_acceptance(check: _Check, sealed: SealedEvidence, evidence: Evidence) -> tuple[LoggedRecord, int]:
    log = check.bundle.find_log(name_log(evidence))
    if log is None:
        raise UnprovenError(f"the file has no sheet of the log {name_log(evidence)}", code="log-not-proven")
    if {sealed.header.exchange, log.sheet.name} != {check.bundle.exchange}:
        raise UnprovenError(f"it was sent on {sealed.header.exchange}", code="wrong-exchange")
    leaf = verify_acceptance(sealed, evidence, log.sheet)
    return leaf, compute_place(log.sheet.origin, leaf.index)


def _load_timeline(check: _Check, agency: str) -> MemberTimeline:
    if agency not in check.timelines:
        bundle = check.bundle
        records = bundle.find_keys(agency)
        timeline = rebuild_timeline(records, exchange=bundle.exchange, openings=bundle.find_opening())
        if timeline is None or timeline.agency != agency:
            raise UnprovenError(f"the file has no keys of {agency}", code="key-set-not-current")
        check.timelines[agency] = timeline
    return check.timelines[agency]
