"""A root on paper: its sheet, and its file made anew from the sheet that somebody types in. Offline.

The paper opens without a passphrase: it lies in a safe, away from the root's file. What is typed in is believed only
when its two keys are those of one root of the ceremony's public sheet, so a slip is found, and named by its place.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from agency_client.errors import UsageError
from agency_client.own_keys.ceremony import RootFile, RootsSheet, load_root_file, seal_root_file
from agency_client.own_keys.sheets import WORDS, Block, Sheet, read_blocks
from agency_client.profiles.private_files import write_private_file
from keys.algorithms import SigningKey
from keys.anchors import find_wrong_word, parse_anchor
from keys.errors import AnchorError
from schemas.codec import b64u_decode
from schemas.jwk import Algorithm
from schemas.key_documents import RootKey

HALVES = ("first half (Ed25519)", "second half (ML-DSA-87)")
_TITLE = "ROOT "
_ALGORITHMS = (Algorithm.ED25519, Algorithm.ML_DSA_87)


def make_root_sheet(file: RootFile) -> Sheet:
    """Return the sheet of a root: its two seeds. Whoever holds it, holds the root."""
    kid = load_root_file(file).kids[0]
    return Sheet(
        f"{_TITLE}{file.number} OF {file.agency} - SECRET",
        (
            f"Made on {file.made_at:%Y-%m-%d}. The root's public name: {kid}",
            "Whoever reads this page can sign as this root: keep it in a safe, away from the root's file.",
        ),
        (Block(HALVES[0], file.ed25519), Block(HALVES[1], file.ml_dsa)),
        (
            f"Type it in again: agency ceremony retype --roots {file.agency}-roots.json --out FILE",
            "The last word of each half carries a check.",
        ),
    )


def read_typed_halves(unverified_text: str) -> tuple[str, str]:
    """Return the two halves of a root out of a file: a printed sheet, or two lines of words or hexadecimal.

    Raises:
        UsageError: it is neither.
    """
    text = unverified_text.strip()
    if text.startswith(_TITLE):
        first, second = read_blocks(text, 2)
        return first, second
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) != 2:
        raise UsageError(
            f"a root is typed in as two lines, {len(lines)} are there", fix="one line of 24 words for each half"
        )
    return lines[0], lines[1]


def restore_root(halves: Sequence[str], sheet: RootsSheet, number: int, now: datetime) -> RootFile:
    """Return a root from what was typed in of its sheet, if its keys are those of one root of the ceremony.

    `halves` are 24 words or 64 hexadecimal digits each. `number` is how the file will call the root.

    Raises:
        UsageError: a word is wrong, and which; or it is no root of this sheet.
    """
    first = _read_half(0, halves[0], sheet.roots.keys)
    root = _find_root(0, first, sheet.roots.keys)
    second = _read_half(1, halves[1], [root])
    _find_root(1, second, [root])
    return RootFile(v=1, agency=sheet.agency, number=number, ed25519=first, ml_dsa=second, made_at=now)


def write_root_file(file: RootFile, path: Path, passphrase: str) -> None:
    """Write a root's file under its holder's passphrase.

    Raises:
        FileExistsError: something lies there.
    """
    write_private_file(path, seal_root_file(file, passphrase))


def _read_half(half: int, text: str, roots: Sequence[RootKey]) -> str:
    """Return the seed that was typed in; words with a slip in one place are named by that place."""
    words = text.lower().split()
    try:
        seed = parse_anchor(text)
        if len(words) != WORDS or _has_root(half, roots)(seed):
            return seed
        problem = "no root of this ceremony has it"
    except AnchorError as error:
        problem = str(error).removeprefix("the anchor is ")
        if len(words) != WORDS or "not in the list" in problem:
            raise UsageError(f"the {HALVES[half]}: {problem}", fix="look at the sheet again") from error
    wrong = find_wrong_word(words, _has_root(half, roots))
    if wrong is not None:
        raise UsageError(f"the {HALVES[half]}: word {wrong} is wrong", fix="look at the sheet again")
    raise UsageError(f"the {HALVES[half]}: {problem}", fix="look at the sheet again; is it of this ceremony?")


def _find_root(half: int, seed: str, roots: Sequence[RootKey]) -> RootKey:
    kid = _name_key(half, seed)
    found = next((root for root in roots if root.kids[half] == kid), None)
    if found is None:
        raise UsageError(
            f"the {HALVES[half]}: it is of no root of this ceremony, or of another root than the first half",
            fix="take the sheet of one root, and the public sheet of its ceremony",
        )
    return found


def _has_root(half: int, roots: Sequence[RootKey]) -> Callable[[str], bool]:
    kids = {root.kids[half] for root in roots}
    return lambda seed: _name_key(half, seed) in kids


def _name_key(half: int, seed: str) -> str:
    return SigningKey(_ALGORITHMS[half], b64u_decode(seed)).kid
