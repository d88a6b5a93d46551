"""Two agencies compare notes at their terminals; what convicts the exchange is checked by who has no profile."""

from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from agency_client.cli.app import run
from agency_client.witness.walker import walk_log
from keys.anchors import format_anchor_words
from schemas.codec import decode_json
from schemas.key_documents import compute_exchange_anchor
from schemas.log.records import RecordType
from tests.support.lying_world import LyingWorld, lying_world


@dataclass
class Ended:
    """How an invocation ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = decode_json(self.stdout.splitlines()[-1].encode())
        return found


Agency = Callable[..., Ended]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notes")


@pytest.fixture(scope="module")
def world(folder: Path) -> Iterator[LyingWorld]:
    """GB and VN at an exchange in memory; their commands do not reach it."""
    with lying_world(folder, "GB", "VN") as found:
        found.exchange.append(RecordType.TOKENS_ISSUED, (), agency="GB", count=1)
        for node in found.nodes.values():
            walk_log(node)
        (folder / "exchange.json").write_bytes(found.exchange.sheet.canonical())
        yield found


@pytest.fixture(scope="module")
def agency(folder: Path, world: LyingWorld) -> Agency:
    """Give the command; with a profile's name it is that agency's, with none a stranger's."""
    environment = {"BILATERAL_OFFICER": "officer", "XDG_RUNTIME_DIR": str(folder)}

    def invoke(profile: str, *arguments: str | Path) -> Ended:
        home = {"BILATERAL_HOME": str(folder / ("home" if profile else "nowhere"))}
        secret = ["--passphrase-file", folder / "passphrase", "--profile", profile] if profile else []
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run([str(word) for word in ("--json", *secret, *arguments)], environment | home)
        return Ended(code, out.getvalue(), err.getvalue())

    return invoke


def test_a_note_is_written_and_fits_at_the_partner(world: LyingWorld, agency: Agency, folder: Path) -> None:
    written = agency("vn", "trust", "checkpoint", "-o", folder / "vn.txt")
    assert (written.code, written.data["size"]) == (0, len(world.exchange.records))
    compared = agency("gb", "trust", "compare", folder / "vn.txt")
    assert (compared.code, compared.data["comparison"]) == (0, "fits")
    assert agency("gb", "trust", "checkpoint", "--size", "4000", "-o", folder / "no.txt").code == 3


def test_a_note_of_more_leaves_waits_for_the_exchange(world: LyingWorld, agency: Agency, folder: Path) -> None:
    (folder / "more.txt").write_text(world.exchange.sign_note(4000, root=bytes(32)))
    assert agency("gb", "trust", "compare", folder / "more.txt").code == 7


@pytest.mark.parametrize("data", [b"\xff", b"x" * 200_000], ids=["no text", "too large"])
def test_what_is_no_note_is_refused(agency: Agency, folder: Path, data: bytes) -> None:
    (folder / "odd").write_bytes(data)
    assert agency("gb", "trust", "compare", folder / "odd").code == 2


def test_a_proof_is_checked_by_a_stranger_with_the_sheet(world: LyingWorld, agency: Agency, folder: Path) -> None:
    (folder / "other.txt").write_text(world.exchange.sign_note(root=bytes(32)))
    compared = agency("gb", "trust", "compare", folder / "other.txt")
    assert compared.code == 6
    assert "equivocation" in compared.stderr
    listed = agency("gb", "trust", "contradictions")
    assert listed.code == 6
    (proof,) = listed.data["contradictions"]
    assert agency("gb", "trust", "evidence", "7", "-o", folder / "none.json").code == 3
    written = agency("gb", "trust", "evidence", str(proof["number"]), "-o", folder / "evidence.json")
    assert written.code == 0
    sheet, anchor = folder / "exchange.json", compute_exchange_anchor(world.exchange.sheet)
    for options in ([], ["--anchor", format_anchor_words(anchor)]):
        checked = agency("", "audit", "evidence", folder / "evidence.json", "--exchange", sheet, *options)
        assert checked.code == 0, checked.stderr
        assert (checked.data["holds"], checked.data["signer"]) == (True, world.exchange.sheet.origin)
        assert checked.data["exchange_anchor"] == anchor
    assert agency("gb", "audit", "evidence", folder / "evidence.json").code == 0
    (folder / "broken.json").write_bytes((folder / "evidence.json").read_bytes().replace(b'"second"', b'"secand"', 1))
    assert agency("", "audit", "evidence", folder / "broken.json", "--exchange", sheet).code == 6
