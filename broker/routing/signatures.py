"""Whether an envelope is signed by message keys of its sender that are in force. Pure: timeline and time come in.

Two halves: `check_signatures` does the arithmetic before the transaction; `recheck_keys` asks in it whether the key
documents have changed meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime

from broker.routing.rules import Reason
from keys.errors import KeyNotInForceError, KeysError, KeySetError
from keys.sealing import ParsedEnvelope, verify_envelope_signatures
from keys.timeline import MemberTimeline
from schemas.codec import MAX_INTEGER, CodecError
from schemas.jwk import AkpJwk, OkpJwk
from schemas.problems import PROBLEMS
from schemas.signed import KeyUse


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """What the signatures were found to be worth under one timeline; no problem means that both are good."""

    timeline: MemberTimeline | None
    problem: Reason | None


def check_signatures(parsed: ParsedEnvelope, timeline: MemberTimeline | None, now: datetime) -> SignatureCheck:
    """Verify both signatures with the message keys of the newest key set, which the header must name."""
    try:
        verify_envelope_signatures(parsed, _find_keys(parsed, timeline, now))
    except (KeysError, CodecError) as error:
        return SignatureCheck(timeline, _explain(error))
    return SignatureCheck(timeline, None)


def recheck_keys(
    check: SignatureCheck, parsed: ParsedEnvelope, timeline: MemberTimeline | None, now: datetime
) -> Reason | None:
    """Return what is wrong now, if anything.

    Keys are named by their thumbprints, so a good signature stays good: only the right to sign can have gone. What was
    found wrong is looked at again, with the arithmetic: another broker may have taken in the keys that it is signed by.
    """
    if timeline is check.timeline:
        return check.problem
    if check.problem is not None:
        return check_signatures(parsed, timeline, now).problem
    try:
        _find_keys(parsed, timeline, now)
    except KeysError as error:
        return _explain(error)
    return None


def _find_keys(parsed: ParsedEnvelope, timeline: MemberTimeline | None, now: datetime) -> tuple[OkpJwk | AkpJwk, ...]:
    sender = parsed.header.sender
    if timeline is None or timeline.agency != sender.agency:
        raise KeyNotInForceError(f"no key set of {sender.agency} belongs to the caller")
    newest = timeline.newest_key_set.key_set.seq
    if sender.keyset != newest:
        raise KeyNotInForceError(f"the message is signed under key set {sender.keyset}, the newest is {newest}")
    return timeline.find_signing_keys(KeyUse.MESSAGE, sender.kids, MAX_INTEGER, now)


def _explain(error: KeysError | CodecError) -> Reason:
    # A key set is not at fault here: the header names a key that is no message key of it.
    code = "signature-refused" if isinstance(error, KeySetError) or error.code not in PROBLEMS else error.code
    return Reason(code, code, str(error), "signatures" if code == "signature-refused" else "sender")
