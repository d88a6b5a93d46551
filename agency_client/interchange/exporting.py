"""Write a message's alert into a file for the agency's own tools: by reason, on record, with every mark it has here.

The file is new and private. What may not leave the eyes of the people it was sent to (TLP:RED, victims) has no such
file; what the format does not hold is named, never dropped in silence.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agency_client.errors import ConflictError, DeniedError
from agency_client.interchange.misp import Origin, make_event
from agency_client.interchange.stix import make_bundle
from agency_client.interchange.tables.writing import make_table
from agency_client.node import Node
from agency_client.profiles.private_files import write_private_file
from agency_client.reading.messages import ReadMessage, ReadOwnMessage, read_message
from schemas.alerts.base import Alert
from schemas.codec import encode_canonical
from schemas.coded import CodedValue
from schemas.envelope import SAFEGUARDING_KIND
from schemas.markings import Tlp


class Format(CodedValue):
    """What other tools read."""

    STIX = "stix", "STIX 2.1 bundle"
    MISP = "misp", "MISP event"
    CSV = "csv", "table"


_MAKERS: Mapping[Format, Callable[[Alert, Origin], bytes]] = {
    Format.STIX: lambda alert, origin: encode_canonical(make_bundle(alert, origin)),
    Format.MISP: lambda alert, origin: encode_canonical(make_event(alert, origin)),
    Format.CSV: make_table,
}


class NoFileError(DeniedError):
    """What the message is may not lie in a file for tools."""

    default_code = "no-file-for-tools"


@dataclass(frozen=True, slots=True)
class NotCarried:
    """Something of the message that the file does not hold."""

    field: str
    why: str


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written."""

    path: Path
    format: CodedValue
    marks: tuple[str, ...]
    not_carried: tuple[NotCarried, ...]


def export_alert(
    node: Node, path: Path, message_id: str, format_: Format, *, reason: str, case: str | None = None
) -> Written:
    """Write a message, received or own, into a new file of mode 0600 in another format.

    Raises:
        NotFoundError, NotShownError, VerificationFailedError: as `agency_client.reading.messages.read_message`.
        NoFileError: it was taken back, is for named people only, or about victims.
        ConflictError: something lies there already.
    """
    found = read_for_file(node, path, message_id, reason=reason, case=case)
    alert = found.alert if found.corrected is None else found.corrected.alert
    origin = describe_origin(node, found)
    write_new_file(path, _MAKERS[format_](alert, origin))
    return Written(path, format_, origin.marks, tuple(list_not_carried(alert)))


def read_for_file(
    node: Node, path: Path, message_id: str, *, reason: str, case: str | None
) -> ReadMessage | ReadOwnMessage:
    """Return a message that may lie in a file, if nothing lies at `path`; the reading is on record.

    Raises:
        as `export_alert`.
    """
    if path.exists() or path.is_symlink():
        raise _refuse_overwriting(path)
    found = read_message(node, message_id, reason=reason, case=case, verb="export")
    _demand_allowed(found)
    return found


def write_new_file(path: Path, data: bytes) -> None:
    """Write a new file of mode 0600.

    Raises:
        ConflictError: something lies there already.
    """
    try:
        write_private_file(path, data)
    except FileExistsError as error:
        raise _refuse_overwriting(path) from error


def describe_origin(node: Node, found: ReadMessage | ReadOwnMessage) -> Origin:
    """Return whose message it is, and the marks that stand beside it here."""
    is_own = isinstance(found, ReadOwnMessage)
    header = found.message.header
    return Origin(
        message_id=header.id,
        digest=found.stored.digest,
        sender=node.agency if is_own else header.sender.agency,
        sent_at=header.issued_at,
        marking=header.routing.marking,
        marks=found.standing.words,
    )


def list_not_carried(alert: Alert) -> list[NotCarried]:
    """Return what no such file holds: the files that came with the message."""
    why = "a file of its own: agency attachments save"
    return [NotCarried(f"attachments.{place}", why) for place, _ in enumerate(alert.attachments)]


def _demand_allowed(found: ReadMessage | ReadOwnMessage) -> None:
    if found.alert.kind == SAFEGUARDING_KIND:
        raise NoFileError("what is said of victims is read by safeguarding officers and lies in no other tool")
    if found.standing.is_withdrawn or found.standing.is_to_be_erased:
        raise NoFileError("the message was taken back")
    if found.message.header.routing.marking is Tlp.RED:
        raise NoFileError("TLP:RED is for the eyes of named people: there is no file of it for tools")


def _refuse_overwriting(path: Path) -> ConflictError:
    return ConflictError(f"{path} exists already", fix="name another file with --out", code="file-exists")
