"""The root ceremony by its verbs, in a process without a network: none is reached for, nor any client of one loaded.

The standard library's reader of package metadata loads `socket`; nothing may make one.
"""

import os
import re
import socket
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from agency_client.cli.app import run
from agency_client.profiles.private_files import write_private_file
from keys.key_sets import verify_key_set
from schemas.codec import decode_json
from schemas.key_documents import KeySet
from schemas.signed import SignedDocument
from tests.support.members import EXCHANGE, START, make_member, succeed

LOADED = """
import os, sys
from agency_client.cli.app import run
code = run(sys.argv[1:], dict(os.environ))
clients = {"ssl", "http", "httpx", "httpcore", "anyio", "asyncio", "uvicorn", "fastapi", "sqlcipher3"}
loaded = {name for name in sys.modules if name.partition(".")[0] in clients or name == "agency_client.connection"}
sys.exit(f"loaded: {sorted(loaded)}" if loaded else int(code))
"""
_CONNECTING = ("socket.", "urllib.", "http.client.", "subprocess.")


class Wire:
    """Whether this machine is connected: while it is cut, whatever reaches for a network or a process fails."""

    is_cut = False

    def refuse(self, event: str, arguments: tuple[object, ...]) -> None:
        """Be asked by the interpreter before anything happens (`sys.addaudithook`)."""
        if self.is_cut and event.startswith(_CONNECTING):
            raise RuntimeError(f"this machine is not connected: {event}")


WIRE = Wire()
sys.addaudithook(WIRE.refuse)


@dataclass
class Offline:
    """A machine without a network: a folder, and `agency` that can open no socket."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Return what the command is given."""
        return {"HOME": str(self.folder), "BILATERAL_HOME": str(self.folder / "home")}

    def run(self, *arguments: str | Path, code: int = 0) -> dict[str, Any]:
        """Run `agency --json` and return its answer, or the error where another code is expected."""
        out, err = StringIO(), StringIO()
        WIRE.is_cut = True
        try:
            with chdir(self.folder), redirect_stdout(out), redirect_stderr(err):
                ended = run(["--json", *map(str, arguments)], self.environment)
        finally:
            WIRE.is_cut = False
        assert int(ended) == code, (arguments, out.getvalue(), err.getvalue())
        text = (out if code == 0 else err).getvalue().splitlines()[-1]
        found: dict[str, Any] = decode_json(text.encode())
        return found if code == 0 else found["error"]

    def passphrases(self, *numbers: int) -> list[str]:
        """Return the options that name holders' passphrase files."""
        return [word for number in numbers for word in ("--root-passphrase-file", f"pass-{number}")]

    def sign(self, request: str, *roots: str, out: str, **options: str) -> dict[str, Any]:
        """Let roots sign, each named by its file; a root's passphrase is that of its number."""
        files = [word for root in roots for word in ("--root", root)]
        secrets = self.passphrases(*(int(Path(root).stem.rpartition("-")[2]) for root in roots))
        more = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        return self.run("ceremony", "sign", request, *files, *secrets, "--out", out, *more)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Offline:
    """Give a machine with three roots, two of which must sign."""
    machine = Offline(tmp_path_factory.mktemp("offline"))
    for number in range(1, 6):
        write_private_file(machine.folder / f"pass-{number}", b"passphrase of holder %d\n" % number)
    machine.run("ceremony", "roots", "--agency", "GB", "--out", "roots", *machine.passphrases(1, 2, 3))
    return machine


def write_request(machine: Offline, name: str, key_set: KeySet, roots: str) -> str:
    """Write a request for a key set with the roots of a public sheet."""
    sheet = decode_json((machine.folder / roots).read_bytes())
    wire = key_set.to_wire() | {"roots": sheet["roots"]}
    (machine.folder / name).write_bytes(KeySet.from_wire(wire).canonical())
    return name


def read_signed(machine: Offline, name: str) -> SignedDocument:
    return SignedDocument.from_canonical((machine.folder / name).read_bytes(), max_bytes=1 << 20)


def test_one_root_is_replaced_and_the_threshold_raised_by_old_and_new_roots_alone(machine: Offline) -> None:
    member = make_member("GB")
    write_request(machine, "request-1", member.key_set, "roots/GB-roots.json")
    machine.sign("request-1", "roots/GB-root-1.key", "roots/GB-root-3.key", out="set-1")
    first = verify_key_set(read_signed(machine, "set-1"), None, exchange=EXCHANGE, now=START)

    one = ["--roots", "1", "--threshold", "1", "--first-number", "4", "--out", "more"]
    machine.run("ceremony", "roots", "--agency", "GB", *one, *machine.passphrases(4))
    names = machine.run("ceremony", "show", "roots/GB-roots.json")["roots"]
    added = machine.run("ceremony", "show", "more/GB-roots.json")["roots"]
    stolen = find_name(machine, "roots/GB-root-2.key", 2)
    assert stolen in names
    changed = machine.run(
        "ceremony", "change", "--roots", "roots/GB-roots.json", "--add", "more/GB-roots.json", f"--without={stolen}",
        "--threshold", "3", "--out", "GB-roots-2.json",
    )  # fmt: skip
    assert (set(changed["roots"]), changed["threshold"]) == ({*names, *added} - {stolen}, 3)

    following = succeed(member, prev=first.digest)
    write_request(machine, "request-2", following, "GB-roots-2.json")
    old = {"old_roots": "roots/GB-roots.json"}
    part = machine.sign("request-2", "more/GB-root-4.key", "roots/GB-root-1.key", out="part-2", **old)
    assert (part["signed"], part["needed"], part["old_signed"], part["old_needed"]) == (2, 3, 1, 2)
    whole = machine.sign("part-2", "roots/GB-root-3.key", out="set-2", **old)
    assert (whole["signed"], whole["needed"], whole["old_signed"], whole["old_needed"]) == (3, 3, 2, 2)
    second = verify_key_set(read_signed(machine, "set-2"), first, exchange=EXCHANGE, now=START)
    assert second.key_set.roots.threshold == 3


