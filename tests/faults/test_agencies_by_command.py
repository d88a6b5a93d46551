"""Three agencies by their commands, and a broker killed (-9) in the middle of what they do: all arrives, once.

The agencies' own outboxes, leases and receipts do the repair; nobody does anything but run `agency sync` again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.desk import Desk
from tests.support.exchange import RunningExchange, running_exchange
from tests.support.nodes import make_node

pytestmark = pytest.mark.long

EXAMPLES = Path(__file__).parents[2] / "examples" / "agreements"
SENDING = ("accept.stored", "accept.before-answer")
COLLECTING = ("hand-over.recorded", "hand-over.before-answer")
LEASE_SECONDS = 1
WHY = ("--necessity", "To see that it arrives once.", "--reason", "fault test")


@dataclass
class Trio:
    """GB, VN and BE with agreements in force GB–VN and BE–VN, and their exchange."""

    exchange: RunningExchange
    desks: dict[str, Desk]

    def restart(self, failpoint: str | None = None) -> None:
        """Start the broker anew, and tell the agencies where it serves now."""
        self.exchange.stop()
        before = self.exchange.url
        self.exchange.start(**({"BILATERAL_FAILPOINT": failpoint} if failpoint else {}))
        for desk in self.desks.values():
            for settings in (desk.folder / "home").glob("*/profile.toml"):
                settings.write_text(settings.read_text().replace(before, self.exchange.url))

    def sync_all(self, rounds: int = 2) -> None:
        """Let every agency catch up; receipts of one round travel in the next."""
        for _ in range(rounds):
            for desk in self.desks.values():
                desk.agency("sync")

    def list_received(self, agency: str) -> list[dict[str, Any]]:
        """Return what one agency's inbox lists."""
        return self.desks[agency].agency("inbox").lines


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    folder = tmp_path_factory.mktemp("trio")
    environment = {"BILATERAL_BROKER_INBOX__LEASE_SECONDS": str(LEASE_SECONDS)}
    with running_exchange(folder, **environment) as exchange:
        desks = {}
        for agency in ("BE", "GB", "VN"):
            desks[agency] = Desk(folder / agency.lower(), agency, is_in_process=True)
            make_node(exchange, desks[agency].folder, agency).close()
            desks[agency].agency("keys", "publish")
        for first, second, terms in (("GB", "VN", "gb-vn-migration.toml"), ("BE", "VN", "be-vn-migration.toml")):
            desks[first].pin(desks[second])
            desks[second].pin(desks[first])
            agreement = str(desks[first].by_two("agreement", "propose", EXAMPLES / terms).data["agreement"])
            desks["GB"].agency("sync")
            desks[second].by_two("agreement", "accept", agreement)
            desks[first].by_two("agreement", "confirm", agreement)
        yield Trio(exchange, desks)


def ping(desk: Desk, text: str, code: int = 0) -> str:
    """Send a test message and return its id; exit code 7 says that it waits."""
    ended = desk.agency("ping", "VN", "--text", text, "--reason", "fault test", code=code)
    return str(ended.data["messages"][0]["id"])


def list_waiting(desk: Desk) -> list[str]:
    """Return the ids of the messages an outbox still holds."""
    return [message["id"] for message in desk.agency("outbox").data["messages"]]


@pytest.mark.parametrize("place", SENDING)
def test_what_two_agencies_send_arrives_once_though_the_broker_dies_while_it_accepts(trio: Trio, place: str) -> None:
    trio.restart(failpoint=place)
    first = ping(trio.desks["GB"], f"first {place}", code=7)
    assert trio.exchange.wait() == -9
    second = ping(trio.desks["BE"], f"second {place}", code=7)
    assert first in list_waiting(trio.desks["GB"])

    trio.restart()
    trio.sync_all(rounds=3)
    arrived = [line["id"] for line in trio.list_received("VN")]
    assert arrived.count(first) == 1
    assert arrived.count(second) == 1
    assert list_waiting(trio.desks["GB"]) == list_waiting(trio.desks["BE"]) == []


@pytest.mark.parametrize("place", COLLECTING)
def test_what_was_sent_is_collected_once_though_the_broker_dies_while_it_hands_over(trio: Trio, place: str) -> None:
    trio.restart()
    sent = ping(trio.desks["GB"], f"third {place}")
    trio.restart(failpoint=place)
    trio.desks["VN"].agency("sync", code=7)
    assert trio.exchange.wait() == -9

    trio.restart()
    trio.sync_all()
    assert [line["id"] for line in trio.list_received("VN")].count(sent) == 1
    assert trio.desks["GB"].agency("status", sent).data["deliveries"][0]["stands"] == "verified"
