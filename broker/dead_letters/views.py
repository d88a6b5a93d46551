"""Dead letters and needs as an operator is told of them. Pure: plain values come out, and no content goes in."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from broker.dead_letters.rules import DeadLetter, Letters, Need
from broker.inbox.rules import ItemState
from schemas.model import format_timestamp


def describe_letter(letter: DeadLetter, now: datetime) -> dict[str, Any]:
    """Return what is known of one dead letter; its age in seconds is how long it has been so."""
    return {
        "state": letter.state.value,
        "message": letter.message,
        "sender": letter.sender,
        "recipient": letter.recipient,
        "kind": letter.kind,
        "marking": letter.marking,
        "accepted_at": format_timestamp(letter.accepted_at),
        "since": format_timestamp(letter.since),
        "age_seconds": max(0, int((now - letter.since).total_seconds())),
        "reasons": list(letter.reasons),
    }


def describe_need(need: Need) -> dict[str, Any]:
    """Return one thing that needs an operator."""
    return {
        "code": need.code,
        "agency": need.agency,
        "at": format_timestamp(need.at.replace(microsecond=0)),
        "sentence": need.sentence,
    }


def describe_report(found: Letters, needs: Iterable[Need], now: datetime) -> dict[str, Any]:
    """Return the whole report; there may be more than the letters that are listed."""
    return {
        "v": 1,
        "since": format_timestamp(found.since.replace(microsecond=0)),
        "counts": describe_counts(found.counts),
        "letters": [describe_letter(letter, now) for letter in found.letters],
        "needs": [describe_need(need) for need in needs],
    }


def describe_care(found: Letters, needs: Iterable[Need]) -> dict[str, Any]:
    """Return what an exchange's status says of them: how many, and what needs an operator."""
    return {"dead_letters": describe_counts(found.counts), "needs": [describe_need(need) for need in needs]}


def describe_counts(counts: Mapping[ItemState, int]) -> dict[str, int]:
    """Return how many dead letters there are, by what they are."""
    return {state.value: counts[state] for state in sorted(counts)}
