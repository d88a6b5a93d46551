"""GB and BE of the vectors: the terms between them, and the one message that the other vectors are about."""

import json
from datetime import timedelta
from functools import cache

from keys.sealing import SealedMessage
from schemas.agreements.content import describe_content
from schemas.agreements.coverage import VisibleFacts, judge_message
from schemas.agreements.terms import Party, Terms
from schemas.alerts import parse_alert
from schemas.model import format_timestamp
from tests.strategies.agreements import make_clause, make_terms
from tests.support.members import EXCHANGE, START, make_member
from tests.support.messages import make_message, seal
from tests.support.paths import EXAMPLES

GB, BE = make_member("GB"), make_member("BE")
ORIGIN = f"{EXCHANGE}/1"
NOON = START + timedelta(days=1, hours=12)
SENT_AT = NOON + timedelta(hours=4, minutes=30)
"""Between the resumption and the revocation of the vector agreement."""


@cache
def seal_vector_message() -> SealedMessage:
    """Return a message GB → BE that the vector agreement covers."""
    alert = json.loads((EXAMPLES / "alerts/document-fraud.json").read_text("utf-8"))
    alert = alert.get("alert", alert) | {"handling": {"codes": ["h0", "h2"]}, "data_as_of": format_timestamp(NOON)}
    for member in ("attachments", "supersedes", "in_reply_to", "reply_due", "review_date", "retain_until"):
        alert.pop(member, None)
    alert["details"].pop("images", None)
    parsed = parse_alert(alert)
    terms = make_vector_terms()
    message = make_message(GB, BE, name="vector", alert=alert, agreement=terms.digest(), issued_at=SENT_AT)
    sealed = seal(message, GB, BE)
    routing = message.header.routing
    facts = VisibleFacts("GB", "BE", parsed.kind, routing.marking, len(sealed.envelope.ciphertext_bytes))
    content = describe_content(parsed, purpose=message.purpose, urgency=routing.urgency, issued_at=SENT_AT)
    coverage = judge_message(terms, facts, content)
    if not coverage.is_covered:
        raise ValueError(f"the vector message is not covered: {coverage.findings}")
    return sealed


def make_vector_terms() -> Terms:
    """Return terms between GB and BE with their true anchors."""
    parties = (Party(agency="BE", anchor=BE.anchor), Party(agency="GB", anchor=GB.anchor))
    clause = make_clause("GB", "BE")
    return make_terms("BE", "GB", exchange=EXCHANGE, in_force_from=START, parties=parties, clauses=(clause,))
