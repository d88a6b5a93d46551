"""docs/compromise.md cannot rot: each part is walked with its own commands, by real processes, after a real theft.

A part runs in a copy of the exchange that docs/joining.md leaves behind. What happened is played before its commands;
after them the thief, or the other side, tries again. The walks take minutes (`make long`); that every command is one
that is taken, and every part is walked, is asked each time.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.main import get_command

from broker.cli import app
from tests.docs.test_guides import list_commands, parse_command
from tests.docs.test_joining import ROOT, make_environment, run_page, run_script

PAGE = ROOT / "docs" / "compromise.md"
FIRST = "First of all"
BEGIN = """\
umask 077
broker serve --data exchange --port $PORT > broker.out 2> broker.log &
until test -e exchange/address.json; do sleep 0.1; done
for name in gb vn; do agency unlock --profile $name --passphrase-file $name.pass; done
echo "throw-away new gb" > gb-new.pass
copy_profile() { mkdir thief && cp -r profiles/gb thief/gb; }
thief() { BILATERAL_HOME=$PWD/thief BILATERAL_PROFILE=gb agency "$@" --passphrase-file gb.pass; }
refused() { "$@" && exit 99 || echo "refused with $?"; }
"""


@dataclass(frozen=True)
class Walk:
    """One part of the page: what happened before, what is tried after, and what must have been said."""

    heading: str
    before: str
    after: str
    said: tuple[str, ...]


WALKS = (
    Walk(
        "A lost or stolen node",
        """\
        BILATERAL_PROFILE=gb agency backup gb.backup --reason "weekly backup" --passphrase-file gb.pass
        agency lock --profile gb
        copy_profile && rm -r profiles/gb
        thief ping VN
        """,
        """\
        echo "== thief"
        refused thief ping VN
        BILATERAL_PROFILE=vn agency sync
        BILATERAL_PROFILE=vn agency partner show GB --plain
        MESSAGE=$(BILATERAL_PROFILE=vn agency inbox --plain | grep Test | tail -1 | cut -f 1)
        for id in $(BILATERAL_PROFILE=vn agency inbox --plain | sed 1d | cut -f 1)
        do BILATERAL_PROFILE=vn agency read $id --reason test --plain; done
        BILATERAL_PROFILE=gb agency keys list --plain
        """,
        (
            r"== thief\n(.*\n)*refused with 7",  # not even a handshake
            r"^its key set\t2$",
            r"^DISPUTED: ",  # what the thief sent between the moment named and the revocation
            r"^message\trevoked\t",
            r"^encryption\treplaced\t",
        ),
    ),
    Walk(
        "A passphrase is known",
        "export BILATERAL_PROFILE=gb",
        """\
        refused agency unlock --passphrase-file gb.pass
        agency restore gb-new.backup --profile again --reason test --passphrase-file gb-new.pass
        """,
        (r"refused with 4", r"Destroy the backups made before", r"again stands as it was"),
    ),
    Walk(
        "A stolen rotation key",
        """\
        copy_profile
        thief keys rotate-encryption
        """,
        """\
        echo "== thief"
        refused thief keys rotate-encryption
        """,
        (
            r"ALARM not-ours: leaf \d+, \w+ encryption-keys record of GB",
            r"^status \d+ of GB, signed .*, counts from now on",
            r"^ALARM revocation-hidden: GB has revoked its rotation key",
            r"Test message\tTest of the connection",  # VN can send again, and GB opens it
            r"== thief\n(.*\n)*refused with 4",
        ),
    ),
    Walk(
        "A stolen message or agreement key",
        """\
        copy_profile
        thief ping VN
        """,
        """\
        echo "== thief"
        thief sync || echo "sync ended with $?"
        refused thief ping VN
        refused thief agreement resume $(BILATERAL_PROFILE=vn agency agreements --plain | sed -n 2p | cut -f 1)
        """,
        (r"^DISPUTED: its sender has revoked the key", r"VN\t.*\ttaken\t", r"== thief\n(.*\n)*refused with \d"),
    ),
    Walk(
        "A stolen root",
        """\
        copy_profile
        thief keys request --roots gb-roots/GB-roots.json --out thief-request.json
        """,
        """\
        echo "== thief"
        STOLEN="--root gb-roots/GB-root-2.key --root-passphrase-file gb-root-2.pass"
        agency ceremony sign thief-request.json $STOLEN --out thief-set.json --plain
        refused thief keys install thief-set.json
        """,
        (r"signed by\t1 of its roots, 2 are needed", r"^GB\ttrusted\t", r"== thief\n(.*\n)*refused with 6"),
    ),
    Walk(
        "Too few roots are left",
        "",
        """\
        echo "== afterwards"
        BILATERAL_PROFILE=vn agency trust list --plain
        """,
        (r"\trevoked\t", r"GB-HO is pinned; and the log shows these very roots", r"^GB-HO\ttrusted\t"),
    ),
    Walk(
        "A partner is compromised",
        """\
        BILATERAL_PROFILE=vn agency ping GB
        BILATERAL_PROFILE=gb agency sync
        """,
        """\
        echo "== afterwards"
        BILATERAL_PROFILE=vn agency sync
        BILATERAL_PROFILE=vn agency ping GB --plain
        """,
        (
            r"state\tsuspended",
            r"^GB\tours|^VN\ttrusted",
            r"state\tin-force",
            r"== afterwards\n(.*\n)*.*\tGB\t.*\ttaken\t",
        ),
    ),
    Walk(
        "The exchange lost its database",
        """\
        broker backup --data exchange exchange.tar --with-open-keys
        BILATERAL_PROFILE=gb agency ping VN
        kill $! && wait $!
        rm exchange/broker.db*
        BILATERAL_PROFILE=gb agency ping VN || test $? = 7
        """,
        """\
        echo "== afterwards"
        agency sent --plain
        BILATERAL_PROFILE=vn agency inbox --plain
        """,
        (
            r"stopped, as it should be",
            r"it commits to \d+ leaves, this node saw \d+",
            r"exchange.example/2 counts from now on",
            # From before the backup, after it, and from while the exchange was away.
            r"== afterwards\n(.*\n)*(.*\tVN\tverified\t.*\n){3}",
        ),
    ),
    Walk(
        "The exchange's keys are stolen",
        "cp -r exchange stolen",
        """\
        echo "== thief"
        kill $! && wait $!
        broker serve --data stolen --port $PORT > stolen.out 2> stolen.log &
        until test -e stolen/address.json; do sleep 0.1; done
        refused agency sync
        """,
        (r"exchange.example/2 counts from now on", r"VN\t.*\ttaken\t", r"== thief\n(.*\n)*refused with 7"),
    ),
    Walk(
        "The exchange is hostile",
        """\
        BILATERAL_PROFILE=gb agency sync
        BILATERAL_PROFILE=vn agency sync
        kill $! && wait $!
        """,
        "",
        (
            r"signed, and it counts here",
            r"GB\tsuspend\t",  # the step came by file
            r"^\S+\tGB\t1\tsuspended\t",  # and counts at the partner at once
            r"^status\tfresh",
        ),
    ),
)


def read_parts() -> dict[str, str]:
    """Return the commands of each part of the page, each behind an assignment that says where it stands."""
    parts: dict[str, str] = {}
    heading, is_inside = "", False
    for number, line in enumerate(PAGE.read_text("utf-8").splitlines(), start=1):
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif line.startswith("```"):
            is_inside = line == "```console"
        elif is_inside:
            assert line.startswith("$ "), f"{PAGE.name}:{number}: a console block of this page has commands only"
            parts[heading] = parts.get(heading, "") + f"HERE={PAGE.name}:{number}\n{line.removeprefix('$ ')}\n"
    return parts


def test_every_part_with_commands_is_walked_and_every_part_stands_in_the_table() -> None:
    parts = read_parts()
    assert set(parts) - {FIRST} == {walk.heading for walk in WALKS}
    table = PAGE.read_text("utf-8").partition("| What happened |")[2].partition("\n\n")[0]
    linked = re.findall(r"\]\(#([a-z-]+)\)", table)
    assert linked == [re.sub(r"[^a-z -]", "", walk.heading.lower()).replace(" ", "-") for walk in sorted_as_page()]


def sorted_as_page() -> list[Walk]:
    """Return the walks in the order of the table: by what is noticed first."""
    order = re.findall(r"\| \[([^\]]+)\]\(#", PAGE.read_text("utf-8"))
    return sorted(WALKS, key=lambda walk: order.index(walk.heading))


@pytest.mark.parametrize("line", sorted(set(list_commands(PAGE))))
def test_a_command_of_the_page_is_one_that_is_taken(line: str) -> None:
    parse_command(re.sub(r"\$\([^)]*\)", "WORD", line.partition(" || ")[0]))


def test_a_broker_command_of_the_page_exists_with_its_options() -> None:
    verbs = get_command(app).commands  # type: ignore[attr-defined]  # a group, which typer's type does not say
    calls = re.findall(r"^\$ broker ([a-z-]+)(.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert {verb for verb, _ in calls} == {"enrol", "restore", "serve", "rebase"}
    for verb, options in calls:
        known = {name for parameter in verbs[verb].params for name in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", options)) <= known, verb


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give what docs/joining.md leaves behind: an exchange that is stopped, two agencies that are locked."""
    folder = tmp_path_factory.mktemp("joined")
    (folder / "examples").symlink_to(ROOT / "examples")
    trial = folder / "trial"
    trial.mkdir(mode=0o700)
    run_page(trial)
    return trial


