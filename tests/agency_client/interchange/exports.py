"""The filled examples as messages to export."""

from datetime import UTC, datetime

from agency_client.interchange.misp import Origin
from schemas.alerts import kind_names, parse_alert
from schemas.alerts.base import Alert
from schemas.markings import Tlp
from tests.schemas.alerts.filled import load

ORIGIN = Origin(
    message_id="5d1c8a52-0000-7000-8000-000000000000",
    digest="ab" * 32,
    sender="GB-HO",
    sent_at=datetime(2026, 11, 21, 21, 2, 25, tzinfo=UTC),
    marking=Tlp.AMBER_STRICT,
)
EXAMPLES: dict[str, Alert] = {name: parse_alert(load(name)) for name in kind_names()}
