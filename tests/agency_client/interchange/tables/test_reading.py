"""Tables of others: in every encoding a mapping names, in bounded memory, and never half understood."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agency_client.interchange.tables.reading import (
    ENCODINGS,
    MAX_COLUMNS,
    MAX_LINE_CHARACTERS,
    TableError,
    open_table,
)

VIETNAMESE = "Nguyễn Văn Anh"


def read(
    path: Path, encoding: str = "utf-8", delimiter: str = ","
) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    """Return the header, and each line with its number."""
    with open_table(path, encoding=encoding, delimiter=delimiter) as table:
        return table.columns, [(line.number, list(line.cells)) for line in table]


def write(tmp_path: Path, data: bytes) -> Path:
    """Write a file."""
    path = tmp_path / "table.csv"
    path.write_bytes(data)
    return path


def test_lines_have_the_number_at_which_they_begin(tmp_path: Path) -> None:
    path = write(tmp_path, b'Name , Note\r\nERIKSSON,"two\r\nlines"\r\n\r\n,\r\nSPECIMEN,"a ""word"""\r\n')

    assert read(path) == (("Name", "Note"), [(2, ["ERIKSSON", "two\r\nlines"]), (6, ["SPECIMEN", 'a "word"'])])


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [
        ("utf-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16", "utf-16-le"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-16-le", "utf-16"),
        ("windows-1252", "cp1252"),
    ],
)
def test_each_encoding_is_read_with_and_without_its_mark(tmp_path: Path, encoding: str, codec: str) -> None:
    assert read(write(tmp_path, "Größe\nÉlodie\n".encode(codec)), encoding) == (("Größe",), [(2, ["Élodie"])])


def test_every_encoding_there_is_is_known_to_python() -> None:
    assert {"".encode(codec) for codec in ENCODINGS.values()} <= {b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"}


@pytest.mark.parametrize(
    ("data", "encoding", "sentence"),
    [
        (b"", "utf-8", "it is empty"),
        (b"\r\n \r\n", "utf-8", "it is empty"),
        (b"a,b\n\xff\xfe,x\n", "utf-8", "no text in utf-8"),
        (b"a\n\x81\n", "windows-1252", "no text in windows-1252"),
        ("a\nb\n".encode("utf-16"), "utf-8", "begins as a file in utf-16 does"),
        (b"\xef\xbb\xbfa\nb\n", "windows-1252", "begins as a file in utf-8 does"),
        ("a\nb\n".encode("utf-16-le"), "utf-8", "zero bytes"),
        (b"a\nx\0y\n", "utf-8", "line 2: it holds zero bytes"),
        (b'a\nx\n"never closed', "utf-8", "line 3: a quotation mark is opened and never closed"),
        (b'a\n"x"y"\n', "utf-8", "line 2: a quotation mark stands inside a cell"),
        (b'a\n"' + b"x" * MAX_LINE_CHARACTERS, "utf-8", "line 2: it begins a record of more than"),
        (b"a\n" + b"x" * (MAX_LINE_CHARACTERS + 1), "utf-8", "line 2: it begins a record of more than"),
        (b'a\n"' + b"x\n" * MAX_LINE_CHARACTERS, "utf-8", "is a quotation mark never closed"),
        (b"a\n" + b"," * MAX_COLUMNS + b"\n", "utf-8", f"line 2: it has {MAX_COLUMNS + 1} cells"),
        (b"," * 1_000_000, "utf-8", "line 1: it begins a record of more than"),
    ],
)
def test_a_file_that_does_not_add_up_is_refused_with_the_place(
    tmp_path: Path, data: bytes, encoding: str, sentence: str
) -> None:
    with pytest.raises(TableError, match=sentence):
        read(write(tmp_path, data), encoding)


@given(data=st.binary(max_size=200) | st.text('a,;"\r\n\0é', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(data)
    for encoding in ENCODINGS:
        try:
            read(path, encoding)
        except TableError as error:
            assert str(error)  # noqa: PT017 - either outcome is right; nothing else may come out


@pytest.mark.parametrize("grow", [lambda: b"x,y\r\n", lambda: b'"x\r\n",y\r\n'])
def test_what_lies_behind_a_broken_place_is_not_read(tmp_path: Path, grow: Callable[[], bytes]) -> None:
    path = write(tmp_path, b"a,b\r\n" + b'"broken"x,\r\n' + grow() * 20_000)

    with open_table(path, encoding="utf-8", delimiter=",") as table:
        with pytest.raises(TableError):
            list(table)
        assert table.position < path.stat().st_size
