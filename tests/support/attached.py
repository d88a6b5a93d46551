"""Alerts with files: a wide agreement that allows them, files of a few hundred KiB, and their way from GB to VN."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from agency_client.attachments.attaching import AttachedFile
from agency_client.attachments.saving import Saved, Saving, save_attachments
from agency_client.local_store.inbox import InboxMessage, load_by_digest
from agency_client.receiving.flow import receive
from agency_client.sending.draft import Draft
from agency_client.sending.flow import SendReport, send_alert
from schemas.agreements.terms import Terms
from schemas.markings import Purpose
from tests.support.lying_attachments import LyingAttachments
from tests.support.lying_world import LyingWorld, make_ping
from tests.support.members import derive_seed
from tests.support.nodes import make_wide_clause

MOST_BYTES = 64 << 20
_NUMBERS = count(1)
PNG = b"\x89PNG\r\n\x1a\n"


def make_bytes(name: object, size: int) -> bytes:
    """Return bytes that look like a picture, the same for the same name."""
    seed = derive_seed("file", name)
    return (PNG + seed * (size // len(seed) + 1))[:size]


@dataclass
class Attaching:
    """Two agencies, their agreement, and the exchange's attachments."""

    world: LyingWorld
    terms: Terms
    folder: Path

    @property
    def attached(self) -> LyingAttachments:
        """What the exchange has."""
        return self.world.exchange.attached

    def write(self, name: str, size: int = 100_000) -> Path:
        """Write a file to attach."""
        path = self.folder / name
        path.write_bytes(make_bytes(name, size))
        return path

    def draft(self, *paths: Path, **members: Any) -> Draft:
        """Return a message of GB to VN with these files."""
        return Draft(
            alert=make_ping(**{"own_reference": f"FILES-{next(_NUMBERS)}", **members}),
            purpose=Purpose.SYSTEM_TEST,
            necessity="It is needed there.",
            reason="case 74/08",
            recipients=("VN",),
            agreement=self.terms.id,
            attachments=tuple(AttachedFile(path) for path in paths),
        )

    def send(self, *paths: Path) -> SendReport:
        """Let GB send files."""
        return send_alert(self.world["GB"], self.draft(*paths))

    def arrive(self, *paths: Path) -> InboxMessage:
        """Let GB send files and VN collect the message; return it as it lies there."""
        report = self.send(*paths)
        receive(self.world["VN"])
        with self.world["VN"].store.read() as snapshot:
            return load_by_digest(snapshot, report.legs[0].digest)

    def save(self, message: InboxMessage, *beginnings: str, folder: Path | None = None) -> Sequence[Saved]:
        """Let VN save attachments, all if none is named."""
        target = folder or self.folder / "saved"
        target.mkdir(exist_ok=True)
        return save_attachments(self.world["VN"], Saving(message.message_id, target, "case 74/08", beginnings))


def agree_to_files(world: LyingWorld, name: object, folder: Path, **changes: Any) -> Attaching:
    """Bring an agreement into force that allows attachments, and return what tests need."""
    limits: dict[str, Any] = {"attachments": True, "max_bytes": MOST_BYTES}
    clauses = tuple(make_wide_clause(*pair, **limits | changes) for pair in (("GB", "VN"), ("VN", "GB")))
    return Attaching(world, world.agree("GB", "VN", name, clauses=clauses), folder)
