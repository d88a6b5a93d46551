"""Terms as people write them: what is filled in, what may not stand in the file, and a field named for each mistake."""

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from agency_client.agreements.drafting import Place, complete_terms, read_template, read_terms_file
from agency_client.directory.directory import NotPinnedError
from agency_client.errors import UsageError
from agency_client.local_store.trust import pin_agency
from agency_client.node import Node
from schemas.agreements.coverage import ContentFacts, VisibleFacts, judge_message
from schemas.agreements.terms import Terms
from schemas.codec import b64u_encode, encode_canonical
from schemas.markings import HandlingCode, Purpose, Tlp, Urgency
from tests.support.members import START, make_member
from tests.support.messages import make_id
from tests.support.paths import EXAMPLES

MIGRATION = EXAMPLES / "agreements" / "gb-vn-migration.toml"
PLACE = Place(make_id("drafting"))


@pytest.fixture
def node(node: Node) -> Node:
    """The same, which pinned its partner."""
    with node.store.write() as transaction:
        pin_agency(transaction, "VN", make_member("VN").anchor, by="x", at=START)
    return node


def complete(node: Node, fields: dict[str, Any], place: Place = PLACE) -> Terms:
    with node.store.read() as snapshot:
        return complete_terms(node, snapshot, fields, place)


@pytest.mark.parametrize("name", ["gb-vn-migration.toml", "gb-vn-trafficking.toml"])
def test_the_examples_are_terms(node: Node, name: str) -> None:
    terms = complete(node, read_terms_file(EXAMPLES / "agreements" / name))
    assert terms.agencies == ("GB", "VN")
    assert terms.in_force_from == datetime(2026, 11, 1, tzinfo=UTC)


def test_the_template_is_in_force_from_today_and_covers_a_ping_each_way(node: Node, tmp_path: Path) -> None:
    (tmp_path / "template.toml").write_text(read_template(date(2028, 2, 29)))
    terms = complete(node, read_terms_file(tmp_path / "template.toml"))
    assert terms.in_force_from == datetime(2028, 2, 29, tzinfo=UTC)
    assert terms.in_force_from < terms.review_by < terms.in_force_until
    for sender, recipient in (("GB", "VN"), ("VN", "GB")):
        visible = VisibleFacts(sender, recipient, "ping", Tlp.GREEN, 4096)
        content = ContentFacts(
            Purpose.SYSTEM_TEST,
            frozenset({HandlingCode.H0}),
            frozenset(),
            Urgency.ROUTINE,
            datetime(2026, 11, 21, tzinfo=UTC),
        )
        assert judge_message(terms, visible, content).findings == ()


def test_no_example_names_a_person_or_a_number_that_may_ring() -> None:
    files = sorted((EXAMPLES / "agreements").glob("*.toml"))
    assert len(files) == 3
    for path in files:
        text = path.read_text()
        assert "signatories" not in text
        assert text.count("phone = ") == text.count('phone = "+441632960')
        assert text.count("email = ") == text.count('.example"\n')


def test_a_place_in_a_chain_of_versions_is_filled_in(node: Node) -> None:
    digest = b64u_encode(bytes(32))
    terms = complete(node, read_terms_file(MIGRATION), Place(make_id("x"), 3, digest))
    assert (terms.id, terms.version, terms.supersedes) == (make_id("x"), 3, digest)


def test_the_same_terms_in_json_are_the_same(node: Node, tmp_path: Path) -> None:
    terms = complete(node, read_terms_file(MIGRATION))
    wire = terms.to_wire()
    written = {name: wire[name] for name in wire if name not in ("v", "exchange", "id", "version", "parties")}
    (tmp_path / "terms.json").write_bytes(encode_canonical({**written, "partner": "VN"}))
    assert complete(node, read_terms_file(tmp_path / "terms.json")) == terms


def test_the_text_the_governments_signed_becomes_its_digest(node: Node, tmp_path: Path) -> None:
    (tmp_path / "memorandum.txt").write_bytes(b"what was signed")
    (tmp_path / "terms.toml").write_text('text_file = "memorandum.txt"\n' + MIGRATION.read_text())
    terms = complete(node, read_terms_file(tmp_path / "terms.toml"))
    assert terms.text_sha256 == b64u_encode(hashlib.sha256(b"what was signed").digest())
    (tmp_path / "memorandum.txt").unlink()
    with pytest.raises(UsageError, match="text_file"):
        read_terms_file(tmp_path / "terms.toml")


@pytest.mark.parametrize("name", ["v", "exchange", "id", "version", "supersedes"])
def test_what_is_filled_in_may_not_stand_in_the_file(node: Node, name: str) -> None:
    with pytest.raises(UsageError, match=f"^{name}: "):
        complete(node, {**read_terms_file(MIGRATION), name: 1})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"surprise": 1}, "surprise"),
        ({"clauses": []}, "clauses"),
        ({"clauses": None}, "clauses"),
        ({"clauses": ["x"]}, "clauses"),
        ({"in_force_until": datetime(2020, 1, 1, tzinfo=UTC)}, "in_force"),
        ({"in_force_from": "1 November 2026"}, "in_force_from"),
        ({"notice_days": 90.5}, "the terms"),
        ({"parties": ["GB", "GB"]}, "partner"),
        ({"parties": ["VN", "BE"]}, "parties"),
        ({"parties": "VN"}, "partner"),
    ],
)
def test_a_mistake_names_its_field(node: Node, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(UsageError, match=field):
        complete(node, {**read_terms_file(MIGRATION), **changes})


def test_an_anchor_never_comes_from_a_file(node: Node) -> None:
    fields = read_terms_file(MIGRATION)
    parties = [{"agency": "GB", "anchor": "A" * 43}, {"agency": "VN", "anchor": "A" * 43}]
    with pytest.raises(UsageError):
        complete(node, {**fields, "parties": parties})
    with pytest.raises(NotPinnedError, match="BE"):
        complete(node, {**fields, "parties": ["GB", "BE"]})


def test_terms_that_are_too_large_are_told(node: Node) -> None:
    fields = read_terms_file(MIGRATION)
    many = [{**fields["clauses"][0], "kinds": [f"kind-{n:03d}-{'x' * 50}" for n in range(64)]}] * 16
    with pytest.raises(UsageError, match="at most 65536"):
        complete(node, {**fields, "clauses": many})


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.toml", b"title = "),
        ("a.toml", b"\xff"),
        ("a.json", b'{"a": 1, "a": 2}'),
        ("a.json", b"[]"),
        ("a.toml", b"#" * 300_000),
    ],
)
def test_a_file_that_is_no_table_of_fields_is_told(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError):
        read_terms_file(tmp_path / name)
    with pytest.raises(UsageError, match="there is no"):
        read_terms_file(tmp_path / "nothing.toml")
