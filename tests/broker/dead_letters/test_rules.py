"""What needs an operator: what has ended of a member, or soon ends, and what nobody collects."""

from datetime import timedelta

import pytest

from broker.dead_letters.rules import ENDS_WITHIN, NEED_CODES, UNCOLLECTED_AFTER, Waiting, find_needs
from broker.directory.members import Members
from keys.certificates import read_validity
from schemas.key_documents import AgencyClass
from tests.support.members import Member, make_member

GB = make_member("GB-HO")
MINUTE = timedelta(minutes=1)
KEY_SET_END = GB.key_set.expires_at
NOW = KEY_SET_END - 2 * ENDS_WITHIN


def make_members(member: Member = GB) -> Members:
    return Members().add(0, member.verified)


def codes(members: Members, now: object) -> set[str]:
    return {need.code for need in find_needs(members, (), {}, now)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (KEY_SET_END - ENDS_WITHIN - MINUTE, set()),
        (KEY_SET_END - ENDS_WITHIN, {"key-set-ending"}),
        (KEY_SET_END - MINUTE, {"key-set-ending"}),
        (KEY_SET_END, {"key-set-ended"}),
    ],
)
def test_a_key_set_is_named_a_month_before_its_end_and_after_it(now: object, expected: set[str]) -> None:
    assert {code for code in codes(make_members(), now) if code.startswith("key-set")} == expected


def test_the_ca_of_a_members_nodes_is_named_when_it_ends() -> None:
    ((_, certificate),) = make_members().authorities.values()
    ends = read_validity(certificate)[1]
    assert "authority-ended" in codes(make_members(), ends)
    assert "authority-ending" in codes(make_members(), ends - MINUTE)
    assert not codes(make_members(), ends - ENDS_WITHIN - MINUTE) & {"authority-ended", "authority-ending"}


def test_an_agency_without_an_encryption_key_is_named_and_an_overseer_is_not() -> None:
    document = GB.encryption
    members = make_members().add(1, document)
    ends = max(key.expires_at for key in document.encryption_keys.keys)
    assert "encryption-keys-ended" in codes(members, ends)
    assert "encryption-keys-ended" not in codes(members, ends - MINUTE)
    overseer = make_member("XA-AUDIT", agency_class=AgencyClass.OVERSIGHT)
    assert "encryption-keys-ended" not in codes(make_members(overseer), ends)


def test_what_waits_too_long_and_what_is_lost_is_named_with_how_much() -> None:
    waiting = [
        Waiting("VN-IMM", 7, NOW - UNCOLLECTED_AFTER),
        Waiting("BE-OE", 9, NOW - UNCOLLECTED_AFTER + MINUTE),
    ]
    needs = find_needs(Members(), waiting, {"GB-HO": 3}, NOW)
    assert [(need.code, need.agency) for need in needs] == [
        ("inbox-uncollected", "VN-IMM"),
        ("attachments-lost", "GB-HO"),
    ]
    assert "7 item(s)" in needs[0].sentence
    assert "3 attachment(s)" in needs[1].sentence


def test_every_code_that_is_given_is_among_those_that_are_counted() -> None:
    given = codes(make_members(), KEY_SET_END) | {"inbox-uncollected", "attachments-lost"}
    assert given <= set(NEED_CODES)
