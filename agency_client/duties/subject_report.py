"""Everything held, sent, received, read and disclosed about one person, from the keyed references (articles 14 and 15).

The person's names and numbers are given by who asks and leave no trace: on record is that somebody asked, why, and how
many messages were found. Nothing is decrypted. What is found by a name alone, or by a number without its state, may be
a namesake's and says so. For the person, what must be withheld is left out whole: even that it exists would tell.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from agency_client.aftercare.standing import load_standing
from agency_client.errors import NotFoundError, UsageError
from agency_client.local_store.access_chain import AccessEntry
from agency_client.local_store.access_log import AccessFilter, append_entry, list_entries
from agency_client.local_store.content import find_erasure, has_content
from agency_client.local_store.duties import TransferRecord, find_content_end, find_duty, list_transfers
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.inbox import InboxMessage, load_by_digest
from agency_client.local_store.sent import (
    RecordedFact,
    SentMessage,
    find_message_by_digest,
    list_deliveries,
    list_facts,
)
from agency_client.local_store.subjects import FoundReference, find_references, list_following
from agency_client.node import Node
from agency_client.sending.facts import AgreementShelf, load_shelf
from schemas.alerts.shapes import IdentifierType
from schemas.alerts.subjects import (
    SubjectKey,
    SubjectKeyType,
    make_document_key,
    make_identifier_key,
    make_number_key,
    make_query_name_keys,
)
from schemas.identifiers.numbers import check_iban, normalise_document_number
from schemas.identifiers.online import check_email
from schemas.identifiers.phones import check_phone
from schemas.identifiers.vehicles import check_plate
from schemas.identifiers.wallets import Chain, check_wallet
from schemas.log.records import Action

VERB = "subject-report"
ANSWER_VERB = "subject-answer"
_FOLLOWS = "follows"
_POSSIBLE = frozenset({SubjectKeyType.NAME.value, SubjectKeyType.NUMBER.value})
_MAX_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class SubjectQuery:
    """By what a person is looked for; at least one of them. A name needs the birth date."""

    documents: tuple[str, ...] = ()
    name: str | None = None
    birth_date: str | None = None
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    ibans: tuple[str, ...] = ()
    wallets: tuple[str, ...] = ()
    plates: tuple[str, ...] = ()
    personal_numbers: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DisclosureTo:
    """One agency that a message went to: every fact known of it, and the ground of the transfer where it is one."""

    agency: str
    facts: tuple[RecordedFact, ...]
    transfer: TransferRecord | None


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """One message about the person.

    `found_by` says by which types of key (`follows`: it refers to another one found), `roles` as what the person stands
    in it. `is_possible`: by a name or a number alone. `is_withheld`: a caveat keeps it from the person.
    """

    digest: str
    message_id: str
    is_own: bool
    kind: str
    partner: str
    at: datetime
    found_by: tuple[str, ...]
    roles: tuple[str, ...]
    is_possible: bool
    is_withheld: bool
    is_restricted: bool
    purpose: str
    agreement: str
    legal_basis: tuple[str, ...]
    is_held: bool
    kept_until: datetime | None
    erased_at: datetime | None
    erased_because: str
    disclosures: tuple[DisclosureTo, ...]
    accesses: tuple[AccessEntry, ...]


@dataclass(frozen=True, slots=True)
class SubjectReport:
    """What was found about one person, oldest first; `made_at` is the moment as of which it is complete."""

    agency: str
    made_at: datetime
    messages: tuple[HeldMessage, ...]

    def list_for_person(self) -> tuple[HeldMessage, ...]:
        """Return what the person is told: nothing withheld, nothing restricted, nobody else's."""
        return tuple(item for item in self.messages if not (item.is_withheld or item.is_possible or item.is_restricted))


def report_subject(node: Node, query: SubjectQuery, *, reason: str, case: str | None = None) -> SubjectReport:
    """Return everything about one person, the asking with its reason on record before anything is looked up.

    Raises:
        UsageError: nothing to look for was given, or something of another form.
    """
    keys = list_query_keys(query)
    now = node.clock.now()
    with node.store.write() as transaction:
        append_entry(transaction, node.note_access(Action.COMBINATION, VERB, reason, case=case))
    with node.store.read() as snapshot:
        found = find_references(snapshot, keys)
        shelf = load_shelf(node, snapshot)
        grouped = _group(snapshot, found)
        held = [
            item for digest, references in grouped.items() for item in _describe(snapshot, shelf, digest, references)
        ]
    return SubjectReport(node.agency, now, tuple(sorted(held, key=lambda item: (item.at, item.message_id))))


def note_answer(node: Node, *, reason: str, case: str | None = None) -> None:
    """Put on record that the person is told; before the answer is written."""
    with node.store.write() as transaction:
        append_entry(transaction, node.note_access(Action.DISCLOSURE, ANSWER_VERB, reason, case=case))


