"""Who opens the compartment: two found it, each opens it with an own passphrase, and every attempt is on record."""

import os
from pathlib import Path

import pytest

from agency_client.approvals import refuse_approval
from agency_client.errors import ConflictError, DeniedError, NotAuthenticatedError, NotFoundError
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.approvals import list_approvals
from agency_client.local_store.compartment import find_root_key, list_officers
from agency_client.local_store.content import CompartmentLockedError
from agency_client.node import Node
from agency_client.own_keys.documents import load_own_encryption_keys
from agency_client.profiles.session import (
    count_compartment_seconds,
    find_compartment_secret,
    lock_compartment,
)
from agency_client.safeguarding.officers import (
    add_officer,
    confirm_founding,
    found_compartment,
    open_compartment,
    remove_officer,
    unlock,
)
from schemas.signed import EncryptionUse
from tests.support.officers import acting_as
from tests.support.safeguarding import CARE, OFFICERS_PASSPHRASE, OTHER, caring

WHY = "a desk for victims"
THIRD = "m.dupont"


def found(node: Node) -> None:
    """Let two officers found the compartment."""
    with acting_as(node, CARE):
        assert not found_compartment(node, OFFICERS_PASSPHRASE, WHY).is_confirmed
    with acting_as(node, OTHER):
        assert confirm_founding(node, WHY).is_confirmed


def newest(node: Node) -> tuple[str, str, str]:
    with node.store.read() as snapshot:
        entry = list_entries(snapshot, AccessFilter(), limit=1)[0]
    return entry.verb, entry.officer, entry.outcome


def test_one_officer_alone_founds_nothing(node: Node) -> None:
    with acting_as(node, CARE):
        found_compartment(node, OFFICERS_PASSPHRASE, WHY)
        assert not confirm_founding(node, WHY).is_confirmed
        with node.store.read() as snapshot:
            assert find_root_key(snapshot) is None
            assert load_own_encryption_keys(snapshot, node.agency) == []
        with pytest.raises(DeniedError, match="no safeguarding officer"):
            open_compartment(node, OFFICERS_PASSPHRASE, WHY)


def test_a_second_officer_confirms_it_and_its_key_is_drawn(node: Node) -> None:
    found(node)
    with node.store.read() as snapshot:
        (document,) = load_own_encryption_keys(snapshot, node.agency)
        assert list_approvals(snapshot, now=node.clock.now()) == []
    assert {key.use for key in document.encryption_keys.keys} == set(EncryptionUse)
    with acting_as(node, CARE):
        compartment = open_compartment(node, OFFICERS_PASSPHRASE, WHY)
    kid = next(key.kid for key in document.encryption_keys.keys if key.use is EncryptionUse.SAFEGUARDING)
    assert node.keys.load_compartment_key(kid, compartment.root).kid == kid


def test_what_was_refused_is_founded_anew_and_what_counts_is_not_replaced(node: Node) -> None:
    with acting_as(node, CARE):
        (approval,) = found_compartment(node, OFFICERS_PASSPHRASE, WHY).approvals
    with acting_as(node, OTHER):
        refuse_approval(node, approval.id, "nobody told us")
        assert not confirm_founding(node, WHY).is_confirmed
    found(node)
    with acting_as(node, THIRD), pytest.raises(ConflictError):
        found_compartment(node, "another passphrase", WHY)
    with acting_as(node, THIRD), pytest.raises(ConflictError, match="was confirmed"):
        confirm_founding(node, WHY)


def test_nothing_is_confirmed_that_nobody_made(node: Node) -> None:
    with pytest.raises(NotFoundError):
        confirm_founding(node, WHY)


def test_each_officer_opens_it_with_an_own_passphrase(node: Node) -> None:
    found(node)
    with acting_as(node, CARE):
        compartment = open_compartment(node, OFFICERS_PASSPHRASE, WHY)
    with caring(node, compartment):
        add_officer(node, THIRD, "the third one's own", WHY)
    with acting_as(node, THIRD):
        assert open_compartment(node, "the third one's own", WHY) == compartment
        with pytest.raises(NotAuthenticatedError):
            open_compartment(node, OFFICERS_PASSPHRASE, WHY)
    assert newest(node) == ("safeguarding-unlock", THIRD, "denied")


def test_nobody_without_it_unlocked_adds_or_removes_anybody(node: Node) -> None:
    found(node)
    for officer in (OTHER, CARE):
        with acting_as(node, officer):
            with pytest.raises(CompartmentLockedError):
                add_officer(node, OTHER, "x", WHY)
            assert newest(node) == ("safeguarding-add", officer, "denied")
            with pytest.raises(CompartmentLockedError):
                remove_officer(node, CARE, WHY, environment={})


def test_who_is_removed_opens_nothing_any_more_and_the_last_one_stays(node: Node) -> None:
    found(node)
    with acting_as(node, CARE):
        compartment = open_compartment(node, OFFICERS_PASSPHRASE, WHY)
    with caring(node, compartment):
        add_officer(node, THIRD, "the third one's own", WHY)
        remove_officer(node, THIRD, WHY, environment={})
        with pytest.raises(ConflictError, match="the last"):
            remove_officer(node, CARE, WHY, environment={})
        with pytest.raises(NotFoundError):
            remove_officer(node, THIRD, WHY, environment={})
        with acting_as(node, THIRD):
            assert node.compartment is None  # though the secret was at hand
    with acting_as(node, THIRD), pytest.raises(DeniedError):
        open_compartment(node, "the third one's own", WHY)


def test_a_person_is_one_officer_however_the_name_is_written(node: Node) -> None:
    found(node)
    with acting_as(node, CARE):
        compartment = open_compartment(node, OFFICERS_PASSPHRASE, WHY)
    with caring(node, compartment):
        add_officer(node, CARE.upper(), "a new passphrase", WHY)
    with node.store.read() as snapshot:
        assert [item.officer for item in list_officers(snapshot)] == [CARE.upper()]
    with acting_as(node, CARE):
        assert open_compartment(node, "a new passphrase", WHY) == compartment


def test_it_is_unlocked_for_one_officer_for_eight_hours_at_most_and_locked_at_once(node: Node, tmp_path: Path) -> None:
    found(node)
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)} | {"PATH": os.environ["PATH"]}
    with acting_as(node, CARE):
        unlock(node, OFFICERS_PASSPHRASE, WHY, environment=environment, seconds=48 * 3600)
    try:
        assert 0 < count_compartment_seconds(node.profile, CARE, environment=environment) <= 8 * 3600
        secret = find_compartment_secret(node.profile, CARE, environment=environment)
        assert secret is not None
        assert find_compartment_secret(node.profile, OTHER, environment=environment) is None
    finally:
        assert lock_compartment(node.profile, CARE, environment=environment)
    assert find_compartment_secret(node.profile, CARE, environment=environment) is None
    assert not lock_compartment(node.profile, CARE, environment=environment)
