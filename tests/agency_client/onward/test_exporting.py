"""An exported message proves itself to whoever has the anchors; before a court it goes by the originator's leave."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agency_client.errors import ConflictError, UsageError
from agency_client.local_store.access_log import AccessFilter, list_entries
from agency_client.local_store.engine import Store, StoreBusyError
from agency_client.local_store.inbox import InboxMessage
from agency_client.onward import exporting
from agency_client.onward.bundle import ExportUse, MessageBundle
from agency_client.onward.checking import BundleRefusedError, check_message_bundle, read_bundle
from agency_client.onward.exporting import Export, export_message
from agency_client.onward.passing_on import NoRightError
from agency_client.own_keys.key_sets import get_own_anchor
from agency_client.profiles.private_files import write_private_file
from agency_client.receiving.flow import receive
from agency_client.sending.noticing import withdraw
from agency_client.witness.standing import NotYetWitnessedError
from schemas.alerts.kinds.release_request import Proceeding
from schemas.codec import b64u_encode
from schemas.key_documents import compute_exchange_anchor
from schemas.markings import Purpose
from tests.support.onward import AL, AUTHOR, BE, VN, Row

COURT, ELSEWHERE = (Proceeding(court="Brussels", proceeding=number) for number in ("74/08", "75/08"))
TRIAL = Purpose.CRIMINAL_INVESTIGATION


@pytest.fixture(autouse=True)
def witnessed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the quorum have seen every leaf: what it has seen is `tests.agency_client.witness`' business."""
    monkeypatch.setattr("agency_client.onward.exporting.is_leaf_witnessed", lambda *_: True)


def export(row: Row, agency: str, held: InboxMessage, path: Path, **members: Any) -> MessageBundle:
    """Export a message as an officer does, and return what the file holds."""
    wanted: dict[str, Any] = {"use": ExportUse.OWN_FILE, "reason": "case 74/08"}
    made = export_message(row[agency], path, Export(held.message_id, **wanted | members))
    found = read_bundle(path.read_bytes())
    assert found == made
    return found


@pytest.fixture(scope="module")
def released(row: Row) -> InboxMessage:
    """A message of VN at BE, with VN's consent to show it in one proceeding."""
    held = row.send(VN, BE, handling={"codes": ["h1"]})
    question = row.ask(BE, held, court=COURT, purposes=(TRIAL,))
    row.grant(VN, question, conditions="Names of third parties are blacked out.")
    return held


def test_a_file_proves_itself_with_the_anchors_alone(row: Row, tmp_path: Path) -> None:
    held = row.send(VN, BE)
    path = tmp_path / "alert.json"
    verdict = check_message_bundle(export(row, BE, held, path))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (verdict.header.id, verdict.alert.subject) == (held.message_id, "A ping of the tests")
    assert verdict.exchange_anchors == {row[BE].sheet.origin: compute_exchange_anchor(row[BE].sheet)}
    assert verdict.agency_anchors == {VN: get_own_anchor(row[VN])}
    assert [sentence.split(" ")[0] for sentence in verdict.sentences] == ["accepted", "signed", "2048"]
    with row[BE].store.read() as snapshot:
        newest = list_entries(snapshot, AccessFilter(message=held.message_id))[0]
    assert (newest.verb, newest.reason, newest.outcome) == ("export", "case 74/08", "done")


def test_nothing_is_overwritten(row: Row, tmp_path: Path) -> None:
    path = tmp_path / "alert.json"
    path.write_text("something else")
    with pytest.raises(ConflictError, match="exists already"):
        export(row, BE, row.send(VN, BE), path)
    assert path.read_text() == "something else"


def test_a_copy_proves_where_it_comes_from(row: Row, tmp_path: Path) -> None:
    held = row.send(VN, BE, onward=[AL])
    copy = row.take_in(AL, row.pass_on(BE, held, AL))
    verdict = check_message_bundle(export(row, AL, copy, tmp_path / "copy.json"))
    assert verdict.sentences[-1] == "first sent by VN, to the letter; it went VN → BE → AL"
    assert set(verdict.agency_anchors) == {VN, BE}


