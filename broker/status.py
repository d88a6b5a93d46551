"""What an operator is told: how the exchange stands, and what an enrolment did. Pure: plain values come out."""

from collections import Counter
from typing import Any

from broker.audit.standing import Stop
from broker.directory.enrolment import Enrolment
from broker.directory.members import Members
from keys.anchors import format_anchor_hex, format_anchor_words
from schemas.key_documents import ExchangeSheet, compute_exchange_anchor
from schemas.log.checkpoint import Checkpoint
from schemas.model import format_timestamp


def describe_status(
    sheet: ExchangeSheet, checkpoint: Checkpoint, members: Members, stop: Stop | None
) -> dict[str, Any]:
    """Return how an exchange stands: its anchor, its log's head and why it may not grow, its members and their keys."""
    classes = Counter(timeline.agency_class.value for timeline in members.timelines.values())
    found: dict[str, Any] = {
        "v": 1,
        "name": sheet.name,
        "origin": sheet.origin,
        "anchor": describe_anchor(compute_exchange_anchor(sheet)),
        "log": {"size": checkpoint.size, "root": checkpoint.root.hex()},
        "members": [
            {
                "agency": agency,
                "class": timeline.agency_class.value,
                "key_set": timeline.newest_key_set.key_set.seq,
                "expires_at": format_timestamp(timeline.newest_key_set.key_set.expires_at),
            }
            for agency, timeline in sorted(members.timelines.items())
        ],
        "classes": dict(sorted(classes.items())),
    }
    return found if stop is None else found | {"stopped": describe_stop(stop)}


def describe_stop(stop: Stop) -> dict[str, Any]:
    """Return why a log may not grow, since when, and the head that it does not have."""
    found: dict[str, Any] = {
        "reason": stop.reason.value,
        "since": format_timestamp(stop.since),
        "sentence": stop.sentence,
    }
    if stop.witness is not None:
        found["witness"] = stop.witness
    if stop.shown is not None:
        found["shown"] = {"origin": stop.shown.origin, "size": stop.shown.size, "root": stop.shown.root.hex()}
    return found


def describe_enrolment(enrolment: Enrolment) -> dict[str, Any]:
    """Return what an enrolment did."""
    return {
        "v": 1,
        "agency": enrolment.agency,
        "class": enrolment.agency_class.value,
        "name": enrolment.name,
        "anchor": describe_anchor(enrolment.anchor),
        "is_new_member": enrolment.is_new_member,
        "new_key_sets": enrolment.new_key_sets,
    }


def describe_anchor(anchor: str) -> dict[str, str]:
    """Return an anchor as people hand it over: words, and hexadecimal."""
    return {"words": format_anchor_words(anchor), "hex": format_anchor_hex(anchor)}
