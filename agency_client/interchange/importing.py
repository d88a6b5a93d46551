"""Begin an alert from a file of other tools: our own exports to the letter, others' as far as a kind has places.

What another agency sent is not imported: it is passed on, under its rules.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from agency_client.errors import ConflictError, DeniedError, UsageError
from agency_client.interchange.exporting import Format
from agency_client.interchange.foreign import ForeignFile, ForeignFileError, read_misp, read_stix
from agency_client.interchange.leaves import LeafError, build_wire
from agency_client.interchange.placing import SLOTS, Draft, place
from agency_client.local_store.access_log import append_entry
from agency_client.node import Node
from agency_client.profiles.private_files import write_private_file
from agency_client.profiles.public_files import read_foreign_file
from schemas.codec import CodecError, encode_canonical
from schemas.envelope import SAFEGUARDING_KIND
from schemas.log.records import Action

_READERS: Mapping[Format, Callable[[bytes], ForeignFile]] = {Format.STIX: read_stix, Format.MISP: read_misp}
_OF_THE_OLD_MESSAGE = ("thread", "in_reply_to", "supersedes", "quality", "attachments")


class ForeignOriginError(DeniedError):
    """The file was made of a message that another agency sent."""

    default_code = "foreign-origin"


def import_file(
    node: Node, file: Path, out: Path, format_: Format, *, kind: str, reason: str, case: str | None = None
) -> Draft:
    """Write the beginning of an alert from a foreign file into a new private file; that it was taken in is on record.

    Raises:
        UsageError, ForeignOriginError: as `begin_alert`.
        ConflictError: something lies there already.
    """
    if format_ not in _READERS:
        raise UsageError(f"a {format_.label} begins no single alert", fix="give its columns with --map FILE.toml")
    draft = begin_alert(read_foreign_file(file), format_, kind=kind, agency=node.agency)
    with node.store.write() as transaction:
        append_entry(transaction, node.note_access(Action.COLLECTION, "import", reason, case=case))
    try:
        write_private_file(out, encode_canonical(draft.alert))
    except FileExistsError as error:
        raise ConflictError(f"{out} exists already", fix="name another file with --out", code="file-exists") from error
    return draft


def begin_alert(unverified_data: bytes, format_: Format, *, kind: str, agency: str) -> Draft:
    """Return the beginning of an alert of `agency` from a file: to be completed, then sent like any other.

    Raises:
        UsageError: the file is not of this format, or the kind takes nothing from such files.
        ForeignOriginError: it was made of another agency's message.
    """
    try:
        file = _READERS[format_](unverified_data)
        if file.leaves:
            return _take_back(file, agency)
    except (ForeignFileError, LeafError, CodecError) as error:
        raise UsageError(
            f"the file is no {format_.label} to begin an alert with: {error}", code="foreign-file"
        ) from error
    if kind not in SLOTS:
        raise UsageError(f"{kind} takes nothing from such files", fix=f"the kinds that do: {', '.join(SLOTS)}")
    return place(file, kind)


def _take_back(file: ForeignFile, agency: str) -> Draft:
    if file.origin != agency:
        raise ForeignOriginError(
            "the file was made of a message that another agency sent",
            fix="pass the message itself on: agency pass-on --help",
        )
    alert = build_wire(file.leaves)
    if alert.get("kind") == SAFEGUARDING_KIND:
        raise UsageError("what is said of victims is not taken from files of other tools")
    encode_canonical(alert)  # What could not be written is refused before anything is.
    files = set(_list_files(alert.get("attachments")))
    for name in _OF_THE_OLD_MESSAGE:
        alert.pop(name, None)
    refused = [(f"attachments {item}", "attach the file itself: agency send --attach") for item in sorted(files)]
    return Draft(_without(alert, files), tuple(file.leaves), tuple(refused))


def _list_files(notes: Any) -> Iterator[str]:
    for note in notes if isinstance(notes, list) else ():
        if isinstance(note, dict) and isinstance(note.get("id"), str):
            yield note["id"]


def _without(value: Any, gone: set[str]) -> Any:
    """Return a value without what speaks of files that are not there."""
    if isinstance(value, dict):
        members = {name: _without(item, gone) for name, item in value.items() if not _speaks_of(item, gone)}
        return {name: item for name, item in members.items() if item not in ({}, [])}
    if isinstance(value, list):
        return [kept for item in value if not _speaks_of(item, gone) and (kept := _without(item, gone)) not in ({}, [])]
    return value


def _speaks_of(value: Any, gone: set[str]) -> bool:
    if isinstance(value, dict):
        return isinstance(value.get("attachment"), str) and value["attachment"] in gone
    return isinstance(value, str) and value in gone
