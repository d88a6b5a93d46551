"""Run atheris over everything that reads what strangers wrote: each target for its share of `--seconds`.

A target ends badly when anything but the refusal it declares comes out, or when it takes longer than a few seconds.
Ends with 1 then; the input that did it lies in build/fuzz/found and is run again by naming it.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "build" / "fuzz"
FOUND = TOOL / "found"
SECONDS_FOR_ONE_INPUT = 5
LARGEST_INPUT = 20_000

Target = Callable[[bytes], None]


def main() -> int:
    """Fuzz each target in a process of its own, or, as that process, one."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=120, help="how long in all (default: 120)")
    parser.add_argument("--seed", type=int, default=1, help="where each target begins (default: 1)")
    parser.add_argument("--target", choices=list(TARGETS), help="one target alone")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("input", nargs="?", type=Path, help="an input that was found: run the target on it alone")
    wanted = parser.parse_args()
    if wanted.inside:
        return fuzz_here(wanted.target, wanted.seconds, wanted.seed, wanted.input)
    names = [wanted.target] if wanted.target else list(TARGETS)
    command = [sys.executable, "-m", "tests.fuzz.parsers", "--inside", "--seed", str(wanted.seed)]
    share = ["--seconds", str(max(1, wanted.seconds // len(names))), *([str(wanted.input)] if wanted.input else [])]
    failed = [
        name for name in names if subprocess.run([*command, "--target", name, *share], cwd=ROOT, check=False).returncode
    ]
    print(f"failed: {', '.join(failed)}" if failed else f"{len(names)} readers refused or read all they were given")
    return bool(failed)


def fuzz_here(name: str, seconds: int, seed: int, found: Path | None) -> int:
    """Fuzz one target in this process, which libFuzzer ends."""
    sys.path.append(str(TOOL))
    import atheris  # type: ignore[import-untyped]

    with atheris.instrument_imports(include=["schemas", "keys", "agency_client"], enable_loader_override=False):
        target = TARGETS[name]()
    folder = FOUND / name
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, example in enumerate(SEEDS[name]()):
        (corpus / f"example-{number}").write_bytes(example)
    bounds = [f"-timeout={SECONDS_FOR_ONE_INPUT}", f"-max_len={LARGEST_INPUT}", f"-artifact_prefix={folder}/"]
    quiet = ["-verbosity=0", "-print_final_stats=1"]
    work = [str(found)] if found else [str(corpus), f"-max_total_time={seconds}", f"-seed={seed}"]
    print(f"{name}:", flush=True)
    atheris.Setup([sys.argv[0], *bounds, *quiet, *work], target)
    atheris.Fuzz()
    return 0


def make_codec() -> Target:
    """The strict codec, and its two laxer readers."""
    from schemas.codec import CodecError, decode_canonical, decode_foreign, decode_json, encode_canonical

    def read(data: bytes) -> None:
        for decode in (decode_canonical, decode_json, decode_foreign):
            try:
                value = decode(data)
            except CodecError:
                continue
            if decode is decode_canonical and encode_canonical(value) != data:
                raise AssertionError("two spellings of one value were read")

    return read


def make_zones() -> Target:
    """Machine readable zones, as scanners and hands give them."""
    from datetime import date

    from schemas.alerts.document import read_document, see_zone
    from schemas.identifiers.mrz import parse_mrz
    from schemas.identifiers.mrz_layout import MrzError

    def read(data: bytes) -> None:
        lines = data.decode("utf-8", "replace").split("\n")
        for parse in (parse_mrz, see_zone, lambda zone: read_document(zone, as_of=date(2026, 11, 22))):
            try:
                parse(lines)
            except (MrzError, ValueError):
                continue

    return read


def make_identifiers() -> Target:
    """Every identifier that is checked: an explanation comes out, whatever was seen, and its normal form is stable."""
    from schemas.alerts.seen import SeenHandle, SeenIdentifier, SeenWallet
    from schemas.identifiers.online import Platform
    from schemas.identifiers.wallets import Chain

    platforms = [{"platform": item.value} for item in Platform]
    chains = [{"chain": item.value} for item in Chain]
    types: list[tuple[type[SeenIdentifier], list[dict[str, str]]]] = [
        (item, platforms if item is SeenHandle else chains if item is SeenWallet else [{}])
        for item in SeenIdentifier.__subclasses__()
    ]

    def read(data: bytes) -> None:
        text = data.decode("utf-8", "ignore")[:300]
        for type_, members in types:
            for rest in members:
                try:
                    seen = type_.model_validate({"as_seen": text, **rest})
                except ValueError:
                    continue
                if not seen.check().findings:
                    raise AssertionError(f"{type_.__name__} says nothing of {text!r}")

    return read


def make_alerts() -> Target:
    """Alerts of every kind."""
    from schemas.alerts import parse_alert
    from schemas.alerts.special import find_special_categories
    from schemas.alerts.subjects import list_subject_keys
    from schemas.codec import CodecError, decode_json

    def read(data: bytes) -> None:
        try:
            alert = parse_alert(decode_json(data))
        except CodecError:
            return
        alert.identifiers()
        alert.nationalities()
        list_subject_keys(alert)
        find_special_categories(alert)

    return read


def make_importers() -> Target:
    """Files of other tools."""
    from agency_client.errors import ClientError
    from agency_client.interchange.exporting import Format
    from agency_client.interchange.importing import begin_alert

    def read(data: bytes) -> None:
        for format_ in (Format.STIX, Format.MISP):
            try:
                begin_alert(data, format_, kind="facilitator", agency="GB")
            except ClientError:
                continue

    return read


def make_tables() -> Target:
    """Tables of others under the published mappings, and mappings."""
    from datetime import UTC, datetime
    from io import BufferedReader, BytesIO
    from typing import cast

    from agency_client.interchange.tables.importing import judge_table
    from agency_client.interchange.tables.mapping import MappingError, read_mapping
    from agency_client.interchange.tables.reading import ENCODINGS, Table, TableError
    from agency_client.sending.composing import Usual
    from schemas.markings import Tlp

    usual = Usual("Second line", "officer-17", Tlp.AMBER, datetime(2026, 11, 22, tzinfo=UTC))
    files = sorted((ROOT / "examples" / "mappings").glob("*.toml"))
    mappings = [read_mapping(path.read_text()) for path in files]

    def read(data: bytes) -> None:
        for mapping in mappings:
            for encoding in ENCODINGS:
                file = BufferedReader(cast("Any", BytesIO(data)))
                try:
                    list(judge_table(Table(file, encoding=encoding, delimiter=mapping.form.delimiter), mapping, usual))
                except (TableError, MappingError):
                    continue
        try:
            read_mapping(data.decode("utf-8", "replace"))
        except MappingError:
            return

    return read


def make_notes() -> Target:
    """Signed notes, checkpoints and proofs of the log; sealed envelopes and key documents."""
    from schemas.codec import CodecError
    from schemas.envelope import Envelope, Header, Message
    from schemas.key_documents import KeySet
    from schemas.log.checkpoint import parse_checkpoint
    from schemas.log.note import parse_note
    from schemas.model import DocumentError

    def read(data: bytes) -> None:
        for parse in (
            parse_note,
            parse_checkpoint,
            Envelope.from_canonical,
            Header.from_canonical,
            Message.from_canonical,
            KeySet.from_canonical,
        ):
            try:
                parse(data)
            except (CodecError, DocumentError, ValueError):
                continue

    return read


def list_alerts() -> list[bytes]:
    """Return the filled examples."""
    return [path.read_bytes() for path in sorted((ROOT / "examples" / "alerts").glob("*.json"))]


def list_zones() -> list[bytes]:
    """Return the zones of the specimens."""
    from schemas.codec import decode_json

    specimens = [decode_json(path.read_bytes()) for path in sorted((ROOT / "examples" / "specimens").glob("*.json"))]
    return ["\n".join(specimen["lines"]).encode() for specimen in specimens]


def list_files() -> list[bytes]:
    """Return exports of the filled examples."""
    from agency_client.interchange.misp import make_event
    from agency_client.interchange.stix import make_bundle
    from schemas.codec import encode_canonical
    from tests.agency_client.interchange.exports import EXAMPLES, ORIGIN

    return [encode_canonical(make(alert, ORIGIN)) for make in (make_event, make_bundle) for alert in EXAMPLES.values()]


def list_tables() -> list[bytes]:
    """Return the published tables and their mappings."""
    return [path.read_bytes() for path in sorted((ROOT / "examples" / "mappings").iterdir())]


TARGETS: dict[str, Callable[[], Target]] = {
    "alerts": make_alerts,
    "codec": make_codec,
    "identifiers": make_identifiers,
    "importers": make_importers,
    "notes": make_notes,
    "tables": make_tables,
    "zones": make_zones,
}
SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "alerts": list_alerts,
    "codec": list_alerts,
    "identifiers": lambda: [b"+44 7700 900123", b"GB82 WEST 1234 5698 7654 32", b"https://example.org/", b"1-ABC-123"],
    "importers": list_files,
    "notes": lambda: [b"example.org/log\n1\nAAAA\n\n\xe2\x80\x94 example.org/log AAAA\n"],
    "tables": list_tables,
    "zones": list_zones,
}

if __name__ == "__main__":
    sys.exit(main())
