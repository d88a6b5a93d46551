"""Strategies for terms, steps and chains, and the plain builders beneath them: `make_terms`, `take_step`.

Builders give one fixed agreement between two specimen agencies, so that a test names only what it is about.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from schemas.agreements.lifecycle import Chains
from schemas.agreements.steps import ChainedStep, Step, StepAction, digest_step
from schemas.agreements.terms import (
    AnswerDeadline,
    Clause,
    DutyDesk,
    OnwardRule,
    Party,
    Signatory,
    Terms,
    TransferGround,
    TransferGroundKind,
)
from schemas.alerts.base import CaveatCode, SpecialCategory
from schemas.codec import hash_text
from schemas.markings import HandlingCode, Purpose, Tlp, Urgency
from schemas.receipts import ReceiptType
from tests.strategies.primitives import (
    absent_or,
    agencies,
    codes,
    counters,
    digests,
    exchanges,
    lines,
    paragraphs,
    times,
    tuples_of,
    uuids,
)

EXCHANGE = "alerts.example"
AGREEMENT = "3f0f6d0a-7c57-4c2c-9d3a-0d2f9a4b1c77"
GB, VN = "GB-HO", "VN"
MORNING = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)
"""The moment at which the builders' agreements begin."""


def make_clause(sender: str = GB, recipient: str = VN, **changes: Any) -> Clause:
    """Return a clause that covers document fraud up to AMBER, with what a test changes."""
    wide: dict[str, Any] = {
        "sender": sender,
        "recipient": recipient,
        "kinds": ("document-fraud",),
        "purposes": (Purpose.DOCUMENT_INTEGRITY,),
        "highest_marking": Tlp.AMBER,
        "handling": (HandlingCode.H0, HandlingCode.H2),
        "onward": OnwardRule.FORBIDDEN,
        "onward_agencies": (),
        "attachments": True,
        "max_bytes": 65_536,
        "daily_quota": 100,
        "answer_within": (AnswerDeadline(urgency=Urgency.URGENT, minutes=480),),
        "retention_days": 365,
        "evidence_days": 3650,
        "receipts": (ReceiptType.VERIFIED,),
    }
    return Clause(**wide | changes)


def make_terms(first: str = GB, second: str = VN, **changes: Any) -> Terms:
    """Return terms between two agencies (in order of their ids) for a year from `MORNING`, with what a test changes."""
    whole: dict[str, Any] = {
        "v": 1,
        "exchange": EXCHANGE,
        "id": AGREEMENT,
        "version": 1,
        "title": "Memorandum on document fraud",
        "parties": tuple(Party(agency=agency, anchor=hash_text("test", agency.encode())) for agency in (first, second)),
        "legal_basis": ("Specimen memorandum, article 4",),
        "transfer_ground": TransferGround(kind=TransferGroundKind.NOT_A_TRANSFER, reference="Specimen act"),
        "clauses": (make_clause(first, second), make_clause(second, first)),
        "in_force_from": MORNING,
        "in_force_until": MORNING + timedelta(days=365),
        "review_by": MORNING + timedelta(days=180),
        "notice_days": 30,
        "duty_desks": tuple(DutyDesk(agency=a, name="Duty desk", phone="+442079460000") for a in (first, second)),
        "signatories": (),
    }
    return Terms(**whole | changes)


def make_step(agency: str, action: StepAction, about: Terms | str, **changes: Any) -> Step:
    """Return the first step of a chain; a digest may stand for terms that are not proposed."""
    whole: dict[str, Any] = {
        "v": 1,
        "exchange": EXCHANGE,
        "agreement": AGREEMENT,
        "digest": about if isinstance(about, str) else about.digest(),
        "agency": agency,
        "party_seq": 1,
        "action": action,
        "time": MORNING,
    }
    if action is StepAction.PROPOSE:
        whole["terms"] = about
    if action is StepAction.ACCEPT:
        whole["confirm_by"] = changes.get("time", MORNING) + timedelta(days=7)
    return Step(**whole | changes)


def chain_step(step: Step) -> ChainedStep:
    """Return a step with the digest of its bytes."""
    return ChainedStep(step, digest_step(step.canonical()))


