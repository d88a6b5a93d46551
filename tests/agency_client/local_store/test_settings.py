"""Settings are set, fixed once, and a restored store says so until it is cleared."""

import pytest

from agency_client.errors import ConflictError
from agency_client.local_store.engine import Store
from agency_client.local_store.settings import (
    Setting,
    clear_restored,
    fix_setting,
    mark_restored,
    read_setting,
    write_setting,
)
from tests.agency_client.local_store.conftest import NOON


def test_a_setting_is_replaced_but_a_fixed_one_is_not(store: Store) -> None:
    with store.write() as transaction:
        write_setting(transaction, Setting.NODE, "n1")
        write_setting(transaction, Setting.NODE, "n2")
        fix_setting(transaction, Setting.AGENCY, "GB-IE")
        fix_setting(transaction, Setting.AGENCY, "GB-IE")
        with pytest.raises(ConflictError, match="GB-IE"):
            fix_setting(transaction, Setting.AGENCY, "VN-IMM")
    with store.read() as snapshot:
        assert read_setting(snapshot, Setting.NODE) == "n2"
        assert read_setting(snapshot, Setting.AGENCY) == "GB-IE"


def test_a_restored_store_is_marked_until_it_is_cleared(store: Store) -> None:
    with store.write() as transaction:
        mark_restored(transaction, backup="abc", at=NOON)
    with store.read() as snapshot:
        assert read_setting(snapshot, Setting.RESTORED_AT) == str(int(NOON.timestamp()))
        assert read_setting(snapshot, Setting.RESTORED_BACKUP) == "abc"
    with store.write() as transaction:
        clear_restored(transaction)
        assert read_setting(transaction, Setting.RESTORED_AT) is None
