"""A root comes back from its sheet, and only from all of it: one wrong word is named by its place."""

from pathlib import Path

import pytest

from agency_client.errors import UsageError
from agency_client.own_keys.ceremony import (
    RootFile,
    RootsSheet,
    load_root_file,
    make_ceremony,
    open_root,
    read_root_file,
)
from agency_client.own_keys.root_backup import make_root_sheet, read_typed_halves, restore_root, write_root_file
from agency_client.own_keys.sheets import format_html, format_text
from keys.anchors import format_anchor_hex, format_anchor_words
from tests.support.members import START


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media") / "roots"
    make_ceremony("GB", folder, ["one", "two"], threshold=2, now=START)
    return folder


@pytest.fixture(scope="module")
def sheet(folder: Path) -> RootsSheet:
    return RootsSheet.from_canonical((folder / "GB-roots.json").read_bytes())


@pytest.fixture(scope="module")
def root(folder: Path) -> RootFile:
    return read_root_file(folder / "GB-root-2.key", "two")


def spell(root: RootFile) -> list[list[str]]:
    """Return the words of both halves."""
    return [format_anchor_words(seed).split() for seed in (root.ed25519, root.ml_dsa)]


def restore(words: list[list[str]], sheet: RootsSheet) -> RootFile:
    return restore_root([" ".join(half) for half in words], sheet, 2, START)


def make_slip(words: list[str], place: int) -> list[str]:
    """Return the words with another one in one place."""
    other = "zoo" if words[place] != "zoo" else "abandon"
    return [*words[:place], other, *words[place + 1 :]]


def test_a_root_is_printed_typed_in_and_opens_under_a_new_passphrase(
    sheet: RootsSheet, root: RootFile, tmp_path: Path
) -> None:
    page = format_text(make_root_sheet(root))
    assert "ROOT 2 OF GB - SECRET" in page
    assert load_root_file(root).kids[0] in page
    assert root.ed25519 not in page + format_html(make_root_sheet(root)), "only words and hexadecimal are typed in"
    again = restore_root(read_typed_halves(page), sheet, 2, root.made_at)
    assert again == root
    write_root_file(again, tmp_path / "root.key", "three")
    assert (tmp_path / "root.key").stat().st_mode & 0o077 == 0
    assert open_root(tmp_path / "root.key", "three").signer.kids == load_root_file(root).kids


def test_words_or_hexadecimal_are_typed_in_as_two_lines(sheet: RootsSheet, root: RootFile) -> None:
    for first in (format_anchor_words(root.ed25519).upper(), format_anchor_hex(root.ed25519)):
        typed = f"{first}\n\n{format_anchor_hex(root.ml_dsa).replace(' ', '')}\n"
        assert restore_root(read_typed_halves(typed), sheet, 7, START).number == 7
    for typed in ("", "one line", "three\nlines\nhere"):
        with pytest.raises(UsageError, match="two lines"):
            read_typed_halves(typed)


@pytest.mark.parametrize("half", [0, 1], ids=["first-half", "second-half"])
@pytest.mark.parametrize("place", [0, 11, 23])
def test_one_wrong_word_is_named_by_its_place_and_never_by_what_it_should_be(
    sheet: RootsSheet, root: RootFile, half: int, place: int
) -> None:
    words = spell(root)
    right = words[half][place]
    words[half] = make_slip(words[half], place)
    with pytest.raises(UsageError, match=f"word {place + 1} is wrong") as caught:
        restore(words, sheet)
    assert ("first", "second")[half] in str(caught.value)
    assert right not in str(caught.value).split()


def test_a_misspelled_word_two_swapped_ones_and_a_foreign_half_are_told(sheet: RootsSheet, root: RootFile) -> None:
    words = spell(root)
    with pytest.raises(UsageError, match="word 5 is not in the list"):
        restore([[*words[0][:4], "utopia", *words[0][5:]], words[1]], sheet)
    with pytest.raises(UsageError, match="half"):
        restore([words[1], words[0]], sheet)
    with pytest.raises(UsageError, match="neither 24 words"):
        restore([words[0][:23], words[1]], sheet)


def test_a_half_of_another_root_makes_no_root(folder: Path, sheet: RootsSheet, root: RootFile) -> None:
    other = read_root_file(folder / "GB-root-1.key", "one")
    with pytest.raises(UsageError, match="second half"):
        restore_root([root.ed25519, other.ml_dsa], sheet, 2, START)


def test_a_root_of_another_ceremony_is_none_of_this_one(sheet: RootsSheet, tmp_path: Path) -> None:
    make_ceremony("GB", tmp_path / "others", ["x"], threshold=1, now=START)
    stranger = read_root_file(tmp_path / "others" / "GB-root-1.key", "x")
    for halves in ([stranger.ed25519, stranger.ml_dsa], [" ".join(half) for half in spell(stranger)]):
        with pytest.raises(UsageError, match="no root of this ceremony"):
            restore_root(halves, sheet, 1, START)
