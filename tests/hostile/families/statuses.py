"""Lies about statuses: hidden, old ones shown again, made up, given to another."""

from typing import Any

from keys.signing import sign_document
from schemas.api import STATUSES_PATH, PartnerStatus, StatusesAnswer
from schemas.codec import decode_canonical
from schemas.log.records import RecordType
from schemas.signed import DocumentType, KeyUse
from schemas.status import MAX_STATUS_BYTES, Status, digest_status
from tests.hostile.calls import Call, Reply
from tests.hostile.families.answers import refuse
from tests.hostile.families.keys import make_signer_of_nobody
from tests.hostile.history import History
from tests.hostile.manipulation import Manipulation
from tests.hostile.operator import HostileOperator


class LieAboutStatuses(Manipulation):
    """What changes the statuses that a member is shown."""

    on = (("GET", STATUSES_PATH),)


class HiddenStatuses(LieAboutStatuses):
    name = "hidden-statuses"
    sentence = "Show nobody's status."

    async def change(self, operator: HostileOperator, call: Call, answer: StatusesAnswer) -> StatusesAnswer:
        """Leave all of them out."""
        return answer.model_copy(update={"statuses": ()})


class FrozenStatuses(LieAboutStatuses):
    name = "frozen-statuses"
    sentence = "Show for ever the statuses as they stood when the switch was turned."

    async def begin(self, operator: HostileOperator) -> None:
        """Keep what there is."""
        self._old = {(row.agency, row.partner): row for row in operator.select("SELECT * FROM status")}

    async def change(self, operator: HostileOperator, call: Call, answer: StatusesAnswer) -> StatusesAnswer:
        """Show the old ones under their own true leaves."""
        shown = tuple(self._find(operator, item, call.agency) for item in answer.statuses)
        return History(operator).prove(call, answer.model_copy(update={"statuses": shown}))

    def _find(self, operator: HostileOperator, item: PartnerStatus, reader: str) -> PartnerStatus:
        old = self._old.get((item.agency, reader))
        if old is None:
            return item
        return _show(operator, item, old)


class RolledBackStatuses(FrozenStatuses):
    name = "rolled-back-statuses"
    sentence = "Show each newer status once, and then the old one again."

    def __init__(self, against: str = "") -> None:
        super().__init__(against)
        self._shown: set[str] = set()

    def _find(self, operator: HostileOperator, item: PartnerStatus, reader: str) -> PartnerStatus:
        digest = digest_status(item.document.payload_bytes)
        if digest in self._shown:
            return super()._find(operator, item, reader)
        self._shown.add(digest)
        return item


class ForgedStatuses(LieAboutStatuses):
    name = "forged-statuses"
    sentence = "Show a newer status of every partner, signed by keys made up here: all is quiet, nothing is missing."

    async def change(self, operator: HostileOperator, call: Call, answer: StatusesAnswer) -> StatusesAnswer:
        """Sign the status that would suit the broker, and log it."""
        shown = tuple([await _forge(operator, item) for item in answer.statuses])
        return History(operator).prove(call, answer.model_copy(update={"statuses": shown}))


class StatusesOfOthers(LieAboutStatuses):
    name = "statuses-of-others"
    sentence = "Show each member what its partners signed for somebody else."

    async def change(self, operator: HostileOperator, call: Call, answer: StatusesAnswer) -> StatusesAnswer:
        """Put another reader's status in the place of each."""
        shown = tuple(_swap_reader(operator, item, call.agency) for item in answer.statuses)
        return History(operator).prove(call, answer.model_copy(update={"statuses": shown}))


class KeptBackStatuses(Manipulation):
    name = "kept-back-statuses"
    sentence = "Take no status: ask to come back later, for ever."

    async def take(self, operator: HostileOperator, call: Call) -> Reply | None:
        """Be busy."""
        return refuse("busy", "The exchange is busy.") if call.address == ("POST", STATUSES_PATH) else None


async def _forge(operator: HostileOperator, item: PartnerStatus) -> PartnerStatus:
    status = Status.from_canonical(item.document.payload_bytes, max_bytes=MAX_STATUS_BYTES)
    now = operator.clock.now().replace(microsecond=0)
    later = {"seq": status.seq + 1, "prev": digest_status(item.document.payload_bytes), "time": now}
    quiet = status.model_copy(update=later | {"revoked": (), "chains": (), "streams": ()})
    signer = make_signer_of_nobody(KeyUse.RECEIPT)
    document = sign_document(quiet.canonical(), DocumentType.STATUS, [signer])
    leaf = await operator.append(
        RecordType.STATUS,
        (status.agency, status.partner),
        agency=status.agency,
        partner=status.partner,
        digest=digest_status(document.payload_bytes),
    )
    return PartnerStatus(agency=item.agency, document=document, leaf=leaf, proof=())


def _swap_reader(operator: HostileOperator, item: PartnerStatus, reader: str) -> PartnerStatus:
    rows = operator.select(
        "SELECT document, leaf_index FROM status WHERE agency = :agency AND partner <> :reader LIMIT 1",
        agency=item.agency,
        reader=reader,
    )
    if not rows:
        return item
    return _show(operator, item, rows[0])


def _show(operator: HostileOperator, item: PartnerStatus, row: Any) -> PartnerStatus:
    leaf = operator.recall(row.leaf_index).to_wire()
    return PartnerStatus.from_wire(item.to_wire() | {"document": decode_canonical(row.document), "leaf": leaf})
