"""Signed notes: published examples, one spelling, limits."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import CodecError, b64_std_decode, b64_std_encode
from schemas.log.note import (
    MAX_NAME_BYTES,
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    NoteError,
    NoteSignature,
    SignedNote,
    compute_key_id,
    format_note,
    parse_note,
    verify_key_name,
)

# The example of C2SP signed-note.
QUASIMODO = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3Z"
    "ekRwNtIc=\n"
).encode()
# The verifier key of golang.org/x/mod/sumdb/note: type 01 and an Ed25519 public key.
PETER_NEUMANN = b64_std_decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")

NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="+"), min_size=1, max_size=40)
SIGNATURES = st.builds(NoteSignature, NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80))
TEXT_CHARACTERS = st.characters(min_codepoint=0x20, exclude_categories=["Cs"]) | st.just("\n")
NOTES = st.builds(
    SignedNote,
    st.text(TEXT_CHARACTERS, max_size=60).map(lambda text: f"{text}\n".encode()),
    st.lists(SIGNATURES, min_size=1, max_size=5, unique_by=lambda line: (line.name, line.key_id)).map(tuple),
)
LINE = NoteSignature("log.example/1", b"\x01\x02\x03\x04", b"signature")


def spell(text: str, *lines: str) -> bytes:
    return (text + "\n" + "".join(lines)).encode()


def line_of(name: str, blob: bytes = b"\x01\x02\x03\x04signature") -> str:
    return f"— {name} {b64_std_encode(blob)}\n"


def test_the_published_note_is_read_and_written_byte_for_byte() -> None:
    note = parse_note(QUASIMODO)
    assert note.text.decode().endswith("di sole:\n\ned è subito sera.\n")
    assert [line.name for line in note.signatures] == ["quasimodo.example/salvatore"]
    assert note.signatures[0].key_id.hex() == "367ba04b"
    assert len(note.signatures[0].signature) == 64
    assert format_note(note) == QUASIMODO


def test_the_published_key_id_comes_out() -> None:
    assert compute_key_id("PeterNeumann", PETER_NEUMANN[0], PETER_NEUMANN[1:]).hex() == "c74f20a3"


def test_a_key_id_depends_on_name_type_and_key() -> None:
    key_ids = {
        compute_key_id(name, signature_type, key)
        for name in ("log.example/1", "log.example/2")
        for signature_type in (1, 6)
        for key in (b"\x01" * 32, b"\x02" * 32)
    }
    assert len(key_ids) == 8
    assert compute_key_id("a", 1, b"k") == sha256(b"a\n\x01k").digest()[:4]


@given(note=NOTES)
def test_every_note_survives_writing_and_reading(note: SignedNote) -> None:
    assert parse_note(format_note(note)) == note


@given(note=NOTES, data=st.data())
def test_a_changed_byte_is_refused_or_read_as_another_note(note: SignedNote, data: st.DataObject) -> None:
    original = format_note(note)
    position = data.draw(st.integers(0, len(original) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != original[position]))
    changed = original[:position] + bytes([byte]) + original[position + 1 :]
    verify_other_or_refused(note, changed)


@given(note=NOTES, data=st.data())
def test_an_added_or_missing_byte_is_refused_or_read_as_another_note(note: SignedNote, data: st.DataObject) -> None:
    original = format_note(note)
    position = data.draw(st.integers(0, len(original) - 1))
    added = data.draw(st.sampled_from([b"\n", b" ", b"=", b"A", b"\r", b"\x00", "—".encode()]))
    verify_other_or_refused(note, original[:position] + added + original[position:])
    verify_other_or_refused(note, original[:position] + original[position + 1 :])
    verify_other_or_refused(note, original + added)


def verify_other_or_refused(note: SignedNote, changed: bytes) -> None:
    try:
        found = parse_note(changed)
    except NoteError:
        return
    assert found != note
    assert format_note(found) == changed


@pytest.mark.parametrize(
    ("problem", "data"),
    [
        ("nothing at all", b""),
        ("no empty line", b"text\n" + line_of("log").encode()),
        ("no signature", b"text\n\n"),
        ("no final newline", spell("text\n", line_of("log"))[:-1]),
        ("carriage returns", spell("text\n", line_of("log")).replace(b"\n", b"\r\n")),
        ("a carriage return in the text", spell("text\r\n", line_of("log"))),
        ("a tab in the text", spell("text\tmore\n", line_of("log"))),
        ("a zero byte in the text", spell("text\x00\n", line_of("log"))),
        ("text that is not UTF-8", b"te\xffxt\n\n" + line_of("log").encode()),
        ("a signature line that is not UTF-8", b"text\n\n" + line_of("log").encode().replace(b"log", b"l\xffg")),
        ("a hyphen for the em dash", spell("text\n", line_of("log").replace("—", "-"))),
        ("two spaces", spell("text\n", line_of("log").replace("— ", "—  "))),
        ("a trailing space", spell("text\n", line_of("log").replace("\n", " \n"))),
        ("an empty name", spell("text\n", line_of(""))),
        ("a name with a plus", spell("text\n", line_of("l+g"))),
        ("a name with a no-break space", spell("text\n", line_of("l\u00a0g"))),
        ("a name that is not ASCII", spell("text\n", line_of("lög"))),
        ("a name of 256 characters", spell("text\n", line_of("l" * 256))),
        ("no padding", spell("text\n", "— log AQIDBHM\n")),
        ("stray bits in the base64", spell("text\n", "— log AQIDBHN=\n")),
        ("base64url", spell("text\n", "— log AQIDBP__\n")),
        ("only a key ID", spell("text\n", line_of("log", b"\x01\x02\x03\x04"))),
        ("less than a key ID", spell("text\n", line_of("log", b"\x01\x02\x03"))),
        ("the same key twice", spell("text\n", line_of("log"), line_of("log", b"\x01\x02\x03\x04other"))),
        ("too many signatures", spell("text\n", *(line_of(f"w{number}") for number in range(MAX_SIGNATURES + 1)))),
        ("too many bytes", spell("t" * MAX_NOTE_BYTES + "\n", line_of("log"))),
    ],
)
def test_another_spelling_is_refused(problem: str, data: bytes) -> None:
    with pytest.raises(NoteError):
        parse_note(data)


def test_the_case_the_refusals_start_from_is_accepted() -> None:
    note = parse_note(spell("text\n", line_of("log")))
    assert note == SignedNote(b"text\n", (NoteSignature("log", b"\x01\x02\x03\x04", b"signature"),))


def test_as_many_signatures_as_allowed_are_accepted() -> None:
    data = spell("text\n", *(line_of(f"w{number}") for number in range(MAX_SIGNATURES)))
    assert len(parse_note(data).signatures) == MAX_SIGNATURES


def test_the_limits_are_those_of_the_protocol() -> None:
    assert (MAX_SIGNATURES, MAX_NAME_BYTES, MAX_NOTE_BYTES) == (32, 255, 131_072)


def test_a_note_of_exactly_the_most_bytes_is_accepted_and_one_more_is_not() -> None:
    rest = len(spell("\n", line_of("log")))
    assert len(parse_note(spell("t" * (MAX_NOTE_BYTES - rest) + "\n", line_of("log"))).signatures) == 1
    with pytest.raises(NoteError, match="131073 bytes"):
        parse_note(spell("t" * (MAX_NOTE_BYTES - rest + 1) + "\n", line_of("log")))


def test_a_full_set_of_post_quantum_signatures_fits_into_a_note() -> None:
    lines = tuple(
        NoteSignature(f"{number:0>255}", b"\x01\x02\x03\x04", bytes(2428)) for number in range(MAX_SIGNATURES)
    )
    data = format_note(SignedNote(b"text\n", lines))
    assert len(data) <= MAX_NOTE_BYTES
    assert parse_note(data).signatures == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"no newline", (LINE,)),
        (b"", (LINE,)),
        (b"text\n", ()),
        (b"text\n", (LINE, LINE)),
        (b"te\x07xt\n", (LINE,)),
        (b"te\xffxt\n", (LINE,)),
    ],
)
def test_no_note_is_made_that_could_not_be_read(text: bytes, lines: tuple[NoteSignature, ...]) -> None:
    with pytest.raises(NoteError):
        SignedNote(text, lines)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n", "a\u2003b", "é", "a" * 256, "a\x7f"])
def test_a_name_no_line_could_carry_is_refused(name: str) -> None:
    with pytest.raises(NoteError):
        verify_key_name(name)
    with pytest.raises(NoteError):
        NoteSignature(name, b"\x01\x02\x03\x04", b"signature")


def test_a_signature_without_a_whole_key_id_is_refused() -> None:
    with pytest.raises(NoteError):
        NoteSignature("log", b"\x01\x02\x03", b"signature")
    with pytest.raises(NoteError):
        NoteSignature("log", b"\x01\x02\x03\x04", b"")


def test_the_error_is_a_codec_error_with_its_own_code() -> None:
    assert issubclass(NoteError, CodecError)
    assert NoteError.code == "note-malformed"
