"""A name from outside becomes one that is safe to write, to show and to carry anywhere, or a name of our own."""

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.attachments.names import FALLBACK_STEM, MAX_NAME_BYTES, make_safe_name, number_name
from agency_client.terminal.cleaning import clean_line
from tests.support.command_line import find_steering

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@pytest.mark.parametrize(
    ("foreign", "safe"),
    [
        ("page.png", "page.png"),
        ("Hộ chiếu trang 2.PDF", "Hộ chiếu trang 2.PDF"),
        ("护照.jpg", "护照.jpg"),
        ("جواز.jpg", "جواز.jpg"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\Windows\\win.ini", "win.ini"),
        ("C:evil.exe", "evil.exe"),
        ("/", FALLBACK_STEM),
        ("..", FALLBACK_STEM),
        ("", FALLBACK_STEM),
        (".bashrc", f"{FALLBACK_STEM}.bashrc"),
        ("-rf", "rf"),
        ("~root", "root"),
        ("name. . .", "name"),
        ("CON", f"{FALLBACK_STEM}-CON"),
        ("nul.txt", f"{FALLBACK_STEM}-nul.txt"),
        ("COM1.tar.gz", f"{FALLBACK_STEM}-COM1.tar.gz"),
        ("a\x00b\x1b[2Jc.txt", "a_b_[2Jc.txt"),
        ("photo\u202egpj.exe", "photo_gpj.exe"),
        ("a\u200bb\ufeffc.png", "a_b_c.png"),
        ("a\nb\tc.png", "a_b_c.png"),
        ("passport.pdf\u3164\u2800\ufe0f\u034f.exe", "passport.pdf.exe"),
        ("a\u115fb\U000e0101c.png", "a_b_c.png"),
        ('a<b>"c|d?e*.png', "a_b__c_d_e.png"),
        ("$(rm -rf ~).png", "(rm -rf ~).png"),
        ("a" * 300 + ".jpeg", "a" * (MAX_NAME_BYTES - 5) + ".jpeg"),
        ("é" * 300, "é" * (MAX_NAME_BYTES // 2)),
    ],
)
def test_these_become(foreign: str, safe: str) -> None:
    assert make_safe_name(foreign) == safe


@given(NAMES)
def test_whatever_it_was_it_is_one_plain_name(foreign: str) -> None:
    safe = make_safe_name(foreign)
    assert 0 < len(safe.encode()) <= MAX_NAME_BYTES
    assert safe not in (".", "..")
    assert not safe.startswith((".", "-", "~", " "))
    assert not safe.endswith((" ", "."))
    assert PurePosixPath(safe).name == PureWindowsPath(safe).name == safe
    assert find_steering(safe) == set()
    assert unicodedata.is_normalized("NFC", safe)
    assert make_safe_name(safe) == safe, "a safe name stays as it is"
    assert "\u202e" not in clean_line(safe)


@given(NAMES, st.integers(1, 999))
def test_the_next_names_to_try_are_safe_too_and_never_the_same(foreign: str, number: int) -> None:
    safe = make_safe_name(foreign)
    tried = {number_name(safe, one) for one in (1, number, number + 1)}
    assert len(tried) == (2 if number == 1 else 3)
    for name in tried:
        assert len(name.encode()) <= MAX_NAME_BYTES
        assert PureWindowsPath(name).name == name
    assert number_name("page.png", 2) == "page-2.png"
