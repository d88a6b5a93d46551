"""Let no doubtful alert leave without an officer's words (Directive (EU) 2016/680, article 7(2)).

The rule is `schemas.alerts.quality`. Here: what the store adds to it (the same was sent before), the answers the
officer gave, and the statement that travels with the alert. Where there is no doubt nothing is asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from agency_client.duties.recording import mark_content
from agency_client.errors import DeniedError, UsageError
from agency_client.local_store.duties import find_sent_alike
from agency_client.local_store.engine import Transaction
from schemas.alerts.base import Alert
from schemas.alerts.doubts import AnsweredDoubt, DoubtCode, QualityCheck
from schemas.alerts.quality import Doubt, find_quality_doubts, is_checked
from schemas.alerts.registry import kind_of
from schemas.codec import CodecError

_ASKED_AGAIN = frozenset(
    {"document-verification", "document-verification-reply", "information-reply", "joint-operation-reply"}
)
"""A question may be asked of the same document as often as it is presented, and two questions have one answer."""


class QualityDoubtedError(DeniedError):
    """Something about the alert is doubtful and nobody has said why it goes all the same; `doubts` are those left."""

    default_code = "quality-doubted"

    def __init__(self, doubts: Sequence[Doubt]) -> None:
        sentences = "; ".join(f"{doubt.field or 'the sending'}: {doubt.sentence}" for doubt in doubts)
        codes = " ".join(f'--quality {code}="…"' for code in dict.fromkeys(doubt.code.value for doubt in doubts))
        super().__init__(sentences, fix=f"correct it, or say why it is right: {codes}")
        self.doubts = tuple(doubts)


@dataclass(frozen=True, slots=True)
class QualityReport:
    """The doubts about one alert and the officer's words for them, by code."""

    doubts: tuple[Doubt, ...]
    answers: Mapping[DoubtCode, str]

    @property
    def unanswered(self) -> tuple[Doubt, ...]:
        """Return the doubts that keep the alert from being sent."""
        return tuple(doubt for doubt in self.doubts if doubt.code not in self.answers)


def parse_answers(given: Iterable[str]) -> dict[str, str]:
    """Return answers by code from `CODE=WORDS`, as typed.

    Raises:
        UsageError: one is of another form, or a code stands there twice.
    """
    answers: dict[str, str] = {}
    for item in given:
        code, separator, words = item.partition("=")
        if not separator or not code or not words.strip():
            raise UsageError(
                f"--quality {code}: CODE=WORDS is expected", fix='like --quality stale-data="confirmed by phone today"'
            )
        if code in answers:
            raise UsageError(f"--quality {code} stands there twice", fix="say it in one sentence")
        answers[code] = words.strip()
    return answers


def review_quality(
    transaction: Transaction,
    alert: Alert,
    answers: Mapping[str, str],
    *,
    recipients: Iterable[str],
    necessity: str | None,
    now: datetime,
) -> QualityReport:
    """Return the doubts about an alert that is to go to these recipients, and the answers that were given.

    Raises:
        UsageError: an answer has no known code, or answers no doubt there is.
    """
    known = _read_codes(answers)
    before = _find_before(transaction, alert, recipients, now)
    doubts = find_quality_doubts(alert, now, necessity=necessity, sent_before=before)
    idle = sorted(known.keys() - {doubt.code for doubt in doubts})
    if idle:
        raise UsageError(f"--quality {idle[0].value}: there is no such doubt about this alert", fix="leave it out")
    return QualityReport(doubts, known)


def state_quality(alert: Alert, report: QualityReport, now: datetime) -> Alert:
    """Return the alert with the statement of its check, which the recipient reads.

    Raises:
        QualityDoubtedError: a doubt is not answered.
        UsageError: words that cannot be sent.
    """
    if report.unanswered:
        raise QualityDoubtedError(report.unanswered)
    if not is_checked(kind_of(alert.kind)):
        return alert
    answered = tuple(_write_answer(doubt, report.answers[doubt.code]) for doubt in report.doubts)
    check = QualityCheck(checked_at=now, answered=answered) if answered else QualityCheck(checked_at=now)
    return alert.model_copy(update={"quality": check})


def find_open_doubts(alert: Alert, accepted_at: datetime) -> tuple[Doubt, ...]:
    """Return what a recipient finds doubtful by itself, as of the acceptance, and its sender has not spoken to."""
    said = {(item.code, item.field) for item in alert.quality.answered} if alert.quality is not None else set()
    return tuple(doubt for doubt in find_quality_doubts(alert, accepted_at) if (doubt.code, doubt.field) not in said)


def _write_answer(doubt: Doubt, words: str) -> AnsweredDoubt:
    members = {"code": doubt.code.value, "field": doubt.field, "words": words}
    try:
        return AnsweredDoubt.from_wire({name: value for name, value in members.items() if value is not None})
    except CodecError as error:
        raise UsageError(f"--quality {doubt.code.value}: the words cannot be sent: {error}") from error


def _read_codes(answers: Mapping[str, str]) -> dict[DoubtCode, str]:
    try:
        return {DoubtCode.from_code(code): words for code, words in answers.items()}
    except ValueError as error:
        raise UsageError(f"--quality: {error}", fix="run the same with --dry-run to see the doubts") from error


def _find_before(transaction: Transaction, alert: Alert, recipients: Iterable[str], now: datetime) -> str | None:
    if alert.kind in _ASKED_AGAIN or not is_checked(kind_of(alert.kind)):
        return None
    mark = mark_content(transaction, alert, at=now)
    found = [
        f"to {recipient} on {alike[1]:%Y-%m-%d %H:%M} UTC (message {alike[0]})"
        for recipient in recipients
        if (alike := find_sent_alike(transaction, mark, recipient)) is not None
    ]
    return ", ".join(found) or None
