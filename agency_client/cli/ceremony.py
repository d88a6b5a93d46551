"""`agency ceremony`: make an agency's roots and sign key sets with them, on a machine that is not connected."""

from pathlib import Path
from typing import Annotated

import typer

from agency_client.cli.invocation import Invocation, get_invocation

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
    app.add_typer(group, name="ceremony")


def _make_roots(
    context: typer.Context,
    agency: Annotated[str, typer.Option(help="The agency's id at the exchange, like GB.")],
    out: Annotated[Path, typer.Option(help="A new folder on media that you can take away.")],
    roots: Annotated[int, typer.Option(min=1, max=9, help="How many roots to make.")] = 3,
    threshold: Annotated[int, typer.Option(min=1, max=9, help="How many of them must sign.")] = 2,
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
    """
    from agency_client.own_keys.ceremony import make_ceremony
    from agency_client.profiles.profile import verify_outside_home
    from keys.anchors import format_anchor_words

    invocation = get_invocation(context)
    verify_outside_home(invocation.home, out)
    names = [f"A new passphrase for root {number} of {agency}" for number in range(1, roots + 1)]
    passphrases = _read_passphrases(invocation, names, root_passphrase_file, is_new=True)
    sheet = make_ceremony(agency, out, passphrases, threshold=threshold, now=invocation.clock.now())
    files = [f"{agency}-root-{number}.key" for number in range(1, roots + 1)]
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
    root_passphrase_file: PassphraseFiles = None,
) -> None:
    """Sign a key set with roots. Roots that are not together sign one after the other, each the file of the one before.

    \b
    Examples:
      agency ceremony sign GB-request-1.json --root GB-root-1.key --root GB-root-3.key --out GB-key-set-1.json
    Then:
      agency keys install GB-key-set-1.json
    """
    from agency_client.own_keys.ceremony import open_root, read_request, sign_request
    from agency_client.profiles.public_files import write_new_file

    invocation = get_invocation(context)
    key_set, present = read_request(request)
    passphrases = _read_passphrases(invocation, [f"Passphrase of {path}" for path in root], root_passphrase_file)
    opened = [open_root(path, passphrase) for path, passphrase in zip(root, passphrases, strict=True)]
    progress = sign_request(key_set, present, opened)
    write_new_file(out, progress.document.canonical())
    invocation.output.show_details(
        [
            ("agency", f"{key_set.agency} ({key_set.name})"),
            ("key set", str(key_set.seq)),
            ("valid", f"{key_set.issued_at:%Y-%m-%d} to {key_set.expires_at:%Y-%m-%d}"),
            ("signed by", f"{progress.signed} of its roots, {progress.needed} are needed"),
            ("file", str(out)),
        ]
    )
    counts = {"signed": progress.signed, "needed": progress.needed}
    invocation.output.write_json({"agency": key_set.agency, "seq": key_set.seq, **counts, "file": out})
    if not progress.is_complete:
        invocation.output.say(f"Not enough yet: let another root sign {out}.")


def show_anchor(invocation: Invocation, title: str, anchor: str) -> None:
    """Show an anchor as it is compared with paper: numbered words, and hexadecimal."""
    from agency_client.own_keys.ceremony import format_words_in_lines
    from keys.anchors import format_anchor_hex

    invocation.output.show_line(f"{title}:")
    for line in format_words_in_lines(anchor).splitlines():
        invocation.output.show_line(f"  {line}")
    invocation.output.show_line(f"  {format_anchor_hex(anchor)}")


def _read_passphrases(
    invocation: Invocation, questions: list[str], files: list[Path] | None, *, is_new: bool = False
) -> list[str]:
    from agency_client.errors import UsageError
    from agency_client.profiles.session import read_passphrase_file

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
