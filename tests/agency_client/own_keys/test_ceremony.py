"""The root ceremony: one file a root, a page to hand over, and signatures that may come one after the other."""

from pathlib import Path

import pytest

from agency_client.errors import ConflictError, NotAuthenticatedError, UsageError, VerificationFailedError
from agency_client.own_keys.ceremony import (
    change_passphrase,
    change_roots,
    make_ceremony,
    open_root,
    read_request,
    read_roots_sheet,
    read_signed_key_set,
    sign_request,
)
from keys.anchors import format_anchor_words, parse_anchor
from keys.key_sets import verify_key_set
from schemas.key_documents import KeySet, compute_trust_anchor
from tests.support.members import EXCHANGE, START, make_member

PASSPHRASES = ["one", "two", "three"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media") / "roots"
    make_ceremony("GB", folder, PASSPHRASES, threshold=2, now=START)
    return folder


@pytest.fixture(scope="module")
def request_of_gb(folder: Path) -> KeySet:
    sheet = read_roots_sheet(folder / "GB-roots.json")
    return make_member("GB").key_set.model_copy(update={"roots": sheet.roots})


def test_each_root_has_a_file_and_the_page_has_the_anchor_as_words(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["GB-anchor.txt", "GB-root-1.key", "GB-root-2.key", "GB-root-3.key", "GB-roots.json"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    sheet = read_roots_sheet(folder / "GB-roots.json")
    assert sheet.anchor == compute_trust_anchor("GB", sheet.roots)
    page = (folder / "GB-anchor.txt").read_text()
    words = [word for word in page.split() if word.isalpha()]
    assert all(word in words for word in format_anchor_words(sheet.anchor).split())
    (line,) = (line for line in page.splitlines() if len(line.replace(" ", "")) == 64)
    assert parse_anchor(line) == sheet.anchor


def test_two_of_three_roots_make_a_key_set_that_verifies(folder: Path, request_of_gb: KeySet) -> None:
    roots = [open_root(folder / f"GB-root-{n}.key", PASSPHRASES[n - 1]) for n in (3, 1)]
    progress = sign_request(request_of_gb, (), roots)
    assert (progress.signed, progress.needed, progress.is_complete) == (2, 2, True)
    verified = verify_key_set(progress.document, None, exchange=EXCHANGE, now=START)
    assert verified.agency == "GB"


def test_roots_in_two_places_sign_one_after_the_other(folder: Path, request_of_gb: KeySet, tmp_path: Path) -> None:
    (tmp_path / "request.json").write_bytes(request_of_gb.canonical())
    key_set, present = read_request(tmp_path / "request.json")
    once = sign_request(key_set, present, [open_root(folder / "GB-root-2.key", "two")])
    assert not once.is_complete
    (tmp_path / "once.json").write_bytes(once.document.canonical())
    key_set, present = read_request(tmp_path / "once.json")
    again = sign_request(key_set, present, [open_root(folder / "GB-root-2.key", "two")])
    assert again.signed == 1
    twice = sign_request(key_set, present, [open_root(folder / "GB-root-1.key", "one")])
    assert twice.is_complete
    (tmp_path / "twice.json").write_bytes(twice.document.canonical())
    verify_key_set(read_signed_key_set(tmp_path / "twice.json"), None, exchange=EXCHANGE, now=START)


def test_a_root_of_another_agency_does_not_sign(folder: Path) -> None:
    root = open_root(folder / "GB-root-1.key", "one")
    with pytest.raises(UsageError, match="root 1 is of GB, the key set is of VN"):
        sign_request(make_member("VN").key_set, (), [root])


def test_a_wrong_passphrase_and_a_damaged_file_are_told_apart(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotAuthenticatedError):
        open_root(folder / "GB-root-1.key", "two")
    damaged = tmp_path / "damaged.key"
    damaged.touch(0o600)
    damaged.write_bytes((folder / "GB-root-1.key").read_bytes()[:-1] + b"x")
    with pytest.raises(VerificationFailedError):
        open_root(damaged, "one")


@pytest.mark.parametrize(("threshold", "passphrases"), [(0, ["a"]), (3, ["a", "b"]), (1, []), (1, ["a"] * 10)])
def test_a_threshold_that_can_never_sign_makes_nothing(tmp_path: Path, threshold: int, passphrases: list[str]) -> None:
    with pytest.raises(UsageError):
        make_ceremony("GB", tmp_path / "roots", passphrases, threshold=threshold, now=START)
    assert not (tmp_path / "roots").exists()


def test_an_id_that_no_agency_can_have_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="capitals"):
        make_ceremony("../GB", tmp_path / "roots", ["a"], threshold=1, now=START)
    assert list(tmp_path.iterdir()) == []


def test_roots_are_never_written_over(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ConflictError):
        make_ceremony("GB", folder, PASSPHRASES, threshold=2, now=START)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("data", [b"", b"{}", b'{"payload":"AA","signatures":[]}', b"\xff"])
def test_what_is_no_request_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    for read in (read_request, read_signed_key_set):
        with pytest.raises(VerificationFailedError):
            read(tmp_path / "file")
    with pytest.raises(VerificationFailedError):
        read_roots_sheet(tmp_path / "file")
    with pytest.raises(UsageError):
        read_request(tmp_path / "nothing")


def test_a_root_opens_with_another_passphrase_and_no_longer_with_the_old_one(tmp_path: Path) -> None:
    make_ceremony("GB", tmp_path / "roots", ["old"], threshold=1, now=START)
    path = tmp_path / "roots" / "GB-root-1.key"
    before = open_root(path, "old").signer.kids
    copy = path.read_bytes()
    with pytest.raises(NotAuthenticatedError):
        change_passphrase(path, "another", "new")
    assert path.read_bytes() == copy, "a wrong passphrase changes nothing"
    assert change_passphrase(path, "old", "new").signer.kids == before
    assert path.stat().st_mode & 0o077 == 0
    assert open_root(path, "new").signer.kids == before
    with pytest.raises(NotAuthenticatedError):
        open_root(path, "old")


def test_roots_are_added_left_out_and_replaced_and_their_threshold_changed(folder: Path, tmp_path: Path) -> None:
    sheet = read_roots_sheet(folder / "GB-roots.json")
    more = make_ceremony("GB", tmp_path / "more", ["four"], threshold=1, now=START, first_number=4)
    assert (tmp_path / "more" / "GB-root-4.key").is_file()
    names = [root.kids[0] for root in sheet.roots.keys]
    (new,) = (root.kids[0] for root in more.roots.keys)

    grown = change_roots(sheet, [more], [], threshold=3, now=START)
    assert ({root.kids[0] for root in grown.roots.keys}, grown.roots.threshold) == ({*names, new}, 3)
    replaced = change_roots(sheet, [more], [names[1][:12]], threshold=None, now=START)
    assert {root.kids[0] for root in replaced.roots.keys} == {names[0], names[2], new}
    assert replaced.roots.threshold == 2
    assert replaced.anchor != sheet.anchor
    smaller = change_roots(sheet, [], [names[0], names[1]], threshold=1, now=START)
    assert [root.kids[0] for root in smaller.roots.keys] == names[2:]


@pytest.mark.parametrize(
    ("removed", "threshold"), [(["!"], None), ([""], None), ([], 4), ([], 0)], ids=["no-name", "empty", "high", "none"]
)
def test_a_change_that_can_never_sign_or_names_no_root_is_refused(
    folder: Path, removed: list[str], threshold: int | None
) -> None:
    sheet = read_roots_sheet(folder / "GB-roots.json")
    with pytest.raises(UsageError):
        change_roots(sheet, [], removed, threshold=threshold, now=START)
    foreign = sheet.model_copy(update={"agency": "VN"})
    with pytest.raises(UsageError, match="roots are of VN"):
        change_roots(sheet, [foreign], [], threshold=None, now=START)


def test_at_a_change_of_roots_both_old_and_new_signatures_are_counted(
    folder: Path, request_of_gb: KeySet, tmp_path: Path
) -> None:
    old = read_roots_sheet(folder / "GB-roots.json")
    more = make_ceremony("GB", tmp_path / "more", ["four", "five"], threshold=2, now=START, first_number=4)
    changed = request_of_gb.model_copy(update={"roots": more.roots})
    new = [open_root(tmp_path / "more" / f"GB-root-{n}.key", word) for n, word in ((4, "four"), (5, "five"))]
    progress = sign_request(changed, (), new, old=old)
    assert (progress.signed, progress.needed, progress.old_signed, progress.old_needed) == (2, 2, 0, 2)
    assert not progress.is_complete
    former = [open_root(folder / f"GB-root-{n}.key", PASSPHRASES[n - 1]) for n in (1, 2)]
    progress = sign_request(changed, progress.document.signatures, former, old=old)
    assert (progress.signed, progress.old_signed, progress.is_complete) == (2, 2, True)
