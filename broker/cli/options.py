"""The options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        metavar="DIR",
        envvar="BILATERAL_BROKER_FOLDER",
        help="The folder of the exchange.",
        show_default=False,
    ),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        envvar="BILATERAL_BROKER_PASSPHRASE_FILE",
        help="A file whose first line opens the exchange's keys.",
        show_default=False,
    ),
]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings in TOML.", show_default=False)]
Witnessed = Annotated[
    list[Path] | None,
    typer.Option(
        "--witnessed",
        metavar="FILE",
        help="A note of the log that a member exported; repeatable.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON on stdout, for scripts.")]
DEFAULT_DATA = Path("exchange")