def list_query_keys(query: SubjectQuery) -> tuple[SubjectKey, ...]:
    """Return the keys that a query stands for.

    Raises:
        UsageError: nothing was given, or something of another form.
    """
    keys = [key for text in query.documents for key in _read_document(text)]
    keys += _read_name(query)
    keys += [make_identifier_key(IdentifierType.PHONE, check_phone(text).search_form) for text in query.phones]
    keys += [make_identifier_key(IdentifierType.EMAIL, check_email(text).search_form) for text in query.emails]
    keys += [make_identifier_key(IdentifierType.IBAN, check_iban(text).search_form) for text in query.ibans]
    keys += [make_identifier_key(IdentifierType.WALLET, form) for text in query.wallets for form in _list_forms(text)]
    keys += [make_identifier_key(IdentifierType.PLATE, check_plate(text).search_form) for text in query.plates]
    keys += [
        make_identifier_key(IdentifierType.PERSONAL_NUMBER, normalise_document_number(text))
        for text in query.personal_numbers
    ]
    keys += [SubjectKey(SubjectKeyType.REQUEST, text, "") for text in query.references]
    if not keys:
        raise UsageError("nobody was named", fix='say whom: --document UTO:L898902C3, or --name "…" --birth 1974-08-12')
    return tuple(keys)


def _list_forms(wallet: str) -> Iterable[str]:
    """Return the forms under which a wallet's address may stand, each once: who asks need not know its chain."""
    return dict.fromkeys(check_wallet(wallet, chain).search_form for chain in Chain)


def _read_document(text: str) -> Iterable[SubjectKey]:
    state, separator, number = text.partition(":")
    if not separator or not state or not number:
        raise UsageError(f"--document {text[:40]!r}: STATE:NUMBER is expected", fix="like --document UTO:L898902C3")
    return (make_document_key(state.upper(), number), make_number_key(number))


def _read_name(query: SubjectQuery) -> Sequence[SubjectKey]:
    if query.name is None and query.birth_date is None:
        return ()
    if query.name is None or query.birth_date is None:
        raise UsageError("a name and a birth date go together", fix='--name "Anna Maria Eriksson" --birth 1974-08-12')
    try:
        return make_query_name_keys(query.name, query.birth_date)
    except ValueError as error:
        raise UsageError(f"--birth: {error}") from error


def _group(snapshot: Snapshot, found: Iterable[FoundReference]) -> dict[str, list[FoundReference]]:
    grouped: dict[str, list[FoundReference]] = {}
    for reference in found:
        grouped.setdefault(reference.digest, []).append(reference)
    for digest in list_following(snapshot, list(grouped)):
        grouped.setdefault(digest, [FoundReference(digest, _FOLLOWS, "")])
    return grouped


def _describe(
    snapshot: Snapshot, shelf: AgreementShelf, digest: str, references: Sequence[FoundReference]
) -> Iterable[HeldMessage]:
    own = find_message_by_digest(snapshot, digest)
    if own is not None:
        deliveries = list_deliveries(snapshot, own.message_id)
        partner, cited = ", ".join(item.recipient for item in deliveries), [item.agreement for item in deliveries]
        disclosures = tuple(_list_disclosures(snapshot, own))
        yield _hold(snapshot, shelf, own, (partner, cited), references, disclosures)
        return
    try:
        received = load_by_digest(snapshot, digest)
    except NotFoundError:
        return
    yield _hold(snapshot, shelf, received, (received.sender, [received.agreement]), references, ())


def _hold(
    snapshot: Snapshot,
    shelf: AgreementShelf,
    message: SentMessage | InboxMessage,
    passing: tuple[str, Sequence[str]],
    references: Sequence[FoundReference],
    disclosures: tuple[DisclosureTo, ...],
) -> HeldMessage:
    digest, (partner, cited) = message.digest, passing
    duty, erasure = find_duty(snapshot, digest), find_erasure(snapshot, digest)
    terms = [view.terms for item in cited if (view := shelf.find_view(item)) is not None and view.terms is not None]
    types = tuple(dict.fromkeys(item.type for item in references))
    return HeldMessage(
        digest=digest,
        message_id=message.message_id,
        is_own=isinstance(message, SentMessage),
        kind=message.kind,
        partner=partner,
        at=message.issued_at,
        found_by=types,
        roles=tuple(dict.fromkeys(item.role for item in references if item.role)),
        is_possible=_POSSIBLE.issuperset(types),
        is_withheld=duty is None or duty.is_withheld,
        is_restricted=load_standing(snapshot, digest).allowed_uses is not None,
        purpose="" if duty is None else duty.purpose,
        agreement="; ".join(dict.fromkeys(item.title for item in terms)),
        legal_basis=tuple(dict.fromkeys(line for item in terms for line in item.legal_basis)),
        is_held=has_content(snapshot, digest),
        kept_until=find_content_end(snapshot, digest),
        erased_at=None if erasure is None else erasure.erased_at,
        erased_because="" if erasure is None else erasure.reason,
        disclosures=disclosures,
        accesses=tuple(reversed(list_entries(snapshot, AccessFilter(message=message.message_id), limit=_MAX_ENTRIES))),
    )


def _list_disclosures(snapshot: Snapshot, own: SentMessage) -> Iterable[DisclosureTo]:
    transfers = {record.recipient: record for record in list_transfers(snapshot, message=own.digest)}
    for delivery in list_deliveries(snapshot, own.message_id):
        facts = tuple(list_facts(snapshot, own.message_id, delivery.recipient))
        yield DisclosureTo(delivery.recipient, facts, transfers.get(delivery.recipient))
