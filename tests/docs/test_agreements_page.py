"""docs/agreements.md cannot rot: its commands are run as they stand there, after those of docs/joining.md."""

import re
from pathlib import Path

import pytest

from tests.docs.test_compromise import BEGIN, joined, scene
from tests.docs.test_guides import list_commands, parse_command
from tests.docs.test_joining import ROOT, make_environment, read_commands, run_script

__all__ = ["joined", "scene"]
PAGE = ROOT / "docs" / "agreements.md"


@pytest.mark.parametrize("line", sorted(set(list_commands(PAGE))))
def test_a_command_of_the_page_is_one_that_is_taken(line: str) -> None:
    parse_command(re.sub(r"\$\([^)]*\)", "WORD", line.partition(" || ")[0].partition(" && ")[0]))


def walk_page(folder: Path) -> str:
    """Run every command of the page and return what was said."""
    port = re.findall(r"https://127\.0\.0\.1:(\d+)", (folder / "profiles" / "gb" / "profile.toml").read_text())[0]
    environment = make_environment(folder) | {"PORT": port}
    return run_script(BEGIN + "".join(read_commands(PAGE)), folder, environment)


@pytest.mark.long
def test_the_page_goes_on_from_an_agreement_in_force(joined: Path) -> None:
    assert (joined / "terms.toml").is_file()


@pytest.mark.long
def test_the_page_leads_from_a_proposal_to_the_end(scene: Path) -> None:
    said = walk_page(scene)
    for wanted in (
        r"^state\tnot signed: it takes a second officer$",
        r"^\d+\tpropose agreement .*\ta\.eriksson\t",
        r"memorandum\.txt is the text whose SHA-256 both parties signed$",
        r"^narrows\tclause 1, GB to VN\tretention_days\t.*1825 days becomes 365 days$",
        r"^widens\tclause 1, GB to VN\tdaily_quota\t.*100 messages a day becomes 250 messages a day$",
        r"^state\tin-force$",
        r"^1\tsuperseded\tVN\t",
        r"^2\tin-force\tGB\t",
        r"^state\tsuspended$",
        r"^agreements: False documents with GB: review by \d{4}-\d\d-\d\d",
        r"^agreements\twarn\tFalse documents \(\w{8}, version 2\): review by .*; call GB: ",
        r"this is not the text that was signed",
        r"revoked with notice: ends on ",
    ):
        assert re.search(wanted, said, re.MULTILINE), f"{wanted!r} is not in:\n{said}"
    page = (scene / "agreement.html").read_text("utf-8")
    assert "False documents" in page
    assert "VN erases it 365 days after it came." in page