def take_step(chains: Chains, agency: str, action: StepAction, about: Terms | str, **changes: Any) -> Chains:
    """Return the chains with one step more, numbered and linked as its party's next."""
    chain = chains.get(agency, ())
    place = {"party_seq": len(chain) + 1, "party_prev": chain[-1].digest if chain else None}
    step = make_step(agency, action, about, **place | changes)
    return {**chains, agency: (*chain, chain_step(step))}


def take_steps(*steps: tuple[str, StepAction, Terms | str], chains: Chains | None = None) -> Chains:
    """Return the chains after several steps at `MORNING`."""
    result: Chains = chains or {}
    for agency, action, about in steps:
        result = take_step(result, agency, action, about)
    return result


def confirm_terms(terms: Terms, proposer: str = GB, chains: Chains | None = None) -> Chains:
    """Return the chains after proposal, acceptance and confirmation of terms."""
    return take_steps(
        (proposer, StepAction.PROPOSE, terms),
        (terms.counterpart_of(proposer), StepAction.ACCEPT, terms),
        (proposer, StepAction.CONFIRM, terms),
        chains=chains,
    )


def follow_terms(older: Terms, **changes: Any) -> Terms:
    """Return the next version of terms, in force from the same moment unless a test says otherwise."""
    return Terms(**dict(older) | {"version": older.version + 1, "supersedes": older.digest()} | changes)


_CAVEATS = tuple(code for code in CaveatCode if code is not CaveatCode.OTHER)

pairs = st.lists(agencies, min_size=2, max_size=2, unique=True).map(lambda pair: tuple(sorted(pair)))
parties = st.builds(Party, agency=agencies, anchor=digests)
transfer_grounds = st.builds(TransferGround, kind=st.sampled_from(TransferGroundKind), reference=lines)
answer_deadlines = st.builds(AnswerDeadline, urgency=st.sampled_from(Urgency), minutes=st.integers(1, 60 * 24 * 365))
duty_desks = st.builds(
    DutyDesk,
    agency=agencies,
    name=lines,
    phone=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
    email=absent_or(lines),
)
signatories = st.builds(Signatory, agency=agencies, name=lines, office=lines)


def clauses_between(sender: st.SearchStrategy[str], recipient: st.SearchStrategy[str]) -> st.SearchStrategy[Clause]:
    """Return a strategy for clauses of one direction."""
    onward = st.sampled_from((OnwardRule.FORBIDDEN, OnwardRule.WITH_CONSENT)).map(lambda rule: (rule, ()))
    listed = st.tuples(st.just(OnwardRule.LISTED), tuples_of(agencies, min_size=1))
    return (onward | listed).flatmap(lambda drawn: _clauses_onward(sender, recipient, *drawn))


def _clauses_onward(
    sender: st.SearchStrategy[str], recipient: st.SearchStrategy[str], rule: OnwardRule, listed: tuple[str, ...]
) -> st.SearchStrategy[Clause]:
    return st.builds(
        _make_drawn_clause,
        sender=sender,
        recipient=recipient,
        kinds=tuples_of(codes, min_size=1),
        purposes=tuples_of(st.sampled_from(Purpose), min_size=1),
        nationalities=absent_or(tuples_of(st.sampled_from(("GBR", "VNM", "UTO", "D")), min_size=1)),
        highest_marking=st.sampled_from(Tlp),
        handling=tuples_of(st.sampled_from(HandlingCode), min_size=1),
        onward=st.just(rule),
        onward_agencies=st.just(listed),
        attachments=st.booleans(),
        max_bytes=st.integers(1, 1 << 40),
        daily_quota=st.integers(1, 10_000_000),
        answer_within=tuples_of(answer_deadlines),
        days=st.tuples(st.integers(1, 36_500), st.integers(1, 36_500)),
        receipts=tuples_of(st.sampled_from(ReceiptType)),
        caveats=absent_or(tuples_of(st.sampled_from(_CAVEATS), min_size=1)),
        special_categories=absent_or(tuples_of(st.sampled_from(SpecialCategory), min_size=1)),
        conditions=absent_or(tuples_of(paragraphs, min_size=1)),
    )


def _make_drawn_clause(*, days: tuple[int, int], **members: Any) -> Clause:
    return Clause(retention_days=min(days), evidence_days=max(days), **members)


clauses = clauses_between(agencies, agencies)


