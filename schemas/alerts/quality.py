"""Find what is doubtful in a well-formed alert before it is sent (Directive (EU) 2016/680, article 7(2)).

Pure. A doubt is no refusal: it asks the officer for words, which travel with the alert. What is itself the thing
reported (a false document's zone that fails its check digits) is no doubt. Whether the same was sent before is known
only to the sender's store, and comes in as a fact.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from schemas.alerts.base import Alert, Basis, CaveatCode
from schemas.alerts.document import Holder, PrintedFieldName, SeenZone
from schemas.alerts.doubts import DoubtCode
from schemas.alerts.grading import Grading, GradingScheme
from schemas.alerts.kinds.document_fraud import DocumentFraud, FraudLocus, FraudType
from schemas.alerts.kinds.document_status import DocumentStatus
from schemas.alerts.kinds.document_verification import DocumentVerification, Question
from schemas.alerts.person import PersonRole
from schemas.alerts.registry import Kind, kind_of
from schemas.alerts.seen import SeenIdentifier
from schemas.alerts.walking import walk_parts
from schemas.identifiers.checked import FAULTS, Checked
from schemas.identifiers.dates import read_partial_date
from schemas.identifiers.mrz import Mrz, parse_mrz, read_birth_date
from schemas.identifiers.mrz_layout import MrzError
from schemas.identifiers.numbers import normalise_document_number

FRESH_FOR: dict[str, timedelta] = {
    "document-verification": timedelta(days=2),
    "document-verification-reply": timedelta(days=2),
    "document-fraud": timedelta(days=90),
    "facilitator": timedelta(days=180),
    "movement-notice": timedelta(days=7),
    "smuggling-incident": timedelta(days=90),
    "conveyance": timedelta(days=90),
    "financial-flow": timedelta(days=180),
    "document-status": timedelta(days=365),
}
"""How long data of a kind usually hold: what was seen at a counter for hours, a register's entry for a year."""
USUALLY_FRESH_FOR = timedelta(days=30)
CLOCK_TOLERANCE = timedelta(minutes=5)

