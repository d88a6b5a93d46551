"""Attacks with keys that are a member's no more: rolled back, replaced, revoked. Each has a member of its own."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from keys.certificates import make_tls_ca
from schemas.agreements.steps import StepAction
from schemas.api import ENCRYPTION_KEYS_PATH, KEY_SETS_PATH, MEMBERS_PATH, REVOCATIONS_PATH, STEPS_PATH, MembersAnswer
from schemas.codec import b64u_encode
from schemas.signed import DocumentType, KeyUse
from tests.support.agreements import Negotiation
from tests.support.caller import Caller, read_answer, read_slug
from tests.support.documents import make_next_encryption_keys, make_revocation, sign_by, sign_next_key_set
from tests.support.exchange import NOW, RunningExchange, running_exchange
from tests.support.members import derive_seed


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with running_exchange(tmp_path_factory.mktemp("former"), "AL-PK", "BE-OE", "GB-HO", "UT-IE", "VN-IMM") as running:
        yield running


def test_a_key_set_cannot_be_rolled_back(exchange: RunningExchange) -> None:
    """The first set again is known, and changes nothing; another second set beside the second is refused."""
    caller = exchange.caller("GB-HO")
    first, second = caller.member.verified.document, sign_next_key_set(caller.member, name="Agency, renamed")

    made = caller.post(KEY_SETS_PATH, second)
    again = caller.post(KEY_SETS_PATH, second)
    old = caller.post(KEY_SETS_PATH, first)
    fork = caller.post(KEY_SETS_PATH, sign_next_key_set(caller.member, name="Agency, forked"))

    assert (made.status_code, again.status_code, old.status_code) == (201, 200, 200)
    assert caller.submit(KEY_SETS_PATH, second).leaf == caller.submit(KEY_SETS_PATH, second).leaf
    assert read_slug(fork) == "key-set-refused"
    (member,) = [
        found for found in read_answer(caller.get(MEMBERS_PATH), MembersAnswer).members if found.agency == "GB-HO"
    ]
    assert member.key_set == second


def test_a_ca_change_closes_the_old_cas_connections_and_lets_the_new_one_in(exchange: RunningExchange) -> None:
    old = exchange.caller("VN-IMM")
    seed = derive_seed("VN-IMM", "tls-ca", 2)
    authority = make_tls_ca(seed, serial=2, not_before=NOW - timedelta(days=1), not_after=NOW + timedelta(days=400))
    old.submit(KEY_SETS_PATH, sign_next_key_set(old.member, tls_ca=b64u_encode(authority)))

    moved = exchange.caller(replace(old.member, tls_ca_seed=seed))
    wait_until(lambda: reaches(moved))
    wait_until(lambda: not reaches(old))
    with pytest.raises(httpx.TransportError):
        old.get(MEMBERS_PATH)


def reaches(caller: Caller) -> bool:
    try:
        return caller.get(MEMBERS_PATH).status_code == 200
    except httpx.TransportError:
        return False


def wait_until(happens: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_revoked_rotation_key_can_neither_publish_nor_revoke(exchange: RunningExchange) -> None:
    caller, member = exchange.caller("BE-OE"), exchange.members["BE-OE"]
    own = make_revocation(member, now(), KeyUse.ROTATION)
    caller.submit(REVOCATIONS_PATH, sign_by(member, own, DocumentType.REVOCATION))

    keys = sign_by(member, make_next_encryption_keys(member, now()), DocumentType.ENCRYPTION_KEYS)
    more = sign_by(member, make_revocation(member, now(), KeyUse.MESSAGE), DocumentType.REVOCATION)

    assert read_slug(caller.post(ENCRYPTION_KEYS_PATH, keys)) == "key-revoked"
    assert read_slug(caller.post(REVOCATIONS_PATH, more)) == "key-revoked"


def test_a_revoked_agreement_key_can_make_no_step(exchange: RunningExchange) -> None:
    caller, member = exchange.caller("AL-PK"), exchange.members["AL-PK"]
    own = make_revocation(member, now(), KeyUse.AGREEMENT)
    caller.submit(REVOCATIONS_PATH, sign_by(member, own, DocumentType.REVOCATION))
    negotiation = Negotiation.between(member, exchange.members["UT-IE"], now())

    refused = caller.post(STEPS_PATH, negotiation.sign("AL-PK", StepAction.PROPOSE, now()))

    assert read_slug(refused) == "key-revoked"
