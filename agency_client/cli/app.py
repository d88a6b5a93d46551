"""The command line's frame: global options, the groups of verbs, and the one place where failures become exit codes.

Global options may stand anywhere: `agency --json inbox` and `agency inbox --json` are the same.
"""

import importlib
import pkgutil
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, TextIO

import typer
from typer.core import TyperGroup
from typer.exceptions import Abort, TyperException

import agency_client.cli
from agency_client.cli.failures import Failure, describe_failure
from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.errors import UsageError
from agency_client.languages.words import ENGLISH, LANGUAGES, load_words
from agency_client.terminal.exit_codes import ExitCode
from agency_client.terminal.output import Output, choose_form

_FRAME = frozenset(
    {
        "agreement_pages",
        "agreement_signing",
        "agreement_steps",
        "answer_options",
        "app",
        "audit_filters",
        "evidence",
        "failures",
        "invocation",
        "send_batch",
        "send_options",
    }
)
_GLOBAL_FLAGS = frozenset({"--json", "--plain"})
_GLOBAL_VALUES = ("--profile", "--lang", "--passphrase-file")

_DASHED_ID = re.compile(r"-[A-Za-z0-9_][A-Za-z0-9_-]{6,41}")
"""An id or digest (base64url), or its beginning, that begins with a dash as one in 64 does: it looks like an option."""

_EPILOG = """\
\b
Examples:
  agency unlock                          keep the profile open for 8 hours
  agency inbox --unread                  what is new, most urgent first
  agency read ID --reason "case 74/08"   open a message, with the reason on record
  agency inbox --json                    the same for a program
\b
Global options may stand anywhere. Exit codes: 0 ok, 1 failed, 2 usage, 3 not found,
4 not authenticated, 5 denied by policy, 6 verification failed, 7 offline (queued),
8 conflict, 130 interrupted.
"""


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one invocation and return its exit code; nothing expected ends in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        _let_write_anything(stream)
    ordered = hoist_global_options(arguments or ["--help"])
    invocation = Invocation(environment)
    # Chosen before anything is parsed, so that a wrong option too is answered in the form that was asked for.
    form = choose_form(environment, json="--json" in ordered, plain="--plain" in ordered, stdout=sys.stdout)
    invocation.output = Output(form)
    try:
        return int(
            build_group().main(ordered, prog_name="agency", standalone_mode=False, obj=invocation) or ExitCode.OK
        )
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one place where every failure ends
        failure = _describe(error, ordered)
        invocation.output.show_error(failure.code, failure.sentence, failure.fix)
        if failure.code == "internal" and environment.get("BILATERAL_DEBUG"):
            # Messages of exceptions repeat foreign text: cleaned, they steer no terminal either.
            for line in "".join(traceback.format_exception(error)).splitlines():
                invocation.output.say(line)
        return failure.exit_code


@cache
def build_group() -> TyperGroup:
    """Return the application as it is run, built once in a process: more than a hundred verbs take a while."""
    return typer.main.get_group(build_app())


def build_app() -> typer.Typer:
    """Return the application with every group of verbs that lies in `agency_client.cli`."""
    app = typer.Typer(
        name="agency",
        help="Send, receive and account for sealed alerts between immigration agencies.",
        epilog=_EPILOG,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_take_global_options)
    for module in sorted(pkgutil.iter_modules(agency_client.cli.__path__), key=lambda found: found.name):
        if module.name not in _FRAME:
            importlib.import_module(f"agency_client.cli.{module.name}").register(app)
    return app


def hoist_global_options(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the global options first, wherever they stood before `--`.

    A value that looks like a global option is written with `=`: `--reason=--json`.
    """
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    front: list[str] = []
    rest: list[str] = []
    position = 0
    while position < end:
        word = words[position]
        takes_next = word in _GLOBAL_VALUES and position + 1 < end
        is_global = word in _GLOBAL_FLAGS or takes_next or word.startswith(tuple(f"{name}=" for name in _GLOBAL_VALUES))
        (front if is_global else rest).extend(words[position : position + 1 + takes_next])
        position += 1 + takes_next
    return front + rest + words[end:]


def _say_version(context: typer.Context, wanted: bool) -> None:
    if not wanted:
        return
    from importlib.metadata import version

    output = get_invocation(context).output
    output.show_line(f"agency {version('bilateral')}")
    output.write_json({"version": version("bilateral")})
    raise typer.Exit


def _take_global_options(
    context: typer.Context,
    profile: Annotated[str | None, typer.Option(help="The profile (node) to use; also BILATERAL_PROFILE.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Answer in JSON, one versioned object a line.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Answer in plain text without colour or boxes.")] = False,
    lang: Annotated[
        str,
        typer.Option(
            help=f"The language of labels and codes in alerts and reports: {', '.join(LANGUAGES)}. "
            "Commands, help and errors stay English."
        ),
    ] = ENGLISH.language.code,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(help="A private file that holds the passphrase; also BILATERAL_PASSPHRASE_FILE."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Say the version and end.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    invocation = get_invocation(context)
    if lang not in LANGUAGES:
        raise UsageError(f"there are no words in {lang!r} yet", fix=f"use one of: {', '.join(LANGUAGES)}")
    invocation.profile_name = profile
    invocation.passphrase_file = passphrase_file
    invocation.words = load_words(lang)


def _describe(error: BaseException, arguments: Sequence[str]) -> Failure:
    if isinstance(error, TyperException):
        path = getattr(getattr(error, "ctx", None), "command_path", "agency")
        dashed = next((word for word in arguments if _DASHED_ID.fullmatch(word)), None)
        fix = f"run: {path} --help" if dashed is None else f"write it last, after --: {path} … -- {dashed}"
        return Failure("usage", error.format_message(), fix, ExitCode.USAGE)
    if isinstance(error, Abort):
        return describe_failure(error.__cause__ or KeyboardInterrupt())
    return describe_failure(error)


def _let_write_anything(stream: TextIO) -> None:
    # A terminal that is not UTF-8 shows \\u2026 instead of ending the program.
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
