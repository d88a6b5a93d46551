"""What stands in a report beside the alert's own sheet: whose it is, what became of it, what came with it. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from agency_client.aftercare.changing import ChangedField
from agency_client.attachments.listing import AttachmentLine
from agency_client.challenges.rules import CHALLENGED, Disputed
from agency_client.interchange.report.facts import ReportFacts
from agency_client.languages.runs import NOTHING, Text, exact, fill, foreign, join, say
from agency_client.languages.words import Words
from agency_client.reading.sheet import Line, split_lines
from agency_client.terminal.aftercare_pages import name_subject
from agency_client.terminal.attachment_pages import spell_size
from agency_client.terminal.moments import spell_moment
from schemas.alerts.coded import RestrictedUse
from schemas.alerts.registry import kind_of

_KEY_CHARACTERS = 8
_LIST = "{first}, {next}"


@dataclass(frozen=True, slots=True)
class Notice:
    """What must not be overlooked: the mark in a word, and what it means."""

    mark: Text
    text: Text


Row = tuple[Text, ...]


def list_marks(facts: ReportFacts) -> tuple[str, ...]:
    """Return the marks of the message in the English of the code, those of lists first."""
    is_disputed = facts.provenance is not None and facts.provenance.is_disputed
    others = (
        ("DISPUTED", is_disputed),
        ("VOIDED", facts.is_voided),
        ("not yet witnessed", not facts.is_witnessed),
        ("PASSED ON", facts.origin is not None),
    )
    return (*facts.standing.words, *(mark for mark, is_so in others if is_so))


def list_notices(facts: ReportFacts, words: Words) -> list[Notice]:
    """Return what stands above the page of a message that something became of."""
    return [Notice(say(words, mark), text) for mark, text in _list_notices(facts, words)]


def list_header(facts: ReportFacts, words: Words) -> Iterator[Line]:
    """Give the labelled lines that say whose message it is, to whom, why, and under what."""
    for label, text in _list_header(facts, words):
        yield Line(words.say(label), text)
    for label, prose in (("necessity", facts.sent.necessity), ("because", facts.alert.urgency_reason)):
        if prose:
            yield from split_lines(words.say(label), prose)


def list_checks(facts: ReportFacts, words: Words) -> Iterator[Line]:
    """Give what was checked of the content: by its sender, and by this node."""
    quality = facts.alert.quality
    if quality is not None:
        when = exact(spell_moment(quality.checked_at))
        yield Line("", fill(words, "Checked by its sender on {date}", date=when))
        for answer in quality.answered:
            doubt = fill(words, "The sender on “{doubt}”", doubt=say(words, answer.code.label))
            yield Line("", _label(words, _add_field(words, doubt, answer.field), NOTHING))
            yield from split_lines("", answer.words)
    for open_doubt in () if facts.told is None else facts.told.doubts:
        label = _add_field(words, say(words, "Doubtful, and its sender says nothing to it"), open_doubt.field)
        yield Line("", _label(words, label, say(words, open_doubt.code.label)))
    for problem in () if facts.told is None else facts.told.undeclared:
        yield Line("", _label(words, say(words, "Not declared by its sender"), foreign(problem.problem)))
    for beyond in facts.applied.beyond:
        yield Line("", _label(words, say(words, "beyond the agreement"), foreign(beyond.sentence)))


def list_attachment_rows(lines: Iterable[AttachmentLine], words: Words) -> list[Row]:
    """Return a row for each attachment: caption, marking, name, type, size, digest."""
    return [
        (
            foreign(line.caption),
            NOTHING if line.marking is None else say(words, line.marking.label),
            foreign(line.name) if line.place else say(words, "only named: it did not travel with the message"),
            foreign(line.media_type) if line.place else NOTHING,
            exact(spell_size(line.size)) if line.place else NOTHING,
            exact(line.sha256) if line.place else exact(line.id),
        )
        for line in lines
    ]


def list_change_rows(changes: Iterable[ChangedField], words: Words) -> list[Row]:
    """Return a row for each corrected field: what it said, what it says now, by whom, why it was not applied."""
    return [
        (
            exact(change.field),
            foreign(change.was) if change.was else say(words, "nothing"),
            foreign(change.now) if change.now else say(words, "taken away"),
            join(words, _LIST, [exact(change.author), exact(spell_moment(change.said_at))]),
            foreign(change.misfit) if change.misfit else NOTHING,
        )
        for change in changes
    ]


def list_reference(facts: ReportFacts, words: Words) -> list[Line]:
    """Return what the code says, for who compares it by eye."""
    return [
        Line(words.say("message"), exact(facts.sent.message_id)),
        Line(words.say("digest"), exact(facts.sent.digest)),
    ]


def _list_header(facts: ReportFacts, words: Words) -> Iterator[tuple[str, Text]]:
    sent, alert, is_own = facts.sent, facts.alert, facts.provenance is None
    yield "from", exact(sent.sender)
    if sent.recipients:
        yield "to", join(words, _LIST, [exact(agency) for agency in sent.recipients])
    yield "sent", exact(spell_moment(sent.sent_at))
    yield from _list_verified(facts, words)
    yield "kind", say(words, kind_of(alert.kind).label)
    yield "urgency", say(words, sent.urgency.label)
    if alert.reply_due is not None:
        yield "answer due", exact(spell_moment(alert.reply_due))
    yield "purpose", say(words, sent.purpose.label)
    for label, reference in (("in reply to", alert.in_reply_to), ("takes the place of", alert.supersedes)):
        if reference is not None:
            yield label, fill(words, "message {id}", id=exact(reference.id))
    yield "unit, officer", join(words, _LIST, [foreign(alert.unit), foreign(alert.officer)])
    ours, theirs = ("our reference", "their reference") if is_own else ("their reference", "our reference")
    for label, number in ((ours, alert.own_reference), (theirs, alert.partner_reference)):
        if number is not None:
            yield label, foreign(number)
    yield "thread", exact(alert.thread)


def _list_verified(facts: ReportFacts, words: Words) -> Iterator[tuple[str, Text]]:
    seen = facts.provenance
    if seen is None:
        return
    agreement = {"title": foreign(seen.agreement), "version": exact(seen.version)}
    yield "agreement", fill(words, "{title}, version {version}", **agreement)
    keys = join(words, _LIST, [exact(kid[:_KEY_CHARACTERS]) for kid in seen.kids])
    signed = {"agency": exact(seen.sender), "number": exact(seen.key_set), "keys": keys}
    yield "verified by", fill(words, "{agency}, key set {number}, keys {keys}", **signed)
    yield "place in the log", join(words, _LIST, [exact(seen.leaf_index), exact(spell_moment(seen.accepted_at))])


def _list_notices(facts: ReportFacts, words: Words) -> Iterator[tuple[str, Text]]:
    standing = facts.standing
    yield from _list_disputes(standing.disputed, words)
    if facts.provenance is not None and facts.provenance.is_disputed:
        said = "The sender has revoked the key that signed it, from an earlier moment: it may be somebody else's"
        yield "DISPUTED", say(words, said)
    if facts.is_voided:
        said = "The sender holds that it never arrived, and may have sent another in its place"
        yield "VOIDED", say(words, said)
    if standing.is_withdrawn:
        yield "withdrawn", say(words, "The sender took the message back")
    if standing.allowed_uses is not None:
        uses = [say(words, use.label) for use in RestrictedUse if use in standing.allowed_uses]
        allowed = join(words, _LIST, uses) or say(words, "nothing")
        yield "restricted", fill(words, "Restricted: kept, and used for nothing but: {uses}", uses=allowed)
    for path in standing.victims:
        name = foreign(name_subject(facts.original, path))
        yield (
            "VICTIM OF MISUSED IDENTITY",
            fill(words, "{name} is a victim of a misused identity: never a hit", name=name),
        )
    for breach in standing.breaches:
        told = {"agency": exact(breach.author), "date": _date(breach.said_at)}
        yield "breach", fill(words, "{agency} told of a breach on {date}: read its notice, and answer it", **told)
    if standing.corrections:
        said = "Corrected: the page says what holds now; what was said before stands under Corrections"
        yield "corrected", say(words, said)
    if not facts.is_witnessed:
        said = "Only this agency and the exchange have seen its place in the log so far"
        yield "not yet witnessed", say(words, said)
    yield from _list_origin(facts, words)


def _list_disputes(disputed: Disputed, words: Words) -> Iterator[tuple[str, Text]]:
    for challenge in disputed.challenges:
        lodger = exact(challenge.lodger)
        behalf = [foreign(challenge.on_behalf_of)] if challenge.on_behalf_of else []
        yield (
            CHALLENGED,
            fill(
                words,
                "CHALLENGED by {agency} on {date}: {ground}. Nobody is to be held on this report alone",
                agency=join(words, _LIST, [lodger, *behalf]),
                date=exact(challenge.lodged_on),
                ground=say(words, challenge.ground.label),
            ),
        )
    if disputed.told is not None:
        mark = next(iter(disputed.words), CHALLENGED)
        told = {"date": _date(disputed.told.said_at), "state": say(words, disputed.told.state.label)}
        yield mark, fill(words, "The issuing state says on {date}: {state}", **told)


def _list_origin(facts: ReportFacts, words: Words) -> Iterator[tuple[str, Text]]:
    origin = facts.origin
    if origin is None:
        return
    agency = exact(origin.originator)
    said = "The text is that of {agency}, to the letter; it came by way of {path}"
    path = join(words, _LIST, [exact(step) for step in (*origin.path, origin.recipient)])
    yield "PASSED ON", fill(words, said, agency=agency, path=path)
    if origin.decision is not None and origin.decision.conditions is not None:
        label = fill(words, "condition of {agency}", agency=agency)
        yield "PASSED ON", _label(words, label, foreign(origin.decision.conditions))


def _label(words: Words, label: Text, text: Text) -> Text:
    return fill(words, "{label}: {text}", label=label, text=text)


def _add_field(words: Words, label: Text, field: str | None) -> Text:
    return join(words, _LIST, [label, exact(field)]) if field else label


def _date(moment: datetime | date) -> Text:
    return exact(f"{moment:%Y-%m-%d}")
