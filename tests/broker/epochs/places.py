"""An exchange in a folder, at rest, with two agencies that have agreed and exchanged something; and copies of it."""

import shutil
from pathlib import Path

from broker.clock import SystemClock
from broker.composition import Broker, open_broker
from broker.exchange import Exchange, ExchangeFolder, open_exchange
from broker.founding import found_exchange
from broker.settings import Settings
from broker.storage.transaction import Transaction
from keys.cosignatures import cosign_checkpoint
from keys.generation import generate_bytes
from keys.log_keys import sign_checkpoint
from schemas.log.checkpoint import Checkpoint
from schemas.log.cosignature import attach_cosignature, format_witness_name
from schemas.log.records import RecordType
from schemas.signed import KeyUse
from tests.support.exchange import make_live_member
from tests.support.members import EXCHANGE

GB, VN = "GB-HO", "VN-IMM"
CLOCK = SystemClock()


def make_place(path: Path) -> ExchangeFolder:
    """Found an exchange with two members and let its log grow a little."""
    found_exchange(path, EXCHANGE, ("localhost",), None, CLOCK, generate_bytes)
    folder = ExchangeFolder(path)
    with open_broker(open_exchange(folder, None), Settings(folder=path), CLOCK) as broker:
        for agency in (GB, VN):
            broker.members.enrol_and_wait([make_live_member(agency).verified.document])
    return folder


def copy_place(folder: ExchangeFolder, path: Path) -> ExchangeFolder:
    """Return a copy that a test may change."""
    shutil.copytree(folder.path, path)
    return ExchangeFolder(path)


def open_place(folder: ExchangeFolder) -> Exchange:
    """Open an exchange's keys."""
    return open_exchange(folder, None)


def settings_of(folder: ExchangeFolder) -> Settings:
    """Return the settings of whoever works on it."""
    return Settings(folder=folder.path, environment="testing")


def grow(broker: Broker) -> None:
    """Append a leaf."""
    broker.writer.commit_and_wait(_append)


def cosign(exchange: Exchange, agency: str, checkpoint: Checkpoint) -> bytes:
    """Return the log's note of a checkpoint, cosigned by an agency now."""
    (key,) = make_live_member(agency).signers[KeyUse.WITNESS].keys
    line = cosign_checkpoint(checkpoint, format_witness_name(EXCHANGE, agency), key, CLOCK.now())
    return attach_cosignature(sign_checkpoint(checkpoint, exchange.log_signer), line)


def _append(transaction: Transaction) -> None:
    transaction.append(RecordType.TOKENS_ISSUED, concerns=[GB], agency=GB, count=1)