@pytest.fixture
def scene(joined: Path, tmp_path: Path) -> Iterator[Path]:
    """Give a copy of it for one walk; whatever is unlocked in it is locked at the end."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    folder = tmp_path / "trial"
    shutil.copytree(joined, folder)
    yield folder
    for profile in folder.glob("*/*/profile.toml"):
        environment = make_environment(folder) | {"BILATERAL_HOME": str(profile.parent.parent)}
        lock = [sys.executable, "-m", "agency_client", "lock", "--profile", profile.parent.name]
        subprocess.run(lock, cwd=folder, env=environment, check=True, capture_output=True)


def walk_part(folder: Path, walk: Walk) -> str:
    """Play a part in its copy and return all that was said."""
    port = re.findall(r"https://127\.0\.0\.1:(\d+)", (folder / "profiles" / "gb" / "profile.toml").read_text())[0]
    parts = read_parts()
    script = BEGIN + "HERE=before\n" + _unindent(walk.before) + parts[FIRST] + parts[walk.heading]
    environment = make_environment(folder) | {"PORT": port, "BILATERAL_OFFICER": "a.eriksson"}
    return run_script(script + "HERE=after\n" + _unindent(walk.after), folder, environment)


def _unindent(commands: str) -> str:
    return "".join(line.strip() + "\n" for line in commands.splitlines())


@pytest.mark.long
@pytest.mark.parametrize("walk", WALKS, ids=[walk.heading for walk in WALKS])
def test_a_part_leads_where_it_says(scene: Path, walk: Walk) -> None:
    assert os.access(scene / "exchange", os.W_OK)
    said = walk_part(scene, walk)
    for wanted in walk.said:
        assert re.search(wanted, said, re.MULTILINE), f"{wanted!r} is not in:\n{said}"
