"""Terms of an agreement in words: a field's value as it stands in a list, and a clause as sentences for a lawyer.

Pure, and complete: a field without words of its own is spelt as it stands, so nothing that was agreed is left out. What
a foreign agency wrote is returned as it is; whoever shows it cleans or escapes it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from keys.anchors import format_anchor_words
from schemas.agreements.terms import (
    AnswerDeadline,
    Clause,
    DutyDesk,
    OnwardRule,
    Party,
    Signatory,
    Terms,
    TransferGround,
)
from schemas.alerts import kind_of
from schemas.alerts.registry import UnknownKindError
from schemas.coded import CodedValue
from schemas.model import WireModel

_GROUNDS = {
    "not-a-transfer": "what is sent does not leave the legal area, so it is no transfer (articles 35 to 38)",
    "adequacy": "the recipient's protection of data was found adequate (article 36)",
    "appropriate-safeguards": "appropriate safeguards protect the data (article 37)",
    "derogation": "each transfer needs a ground of its own in an individual case (article 38)",
}
_ONWARD = {
    OnwardRule.FORBIDDEN: "{recipient} passes nothing of it on.",
    OnwardRule.WITH_CONSENT: "{recipient} passes it on only with the consent of {sender}, message by message.",
    OnwardRule.LISTED: "{recipient} passes it on only to {agencies}, where {sender} names them or consents.",
}


def spell_field(field: str, value: object) -> str:
    """Return a field's value in words; "" where it is absent and that says nothing."""
    if field == "nationalities" and value is None:
        return "any nationality"
    if field == "kinds" and isinstance(value, tuple):
        return _join(spell_kind(kind) for kind in value)
    if field in _UNITS:
        return f"{value} {_UNITS[field]}"
    return _spell(value)


def spell_kind(kind: str) -> str:
    """Return a kind of message in words, as far as this program knows it."""
    try:
        return kind_of(kind).label
    except UnknownKindError:
        return kind


def spell_ground(ground: TransferGround) -> str:
    """Return the ground of the transfer as a sentence."""
    return f"{_capitalise(_GROUNDS[ground.kind.value])}: {ground.reference}."


def list_sentences(clause: Clause) -> list[str]:
    """Return a clause as sentences: what the one may send the other, and what the other does with it."""
    return [" ".join(sentence.split()) for sentence in _say_clause(clause)]


def list_dates(terms: Terms) -> list[str]:
    """Return when the terms begin, end and are reviewed, and with what notice they can be ended, as sentences."""
    return [
        f"In force from {_spell(terms.in_force_from)} (once both have signed) until {_spell(terms.in_force_until)}.",
        f"Reviewed by {_spell(terms.review_by)}.",
        f"Either party ends it with {terms.notice_days} days' notice; where it must, it suspends or revokes at once.",
    ]


def _say_clause(clause: Clause) -> Iterator[str]:
    sender, recipient = clause.sender, clause.recipient
    yield f"{sender} may send {recipient}: {_join(spell_kind(kind) for kind in clause.kinds)}."
    yield f"It does so for these purposes only: {_join(purpose.label for purpose in clause.purposes)}."
    if clause.nationalities is None:
        yield "It may concern persons of any nationality."
    else:
        yield f"It may concern nationals of {_join(clause.nationalities)} only."
    yield f"It is marked {clause.highest_marking.label} at most."
    yield f"The sender may ask for this handling: {'; '.join(code.label for code in clause.handling)}."
    if clause.special_categories:
        yield f"Where strictly necessary it may contain: {_join(item.label for item in clause.special_categories)}."
    else:
        yield "It contains no special categories of personal data (article 10)."
    for caveat in clause.caveats or ():
        yield f"Every message carries the caveat: {caveat.label}."
    for condition in clause.conditions or ():
        yield f"Condition of the processing: {condition}"
    yield _ONWARD[clause.onward].format(sender=sender, recipient=recipient, agencies=_join(clause.onward_agencies))
    yield f"At most {clause.daily_quota} messages a day, each of at most {clause.max_bytes} bytes sealed."
    yield f"Attachments are {'allowed' if clause.attachments else 'not allowed'}."
    for deadline in clause.answer_within:
        urgency = deadline.urgency.label.lower()
        yield f"A message of the urgency “{urgency}” is answered within {_spell_minutes(deadline.minutes)}."
    yield f"{recipient} erases it {clause.retention_days} days after it came."
    yield f"The proofs of it, without its content, are kept for {clause.evidence_days} days."
    if clause.receipts:
        yield f"{recipient} signs receipts: {_join(receipt.value for receipt in clause.receipts)}."


_UNITS = {
    "notice_days": "days",
    "retention_days": "days",
    "evidence_days": "days",
    "max_bytes": "bytes",
    "daily_quota": "messages a day",
}


def _spell(value: object) -> str:
    for kind, words in _BY_TYPE.items():
        if isinstance(value, kind):
            return words(value)
    return str(value)


def _spell_bool(value: bool) -> str:
    return "allowed" if value else "not allowed"


def _spell_members(value: WireModel) -> str:
    return ", ".join(f"{name} {_spell(item)}" for name, item in value if item is not None)


def _spell_minutes(minutes: int) -> str:
    for size, unit in ((24 * 60, "day"), (60, "hour")):
        if minutes % size == 0:
            count = minutes // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{minutes} minutes"


def _spell_party(party: Party) -> str:
    return f"{party.agency} with the anchor {format_anchor_words(party.anchor)}"


def _join(items: Iterable[str]) -> str:
    return ", ".join(items)


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]


_BY_TYPE: Mapping[type, Callable[..., str]] = {
    type(None): lambda _: "",
    bool: _spell_bool,
    CodedValue: lambda value: str(value.label),
    datetime: lambda value: (
        f"{value:%Y-%m-%d}" if value.time() == datetime.min.time() else f"{value:%Y-%m-%d %H:%M} UTC"
    ),
    tuple: lambda value: "; ".join(map(_spell, value)),
    Party: _spell_party,
    DutyDesk: lambda desk: f"{desk.agency}: {desk.name}, {desk.phone}" + (f", {desk.email}" if desk.email else ""),
    Signatory: lambda who: f"{who.agency}: {who.name}, {who.office}",
    AnswerDeadline: lambda deadline: f"{deadline.urgency.label} within {_spell_minutes(deadline.minutes)}",
    TransferGround: lambda ground: f"{ground.kind.value}: {ground.reference}",
    WireModel: _spell_members,
}
