"""Our own exports come back to the letter; others' files begin an alert; what another agency sent does not."""

import json

import pytest

from agency_client.errors import UsageError
from agency_client.interchange.exporting import Format
from agency_client.interchange.foreign import MAX_VALUES
from agency_client.interchange.importing import ForeignOriginError, begin_alert
from agency_client.interchange.leaves import list_leaves
from agency_client.interchange.misp import REST, make_event
from agency_client.interchange.stix import FIELDS_EXTENSION, make_bundle
from schemas.alerts import parse_alert
from schemas.codec import encode_canonical
from schemas.envelope import SAFEGUARDING_KIND
from tests.agency_client.interchange.exports import EXAMPLES, ORIGIN

FILES = {
    Format.STIX: lambda kind: encode_canonical(make_bundle(EXAMPLES[kind], ORIGIN)),
    Format.MISP: lambda kind: encode_canonical(make_event(EXAMPLES[kind], ORIGIN)),
}
OF_THE_OLD_MESSAGE = ("thread", "in_reply_to", "supersedes", "quality", "attachments")
WITHOUT_FILES = [kind for kind, alert in EXAMPLES.items() if not alert.attachments and kind != SAFEGUARDING_KIND]


@pytest.mark.parametrize("format_", FILES)
@pytest.mark.parametrize("kind", WITHOUT_FILES)
def test_ones_own_export_comes_back_to_the_letter_but_for_what_was_of_that_message(kind: str, format_: Format) -> None:
    draft = begin_alert(FILES[format_](kind), format_, kind="facilitator", agency="GB-HO")

    kept = {path for path in list_leaves(EXAMPLES[kind]) if path.split(".")[0] not in OF_THE_OLD_MESSAGE}
    expected = {path: value for path, value in list_leaves(EXAMPLES[kind]).items() if path in kept}
    found: dict[str, object] = {}
    _flatten(found, "", draft.alert)
    assert found == expected


def _flatten(found: dict[str, object], path: str, value: object) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            _flatten(found, f"{path}.{name}" if path else name, item)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _flatten(found, f"{path}.{place}", item)
    else:
        found[path] = value


@pytest.mark.parametrize("format_", FILES)
def test_files_that_do_not_come_along_are_named_and_nothing_speaks_of_them(format_: Format) -> None:
    alert = EXAMPLES["document-fraud"]

    draft = begin_alert(FILES[format_]("document-fraud"), format_, kind="document-fraud", agency="GB-HO")

    assert alert.attachments
    assert [place for place, _ in draft.refused] == sorted(f"attachments {note.id}" for note in alert.attachments)
    assert not [note.id for note in alert.attachments if note.id in encode_canonical(draft.alert).decode()]
    parse_alert(draft.alert | {"thread": alert.thread})


@pytest.mark.parametrize("format_", FILES)
def test_what_another_agency_sent_is_not_imported(format_: Format) -> None:
    with pytest.raises(ForeignOriginError, match="another agency"):
        begin_alert(FILES[format_]("facilitator"), format_, kind="facilitator", agency="VN")


@pytest.mark.parametrize("format_", FILES)
def test_what_is_said_of_victims_comes_from_no_file(format_: Format) -> None:
    with pytest.raises(UsageError, match="victims"):
        begin_alert(FILES[format_](SAFEGUARDING_KIND), format_, kind="facilitator", agency="GB-HO")


@pytest.mark.parametrize("format_", FILES)
@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"type":"bindle"}', b'{"Event":[]}', b'{"a":1,"a":2}'])
def test_what_is_no_such_file_is_refused(data: bytes, format_: Format) -> None:
    with pytest.raises(UsageError, match="the file is no") as refusal:
        begin_alert(data, format_, kind="facilitator", agency="GB-HO")
    assert refusal.value.code == "foreign-file"


@pytest.mark.parametrize(
    ("data", "format_"), [(b'{"type":"bundle","objects":5}', Format.STIX), (b'{"Event":{"Object":5}}', Format.MISP)]
)
def test_an_empty_file_begins_nothing(data: bytes, format_: Format) -> None:
    draft = begin_alert(data, format_, kind="facilitator", agency="GB-HO")

    assert (draft.alert["details"], draft.taken, draft.refused) == ({}, (), ())


def test_a_kind_that_takes_nothing_says_which_do() -> None:
    with pytest.raises(UsageError, match="ping takes nothing") as refusal:
        begin_alert(b'{"Event":{}}', Format.MISP, kind="ping", agency="GB-HO")
    assert refusal.value.fix == "the kinds that do: facilitator, financial-flow, online-recruitment"


def make_own_bundle(*fields: tuple[str, object]) -> bytes:
    """Return a bundle that says of itself that it was made of a message of GB-HO with these leaves."""
    held = {FIELDS_EXTENSION: {"fields": [{"path": path, "value": value} for path, value in fields]}}
    report = {"type": "report", "id": "report--1", "created_by_ref": "identity--1", "extensions": held}
    author = {"type": "identity", "id": "identity--1", "name": "GB-HO"}
    return json.dumps({"type": "bundle", "objects": [author, report]}).encode()


@pytest.mark.parametrize(
    "fields",
    [
        [(".".join("a" * 5_000), "x")],
        [("a." + "1" * 5_000, "x"), ("a.2", "x")],
        [("details.count", 2**53)],
        [("d\u00e9tails", "x")],
    ],
    ids=["depth", "place", "number", "letters"],
)
def test_a_file_that_passes_for_our_own_and_could_not_be_written_is_refused(fields: list[tuple[str, object]]) -> None:
    with pytest.raises(UsageError, match="is no STIX"):
        begin_alert(make_own_bundle(*fields), Format.STIX, kind="facilitator", agency="GB-HO")


@pytest.mark.parametrize("field", ["attachments", "attachments.0.id.0", "attachments.0.id", "attachments.0.id.x"])
@pytest.mark.parametrize("value", [7, "x", True])
def test_attachments_of_another_form_are_left_out_like_any(field: str, value: object) -> None:
    draft = begin_alert(make_own_bundle((field, value)), Format.STIX, kind="facilitator", agency="GB-HO")

    assert draft.alert == {}


def test_a_number_of_thousands_of_digits_stays_a_text() -> None:
    fields = [{"comment": "details.count", "type": "counter", "value": "1" * 5_000}]
    event = {"Orgc": {"name": "GB-HO"}, "Object": [{"name": REST, "Attribute": fields}]}

    draft = begin_alert(json.dumps({"Event": event}).encode(), Format.MISP, kind="facilitator", agency="GB-HO")

    assert draft.alert == {"details": {"count": "1" * 5_000}}


def test_a_thing_with_more_values_than_anybody_goes_through_is_refused() -> None:
    values = [{"object_relation": "alias", "value": "x"}] * (MAX_VALUES + 1)
    event = {"Object": [{"name": "person", "Attribute": values}]}

    with pytest.raises(UsageError, match="at most"):
        begin_alert(json.dumps({"Event": event}).encode(), Format.MISP, kind="facilitator", agency="GB-HO")
