"""Tables of cases for the lifecycle: which moves lead where, and which move may follow which.

A move is who, what and over which terms; every move of a case is made at `MORNING` and looked at `NOON`.
"""

from collections.abc import Sequence
from datetime import timedelta

from schemas.agreements.lifecycle import State
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from tests.strategies.agreements import GB, MORNING, VN, follow_terms, make_terms

PROPOSE, ACCEPT, CONFIRM = StepAction.PROPOSE, StepAction.ACCEPT, StepAction.CONFIRM
SUSPEND, RESUME, REVOKE = StepAction.SUSPEND, StepAction.RESUME, StepAction.REVOKE
WITHDRAW, REJECT = StepAction.WITHDRAW, StepAction.REJECT
DAY = timedelta(days=1)
WORDS = [
    *("draft", "proposed", "countered", "accepted", "confirmed", "in-force", "suspended"),
    *("superseded", "revoked", "expired", "withdrawn", "rejected", "lapsed"),
]
NOON = MORNING + timedelta(hours=4)

TERMS = make_terms()
COUNTER = make_terms(title="Counter-proposal")
SECOND = follow_terms(TERMS, title="Second", in_force_from=MORNING + 10 * DAY)
RIVAL = follow_terms(TERMS, title="Another second", in_force_from=MORNING + 5 * DAY)
THIRD = follow_terms(SECOND, title="Third", in_force_from=MORNING + DAY)
LATER = make_terms(title="From tomorrow", in_force_from=MORNING + DAY)

Move = tuple[str, StepAction, Terms | str]
PROPOSED: tuple[Move, ...] = ((GB, PROPOSE, TERMS),)
ACCEPTED: tuple[Move, ...] = (*PROPOSED, (VN, ACCEPT, TERMS))
CONFIRMED: tuple[Move, ...] = (*ACCEPTED, (GB, CONFIRM, TERMS))

