"""Requests and installing: what the roots are asked to sign, and what of their answer is believed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.errors import UsageError, VerificationFailedError
from agency_client.local_store.access_log import list_entries
from agency_client.local_store.dispatch import DispatchKind, list_dispatches
from agency_client.local_store.trust import load_pin
from agency_client.node import Node
from agency_client.own_keys.ceremony import RootsSheet
from agency_client.own_keys.key_sets import (
    Identity,
    export_enrolment,
    get_own_anchor,
    install_key_set,
    prepare_key_set,
)
from keys.key_sets import sign_key_set, verify_key_set
from keys.roots import make_roots
from schemas.key_documents import AgencyClass
from schemas.signed import KeyUse
from tests.support.log_simulator import FixedClock, LogSimulator, ReaderTemplate, make_reader
from tests.support.members import EXCHANGE, START, make_member
from tests.support.nodes import make_root_signers

ROOTS = make_root_signers("GB")


def test_the_first_request_is_complete_and_verifies_once_signed(node: Node) -> None:
    key_set = node.own_key_set().key_set
    assert (key_set.seq, key_set.prev, key_set.exchange, key_set.agency) == (1, None, EXCHANGE, "GB")
    assert {key.use for key in key_set.keys} == set(KeyUse)
    assert key_set.expires_at == START + timedelta(days=365)
    verify_key_set(node.own_key_set().document, None, exchange=EXCHANGE, now=START)


def test_a_request_repeated_before_the_answer_names_the_same_keys(node: Node, clock: FixedClock) -> None:
    clock.moment = START + timedelta(days=200)
    first = prepare_key_set(node)
    clock.moment += timedelta(hours=1)
    again = prepare_key_set(node, days=100)
    assert [key.kids for key in again.keys] == [key.kids for key in first.keys]
    assert again.expires_at == clock.moment + timedelta(days=100)
    assert first.keys[0].kids not in {key.kids for key in node.own_key_set().key_set.keys}
    assert (first.seq, first.prev, first.name) == (2, node.own_key_set().digest, "Agency GB")


def test_a_clock_that_was_set_back_does_not_put_a_key_set_before_the_one_before(node: Node, clock: FixedClock) -> None:
    installed = node.own_key_set().key_set
    clock.moment = installed.issued_at - timedelta(hours=1)

    asked = prepare_key_set(node)

    assert asked.issued_at == installed.issued_at
    assert asked.expires_at > asked.issued_at


def test_class_and_state_are_kept_and_the_name_may_change(node: Node) -> None:
    changed = prepare_key_set(node, identity=Identity("Another name", AgencyClass.OVERSIGHT, "VNM"))
    assert (changed.name, changed.agency_class, changed.state) == ("Another name", AgencyClass.AGENCY, "UTO")


def test_a_first_set_needs_a_name_and_roots_of_this_agency(reader_template: ReaderTemplate, tmp_path: Path) -> None:
    from agency_client.own_keys.key_sets import _choose_roots, _merge_identity

    with pytest.raises(UsageError, match="name"):
        _merge_identity(None, None)
    with make_reader(LogSimulator(), reader_template, tmp_path) as node:
        with pytest.raises(UsageError, match="roots"):
            _choose_roots(node, None, None)
        foreign = RootsSheet(v=1, agency="VN", roots=make_member("VN").key_set.roots, made_at=START)
        with pytest.raises(UsageError, match="the roots are of VN"):
            prepare_key_set(node, roots=foreign)
        with pytest.raises(UsageError, match="cannot be made"):
            prepare_key_set(node, identity=Identity("x" * 400))


def test_installing_pins_our_own_anchor_and_is_on_record(node: Node) -> None:
    with node.store.read() as snapshot:
        pinned = load_pin(snapshot, "GB")
        verbs = [entry.verb for entry in list_entries(snapshot)]
        assert list_dispatches(snapshot) == []
    assert pinned is not None
    assert pinned.anchor == get_own_anchor(node)
    assert verbs == ["keys-install", "init"]
    assert len(export_enrolment(node).key_sets) == 1


def test_a_later_set_is_queued_for_the_exchange_and_the_same_again_changes_nothing(node: Node) -> None:
    document = sign_key_set(prepare_key_set(node), ROOTS[:2])
    assert install_key_set(node, document).key_set.seq == 2
    assert install_key_set(node, document).key_set.seq == 2
    with node.store.read() as snapshot:
        (queued,) = list_dispatches(snapshot)
    assert queued.kind is DispatchKind.KEY_SET
    assert len(export_enrolment(node).key_sets) == 2


def test_new_roots_need_the_old_ones_as_well(node: Node) -> None:
    others = make_root_signers("GB-NEW")
    sheet = RootsSheet(v=1, agency="GB", roots=make_roots(others, 2), made_at=START)
    key_set = prepare_key_set(node, roots=sheet)
    with pytest.raises(VerificationFailedError):
        install_key_set(node, sign_key_set(key_set, others[:2]))
    anchor = get_own_anchor(node)
    assert install_key_set(node, sign_key_set(key_set, [*others[:2], *ROOTS[1:]])).key_set.seq == 2
    assert get_own_anchor(node) == anchor


def _one_signature(node: Node) -> Any:
    return sign_key_set(prepare_key_set(node), ROOTS[:1])


def _of_another_agency(node: Node) -> Any:
    return make_member("VN").verified.document


def _not_the_next(node: Node) -> Any:
    return sign_key_set(prepare_key_set(node).model_copy(update={"seq": 3}), ROOTS[:2])


def _too_long(node: Node) -> Any:
    key_set = prepare_key_set(node).model_copy(update={"expires_at": START + timedelta(days=500)})
    return sign_key_set(key_set, ROOTS[:2])


def _with_a_key_that_is_not_here(node: Node) -> Any:
    key_set = prepare_key_set(node)
    foreign = make_member("GB").key_set.keys[0]
    return sign_key_set(key_set.model_copy(update={"keys": (foreign, *key_set.keys[1:])}), ROOTS[:2])


@pytest.mark.parametrize(
    "make", [_one_signature, _of_another_agency, _not_the_next, _too_long, _with_a_key_that_is_not_here]
)
def test_a_set_that_does_not_hold_is_not_installed(node: Node, make: Any) -> None:
    document = make(node)
    with pytest.raises(VerificationFailedError):
        install_key_set(node, document)
    assert node.own_key_set().key_set.seq == 1
    with node.store.read() as snapshot:
        assert list_dispatches(snapshot) == []
