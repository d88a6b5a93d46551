"""What was refused, as an overseer reads it in the log."""

from typing import Any

from schemas.api import AUDIT_PATH, AuditAnswer, AuditQuery
from schemas.log.records import RecordType
from tests.support.caller import read_answer
from tests.support.exchange import RunningExchange


def find_refusals(exchange: RunningExchange, **filters: Any) -> AuditAnswer:
    """Return the records of refusals that these filters leave."""
    query = AuditQuery(reason="attack test", types=(RecordType.REFUSED,), limit=500, **filters)
    return read_answer(exchange.caller("OVERSEER").post(AUDIT_PATH, query), AuditAnswer)