def test_before_a_court_nothing_goes_without_the_originators_leave(row: Row, tmp_path: Path) -> None:
    held = row.send(VN, BE, handling={"codes": ["h1"]})
    path = tmp_path / "trial.json"
    with pytest.raises(NoRightError, match="VN has not consented to its use in court") as refused:
        export(row, BE, held, path, use=ExportUse.COURT, court=COURT, purpose=TRIAL)
    assert f'agency release request {held.message_id} --court "Brussels" --proceeding "74/08"' in refused.value.fix
    assert not path.exists()
    with row[BE].store.read() as snapshot:
        (denied,) = list_entries(snapshot, AccessFilter(message=held.message_id, outcome="denied"))
    assert (denied.verb, denied.action.value) == ("export", "disclosure")


def test_what_the_originator_allowed_a_court_to_see_says_so(row: Row, released: InboxMessage, tmp_path: Path) -> None:
    wanted = {"use": ExportUse.COURT, "court": COURT, "purpose": TRIAL}
    verdict = check_message_bundle(export(row, BE, released, tmp_path / "trial.json", **wanted))
    assert verdict.sentences[-2:] == (
        "VN consented to its use before Brussels in 74/08, for criminal-investigation",
        "conditions of VN: Names of third parties are blacked out.",
    )


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"court": ELSEWHERE, "purpose": TRIAL}, "consent-for-another-court"),
        ({"court": COURT, "purpose": Purpose.BORDER_CONTROL}, "consent-for-another-purpose"),
    ],
)
def test_a_consent_for_one_trial_is_none_for_another(
    row: Row, released: InboxMessage, tmp_path: Path, members: Any, code: str
) -> None:
    with pytest.raises(NoRightError) as refused:
        export(row, BE, released, tmp_path / "trial.json", use=ExportUse.COURT, **members)
    assert refused.value.code == code


def test_a_court_is_named_for_a_court_and_for_nothing_else(row: Row, tmp_path: Path) -> None:
    held = row.send(VN, BE)
    for members in ({"use": ExportUse.COURT}, {"use": ExportUse.OWN_FILE, "court": COURT}):
        with pytest.raises(UsageError, match="court and proceeding are named for the use court"):
            export(row, BE, held, tmp_path / "x.json", **members)


def test_ones_own_message_is_exported_with_the_audit(row: Row, tmp_path: Path) -> None:
    held = row.send(VN, BE)
    with pytest.raises(UsageError, match="this agency's own"):
        export(row, VN, held, tmp_path / "own.json")


