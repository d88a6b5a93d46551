"""ping: a sealed test message without personal data, to see that everything between two partners works."""

from schemas.alerts.registry import register
from schemas.alerts.shapes import Details, ShortText


@register("ping", "Test message", forbids_persons=True)
class Ping(Details):
    """Nothing but a word of the sender's choice."""

    text: ShortText | None = None
