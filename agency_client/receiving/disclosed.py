"""Verify a message that a partner shows of somebody else: by the log, by its signer's own keys, to the letter.

Everything is judged by what this node holds: the sheets of the logs it accepted, the members it walked. What the
message may be used for is decided by `agency_client.receiving.provenance`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agency_client.directory.directory import AnchorMismatchError
from agency_client.epochs.places import compute_place
from agency_client.epochs.sheets import load_sheet
from agency_client.errors import NotFoundError
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.trust import load_pin
from agency_client.node import Node
from agency_client.receiving.errors import UnprovenError, WaitingError
from agency_client.receiving.leaves import verify_accepted_leaf
from agency_client.receiving.rules import verify_times
from agency_client.receiving.sealed import SealedEvidence
from agency_client.statuses.hidden import list_hidden_revocations
from agency_client.witness.observer import LogError, hash_logged_record, read_log_keys
from keys.disclosure import VerifiedDisclosure, verify_disclosure
from keys.errors import KeysError
from keys.log_keys import LogSignatureError, verify_checkpoint
from keys.timeline import MemberTimeline
from schemas.alerts import parse_alert
from schemas.alerts.base import Alert
from schemas.alerts.header_rules import verify_header_agrees
from schemas.alerts.registry import AlertError
from schemas.api import Evidence, LoggedRecord
from schemas.codec import CodecError, b64u_decode
from schemas.disclosure import ParsedDisclosure, parse_disclosure
from schemas.envelope import MAX_ACCEPTANCE_CHARACTERS, Disclosure, Header
from schemas.jwk import AkpJwk, OkpJwk
from schemas.key_documents import AgencyClass, ExchangeSheet
from schemas.log.tree import LogProofError, verify_inclusion
from schemas.signed import KeyUse


@dataclass(frozen=True, slots=True)
class DisclosedOrigin:
    """A message shown by somebody else, every step of it verified.

    `place` is where its acceptance stands over all logs. `is_pinned`: its signer's roots are pinned here; otherwise its
    keys are those the log publishes. `is_disputed`: its signer has since revoked the key, from an earlier moment.
    `state` is the one that its signer's key set names.
    """

    disclosed: VerifiedDisclosure
    alert: Alert
    accepted_at: datetime
    place: int
    is_pinned: bool
    is_disputed: bool
    state: str | None = None

    @property
    def header(self) -> Header:
        """Return the header its signer signed."""
        return self.disclosed.header

    @property
    def agency(self) -> str:
        """Return who signed it."""
        return self.disclosed.header.sender.agency


def verify_shown(
    node: Node, snapshot: Snapshot, disclosure: Disclosure, unverified_alert: Mapping[str, Any], *, name: str
) -> DisclosedOrigin:
    """Verify a disclosure; `name` says in a refusal which one it is ("original", "consent").

    1. Form, and this exchange. 2. A log of it accepted the message. 3. Its signer is an agency, with the pinned roots
    where they are pinned. 4. Its times fit that leaf, and the signer's keys there signed it, unrevoked by then. 5.
    Header, alert and rest are what was committed to. 6. The alert is of a known kind, and what the header says.

    Raises:
        UnprovenError: a step does not hold; it is named.
        WaitingError: the log has not shown its signer here.
    """
    try:
        parsed = parse_disclosure(disclosure)
        leaf, origin = _verify_acceptance(snapshot, parsed)
        place = compute_place(origin, leaf.index)
        timeline, is_pinned = _read_signer(node, snapshot, parsed.header.sender.agency)
        disclosed = _verify_signed(node, snapshot, parsed, unverified_alert, timeline, place, leaf.record.time)
        alert = read_shown_alert(disclosed)
    except (LogSignatureError, LogProofError, LogError) as error:
        raise UnprovenError(f"the {name}: the proof of its acceptance: {error}", code="log-not-proven") from error
    except (KeysError, CodecError, AlertError) as error:
        raise UnprovenError(f"the {name}: {error}", code=error.code) from error
    kids = disclosed.header.sender.kids
    return DisclosedOrigin(
        disclosed=disclosed,
        alert=alert,
        accepted_at=leaf.record.time,
        place=place,
        is_pinned=is_pinned,
        is_disputed=timeline.is_disputed(kids, place, leaf.record.time),
        state=timeline.state,
    )


def verify_acceptance(sealed: SealedEvidence, evidence: Evidence, sheet: ExchangeSheet) -> LoggedRecord:
    """Return the leaf of a message's acceptance if it stands in the log of a sheet. Pure.

    Raises:
        LogSignatureError, LogProofError, LogError, CodecError: it does not, or is about another message.
    """
    checkpoint = verify_checkpoint(evidence.checkpoint.encode(), sheet.origin, read_log_keys(sheet))
    path = [b64u_decode(item) for item in evidence.proof]
    digest = hash_logged_record(evidence.leaf)
    verify_inclusion(digest, evidence.leaf.index, checkpoint.size, path, checkpoint.root)
    verify_accepted_leaf(evidence.leaf, sealed, sealed.header.recipients[0].agency)
    return evidence.leaf


def find_keys_at(
    timeline: MemberTimeline, header: Header, place: int, accepted_at: datetime
) -> tuple[OkpJwk | AkpJwk, ...]:
    """Return the keys that a header names, if they were its sender's message keys at a leaf, unrevoked by then. Pure.

    Raises:
        KeysError: they were not.
        UnprovenError: the header names another key set, or its sender is no agency.
    """
    if timeline.agency_class is not AgencyClass.AGENCY:
        raise UnprovenError(f"{timeline.agency} is no agency that may send", code="not-an-agency")
    jwks = timeline.find_signing_keys(KeyUse.MESSAGE, header.sender.kids, place, accepted_at)
    if header.sender.keyset != timeline.find_key_set(place, accepted_at).key_set.seq:
        raise UnprovenError("it names another key set than the one in force then", code="key-set-not-current")
    return jwks


def read_shown_alert(disclosed: VerifiedDisclosure) -> Alert:
    """Return the alert of a verified disclosure, if its kind is known and it is what its header says. Pure.

    Raises:
        AlertError, CodecError: it is not.
    """
    alert = parse_alert(disclosed.message.alert)
    verify_header_agrees(alert, disclosed.header)
    return alert


def describe_sealed(parsed: ParsedDisclosure) -> SealedEvidence:
    """Return a disclosure's envelope as evidence is judged by."""
    return SealedEvidence(parsed.disclosure, parsed.payload, parsed.header, parsed.digest)