@st.composite
def terms_between(draw: st.DrawFn, pair: tuple[str, str] | None = None) -> Terms:
    """Return consistent terms of any version between two agencies."""
    first, second = pair or draw(pairs)
    version = draw(st.integers(1, 3))
    start, review, end = sorted(draw(st.lists(times, min_size=3, max_size=3, unique=True)))
    both, either = (first, second), st.sampled_from((first, second))
    directions = draw(st.lists(st.sampled_from((both, both[::-1])), min_size=1, max_size=3))
    return Terms(
        v=1,
        exchange=draw(exchanges),
        id=draw(uuids),
        version=version,
        supersedes=None if version == 1 else draw(digests),
        title=draw(lines),
        parties=tuple(Party(agency=agency, anchor=draw(digests)) for agency in both),
        legal_basis=draw(tuples_of(lines, min_size=1)),
        transfer_ground=draw(transfer_grounds),
        clauses=tuple(draw(clauses_between(st.just(sender), st.just(to))) for sender, to in directions),
        in_force_from=start,
        in_force_until=end,
        review_by=review,
        notice_days=draw(st.integers(0, 3650)),
        duty_desks=tuple(DutyDesk(agency=agency, name=draw(lines), phone="+442079460000") for agency in both),
        text_sha256=draw(absent_or(digests)),
        signatories=draw(tuples_of(st.builds(Signatory, agency=either, name=lines, office=lines), max_size=2)),
        note=draw(absent_or(paragraphs)),
    )


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Return a consistent step of any action."""
    terms = draw(terms_between())
    action = draw(st.sampled_from(StepAction))
    time, later = sorted(draw(st.lists(times, min_size=2, max_size=2, unique=True)))
    seq = draw(counters)
    proposes = action is StepAction.PROPOSE
    return Step(
        v=1,
        exchange=terms.exchange,
        agreement=terms.id,
        digest=terms.digest(),
        agency=draw(st.sampled_from(terms.agencies)),
        party_seq=seq,
        party_prev=None if seq == 1 else draw(digests),
        action=action,
        time=time,
        reason=draw(absent_or(paragraphs)),
        terms=terms if proposes else None,
        counters=draw(absent_or(digests)) if proposes else None,
        confirm_by=later if action is StepAction.ACCEPT else None,
        effective_from=draw(absent_or(times)) if action is StepAction.REVOKE else None,
    )


def make_family() -> dict[str, Terms]:
    """Return versions that crossed in every way: two first ones, two seconds after one of them, a third."""
    first = make_terms()
    beside_first = make_terms(title="Counter-proposal")
    second = follow_terms(first, in_force_from=MORNING + timedelta(days=2), title="Second")
    beside_second = follow_terms(first, in_force_from=MORNING + timedelta(days=1), title="Another second")
    third = follow_terms(second, in_force_from=MORNING, title="Third, in force before the second")
    return {terms.digest(): terms for terms in (first, beside_first, second, beside_second, third)}


FAMILY: Mapping[str, Terms] = make_family()


@st.composite
def step_plans(draw: st.DrawFn, max_steps: int = 14) -> list[tuple[str, StepAction, str, int, int]]:
    """Return moves of both parties over `FAMILY`: agency, action, digest, hours gone by since the move before, hours
    that an acceptance allows or a revocation waits. Moves need not make sense: a hostile party signs what it likes.
    """
    move = st.tuples(
        st.sampled_from((GB, VN)),
        st.sampled_from(StepAction),
        st.sampled_from(sorted(FAMILY)),
        st.integers(0, 30),
        st.integers(1, 40),
    )
    return draw(st.lists(move, max_size=max_steps))


def play(plan: Sequence[tuple[str, StepAction, str, int, int]], chains: Chains | None = None) -> Chains:
    """Return the chains after the moves of a plan."""
    result: Chains = chains or {}
    clock = MORNING
    for agency, action, digest, passed_hours, hours in plan:
        clock += timedelta(hours=passed_hours)
        result = take_hostile_step(result, agency, action, digest, clock, hours)
    return result


def take_hostile_step(
    chains: Chains, agency: str, action: StepAction, digest: str, time: datetime, hours: int
) -> Chains:
    """Return the chains with a well-formed step that nobody judged."""
    changes: dict[str, Any] = {"time": time}
    if action is StepAction.ACCEPT:
        changes["confirm_by"] = time + timedelta(hours=hours)
    if action is StepAction.REVOKE and hours > 20:
        changes["effective_from"] = time + timedelta(hours=hours)
    return take_step(chains, agency, action, FAMILY[digest], **changes)
