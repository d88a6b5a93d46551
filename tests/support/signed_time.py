"""A moment that somebody else signed, for tests whose clock runs ahead of everything their nodes have heard."""

from agency_client.local_store.cosignatures import PartnerHead, record_partner_head
from agency_client.local_store.trust import list_pins
from agency_client.node import Node
from schemas.codec import b64u_encode


def hear_the_time(*nodes: Node) -> None:
    """Let each node hold a cosignature of a pinned partner made now, as any round with the exchange brings one."""
    for node in nodes:
        now = node.clock.now()
        with node.store.write() as transaction:
            pin = next(pin for pin in list_pins(transaction) if pin.retired_at is None and pin.agency != node.agency)
            size = 1 + int(now.timestamp())
            root = b64u_encode(bytes(32))
            head = PartnerHead("heard/1", pin.agency, pin.anchor, root, size, root, b"", cosigned_at=now, seen_at=now)
            record_partner_head(transaction, head)