STATES: dict[str, tuple[Sequence[Move], State, str]] = {
    "nobody has said anything": ((), State.DRAFT, "nobody has proposed it to the other party"),
    "one party proposed": (PROPOSED, State.PROPOSED, "GB-HO proposed it; the other party has not answered"),
    "the other party proposed the same": (
        (*PROPOSED, (VN, PROPOSE, TERMS)),
        State.PROPOSED,
        "VN proposed it; the other party has not answered",
    ),
    "the other party accepted": (ACCEPTED, State.ACCEPTED, "VN accepted it; GB-HO has yet to confirm"),
    "the proposer confirmed": (CONFIRMED, State.IN_FORCE, "both parties signed and it stands"),
    "the proposer suspended": ((*CONFIRMED, (GB, SUSPEND, TERMS)), State.SUSPENDED, "suspended by GB-HO"),
    "the accepter suspended": ((*CONFIRMED, (VN, SUSPEND, TERMS)), State.SUSPENDED, "suspended by VN"),
    "both suspended": (
        (*CONFIRMED, (VN, SUSPEND, TERMS), (GB, SUSPEND, TERMS)),
        State.SUSPENDED,
        "suspended by GB-HO and VN",
    ),
    "who suspended resumed": (
        (*CONFIRMED, (VN, SUSPEND, TERMS), (VN, RESUME, TERMS)),
        State.IN_FORCE,
        "both parties signed and it stands",
    ),
    "the other one resumed": (
        (*CONFIRMED, (VN, SUSPEND, TERMS), (GB, RESUME, TERMS)),
        State.SUSPENDED,
        "suspended by VN",
    ),
    "resumed before it was suspended": (
        (*CONFIRMED, (VN, RESUME, TERMS), (VN, SUSPEND, TERMS)),
        State.SUSPENDED,
        "suspended by VN",
    ),
    "one of two suspensions is over": (
        (*CONFIRMED, (VN, SUSPEND, TERMS), (GB, SUSPEND, TERMS), (GB, RESUME, TERMS)),
        State.SUSPENDED,
        "suspended by VN",
    ),
    "suspended before it was confirmed": (
        (*ACCEPTED, (VN, SUSPEND, TERMS), (GB, CONFIRM, TERMS)),
        State.SUSPENDED,
        "suspended by VN",
    ),
    "revoked": ((*CONFIRMED, (VN, REVOKE, TERMS)), State.REVOKED, "VN revoked the agreement"),
    "revoked and then resumed": (
        (*CONFIRMED, (VN, SUSPEND, TERMS), (VN, REVOKE, TERMS), (VN, RESUME, TERMS)),
        State.REVOKED,
        "VN revoked the agreement",
    ),
    "revoked before anybody answered": ((*PROPOSED, (VN, REVOKE, TERMS)), State.REVOKED, "VN revoked the agreement"),
    "the proposer withdrew": ((*PROPOSED, (GB, WITHDRAW, TERMS)), State.WITHDRAWN, "GB-HO has withdrawn it"),
    "the accepter withdrew": ((*ACCEPTED, (VN, WITHDRAW, TERMS)), State.WITHDRAWN, "VN has withdrawn it"),
    "rejected": ((*PROPOSED, (VN, REJECT, TERMS)), State.REJECTED, "VN has rejected it"),
    "rejected and then accepted": (
        (*PROPOSED, (VN, REJECT, TERMS), (VN, ACCEPT, TERMS)),
        State.REJECTED,
        "VN has rejected it",
    ),
    "rejected after the confirmation": (
        (*CONFIRMED, (VN, REJECT, TERMS)),
        State.REVOKED,
        "VN took its signature back after the confirmation",
    ),
    "withdrawn after the confirmation": (
        (*CONFIRMED, (VN, WITHDRAW, TERMS)),
        State.REVOKED,
        "VN took its signature back after the confirmation",
    ),
    "the proposer took it back after the confirmation": (
        (*CONFIRMED, (GB, WITHDRAW, TERMS)),
        State.REVOKED,
        "GB-HO took its signature back after the confirmation",
    ),
    "withdrawn while the confirmation was under way": (
        (*ACCEPTED, (VN, WITHDRAW, TERMS), (GB, CONFIRM, TERMS)),
        State.REVOKED,
        "VN took its signature back after the confirmation",
    ),
    "the other one of two suspensions is over": (
        (*CONFIRMED, (VN, SUSPEND, TERMS), (GB, SUSPEND, TERMS), (VN, RESUME, TERMS)),
        State.SUSPENDED,
        "suspended by GB-HO",
    ),
    "the accepter proposed the same beside it": (
        (*ACCEPTED, (VN, PROPOSE, TERMS)),
        State.ACCEPTED,
        "VN accepted it; GB-HO has yet to confirm",
    ),
    "the accepter proposed the same after all": (
        (*CONFIRMED, (VN, PROPOSE, TERMS)),
        State.IN_FORCE,
        "both parties signed and it stands",
    ),
    "its first day has not come": (
        ((GB, PROPOSE, LATER), (VN, ACCEPT, LATER), (GB, CONFIRM, LATER)),
        State.CONFIRMED,
        "both parties signed; its first day has not come",
    ),
}

