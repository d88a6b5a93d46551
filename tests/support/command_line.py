"""The command line of one node inside this process, in all its forms, and what none of them may ever write."""

import re
import unicodedata
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from agency_client.cli.app import run
from schemas.codec import decode_json
from tests.strategies.hostile_text import FORGED, PRINTABLE

_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_STEERING = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
OFFICER = PRINTABLE["an override from right to left"]


def find_steering(text: str) -> set[str]:
    """Return what a terminal obeys, reorders lines by, or does not show: by Unicode, not by the code under test."""
    return {character for character in text if unicodedata.category(character) in _STEERING} - set("\n\t")


class Terminal(StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


class CommandLine:
    """`agency` of one node, inside this process."""

    def __init__(self, folder: Path, profile: str) -> None:
        self.folder, self._profile = folder, profile
        self.environment = {
            "BILATERAL_HOME": str(folder / "home"),
            "BILATERAL_OFFICER": OFFICER,
            "XDG_RUNTIME_DIR": str(folder),
            "COLUMNS": "2000",
            "TERM": "xterm-256color",
        }

    def run(self, *arguments: str, form: str = "--plain") -> tuple[int, str, str]:
        """Run one verb; return its exit code and what it wrote."""
        out, err = Terminal(), Terminal()
        words = ["--profile", self._profile, *([form] if form != "rich" else []), *arguments]
        with chdir(self.folder), redirect_stdout(out), redirect_stderr(err):
            code = run(words, self.environment | ({"FORCE_COLOR": "1"} if form == "rich" else {}))
        return int(code), out.getvalue(), err.getvalue()

    def demand_harmless(
        self, *arguments: str, codes: tuple[int, ...] = (0,), forms: tuple[str, ...] = ("--plain", "rich", "--json")
    ) -> str:
        """Run one verb in every form: nothing steers, nothing is forged, JSON stays JSON; return what plain said."""
        said = ""
        for form in forms:
            code, out, err = self.run(*arguments, form=form)
            assert code in codes, (arguments, form, code, err)
            assert "Traceback" not in err
            for text in (out, err):
                shown = _STYLE.sub("", text) if form == "rich" else text
                steering = find_steering(shown)
                assert steering == set(), (arguments, form, steering)
                assert not any(line.startswith(FORGED) for line in shown.splitlines()), (arguments, form, shown)
            if form == "--json":
                assert all(decode_json(line.encode())["v"] == 1 for line in out.splitlines())
                assert out.isascii()
            elif form == "--plain":
                said = out + err
        return said
