"""The newest moment that somebody else signed: this node's clock is held against it before anything is destroyed."""

from datetime import datetime

from agency_client.local_store.engine import Snapshot, read_optional_moment


def find_newest_signed_time(snapshot: Snapshot) -> datetime | None:
    """Return the newest time of a status' leaf, of a verified message, or of a pinned partner's cosignature, if any.

    Each of them was verified when it came, and dated at most some minutes ahead of this node's clock of then.
    """
    return read_optional_moment(
        snapshot.fetch_value(
            "SELECT max(moment) FROM (SELECT max(logged_at) AS moment FROM status"
            " UNION ALL SELECT max(issued_at) FROM inbox_message WHERE verified_at IS NOT NULL"
            " UNION ALL SELECT max(cosigned_at) FROM partner_head AS head JOIN agency_pin AS pin"
            "   ON pin.agency = head.agency AND pin.anchor = head.anchor AND pin.retired_at IS NULL)"
        )
    )
