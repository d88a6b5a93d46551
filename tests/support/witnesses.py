"""Nodes as each other's witnesses, for tests of what comes after the quorum has seen something."""

from agency_client.node import Node
from agency_client.witness.collecting import CollectReport, take_in_head
from agency_client.witness.cosigning import sign_newest
from agency_client.witness.walker import walk_log
from schemas.api import CosignedNote


def see_together(*nodes: Node) -> None:
    """Let all nodes see the log as it stands, cosign it, and show it to each other.

    Past the exchange, which is only the carrier, and takes so many cosignatures a minute and no more.
    """
    heads = []
    for node in nodes:
        walk_log(node)
        signed = sign_newest(node)
        assert signed is not None
        heads.append(CosignedNote(agency=node.agency, note=signed.note.decode()))
    report = CollectReport()
    for node in nodes:
        for head in heads:
            if head.agency != node.agency:
                take_in_head(node, head, report)
    assert not report.problems
