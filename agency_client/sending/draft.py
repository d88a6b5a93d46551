"""What somebody wants to send: the alert as written, to whom, why, and how marked. Nothing of it is judged yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agency_client.attachments.attaching import AttachedFile, ChosenFile, attach_files
from agency_client.errors import UsageError
from schemas.alerts import Alert, kind_of, parse_alert
from schemas.alerts.confidential import find_identifying_text, find_identifying_words
from schemas.alerts.header_rules import verify_urgency_reason
from schemas.alerts.registry import AlertError, FieldProblem, InvalidAlertError
from schemas.alerts.special import find_undeclared
from schemas.codec import CodecError
from schemas.envelope import MAX_DELIVERY_DAYS
from schemas.markings import Purpose, Tlp, Urgency
from schemas.wording import with_article

DELIVERY_DAYS = 10


class AlertRefusedError(UsageError):
    """The alert is not what its kind demands; `problems` names each field, what is wrong, and an example."""

    default_code = "alert-invalid"

    def __init__(
        self, sentence: str, *, fix: str = "", code: str = "", problems: tuple[FieldProblem, ...] = ()
    ) -> None:
        super().__init__(sentence, fix=fix, code=code)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Draft:
    """One alert to send. `reason` and `case` stand in the agency's own access log and never leave it.

    `alert` is the alert's members as on the wire, unverified; a `thread` is drawn where it has none. `recipients` are
    agencies; `to_every_partner` means everyone that an agreement in force allows. Kinds that follow a message up go to
    who has that message, named by the alert's `in_reply_to`, and need neither. `agreement` is the id or digest of an
    agreement (or its beginning) to use and no other. `delivery_days` is how long the exchange may try.
    `old_status_override`: why it goes although a partner's newest status is too old; for a threat to life only.
    `quality`: the officer's words for what the quality check may find doubtful, by the doubt's code. `attachments` are
    files that go with it; the alert may speak of one as `file:NAME` where an attachment's id stands. `identity` is what
    it is known again by (`agency_client.sending.once`); a draft that has one is sent once.
    """

    alert: Mapping[str, Any]
    purpose: Purpose
    necessity: str
    reason: str
    recipients: tuple[str, ...] = ()
    to_every_partner: bool = False
    marking: Tlp = Tlp.AMBER
    urgency: Urgency = Urgency.ROUTINE
    agreement: str | None = None
    case: str | None = None
    delivery_days: int = DELIVERY_DAYS
    old_status_override: str | None = None
    quality: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[AttachedFile, ...] = ()
    identity: str | None = None


def read_draft_alert(draft: Draft, *, fresh_thread: str, files: Sequence[ChosenFile] = ()) -> Alert:
    """Return the draft's alert, checked as its kind, in the thread it names or else in a fresh one.

    `files` are the draft's attachments, looked at.

    Raises:
        AlertRefusedError: fields are wrong, each is named with an example; or it names attachments without a file, or
            has some and follows a message up, or holds special
            categories of data that it does not declare, or is confidential and seems to name somebody.
        UsageError: necessity, reason or delivery days are missing or out of bounds; or an old status is overridden
            for less than a threat to life.
    """
    for name, text in (("necessity", draft.necessity), ("reason", draft.reason)):
        if not text.strip():
            raise UsageError(f"{name} is missing: every sending says why", fix=f"give it with --{name}")
    _verify_override(draft)
    if not 1 <= draft.delivery_days <= MAX_DELIVERY_DAYS:
        raise UsageError(f"delivery days: 1 to {MAX_DELIVERY_DAYS} may be asked for, not {draft.delivery_days}")
    try:
        alert = parse_alert({"thread": fresh_thread, **attach_files(draft.alert, files)})
        verify_urgency_reason(alert, draft.urgency)
    except InvalidAlertError as error:
        kind = draft.alert.get("kind", "KIND")
        fix = f"correct it; a filled example: agency send --template {kind}"
        raise AlertRefusedError(str(error), fix=fix, code=error.code, problems=error.problems) from error
    except (AlertError, CodecError) as error:
        raise AlertRefusedError(str(error), code=error.code) from error
    _verify_special_categories(alert)
    _verify_nobody_named(alert, draft.necessity)
    _verify_attached(alert, files)
    return alert


def _verify_attached(alert: Alert, files: Sequence[ChosenFile]) -> None:
    """Verify that every attachment has its file, and that an agreement limits what goes."""
    ids = {file.id for file in files}
    missing = ", ".join(note.caption for note in alert.attachments if note.id not in ids)
    if missing:
        raise AlertRefusedError(
            f"attachments: no file was given for: {missing}",
            fix='add --attach FILE for each, and name it "file:FILE" where its id stands; or leave the note out',
            code="attachments-refused",
        )
    if files and kind_of(alert.kind).is_aftercare:
        raise AlertRefusedError(
            f"attachments: {with_article(alert.kind)} follows another message up and carries none",
            fix="send the files with a message of their own",
            code="attachments-refused",
        )


def _verify_special_categories(alert: Alert) -> None:
    undeclared = find_undeclared(alert)
    if undeclared:
        raise AlertRefusedError(
            "; ".join(str(problem) for problem in undeclared),
            fix="declare special_categories with why they are strictly necessary, or leave such data out",
            code="special-category-undeclared",
            problems=undeclared,
        )


def _verify_nobody_named(alert: Alert, necessity: str) -> None:
    """Verify of a confidential kind that no identifier of anybody seems to stand in its words."""
    if not kind_of(alert.kind).is_confidential:
        return
    in_necessity = find_identifying_text(necessity)
    found = [*find_identifying_words(alert), *([("necessity", in_necessity)] if in_necessity else [])]
    if found:
        problems = tuple(FieldProblem(field, problem, None) for field, problem in found)
        raise AlertRefusedError(
            "; ".join(str(problem) for problem in problems),
            fix="a confidential message names nobody: leave the number, address or date out",
            code="identifier-in-words",
            problems=problems,
        )


def _verify_override(draft: Draft) -> None:
    if draft.old_status_override is None:
        return
    if draft.urgency is not Urgency.THREAT_TO_LIFE:
        raise UsageError(
            f"an old status is overridden for a threat to life only; the urgency here is {draft.urgency.value}",
            fix="leave out --override-old-status, and ask the partner's duty desk for its status: agency partners",
            code="override-not-allowed",
        )
    if not draft.old_status_override.strip():
        raise UsageError("the override gives no reason", fix="say why: --override-old-status REASON")