def test_what_the_witnesses_have_not_seen_is_no_evidence_yet(
    row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agency_client.onward.exporting.is_leaf_witnessed", lambda *_: False)
    with pytest.raises(NotYetWitnessedError, match="was not seen by the witnesses yet"):
        export(row, BE, row.send(VN, BE), tmp_path / "alert.json")


@pytest.fixture
def bundle(row: Row, released: InboxMessage, tmp_path: Path) -> MessageBundle:
    return export(row, BE, released, tmp_path / "t.json", use=ExportUse.COURT, court=COURT, purpose=TRIAL)


def demand_refused(bundle: MessageBundle, code: str, **changes: Any) -> None:
    with pytest.raises(BundleRefusedError) as refused:
        check_message_bundle(read_bundle(bundle.model_copy(update=changes).canonical()))
    assert refused.value.code == code


def test_each_part_is_held_to_the_others(bundle: MessageBundle) -> None:
    check_message_bundle(bundle)
    demand_refused(bundle, "body-mismatch", content=b64u_encode(b"{}"))
    demand_refused(bundle, "log-not-proven", acceptance=bundle.consent.acceptance if bundle.consent else "")
    demand_refused(bundle, "log-not-proven", logs=tuple(rename_logs(bundle)))
    demand_refused(bundle, "key-set-not-current", keys=tuple(rename_keys(bundle)))
    demand_refused(bundle, "wrong-recipient", made_by=AL)
    demand_refused(bundle, "wrong-exchange", exchange="staging.example")


def test_the_consent_is_for_exactly_this_use(bundle: MessageBundle) -> None:
    assert bundle.consent is not None
    details = bundle.consent.alert["details"]
    widened = bundle.consent.alert | {"details": details | {"court": ELSEWHERE.to_wire()}}
    demand_refused(
        bundle, "body-mismatch", consent=bundle.consent.model_copy(update={"alert": widened}), court=ELSEWHERE
    )
    demand_refused(bundle, "consent-for-another-court", court=ELSEWHERE)
    demand_refused(bundle, "consent-for-another-purpose", purpose=Purpose.BORDER_CONTROL)
    demand_refused(bundle, "consent-ended", made_at=bundle.made_at + timedelta(days=400))


def test_a_file_for_a_court_without_a_consent_is_none(bundle: MessageBundle) -> None:
    for changes in ({"consent": None}, {"court": None}, {"use": ExportUse.OWN_FILE}):
        with pytest.raises(BundleRefusedError, match="no exported message"):
            read_bundle(bundle.model_copy(update=changes).canonical())
    with pytest.raises(BundleRefusedError, match="no exported message"):
        read_bundle(b'{"type":"message-bundle"}')


def rename_logs(bundle: MessageBundle) -> Any:
    for log in bundle.logs:
        yield log.model_copy(update={"sheet": log.sheet.model_copy(update={"origin": "other.example/1"})})


def rename_keys(bundle: MessageBundle) -> Any:
    for keys in bundle.keys:
        yield keys.model_copy(update={"agency": AL})


def test_what_is_taken_back_while_it_is_judged_is_not_written(
    row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process of the node receives the withdrawal of the consent between the rule and the file."""
    held = row.send(VN, BE, handling={"codes": ["h1"]})
    consent = row.grant(VN, row.ask(BE, held, court=COURT, purposes=(TRIAL,)))
    make_bundle = exporting._make_bundle

    def make_late(*names: Any) -> MessageBundle:
        withdraw(row[VN], consent.message_id, AUTHOR, because="wrong", required_action="amend")
        receive(row[BE])
        return make_bundle(*names)

    monkeypatch.setattr(exporting, "_make_bundle", make_late)
    path = tmp_path / "for-the-court.json"
    with pytest.raises(NoRightError, match="has said something of its consent meanwhile"):
        export(row, BE, held, path, use=ExportUse.COURT, court=COURT, purpose=TRIAL)
    assert not path.exists()
    with row[BE].store.read() as snapshot:
        assert list_entries(snapshot, AccessFilter(message=held.message_id))[0].outcome == "denied"


def test_nothing_is_received_while_it_is_written(row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, tried = row[BE].store, []

    def write_and_look(path: Path, data: bytes) -> None:
        with store_of_another_process(store) as other:
            with pytest.raises(StoreBusyError), other.write():
                raise AssertionError("another process may record a withdrawal now")
            with other.read() as snapshot:
                tried.extend(list_entries(snapshot, AccessFilter(message=held.message_id))[:1])
        write_private_file(path, data)

    held = row.send(VN, BE)
    monkeypatch.setattr(exporting, "write_private_file", write_and_look)
    export(row, BE, held, tmp_path / "alert.json")
    (entry,) = tried
    assert (entry.verb, entry.outcome) == ("export", "done"), "it was on record before it was written"


@contextmanager
def store_of_another_process(store: Store) -> Iterator[Store]:
    """Give a connection of its own to the same store."""
    other = Store(store.path, store._key, busy_seconds=0.01)
    try:
        yield other
    finally:
        other.close()