def read_acceptance(disclosure: Disclosure) -> Evidence:
    """Return the proof of acceptance a disclosure carries. Nothing of it is verified.

    Raises:
        CodecError: it is of another form.
    """
    return Evidence.from_canonical(b64u_decode(disclosure.acceptance), max_bytes=MAX_ACCEPTANCE_CHARACTERS)


def name_log(evidence: Evidence) -> str:
    """Return the origin a checkpoint names: its first line."""
    return evidence.checkpoint.partition("\n")[0]


def _verify_acceptance(snapshot: Snapshot, parsed: ParsedDisclosure) -> tuple[LoggedRecord, str]:
    evidence = read_acceptance(parsed.disclosure)
    sheet = load_sheet(snapshot, name_log(evidence))
    return verify_acceptance(describe_sealed(parsed), evidence, sheet), sheet.origin


def _read_signer(node: Node, snapshot: Snapshot, agency: str) -> tuple[MemberTimeline, bool]:
    is_pinned = load_pin(snapshot, agency) is not None
    try:
        timeline = (
            node.directory.read_trusted_timeline(snapshot, agency)
            if is_pinned
            else node.directory.read_timeline(snapshot, agency)
        )
    except AnchorMismatchError as error:
        raise UnprovenError(error.sentence, fix=error.fix, code=error.code) from error
    except NotFoundError:
        timeline = None
    if timeline is None:
        raise WaitingError(f"the log has not shown the keys of {agency} here yet", code="originator-unknown")
    return timeline, is_pinned


def _verify_signed(
    node: Node,
    snapshot: Snapshot,
    parsed: ParsedDisclosure,
    unverified_alert: Mapping[str, Any],
    timeline: MemberTimeline,
    place: int,
    accepted_at: datetime,
) -> VerifiedDisclosure:
    header = parsed.header
    if header.exchange != node.exchange:
        raise UnprovenError(f"it was sent on {header.exchange}, this is {node.exchange}", code="wrong-exchange")
    verify_times(header, accepted_at)
    if not list_hidden_revocations(snapshot, timeline).isdisjoint(header.sender.kids):
        raise WaitingError(
            f"{timeline.agency} says that it has revoked this key, and the log has not shown it",
            code="revocation-hidden",
        )
    return verify_disclosure(parsed, unverified_alert, find_keys_at(timeline, header, place, accepted_at))
