"""The exchange as a person reads it: every log that was accepted, its keys, and how far this node saw it."""

from dataclasses import dataclass

from agency_client.epochs.places import number_epoch
from agency_client.epochs.sheets import load_sheet
from agency_client.local_store.checkpoints import load_newest_checkpoint
from agency_client.local_store.trust import AcceptedExchange, list_exchanges
from agency_client.node import Node
from schemas.jwk import thumbprint
from schemas.key_documents import ExchangeSheet


@dataclass(frozen=True, slots=True)
class AcceptedLog:
    """One accepted log. `kids` are the thumbprints of its two keys, `seen` the leaves of the newest head seen of it."""

    accepted: AcceptedExchange
    epoch: int
    kids: tuple[str, str]
    seen: int | None


def list_accepted_logs(node: Node) -> list[AcceptedLog]:
    """Return every log that was accepted on this node, the one that counts last."""
    with node.store.read() as snapshot:
        logs = []
        for accepted in list_exchanges(snapshot):
            newest = load_newest_checkpoint(snapshot, accepted.origin)
            kids = list_log_kids(load_sheet(snapshot, accepted.origin))
            logs.append(
                AcceptedLog(accepted, number_epoch(accepted.origin), kids, None if newest is None else newest.size)
            )
    return logs


def list_log_kids(sheet: ExchangeSheet) -> tuple[str, str]:
    """Return the thumbprints of a log's two keys (RFC 7638), Ed25519 first."""
    return thumbprint(sheet.log_keys.ed25519), thumbprint(sheet.log_keys.ml_dsa)
