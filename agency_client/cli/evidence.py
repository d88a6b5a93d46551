"""Notes shown past the exchange (`agency trust checkpoint`, `compare`), and proofs (`evidence`, there and in audit)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Tone

if TYPE_CHECKING:
    from agency_client.node import Node
    from schemas.key_documents import ExchangeSheet

Out = Annotated[Path, typer.Option("--out", "-o", help="The new file; nothing is overwritten.", show_default=False)]
MAX_NOTE_FILE_BYTES = 128 * 1024


def write_checkpoint(
    context: typer.Context,
    out: Out,
    size: Annotated[int | None, typer.Option(min=1, help="The note of exactly so many leaves.")] = None,
) -> None:
    """Write the newest note of the log that this node was shown, to hand to a partner past the exchange.

    \b
    Examples:
      agency trust checkpoint -o gb-note.txt
      agency trust checkpoint --size 1240 -o gb-note-1240.txt
    """
    from agency_client.node import Node
    from agency_client.profiles.public_files import write_new_file
    from agency_client.witness.comparing import export_note

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        note = export_note(node, size)
    write_new_file(out, note.encode())
    origin, leaves, root = note.splitlines()[:3]
    invocation.output.say(f"{out}: {origin}, {int(leaves):,} leaves. Hand it to the partner by another way.")
    invocation.output.write_json({"file": out, "origin": origin, "size": int(leaves), "root": root})


def compare_checkpoint(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A note that a partner wrote: agency trust checkpoint.")],
) -> None:
    """Compare a partner's note with the log as it is shown here. Ends with 6 if it is another log, or hidden here.

    A note that contradicts is the proof that the exchange shows two histories: it is kept, and nothing is sent any
    more.

    \b
    Example:
      agency trust compare vn-note.txt
    """
    from agency_client.node import Node
    from agency_client.terminal.exit_codes import ExitCode
    from agency_client.witness.comparing import Comparison, compare_note

    invocation = get_invocation(context)
    note = _read_text_file(file)
    with Node(invocation.open_profile(), invocation.clock) as node:
        found = compare_note(node, note)
    fits = found.comparison is Comparison.FITS
    invocation.output.say(found.sentence if fits else f"ALARM {found.sentence}", Tone.GOOD if fits else Tone.BAD)
    invocation.output.write_json({"comparison": found.comparison, "size": found.size, "sentence": found.sentence})
    if not fits:
        raise typer.Exit(ExitCode.VERIFICATION_FAILED)


def write_evidence(
    context: typer.Context,
    number: Annotated[int, typer.Argument(min=1, help="The proof's number: agency trust contradictions.")],
    out: Out,
) -> None:
    """Write a proof that somebody said two things into one file, for anybody to check without us and the exchange.

    \b
    Examples:
      agency trust evidence 1 -o evidence.json
      agency audit evidence evidence.json --exchange exchange.json
    """
    from agency_client.audit.evidence import check_evidence
    from agency_client.node import Node
    from agency_client.profiles.public_files import write_new_file
    from agency_client.witness.comparing import make_evidence

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        file = make_evidence(node, number)
        sheet = _choose_sheet(node, file.signer)
    verdict = check_evidence(file, sheet)
    write_new_file(out, file.canonical())
    for sentence in verdict.sentences:
        invocation.output.show_line(sentence, Tone.BAD)
    invocation.output.say(f"{out} proves it to whoever has the exchange's sheet: agency audit evidence {out}")
    invocation.output.write_json({"file": out, "signer": verdict.signer, "sentences": verdict.sentences})


def check_evidence_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="What `agency trust evidence` wrote.", show_default=False)],
    exchange: Annotated[
        Path | None, typer.Option(help="The exchange's sheet, for who has no profile; compare its anchor.")
    ] = None,
    anchor: Annotated[str | None, typer.Option(help="The exchange's anchor from paper: words or hexadecimal.")] = None,
) -> None:
    """Check a proof that somebody said two things, offline, and say what it proves. It needs no profile.

    \b
    Examples:
      agency audit evidence evidence.json --exchange exchange.json --anchor "abandon ability able …"
      agency audit evidence evidence.json
    """
    from agency_client.audit.evidence import MAX_EVIDENCE_BYTES, EvidenceError, EvidenceFile, check_evidence
    from agency_client.profiles.public_files import read_foreign_file
    from schemas.codec import CodecError
    from schemas.key_documents import compute_exchange_anchor

    invocation = get_invocation(context)
    try:
        found = EvidenceFile.from_canonical(read_foreign_file(file), max_bytes=MAX_EVIDENCE_BYTES)
    except CodecError as error:
        raise EvidenceError(f"{file} is no evidence of this form: {error}") from error
    sheet = _load_sheet(invocation, exchange, anchor, found.signer)
    verdict = check_evidence(found, sheet)
    for sentence in verdict.sentences:
        invocation.output.show_line(sentence, Tone.BAD)
    invocation.output.say(f"this holds against {verdict.signer}", Tone.GOOD)
    if exchange is not None and anchor is None:
        _show_anchor(invocation, sheet.name, compute_exchange_anchor(sheet))
    if verdict.anchor is not None:
        _show_anchor(invocation, verdict.signer, verdict.anchor)
    invocation.output.write_json(
        {
            "holds": True,
            "kind": found.kind,
            "signer": verdict.signer,
            "sentences": verdict.sentences,
            "anchor": verdict.anchor,
            "exchange_anchor": compute_exchange_anchor(sheet),
        }
    )


def _load_sheet(invocation: Invocation, exchange: Path | None, anchor: str | None, signer: str) -> "ExchangeSheet":
    from agency_client.node import Node
    from agency_client.profiles.joining import accept_sheet, read_exchange_sheet

    if exchange is None:
        with Node(invocation.open_profile(), invocation.clock) as node:
            return _choose_sheet(node, signer)
    sheet = read_exchange_sheet(exchange)
    return sheet if anchor is None else accept_sheet(sheet, anchor).sheet


def _choose_sheet(node: "Node", signer: str) -> "ExchangeSheet":
    """Return the sheet of the log that signed, an earlier epoch's too; for what an agency signed, the present one."""
    from agency_client.epochs.sheets import load_sheet
    from agency_client.local_store.trust import load_exchange

    with node.store.read() as snapshot:
        return load_sheet(snapshot, signer) if load_exchange(snapshot, signer) is not None else node.sheet


def _show_anchor(invocation: Invocation, name: str, anchor: str) -> None:
    from agency_client.cli.ceremony import show_anchor

    invocation.output.say(f"It holds if this is the anchor of {name} on paper:", Tone.CAUTION)
    show_anchor(invocation, f"anchor of {name}", anchor)


def _read_text_file(file: Path) -> str:
    from agency_client.errors import UsageError

    with file.open("rb") as opened:
        data = opened.read(MAX_NOTE_FILE_BYTES + 1)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no text", fix="name the file that the partner wrote") from error
    if len(data) > MAX_NOTE_FILE_BYTES:
        raise UsageError(f"{file} is larger than any note", fix="name the file that the partner wrote")
    return text
