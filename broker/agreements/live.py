"""The agreement book in memory: a projection of the stored steps.

Decisions ask `book.as_of(transaction)`, which knows every step before them, in the same batch too: a message that
crosses a suspension is judged after it or before it, never beside it. Answers ask `book.current`.
"""

from sqlalchemy import Connection

from broker.agreements.book import Agreements
from broker.agreements.rules import read_step
from broker.agreements.store import select_documents
from broker.projection import Projection
from schemas.agreements.steps import ChainedStep
from schemas.signed import SignedDocument

AgreementBook = Projection[Agreements]


def make_agreement_book() -> AgreementBook:
    """Return the agreements of an exchange, empty until they are loaded."""
    return Projection(Agreements(), _catch_up)


def _catch_up(connection: Connection, agreements: Agreements) -> Agreements:
    newer = [(index, _read_stored(data)) for index, data in select_documents(connection, agreements.last_index)]
    return agreements.add_all(newer) if newer else agreements


def _read_stored(data: bytes) -> ChainedStep:
    return read_step(SignedDocument.model_validate_json(data))
