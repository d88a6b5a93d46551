"""What stands in the way of a recipient, as the store of a real node knows it; and the sizes that agreements allow."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from agency_client.errors import NotFoundError, UsageError
from agency_client.local_store.contradictions import ContradictionKind, EquivocationError, keep_contradiction
from agency_client.local_store.inbox import list_unfinished, load_by_digest
from agency_client.local_store.trust import pin_agency
from agency_client.node import KeySetUnusableError, Node
from agency_client.own_keys.key_sets import get_own_anchor
from agency_client.receiving.leasing import lease_items
from agency_client.sending.draft import Draft
from agency_client.sending.facts import load_originals
from agency_client.sending.flow import plan_alert, send_alert
from agency_client.sending.pseudonym import make_pseudonym
from schemas.codec import b64u_encode
from schemas.envelope import Reference
from tests.support.drafts import make_draft
from tests.support.nodes import MovableClock, agree, make_wide_clause


@pytest.fixture(autouse=True)
def set_right(gb: Node, vn: Node) -> Iterator[None]:
    """Set clock, pin and findings right again after each test."""
    yield
    assert isinstance(gb.clock, MovableClock)
    gb.clock.ahead = timedelta()
    with gb.store.write() as transaction:
        transaction.execute("DELETE FROM contradiction")
        pin_agency(transaction, "VN", get_own_anchor(vn), by="test", at=gb.clock.now(), replacing=True)


def find_obstacles(node: Node) -> list[str]:
    """Return the codes of what stands against sending to VN, whatever the agreements say."""
    (recipient,) = plan_alert(node, make_draft("VN")).recipients
    return [finding.code for finding in recipient.obstacles]


def set_ahead(node: Node, days: int) -> None:
    """Move a node's clock."""
    assert isinstance(node.clock, MovableClock)
    node.clock.ahead = timedelta(days=days)


def test_nothing_stands_in_the_way_of_a_trusted_partner_with_a_current_key(gb: Node) -> None:
    assert find_obstacles(gb) == []


def test_a_partner_whose_encryption_key_has_ended_is_not_sent_to(gb: Node) -> None:
    set_ahead(gb, 46)
    assert find_obstacles(gb)[0] == "encryption-key-not-current"


def test_an_expired_key_set_of_ones_own_signs_nothing(gb: Node) -> None:
    set_ahead(gb, 366)
    with pytest.raises(KeySetUnusableError, match="expired"):
        plan_alert(gb, make_draft("VN"))


def test_a_partner_that_was_proven_to_say_two_things_is_not_sent_to(gb: Node) -> None:
    error = EquivocationError("two", kind=ContradictionKind.STATUS, signer="VN", documents=(b"a", b"b"))
    keep_contradiction(gb.store, error, at=gb.clock.now())
    assert find_obstacles(gb) == ["partner-contradicts-itself"]


def test_other_roots_than_the_pinned_ones_are_no_recipient(gb: Node) -> None:
    with gb.store.write() as transaction:
        another = b64u_encode(bytes(32))
        pin_agency(transaction, "VN", another, by="test", at=gb.clock.now(), replacing=True)
    assert find_obstacles(gb) == ["anchor-mismatch", "anchor-mismatch"]


def test_a_message_larger_than_any_may_be_is_refused_with_what_to_do(gb: Node) -> None:
    draft = make_draft("VN")
    statements = [{"text": "x" * 8000, "basis": "fact"}] * 40
    with pytest.raises(UsageError, match="attachment") as caught:
        plan_alert(gb, replace(draft, alert={**draft.alert, "statements": statements}))
    assert caught.value.code == "too-large"


def test_a_message_larger_than_agreed_is_not_covered_and_one_that_fits_exactly_is(gb: Node, vn: Node) -> None:
    small = make_draft("VN", kind="ping")
    assert plan_size(gb, vn, small, "exact", 2048 + 56 + 16) == []
    assert plan_size(gb, vn, small, "short", 2048 + 56 + 15) == ["too-large"]


def plan_size(gb: Node, vn: Node, draft: Draft, name: str, max_bytes: int) -> list[str]:
    """Return the codes against a draft under an agreement that allows so many bytes of ciphertext."""
    clauses = (make_wide_clause("GB", "VN", max_bytes=max_bytes), make_wide_clause("VN", "GB"))
    terms = agree(gb, vn, f"size {name}", clauses=clauses)
    (recipient,) = plan_alert(gb, replace(draft, agreement=terms.id)).recipients
    return [finding.code for option in recipient.options for finding in option.findings]


def test_what_was_received_and_not_verified_yet_cannot_be_answered(gb: Node, vn: Node) -> None:
    (leg,) = send_alert(gb, make_draft("VN", kind="document-verification")).legs
    lease_items(vn)
    with vn.store.read() as snapshot:
        assert leg.digest in [load_by_digest(snapshot, digest).digest for digest in list_unfinished(snapshot)]
        reference = Reference(id=leg.message_id, digest=leg.digest)
        with pytest.raises(NotFoundError, match="no verified message"):
            load_originals(vn, snapshot, reference, "document-verification-reply", follows_everywhere=False)


def test_an_id_with_the_digest_of_another_message_is_not_found(gb: Node) -> None:
    first, second = send_alert(gb, make_draft("VN")).legs[0], send_alert(gb, make_draft("VN")).legs[0]
    reference = Reference(id=first.message_id, digest=second.digest)
    with gb.store.read() as snapshot, pytest.raises(NotFoundError):
        load_originals(gb, snapshot, reference, "withdrawal", follows_everywhere=True)


def test_an_officer_has_one_pseudonym_at_an_agency_and_another_elsewhere(gb: Node, vn: Node) -> None:
    assert make_pseudonym(gb) == make_pseudonym(gb)
    before = vn.officer
    try:
        vn.officer = gb.officer
        assert make_pseudonym(vn) != make_pseudonym(gb)
    finally:
        vn.officer = before
