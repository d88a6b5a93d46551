"""Two agencies with desks for victims, one message between them, and whatever else a member that cheats sends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agency_client.local_store.problems import Problem
from agency_client.safeguarding.compartment import Compartment
from agency_client.safeguarding.reading import open_waiting
from agency_client.sending.answering import Author
from agency_client.sending.flow import send_alert
from agency_client.witness.walker import walk_log
from keys.sealing import SealedMessage
from schemas.agreements.terms import Terms
from schemas.markings import Purpose
from schemas.signed import EncryptionUse
from tests.support.lying_answers import PlacedMessage
from tests.support.lying_world import LyingWorld, find_encryption_key, lying_world
from tests.support.safeguarding import (
    SECRETS,
    agree_on_victims,
    caring,
    dump_store,
    make_compartment,
    make_victim_alert,
    make_victim_draft,
)

GB, VN = "GB", "VN"
CONFIDENTIAL = "confidential"
AUTHOR = Author(reason="care case 7", unit="Care desk", pseudonym="care-04")


@dataclass
class Care:
    """GB and VN, each with a compartment, and one message about a victim that VN's officers have opened."""

    world: LyingWorld
    compartments: dict[str, Compartment]
    terms: Terms
    message_id: str

    def craft(self, terms: Terms, **changes: Any) -> SealedMessage:
        """Return a message of GB about a victim, sealed past every check of its own client."""
        usual: dict[str, Any] = {
            "alert": make_victim_alert(self.world[GB]),
            "kind": CONFIDENTIAL,
            "purpose": Purpose.VICTIM_PROTECTION,
            "key": find_encryption_key(self.world[VN], EncryptionUse.SAFEGUARDING),
        }
        return self.world.craft(GB, VN, terms, **usual | changes)

    def deliver(self, sealed: SealedMessage) -> PlacedMessage:
        """Let a message come to VN, and lie there sealed; return where the exchange placed it."""
        placed = self.world.deliver(sealed, VN)
        self.world.collect(VN)
        return placed

    def open_waiting(self) -> dict[str, Problem | None]:
        """Let VN's officers open whatever lies sealed; return what was wrong with each, by its digest."""
        with caring(self.world[VN], self.compartments[VN]):
            return {finding.digest: finding.problem for finding in open_waiting(self.world[VN])}

    def look_up(self, sealed: SealedMessage) -> tuple[str, str | None]:
        """Return what became of a message at VN, and the code of what is wrong with it."""
        found = self.world.look_up(VN, sealed)
        return found.state.value, found.problem.code if found.problem else None

    @contextmanager
    def agreed(self, name: object) -> Iterator[Terms]:
        """Bring another agreement about victims into force; the exchange is honest again after the block."""
        yield agree_on_victims(self.world, GB, VN, name)
        self.world.exchange.tamper.clear()
        self.world.exchange.inboxes.clear()

    def demand_unknown(self, *agencies: str) -> None:
        """Demand that whoever has the key of a store finds no word about the victim in it."""
        for agency in agencies or (GB, VN):
            found = dump_store(self.world[agency])
            assert [word for word in SECRETS if word.encode() in found] == []


@contextmanager
def make_care(folder: Path) -> Iterator[Care]:
    """Lend two agencies with desks for victims, and one message between them, opened and locked away again."""
    with lying_world(folder, GB, VN) as world:
        compartments = {agency: make_compartment(world[agency]) for agency in (GB, VN)}
        terms = agree_on_victims(world, GB, VN, "victims")
        walk_log(world[GB])
        with caring(world[GB], compartments[GB]):
            (leg,) = send_alert(world[GB], make_victim_draft(world[GB], terms)).legs
        care = Care(world, compartments, terms, leg.message_id)
        world.collect(VN)
        care.open_waiting()
        yield care
