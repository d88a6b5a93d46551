"""`agency ceremony`: make an agency's roots and sign key sets with them, on a machine that is not connected."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.invocation import Invocation, get_invocation

if TYPE_CHECKING:
    from agency_client.own_keys.ceremony import RootsSheet

PassphraseFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--root-passphrase-file", help="A private file with a root's passphrase; once for each root, in their order."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    group = typer.Typer(
        help="Make roots and sign key sets with them, offline.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("roots")(_make_roots)
    group.command("sign")(_sign)
    group.command("show")(_show)
    group.command("change")(_change)
    group.command("sheet")(_sheet)
    group.command("retype")(_retype)
    group.command("passphrase")(_passphrase)
    app.add_typer(group, name="ceremony")


def _make_roots(
    context: typer.Context,
    agency: Annotated[str, typer.Option(help="The agency's id at the exchange, like GB.")],
    out: Annotated[Path, typer.Option(help="A new folder on media that you can take away.")],
    roots: Annotated[int, typer.Option(min=1, max=9, help="How many roots to make.")] = 3,
    threshold: Annotated[int, typer.Option(min=1, max=9, help="How many of them must sign.")] = 2,
    first_number: Annotated[int, typer.Option(min=1, max=90, help="The number of the first file.")] = 1,
    root_passphrase_file: PassphraseFiles = None,
) -> None:
    """Draw an agency's roots, each into a file under its holder's own passphrase.

    Writes AGENCY-root-1.key and so on, AGENCY-roots.json (public), and AGENCY-anchor.txt: the page to print and to hand
    over to partners in person.

    \b
    Examples:
      agency ceremony roots --agency GB --out /media/usb/gb
      agency ceremony roots --agency GB --roots 3 --threshold 2 --out roots \\
          --root-passphrase-file p1 --root-passphrase-file p2 --root-passphrase-file p3
      agency ceremony roots --agency GB --roots 1 --threshold 1 --first-number 4 --out /media/usb/gb-4
    """
    from agency_client.own_keys.ceremony import make_ceremony
    from agency_client.profiles.profile import verify_outside_home
    from keys.anchors import format_anchor_words

    invocation = get_invocation(context)
    verify_outside_home(invocation.home, out)
    numbers = range(first_number, first_number + roots)
    names = [f"A new passphrase for root {number} of {agency}" for number in numbers]
    passphrases = _read_passphrases(invocation, names, root_passphrase_file, is_new=True)
    now = invocation.clock.now()
    sheet = make_ceremony(agency, out, passphrases, threshold=threshold, now=now, first_number=first_number)
    files = [f"{agency}-root-{number}.key" for number in numbers]
    invocation.output.show_details(
        [("agency", agency), ("roots", f"{threshold} of {roots}"), ("folder", str(out)), ("files", ", ".join(files))]
    )
    show_anchor(invocation, f"anchor of {agency}", sheet.anchor)
    words = format_anchor_words(sheet.anchor)
    invocation.output.write_json(
        {"agency": agency, "anchor": sheet.anchor, "words": words, "folder": str(out), "files": files}
    )
    invocation.output.say(f"Print {out / f'{agency}-anchor.txt'} and hand it to partners in person.")


def _sign(
    context: typer.Context,
    request: Annotated[Path, typer.Argument(help="The request, or one that some roots have signed.")],
    root: Annotated[list[Path], typer.Option(help="A root's file; once for each root that signs.")],
    out: Annotated[Path, typer.Option(help="Where to write the signed key set.")],
    old_roots: Annotated[
        Path | None, typer.Option(help="At a change of roots: AGENCY-roots.json of those before, to count them, too.")
    ] = None,
    root_passphrase_file: PassphraseFiles = None,
) -> None:
    """Sign a key set with roots. Roots that are not together sign one after the other, each the file of the one before.

    Where the roots change, enough of the old ones and enough of the new ones sign.

    \b
    Examples:
      agency ceremony sign GB-request-1.json --root GB-root-1.key --root GB-root-3.key --out GB-key-set-1.json
    Then:
      agency keys install GB-key-set-1.json
    """
    from agency_client.own_keys.ceremony import open_root, read_request, read_roots_sheet, sign_request
    from agency_client.profiles.public_files import write_new_file

    invocation = get_invocation(context)
    key_set, present = read_request(request)
    passphrases = _read_passphrases(invocation, [f"Passphrase of {path}" for path in root], root_passphrase_file)
    opened = [open_root(path, passphrase) for path, passphrase in zip(root, passphrases, strict=True)]
    old = None if old_roots is None else read_roots_sheet(old_roots)
    progress = sign_request(key_set, present, opened, old=old)
    write_new_file(out, progress.document.canonical())
    invocation.output.show_details(
        [
            ("agency", f"{key_set.agency} ({key_set.name})"),
            ("key set", str(key_set.seq)),
            ("valid", f"{key_set.issued_at:%Y-%m-%d} to {key_set.expires_at:%Y-%m-%d}"),
            ("signed by", f"{progress.signed} of its roots, {progress.needed} are needed"),
            *([("and by", f"{progress.old_signed} of the old roots, {progress.old_needed} are needed")] if old else []),
            ("file", str(out)),
        ]
    )
    counts = {"signed": progress.signed, "needed": progress.needed}
    if old is not None:
        counts |= {"old_signed": progress.old_signed, "old_needed": progress.old_needed}
    invocation.output.write_json({"agency": key_set.agency, "seq": key_set.seq, **counts, "file": out})
    if not progress.is_complete:
        invocation.output.say(f"Not enough yet: let another root sign {out}.")


def _show(
    context: typer.Context,
    roots: Annotated[Path, typer.Argument(help="AGENCY-roots.json of a ceremony.")],
) -> None:
    """Show the roots of a public sheet by their names, how many must sign, and the anchor they give.

    \b
    Example:
      agency ceremony show GB-roots.json
    """
    from agency_client.own_keys.ceremony import read_roots_sheet

    _tell_sheet(get_invocation(context), read_roots_sheet(roots), None)


def _change(
    context: typer.Context,
    roots: Annotated[Path, typer.Option(help="AGENCY-roots.json of the roots of now.")],
    out: Annotated[Path, typer.Option(help="Where to write the public sheet of the roots that follow.")],
    add: Annotated[list[Path] | None, typer.Option(help="AGENCY-roots.json of roots to add; may be repeated.")] = None,
    without: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A root to leave out, by the beginning of its name.")
    ] = None,
    threshold: Annotated[
        int | None, typer.Option(min=1, max=9, help="How many of them must sign; as before by default.")
    ] = None,
) -> None:
    """Put together the roots that follow: add one, leave one out, replace one, change how many must sign.

    It changes nothing by itself: the next key set is requested with this sheet, and signed by enough of the old roots
    and enough of the new ones. Partners follow by the log; what they pinned stays.

    \b
    Examples:
      agency ceremony change --roots GB-roots.json --without=Ab3xYz --add gb-4/GB-roots.json --out GB-roots-2.json
      agency ceremony change --roots GB-roots.json --threshold 3 --out GB-roots-2.json
    Then:
      agency keys request --roots GB-roots-2.json
    """
    from agency_client.own_keys.ceremony import change_roots, read_roots_sheet
    from agency_client.profiles.public_files import write_new_file

    invocation = get_invocation(context)
    added = [read_roots_sheet(path) for path in add or []]
    now = invocation.clock.now()
    sheet = change_roots(read_roots_sheet(roots), added, without or [], threshold=threshold, now=now)
    write_new_file(out, sheet.canonical())
    _tell_sheet(invocation, sheet, out)


def _sheet(
    context: typer.Context,
    roots: Annotated[Path | None, typer.Option(help="AGENCY-roots.json: the page with the anchor.")] = None,
    root: Annotated[Path | None, typer.Option(help="A root's file: its secret backup on paper.")] = None,
    html: Annotated[bool, typer.Option("--html", help="A page to print from a browser, without scripts.")] = False,
    out: Annotated[Path | None, typer.Option(help="A private file to write to; the terminal by default.")] = None,
    root_passphrase_file: PassphraseFiles = None,
) -> None:
    """Print a page with words and hexadecimal: the anchor for partners, or a root's backup for a safe.

    \b
    Examples:
      agency ceremony sheet --roots GB-roots.json --html --out GB-anchor.html
      agency ceremony sheet --root GB-root-1.key --out GB-root-1.txt
    """
    from agency_client.errors import UsageError
    from agency_client.own_keys.ceremony import make_anchor_sheet, read_root_file, read_roots_sheet
    from agency_client.own_keys.root_backup import make_root_sheet
    from agency_client.own_keys.sheets import format_html, format_text
    from agency_client.profiles.private_files import write_private_file
    from agency_client.profiles.profile import verify_outside_home

    invocation = get_invocation(context)
    if (roots is None) == (root is None):
        raise UsageError("say what to print", fix="either --roots AGENCY-roots.json or --root FILE")
    if roots is not None:
        page = make_anchor_sheet(read_roots_sheet(roots))
    else:
        assert root is not None  # noqa: S101 - one of the two was given
        (passphrase,) = _read_passphrases(invocation, [f"Passphrase of {root}"], root_passphrase_file)
        page = make_root_sheet(read_root_file(root, passphrase))
    text = format_html(page) if html else format_text(page)
    if out is None:
        invocation.output.show_line(text.rstrip("\n"))
    else:
        verify_outside_home(invocation.home, out.parent)
        write_private_file(out, text.encode())
    invocation.output.write_json({"file": out, "title": page.title})


def _retype(
    context: typer.Context,
    roots: Annotated[Path, typer.Option(help="AGENCY-roots.json of the ceremony: what is typed in must fit it.")],
    file: Annotated[Path | None, typer.Option(help="A file with what was typed in, instead of being asked.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="For a root: its file, made anew. Without it nothing is kept.")
    ] = None,
    number: Annotated[int, typer.Option(min=1, max=99, help="The number of the root in the new file.")] = 1,
    root_passphrase_file: PassphraseFiles = None,
) -> None:
    """Type a printed page in again, and learn whether it is right; one wrong word is named by its place.

    A root is typed in as two lines of 24 words (or 64 hexadecimal digits), an anchor as one.

    \b
    Examples:
      agency ceremony retype --roots GB-roots.json
      agency ceremony retype --roots GB-roots.json --out GB-root-1.key --number 1
    """
    from agency_client.own_keys.ceremony import read_roots_sheet

    invocation = get_invocation(context)
    sheet = read_roots_sheet(roots)
    typed = _read_typed(invocation, file)
    if _is_anchor(typed):
        _check_anchor(invocation, sheet, typed)
        return
    _restore(invocation, sheet, typed, number, out, root_passphrase_file)


def _passphrase(
    context: typer.Context,
    root: Annotated[Path, typer.Argument(help="A root's file.")],
    root_passphrase_file: PassphraseFiles = None,
    new_passphrase_file: Annotated[
        Path | None, typer.Option(help="A private file with the new passphrase, instead of being asked.")
    ] = None,
) -> None:
    """Seal a root's file under another passphrase. Copies made before still open with the old one: destroy them.

    \b
    Examples:
      agency ceremony passphrase GB-root-1.key
      agency ceremony passphrase GB-root-1.key --root-passphrase-file old --new-passphrase-file new
    """
    from agency_client.own_keys.ceremony import change_passphrase
    from agency_client.profiles.passphrases import read_passphrase_file

    invocation = get_invocation(context)
    (old,) = _read_passphrases(invocation, [f"Passphrase of {root}"], root_passphrase_file)
    if new_passphrase_file is not None:
        new = read_passphrase_file(new_passphrase_file)
    else:
        new = invocation.output.ask_secret(f"A new passphrase for {root}", instead="add --new-passphrase-file")
    changed = change_passphrase(root, old, new)
    invocation.output.say(f"root {changed.number} of {changed.agency} opens with the new passphrase")
    invocation.output.write_json({"agency": changed.agency, "number": changed.number, "file": root})


def _tell_sheet(invocation: Invocation, sheet: "RootsSheet", file: Path | None) -> None:
    names = [root.kids[0] for root in sheet.roots.keys]
    invocation.output.show_details(
        [
            ("agency", sheet.agency),
            ("roots", f"{sheet.roots.threshold} of {len(names)} must sign"),
            *(("root", name) for name in names),
            *([("file", str(file))] if file else []),
        ]
    )
    show_anchor(invocation, f"anchor of these roots of {sheet.agency}", sheet.anchor)
    invocation.output.write_json(
        {
            "agency": sheet.agency,
            "threshold": sheet.roots.threshold,
            "roots": names,
            "anchor": sheet.anchor,
            "file": file,
        }
    )


def _read_typed(invocation: Invocation, file: Path | None) -> str:
    from agency_client.profiles.public_files import read_foreign_text

    if file is not None:
        return read_foreign_text(file)
    instead = "add --file"
    first = invocation.output.ask_secret("The words of the page, or of a root's first half", instead=instead)
    second = invocation.output.ask_secret("The words of its second half; nothing for an anchor", instead=instead)
    return f"{first}\n{second}".strip()


def _is_anchor(typed: str) -> bool:
    from agency_client.own_keys.ceremony import read_anchor_page

    lines = [line for line in typed.splitlines() if line.strip()]
    return len(lines) == 1 or read_anchor_page(typed) is not None


def _check_anchor(invocation: Invocation, sheet: "RootsSheet", typed: str) -> None:
    from agency_client.errors import VerificationFailedError
    from agency_client.own_keys.ceremony import read_anchor_page
    from agency_client.own_keys.sheets import WORDS, list_different_words
    from keys.anchors import parse_anchor
    from keys.errors import AnchorError

    page = read_anchor_page(typed)
    if page is None and len(typed.split()) == WORDS and (wrong := list_different_words(typed, sheet.anchor)):
        places = ", ".join(map(str, wrong)) if len(wrong) < WORDS / 2 else "most"
        raise VerificationFailedError(f"these are not the words of {sheet.agency}: {places} of them differ")
    try:
        anchor = parse_anchor(typed) if page is None else page[1]
    except AnchorError as error:
        raise VerificationFailedError(str(error)) from error
    if anchor != sheet.anchor:
        raise VerificationFailedError(f"this is not the anchor of these roots of {sheet.agency}")
    invocation.output.say(f"this is the anchor of these roots of {sheet.agency}")
    invocation.output.write_json({"agency": sheet.agency, "anchor": anchor, "file": None})


def _restore(
    invocation: Invocation,
    sheet: "RootsSheet",
    typed: str,
    number: int,
    out: Path | None,
    root_passphrase_file: list[Path] | None,
) -> None:
    from agency_client.own_keys.root_backup import read_typed_halves, restore_root, write_root_file
    from agency_client.profiles.profile import verify_outside_home

    file = restore_root(read_typed_halves(typed), sheet, number, invocation.clock.now())
    if out is not None:
        verify_outside_home(invocation.home, out.parent)
        question = [f"A new passphrase for root {number} of {sheet.agency}"]
        (passphrase,) = _read_passphrases(invocation, question, root_passphrase_file)
        write_root_file(file, out, passphrase)
    invocation.output.say(f"this is a root of {sheet.agency}" + (f", sealed in {out}" if out else "; nothing was kept"))
    invocation.output.write_json({"agency": sheet.agency, "number": number, "file": out})


def show_anchor(invocation: Invocation, title: str, anchor: str) -> None:
    """Show an anchor as it is compared with paper: numbered words, and hexadecimal."""
    from agency_client.own_keys.sheets import format_words_in_lines
    from keys.anchors import format_anchor_hex

    invocation.output.show_line(f"{title}:")
    for line in format_words_in_lines(anchor).splitlines():
        invocation.output.show_line(f"  {line}")
    invocation.output.show_line(f"  {format_anchor_hex(anchor)}")


def _read_passphrases(
    invocation: Invocation, questions: list[str], files: list[Path] | None, *, is_new: bool = False
) -> list[str]:
    from agency_client.errors import UsageError
    from agency_client.profiles.passphrases import read_passphrase_file

    if files:
        if len(files) != len(questions):
            problem = f"{len(questions)} roots and {len(files)} passphrase files"
            raise UsageError(problem, fix="give --root-passphrase-file once for each root")
        return [read_passphrase_file(file) for file in files]
    answers = [
        invocation.output.ask_secret(question, instead="give --root-passphrase-file once for each root")
        for question in questions
    ]
    if is_new and len(set(answers)) != len(answers):
        raise UsageError("two roots have the same passphrase", fix="each holder chooses one alone")
    return answers
