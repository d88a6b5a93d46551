"""What follows a confidential message up: what it would repeat is taken out, what says more is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from agency_client.local_store.inbox import ReceivedMessage, record_received
from agency_client.node import Node
from agency_client.safeguarding.following import (
    SaidOpenlyError,
    find_open_words,
    hide_what_follows,
    is_about_confidential,
)
from schemas.alerts.base import Alert
from schemas.alerts.registry import FieldProblem
from schemas.envelope import Reference
from tests.schemas.alerts.filled import ABSENT, load, parse_changed

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
CONFIDENTIAL = Reference(id="5d1c8a52-6f0e-4b7a-9a53-0c7de1c5a9b4", digest="CA" + "A" * 41)
OPEN = Reference(id="6e2d9b63-7a1f-4c8b-8b64-1d8ef2d6bac5", digest="OA" + "A" * 41)
UNKNOWN = Reference(id="7f3eac74-8b2a-4d9c-9c75-2e9fa3e7cbd6", digest="UA" + "A" * 41)


@pytest.fixture(autouse=True)
def two_messages(node: Node) -> None:
    for reference, kind in ((CONFIDENTIAL, "confidential"), (OPEN, "document-fraud")):
        members: dict[str, Any] = {
            "digest": reference.digest,
            "message_id": reference.id,
            "sender": "VN",
            "stream": reference.digest[:22],
            "n": 1,
            "agreement": "A" * 43,
            "kind": kind,
            "marking": "amber",
            "urgency": "routine",
            "issued_at": NOW,
            "expires_at": NOW,
            "refers_to": None,
            "envelope": b"e",
            "evidence": b"e",
            "leaf": b"l",
            "leaf_index": 1,
            "received_at": NOW,
            "origin": "exchange.example/1",
        }
        with node.store.write() as transaction:
            record_received(transaction, ReceivedMessage(**members))


def acknowledge(**changes: Any) -> Alert:
    example = load("acknowledgement")
    usual: dict[str, Any] = {"subject": "Acknowledgement"}
    usual |= {name: ABSENT for name in ("partner_reference", "own_reference", "urgency_reason") if name in example}
    usual |= {"details.words": ABSENT} if "words" in example["details"] else {}
    paths = {path.replace("__", "."): value for path, value in changes.items()}
    return parse_changed("acknowledgement", usual | paths)


def test_which_message_is_confidential_is_known_from_the_store(node: Node) -> None:
    with node.store.read() as snapshot:
        found = [is_about_confidential(snapshot, item) for item in (CONFIDENTIAL, OPEN, UNKNOWN)]
    assert found == [True, False, False]


def test_what_would_be_repeated_is_taken_out(node: Node) -> None:
    repeated = acknowledge(
        subject="Young adult from a nail bar",
        partner_reference="V-7KQ2-M4XD-9TRB-H3CF",
        handling={"codes": ["h2", "h3"], "restriction": "No approach to the family."},
        urgency_reason="The family is threatened.",
    )
    with node.store.read() as snapshot:
        hidden = hide_what_follows(snapshot, repeated, CONFIDENTIAL, is_passed_on=False)
        assert find_open_words(snapshot, hidden, CONFIDENTIAL) == ()
    assert (hidden.subject, hidden.thread) == ("Acknowledgement", CONFIDENTIAL.id)
    assert hidden.handling.to_wire() == {"codes": ["h2"]}
    assert (hidden.partner_reference, hidden.own_reference, hidden.urgency_reason) == (None, None, None)


def test_about_any_other_message_everything_stays(node: Node) -> None:
    said = acknowledge(details__words="As agreed by telephone.")
    with node.store.read() as snapshot:
        assert hide_what_follows(snapshot, said, OPEN, is_passed_on=False) is said
        assert find_open_words(snapshot, said, OPEN) == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"details__words": "She is safe."}, "details.words"),
        ({"subject": "She is safe"}, "subject"),
        ({"partner_reference": "V-7KQ2"}, "partner_reference"),
        ({"own_reference": "V-7KQ2"}, "own_reference"),
        ({"urgency_reason": "She is threatened."}, "urgency_reason"),
        ({"handling": {"codes": ["h3"], "restriction": "No approach."}}, "handling.restriction"),
    ],
)
def test_a_recipient_finds_each_word_that_is_said_openly(node: Node, changes: dict[str, Any], field: str) -> None:
    with node.store.read() as snapshot:
        found = find_open_words(snapshot, acknowledge(**changes), CONFIDENTIAL)
    openly = "speaks openly about a confidential message; leave it out"
    problem = "is “Acknowledgement” about a confidential message, and nothing else" if field == "subject" else openly
    assert found == (FieldProblem(field, problem, None),)


@pytest.mark.parametrize(
    ("kind", "label"),
    [("correction", "a correction"), ("outcome", "an outcome of an alert"), ("misused-identity", "a misused identity")],
)
def test_a_kind_that_repeats_what_it_is_about_is_none_that_may_follow(node: Node, kind: str, label: str) -> None:
    with node.store.read() as snapshot, pytest.raises(SaidOpenlyError) as refused:
        hide_what_follows(snapshot, parse_changed(kind, {}), CONFIDENTIAL, is_passed_on=False)
    sentence = f"kind: {label} would speak openly of a confidential message; send one of its own kind"
    assert (refused.value.code, refused.value.sentence) == ("said-openly", sentence)
    assert refused.value.fix == "say it in a message of the kind victim-safeguarding, in the same thread"


def test_a_release_for_a_court_is_never_asked_nor_granted(node: Node) -> None:
    court = {"details.use": "court", "details.recipients": ABSENT, "details.court": {"court": "C", "proceeding": "7"}}
    for kind in ("release-request", "release-decision"):
        with node.store.read() as snapshot, pytest.raises(SaidOpenlyError, match="never used in court"):
            hide_what_follows(snapshot, parse_changed(kind, court), CONFIDENTIAL, is_passed_on=False)


def test_what_is_passed_on_stands_to_the_letter_or_not_at_all(node: Node) -> None:
    said = acknowledge(subject="Young adult")
    with node.store.read() as snapshot, pytest.raises(SaidOpenlyError, match="subject"):
        hide_what_follows(snapshot, said, CONFIDENTIAL, is_passed_on=True)
