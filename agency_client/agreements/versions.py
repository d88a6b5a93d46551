"""Which two versions a person wants compared, the text a version rests on, and when a notice given now ends."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from agency_client.agreements.chains import Agreement, Version, choose_newest, find_agreement, is_standing
from agency_client.errors import NotFoundError, UsageError, VerificationFailedError
from agency_client.local_store.engine import Snapshot
from agency_client.node import Node
from schemas.agreements.lifecycle import AgreementView
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import Terms
from schemas.codec import b64u_encode

MAX_NUMBER_CHARACTERS = 3
"""A shorter reference than an id may have is a version's number."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions to compare, the older first."""

    old: Version
    new: Version


class TextDiffersError(VerificationFailedError):
    """A text is not the one the governments signed."""

    default_code = "text-differs"


def find_pair(node: Node, reference: str, others: list[str]) -> Pair:
    """Return the versions meant: one and what it takes the place of, two of an agreement by number, or two by digest.

    Raises:
        NotFoundError: there is no such version, or it takes the place of none.
        UsageError: several fit, or more than two were named.
    """
    with node.store.read() as snapshot:
        if len(others) > 2:
            raise UsageError("two versions are compared", fix="name one, an agreement and two numbers, or two digests")
        if not others:
            return _find_with_base(snapshot, reference, node.clock.now())
        if len(others) == 2:
            agreement = find_agreement(snapshot, reference)
            old, new = (_find_numbered(agreement, word, node.clock.now()) for word in others)
            return Pair(old, new)
        if len(others[0]) <= MAX_NUMBER_CHARACTERS:
            raise UsageError("one number alone names no two versions", fix=f"like: {reference} 1 {others[0]}")
        return Pair(_choose(snapshot, reference, node.clock.now()), _choose(snapshot, others[0], node.clock.now()))


def verify_text(terms: Terms, data: bytes) -> None:
    """Verify that a text is the one whose SHA-256 both parties signed.

    Raises:
        NotFoundError: the terms name no text.
        TextDiffersError: it is another text.
    """
    if terms.text_sha256 is None:
        raise NotFoundError("these terms name no text that the governments signed", fix="see: agency agreement show")
    found = b64u_encode(hashlib.sha256(data).digest())
    if found != terms.text_sha256:
        raise TextDiffersError(
            f"this is not the text that was signed: its SHA-256 is {found}, the terms name {terms.text_sha256}",
            fix="ask the partner's duty desk for the text; compare the digests by telephone",
        )


def find_notice_end(terms: Terms, now: datetime) -> datetime:
    """Return the first day without the agreement if notice is given now: the first midnight (UTC) after the notice."""
    end = now + timedelta(days=terms.notice_days)
    midnight = datetime.combine(end.date(), time(tzinfo=UTC))
    return midnight if midnight >= end else midnight + timedelta(days=1)


def load_notice_end(node: Node, reference: str, wanted: datetime | None = None) -> datetime:
    """Return the first day without an agreement: the one wanted if the notice that was agreed is kept, else the first.

    Raises:
        NotFoundError, UsageError: there is no such agreement; or the day wanted comes before the notice ends.
    """
    now = node.clock.now()
    with node.store.read() as snapshot:
        terms = choose_newest(snapshot, reference, now, is_standing).terms
    first = find_notice_end(terms, now)
    if wanted is not None and wanted < first:
        raise UsageError(
            f"{terms.notice_days} days' notice was agreed: {first:%Y-%m-%d} is the first day without it",
            fix="take --notice, or leave --from out to revoke at once",
        )
    return wanted or first


def _find_with_base(snapshot: Snapshot, reference: str, now: datetime) -> Pair:
    agreement = find_agreement(snapshot, reference)
    versions = {view.digest: _make_version(agreement, view) for view in agreement.list_views(now)}
    is_id = agreement.id.startswith(reference)
    named = [item for digest, item in versions.items() if not is_id and digest.startswith(reference)]
    for new in named or versions.values():
        base = versions.get(_find_base(agreement, new) or "")
        if base is not None:
            return Pair(base, new)
    raise NotFoundError(f"no version of {agreement.id} takes the place of another", fix="see: agency agreement history")


def _find_base(agreement: Agreement, version: Version) -> str | None:
    """Return the digest of what a version answers, or of what it takes the place of."""
    steps = (item.step for chain in agreement.chains.values() for item in chain)
    proposals = [step for step in steps if (step.action, step.digest) == (StepAction.PROPOSE, version.digest)]
    return next((step.counters for step in proposals if step.counters), version.terms.supersedes)


def _find_numbered(agreement: Agreement, word: str, now: datetime) -> Version:
    if not word.isdecimal():
        raise UsageError(f"{word!r} is no version's number", fix=f"see: agency agreement history {agreement.id[:8]}")
    views = [view for view in agreement.list_views(now) if view.terms and view.terms.version == int(word)]
    chosen = [view for view in views if view.binding] or views
    if not chosen:
        raise NotFoundError(f"{agreement.id} has no version {word}", fix="see: agency agreement history")
    if len(chosen) > 1:
        digests = ", ".join(view.digest for view in chosen)
        raise UsageError(f"several proposals have the number {word}: {digests}", fix="name two digests")
    return _make_version(agreement, chosen[0])


def _choose(snapshot: Snapshot, reference: str, now: datetime) -> Version:
    return choose_newest(snapshot, reference, now, is_standing)


def _make_version(agreement: Agreement, view: AgreementView) -> Version:
    return Version(agreement, view.digest, agreement.list_terms()[view.digest], view)