_NO_FACTS = {
    GradingScheme.EUROPOL_4X4: frozenset("4"),
    GradingScheme.ADMIRALTY_6X6: frozenset("456"),
    GradingScheme.UK_3X5X2: frozenset("DE"),
}
"""Grades of information that no fact has."""
_FALSE_ZONES = frozenset({FraudLocus.MACHINE_READABLE_ZONE, FraudLocus.WHOLE_DOCUMENT})
_FALSE_PAGES = _FALSE_ZONES | {FraudLocus.DATA_PAGE, FraudLocus.PERSONALISATION, FraudLocus.PAGE_SWAP}
_INVENTED = frozenset({FraudType.COUNTERFEIT, FraudType.PSEUDO})
_STOCK_WORDS = frozenset(
    """
    above action agreed alert an and as asked attention for in information informational is it message na necessary
    necessity needed none of official on our per please purpose purposes reference regards request requested required
    routine see standard subject test the this to use usual with you your
    """.split()  # noqa: SIM905 - a list of so many words reads as a text
)
"""Words that stand in any necessity and make none."""
_FEWEST_LETTERS = 6


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that is doubtful: its code, the field (None: outside the alert), and a sentence for the officer."""

    code: DoubtCode
    field: str | None
    sentence: str


def is_checked(kind: Kind) -> bool:
    """Say whether alerts of a kind are looked at: all but those without personal data, and what follows a message up.

    A correction or a withdrawal must never wait for words about its quality.
    """
    return not kind.is_aftercare and not kind.forbids_persons


def find_quality_doubts(
    alert: Alert, now: datetime, *, necessity: str | None = None, sent_before: str | None = None
) -> tuple[Doubt, ...]:
    """Return what is doubtful about an alert at a moment, in the order of its fields.

    `necessity` is judged where it is given. `sent_before` says, where it is so, when and to whom the same was sent.
    """
    if not is_checked(kind_of(alert.kind)):
        return ()
    found = [*_judge_times(alert, now), *_judge_statements(alert), *_judge_persons(alert, now.date())]
    found += _judge_details(alert, now.date())
    if necessity is not None and _names_nothing(necessity, alert.subject):
        words = "the necessity says nothing of this case: why this, and why to them"
        found.append(Doubt(DoubtCode.NECESSITY_EMPTY, None, words))
    if sent_before is not None:
        found.append(Doubt(DoubtCode.SENT_BEFORE, None, f"the same alert was sent before: {sent_before}"))
    return tuple(found)


def _judge_times(alert: Alert, now: datetime) -> Iterator[Doubt]:
    age, fresh_for = now - alert.data_as_of, FRESH_FOR.get(alert.kind, USUALLY_FRESH_FOR)
    if age > fresh_for:
        words = f"the data are {age.days} days old; such data are held good for {fresh_for.days}"
        yield Doubt(DoubtCode.STALE_DATA, "data_as_of", words)
    if age < -CLOCK_TOLERANCE:
        yield Doubt(DoubtCode.FUTURE_DATA, "data_as_of", "the data are dated later than now")
    today = now.date().isoformat()
    if alert.review_date is not None and alert.review_date < today:
        yield Doubt(DoubtCode.REVIEW_PAST, "review_date", "the data should have been reviewed before they are sent")
    if alert.retain_until is not None and alert.retain_until < today:
        yield Doubt(DoubtCode.RETENTION_PAST, "retain_until", "the data should have been erased")
    if alert.reply_due is not None and alert.reply_due < now:
        yield Doubt(DoubtCode.REPLY_DUE_PAST, "reply_due", "the answer is due before the question can arrive")


def _judge_statements(alert: Alert) -> Iterator[Doubt]:
    for place, statement in enumerate(alert.statements):
        grading = statement.grading or alert.grading
        if statement.basis is not Basis.FACT:
            continue
        if grading is None:
            yield Doubt(DoubtCode.UNGRADED_FACT, f"statements.{place}", "a fact is graded, by itself or with the whole")
        elif _is_doubtful(grading):
            words = "it is called a fact, and graded as information that cannot be relied on"
            yield Doubt(DoubtCode.DOUBTFUL_FACT, f"statements.{place}", words)


def _is_doubtful(grading: Grading) -> bool:
    return grading.information in _NO_FACTS[grading.scheme]


def _judge_persons(alert: Alert, today: date) -> Iterator[Doubt]:
    accused = alert.details.accused_refs()
    is_protected = any(caveat.code is CaveatCode.NOT_AGAINST_VICTIM for caveat in alert.caveats)
    for place, person in enumerate(alert.persons):
        if person.ref in accused and person.role is PersonRole.UNIDENTIFIED:
            words = "the alert says what this person does, and not whether as suspect, convicted or associate"
            yield Doubt(DoubtCode.ROLE_MISSING, f"persons.{place}.role", words)
        if person.role is PersonRole.VICTIM and not is_protected:
            words = "add the caveat not-against-victim, or say why it is left out"
            yield Doubt(DoubtCode.VICTIM_UNPROTECTED, f"persons.{place}", words)
        for number, birth_date in enumerate(person.birth_dates):
            if read_partial_date(birth_date).first > today:
                field = f"persons.{place}.birth_dates.{number}"
                yield Doubt(DoubtCode.BIRTH_IN_FUTURE, field, "nobody is born yet on that day")


def _judge_details(alert: Alert, today: date) -> Iterator[Doubt]:
    details = alert.details
    for path, part in walk_parts(details, "details"):
        checked = part.check() if isinstance(part, SeenIdentifier) else part
        if isinstance(checked, Checked) and checked.is_wrong:
            labels = "; ".join(finding.label for finding in checked.findings if finding in FAULTS)
            yield Doubt(DoubtCode.WRONG_IDENTIFIER, path, f"its check found: {labels}")
    if isinstance(details, DocumentFraud):
        yield from _judge_seen_document(details, today)
    elif isinstance(details, DocumentVerification):
        yield from _judge_asked_document(details, today)
    elif isinstance(details, DocumentStatus):
        yield from _judge_dates("details", None, details.issued_on, details.expires_on)


def _judge_seen_document(details: DocumentFraud, today: date) -> Iterator[Doubt]:
    document, path = details.document, "details.document"
    loci, is_invented = set(details.loci), bool(_INVENTED.intersection(details.fraud_types))
    if document.mrz is not None and not is_invented and not _FALSE_ZONES & loci:
        yield from _judge_zone(document.mrz, f"{path}.mrz")
    if is_invented or _FALSE_PAGES & loci:
        return
    yield from _judge_dates(path, document.holder, document.issued_on, document.expires_on, today)
    told = {mismatch.field for mismatch in details.mismatches}
    number, holder = (f"{path}.number", document.number), (f"{path}.holder.birth_date", document.holder)
    yield from _compare_zone(number, holder, document.mrz, told, today)


def _judge_asked_document(details: DocumentVerification, today: date) -> Iterator[Doubt]:
    if details.mrz is not None and Question.GENUINE not in details.questions:
        yield from _judge_zone(details.mrz, "details.mrz")
    yield from _judge_dates("details", details.holder, details.issued_on, details.expires_on, today)
    number = ("details.document.number", details.document.number)
    yield from _compare_zone(number, ("details.holder.birth_date", details.holder), details.mrz, set(), today)


def _judge_zone(zone: SeenZone, path: str) -> Iterator[Doubt]:
    mrz = _read_zone(zone)
    failed = [] if mrz is None else [name.label for name in mrz.failed_checks]
    if failed:
        words = f"check digits fail ({', '.join(failed)}): compare the zone with the document"
        yield Doubt(DoubtCode.CHECK_DIGITS, path, words)


def _judge_dates(
    path: str, holder: Holder | None, issued_on: str | None, expires_on: str | None, today: date | None = None
) -> Iterator[Doubt]:
    birth_date = None if holder is None else holder.birth_date
    if birth_date is not None and issued_on is not None and _is_later(birth_date, issued_on):
        yield Doubt(DoubtCode.BIRTH_AFTER_ISSUE, f"{path}.holder.birth_date", "the holder was born after the issue")
    if birth_date is not None and today is not None and read_partial_date(birth_date).first > today:
        yield Doubt(DoubtCode.BIRTH_IN_FUTURE, f"{path}.holder.birth_date", "nobody is born yet on that day")
    if issued_on is not None and expires_on is not None and _is_later(issued_on, expires_on):
        yield Doubt(DoubtCode.EXPIRY_BEFORE_ISSUE, f"{path}.expires_on", "the document expires before its issue")


def _is_later(one: str, other: str) -> bool:
    return read_partial_date(one).first > read_partial_date(other).last


def _compare_zone(
    number: tuple[str, str | None],
    holder: tuple[str, Holder | None],
    zone: SeenZone | None,
    told: set[PrintedFieldName],
    today: date,
) -> Iterator[Doubt]:
    mrz = None if zone is None else _read_zone(zone)
    if mrz is None:
        return
    birth_date = None if holder[1] is None else holder[1].birth_date
    pairs: Sequence[tuple[PrintedFieldName, str, str | None, str | None]] = (
        (PrintedFieldName.DOCUMENT_NUMBER, *number, mrz.document_number or None),
        (PrintedFieldName.BIRTH_DATE, holder[0], birth_date, read_birth_date(mrz, as_of=today)),
    )
    for name, field, printed, read in pairs:
        if name not in told and printed is not None and read is not None and not _is_same(name, printed, read):
            yield Doubt(DoubtCode.ZONE_DIFFERS, field, "the zone says otherwise: one of the two was misread")


def _is_same(name: PrintedFieldName, printed: str, read: str) -> bool:
    if name is PrintedFieldName.BIRTH_DATE:
        return read_partial_date(printed).overlaps(read_partial_date(read))
    return normalise_document_number(printed) == normalise_document_number(read)


def _read_zone(zone: SeenZone) -> Mrz | None:
    try:
        return parse_mrz(zone.lines)
    except MrzError:
        return None


def _names_nothing(necessity: str, subject: str) -> bool:
    text = necessity.strip().casefold()
    if text == subject.strip().casefold() or sum(letter.isalpha() for letter in text) < _FEWEST_LETTERS:
        return True
    words = {word.strip(".,;:!?()[]\"'/-") for word in text.split()}
    return text.isascii() and len({word for word in words if len(word) > 1} - _STOCK_WORDS) < 2