SUSPENDED = (*CONFIRMED, (VN, SUSPEND, TERMS))
ALLOWED: dict[str, tuple[Sequence[Move], Move, str]] = {
    "a first proposal": ((), (GB, PROPOSE, TERMS), "a party may propose at any time"),
    "a counter-proposal": (PROPOSED, (VN, PROPOSE, COUNTER), "a party may propose at any time"),
    "a new version of a confirmed one": (CONFIRMED, (VN, PROPOSE, SECOND), "a party may propose at any time"),
    "a new version while suspended": (SUSPENDED, (VN, PROPOSE, SECOND), "a party may propose at any time"),
    "a new version of one that was taken back": (
        (*CONFIRMED, (GB, WITHDRAW, TERMS)),
        (VN, PROPOSE, SECOND),
        "a party may propose at any time",
    ),
    "an acceptance": (PROPOSED, (VN, ACCEPT, TERMS), "it answers a proposal that is proposed"),
    "a confirmation": (ACCEPTED, (GB, CONFIRM, TERMS), "it answers a proposal that is accepted"),
    "a resumption by who suspended": (SUSPENDED, (VN, RESUME, TERMS), "who suspended may resume"),
    "a suspension of what is suspended": (SUSPENDED, (VN, SUSPEND, TERMS), "a party may narrow at any time"),
    "a rejection of what was confirmed": (CONFIRMED, (VN, REJECT, TERMS), "a party may narrow at any time"),
    "a withdrawal of what was rejected": (
        (*PROPOSED, (VN, REJECT, TERMS)),
        (GB, WITHDRAW, TERMS),
        "a party may narrow at any time",
    ),
    "a revocation of what was revoked": (
        (*CONFIRMED, (VN, REVOKE, TERMS)),
        (GB, REVOKE, TERMS),
        "a party may narrow at any time",
    ),
}
REFUSED: dict[str, tuple[Sequence[Move], Move, str]] = {
    "the same proposal again": (PROPOSED, (GB, PROPOSE, TERMS), "these very terms were proposed before"),
    "the same proposal by the other party": (PROPOSED, (VN, PROPOSE, TERMS), "these very terms were proposed before"),
    "a proposal after a withdrawal": (
        (*PROPOSED, (GB, WITHDRAW, TERMS)),
        (GB, PROPOSE, TERMS),
        "these very terms were proposed before",
    ),
    "other parties under the same id": (
        PROPOSED,
        (GB, PROPOSE, make_terms("BE", GB)),
        "an agreement keeps its parties in all its versions",
    ),
    "a new version of what was revoked": (
        (*CONFIRMED, (VN, REVOKE, TERMS)),
        (GB, PROPOSE, SECOND),
        "a revoked agreement takes no new version; propose a new agreement",
    ),
    "a new version of what is only accepted": (
        ACCEPTED,
        (GB, PROPOSE, SECOND),
        "a new version follows a confirmed one and has the next number",
    ),
    "a new version of nothing": (
        (),
        (GB, PROPOSE, SECOND),
        "a new version follows a confirmed one and has the next number",
    ),
    "a version that leaves a number out": (
        CONFIRMED,
        (GB, PROPOSE, follow_terms(TERMS, version=3)),
        "a new version follows a confirmed one and has the next number",
    ),
    "a first version beside a confirmed one": (
        CONFIRMED,
        (GB, PROPOSE, COUNTER),
        "another version was confirmed in this place; a new one follows the newest",
    ),
    "a second version beside a confirmed one": (
        (*CONFIRMED, (GB, PROPOSE, SECOND), (VN, ACCEPT, SECOND), (GB, CONFIRM, SECOND)),
        (VN, PROPOSE, RIVAL),
        "another version was confirmed in this place; a new one follows the newest",
    ),
    "an acceptance of nothing": ((), (VN, ACCEPT, TERMS), "nobody has proposed terms with this digest"),
    "a suspension of nothing": ((), (VN, SUSPEND, TERMS), "nobody has proposed terms with this digest"),
    "an acceptance by the proposer": (PROPOSED, (GB, ACCEPT, TERMS), "only the other party can accept this proposal"),
    "an acceptance by a third": (PROPOSED, ("BE", ACCEPT, TERMS), "BE is no party to this agreement"),
    "a suspension by a third": (CONFIRMED, ("BE", SUSPEND, TERMS), "BE is no party to this agreement"),
    "a second acceptance": (
        ACCEPTED,
        (VN, ACCEPT, TERMS),
        "the agreement is accepted: VN accepted it; GB-HO has yet to confirm",
    ),
    "an acceptance of what was rejected": (
        (*PROPOSED, (VN, REJECT, TERMS)),
        (VN, ACCEPT, TERMS),
        "the agreement is rejected: VN has rejected it",
    ),
    "an acceptance of what was withdrawn": (
        (*PROPOSED, (GB, WITHDRAW, TERMS)),
        (VN, ACCEPT, TERMS),
        "the agreement is withdrawn: GB-HO has withdrawn it",
    ),
    "an acceptance of what was revoked": (
        (*PROPOSED, (GB, REVOKE, TERMS)),
        (VN, ACCEPT, TERMS),
        "the agreement is revoked: GB-HO revoked the agreement",
    ),
    "a confirmation before the acceptance": (
        PROPOSED,
        (GB, CONFIRM, TERMS),
        "the agreement is proposed: GB-HO proposed it; the other party has not answered",
    ),
    "a confirmation by the accepter": (ACCEPTED, (VN, CONFIRM, TERMS), "only the proposer can confirm this proposal"),
    "a second confirmation": (
        CONFIRMED,
        (GB, CONFIRM, TERMS),
        "the agreement is in-force: both parties signed and it stands",
    ),
    "a resumption of what nobody suspended": (
        CONFIRMED,
        (VN, RESUME, TERMS),
        "VN has not suspended this agreement; only who suspended can resume",
    ),
    "a resumption by the other party": (
        SUSPENDED,
        (GB, RESUME, TERMS),
        "GB-HO has not suspended this agreement; only who suspended can resume",
    ),
}
