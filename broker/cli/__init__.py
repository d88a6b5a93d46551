"""The operator's command line: `broker init`, `join`, `enrol`, `serve`, `status`, `verify-log`, and the way back.

Data goes to stdout and words to stderr. A verb imports what it needs when it runs, so that `broker --help` stays quick.
"""

import typer

from broker.cli import (
    backup,
    dead_letters,
    enrol,
    init,
    join,
    migrate,
    rebase,
    restore,
    resume,
    retention,
    serve,
    status,
    terminator,
    verify_log,
)

app = typer.Typer(
    name="broker",
    help="Run an exchange: agencies pass sealed alerts through it that it cannot read.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.init)
app.command("join")(join.join)
app.command("enrol")(enrol.enrol)
app.command("serve")(serve.serve)
app.command("status")(status.status)
app.command("verify-log")(verify_log.verify_log)
app.command("migrate")(migrate.migrate)
app.command("dead-letters")(dead_letters.dead_letters)
app.command("purge")(retention.purge)
app.command("backup")(backup.backup)
app.command("restore")(restore.restore)
app.command("resume")(resume.resume)
app.command("rebase")(rebase.rebase)
app.command("terminator")(terminator.terminator)


def main() -> None:
    """Run the command that the process was started with."""
    app()
