"""A step that narrows is signed by the key of now in its very words: the same bytes, the same digest, one step."""

from collections.abc import Iterator

import pytest

from agency_client.agreements import flows
from agency_client.agreements.renewing import sign_same_words
from agency_client.local_store.agreements import load_chain_end
from agency_client.local_store.dispatch import load_dispatch
from agency_client.node import KeySetUnusableError
from schemas.signed import DocumentType, KeyUse, SignedDocument, read_signatures
from tests.support.lying_world import LyingWorld, lying_world
from tests.support.members import make_signer


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingWorld]:
    with lying_world(tmp_path_factory.mktemp("renewing"), "GB", "VN") as made:
        yield made


def test_only_the_signatures_change_and_only_under_another_key(
    world: LyingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    gb = world["GB"]
    terms = world.agree("GB", "VN", "renewing")
    step = flows.suspend(gb, terms.id, reason="a node was stolen")
    before, now = SignedDocument.from_canonical(step.document), gb.clock.now()
    with gb.store.write() as transaction:
        waiting = load_dispatch(transaction, step.digest)
        assert waiting is not None
        assert not sign_same_words(gb, transaction, waiting, now), "that key signed it already"
        fresh = make_signer("GB", KeyUse.AGREEMENT, 7)
        monkeypatch.setattr(gb, "read_signer", lambda *_: fresh)
        assert sign_same_words(gb, transaction, waiting, now)
        queued, end = load_dispatch(transaction, step.digest), load_chain_end(transaction, terms.id, "GB")
    assert queued is not None
    assert end is not None
    after = SignedDocument.from_canonical(queued.body)
    slots = read_signatures(after.payload, after.signatures, DocumentType.AGREEMENT_STEP)
    assert tuple(slot.header.kid for slot in slots) == fresh.kids
    assert after.payload == before.payload
    assert (end.digest, end.document, end.party_seq) == (step.digest, queued.body, step.party_seq)


def test_without_a_usable_key_the_step_waits_as_it_was_signed(
    world: LyingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    gb = world["GB"]
    step = flows.suspend(gb, world.agree("GB", "VN", "no key").id, reason="a node was stolen")
    with gb.store.read() as snapshot:
        waiting = load_dispatch(snapshot, step.digest)
    assert waiting is not None

    def refuse(*_: object) -> None:
        raise KeySetUnusableError("the agreement key was revoked")

    monkeypatch.setattr(gb, "read_signer", refuse)
    with pytest.raises(KeySetUnusableError), gb.store.write() as transaction:
        sign_same_words(gb, transaction, waiting, gb.clock.now())
    with gb.store.read() as snapshot:
        assert load_dispatch(snapshot, step.digest) == waiting