def find_name(machine: Offline, file: str, number: int) -> str:
    """Return the public name of a root, as its sheet on paper gives it."""
    out = f"name-{number}.txt"
    machine.run("ceremony", "sheet", "--root", file, *machine.passphrases(number), "--out", out)
    page = (machine.folder / out).read_text()
    return page.partition("public name: ")[2].split()[0]


def test_a_root_on_paper_is_typed_in_again_and_signs(machine: Offline) -> None:
    machine.run(
        "ceremony", "sheet", "--root", "roots/GB-root-1.key", *machine.passphrases(1), "--out", "root-1.txt"
    )  # fmt: skip
    typed = ["ceremony", "retype", "--roots", "roots/GB-roots.json", "--file", "root-1.txt"]
    assert machine.run(*typed)["agency"] == "GB"
    assert (machine.folder / "root-1.txt").stat().st_mode & 0o077 == 0
    machine.run(*typed, "--out", "again-1.key", "--number", "1", *machine.passphrases(5))
    write_request(machine, "request-3", make_member("GB").key_set, "roots/GB-roots.json")
    by_copy = ["--root", "again-1.key", *machine.passphrases(5), "--out", "part-3"]
    assert machine.run("ceremony", "sign", "request-3", *by_copy)["signed"] == 1


def test_a_wrong_word_of_a_root_and_of_an_anchor_is_named_by_its_place(machine: Offline) -> None:
    machine.run("ceremony", "sheet", "--roots", "roots/GB-roots.json", "--out", "anchor.txt")
    text = (machine.folder / "anchor.txt").read_text()
    numbered = re.compile(r"(?: *\d{1,2} +[a-z]+)+ *")  # a line of digits may begin with three of ten, too
    words = [word for line in text.splitlines() if numbered.fullmatch(line) for word in line.split()[1::2]]
    assert len(words) == 24
    (machine.folder / "typed-1").write_text(" ".join(words))
    again = ["ceremony", "retype", "--roots", "roots/GB-roots.json", "--file"]
    for right in ("anchor.txt", "typed-1"):
        assert machine.run(*again, right)["agency"] == "GB"
    words[8] = "zoo" if words[8] != "zoo" else "abandon"
    (machine.folder / "typed-2").write_text(" ".join(words))
    assert ": 9 of them differ" in machine.run(*again, "typed-2", code=6)["sentence"]


def test_a_page_to_print_has_no_script(machine: Offline) -> None:
    machine.run("ceremony", "sheet", "--roots", "roots/GB-roots.json", "--html", "--out", "anchor.html")
    page = (machine.folder / "anchor.html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.count("<li>") == 24
    assert "<script" not in page


def test_a_holder_changes_the_passphrase_of_a_root(machine: Offline) -> None:
    wrong = [
        "ceremony",
        "passphrase",
        "roots/GB-root-3.key",
        *machine.passphrases(1),
        "--new-passphrase-file",
        "pass-4",
    ]
    assert machine.run(*wrong, code=4)["code"] == "wrong-passphrase"
    (machine.folder / "root-3.key").write_bytes((machine.folder / "roots/GB-root-3.key").read_bytes())
    (machine.folder / "root-3.key").chmod(0o600)
    right = ["ceremony", "passphrase", "root-3.key", *machine.passphrases(3), "--new-passphrase-file", "pass-4"]
    assert machine.run(*right)["number"] == 3
    assert machine.run("ceremony", "sheet", "--root", "root-3.key", *machine.passphrases(4))["title"].startswith(
        "ROOT 3"
    )
    assert machine.run("ceremony", "sheet", "--root", "root-3.key", *machine.passphrases(3), code=4)


def test_it_is_said_what_to_print_and_a_secret_page_lies_in_no_profile(machine: Offline) -> None:
    assert "--root" in machine.run("ceremony", "sheet", code=2)["fix"]
    (machine.folder / "home").mkdir(exist_ok=True)
    inside = str(machine.folder / "home" / "root.txt")
    secret = ["ceremony", "sheet", "--root", "roots/GB-root-1.key", *machine.passphrases(1), "--out", inside]
    assert machine.run(*secret, code=2)["code"] == "roots-online"


def test_a_machine_that_is_cut_off_here_can_open_no_socket() -> None:
    """What forbids the network in this module does so."""
    WIRE.is_cut = True
    try:
        with pytest.raises(RuntimeError, match="not connected"):
            socket.socket()
    finally:
        WIRE.is_cut = False


def test_the_ceremony_loads_no_client_of_a_network(machine: Offline) -> None:
    sheet = ["ceremony", "sheet", "--root", "roots/GB-root-1.key", *machine.passphrases(1)]
    ended = subprocess.run(
        [sys.executable, "-P", "-c", LOADED, *sheet],
        cwd=machine.folder,
        env=machine.environment | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"ROOT 1 OF GB" in ended.stdout
