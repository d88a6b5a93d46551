"""release-request: its use says what must stand beside it."""

from tests.schemas.alerts.filled import ABSENT, fields_refused

KIND = "release-request"
COURT = {"court": "Rechtbank van eerste aanleg, Brussel", "proceeding": "BR.12.F1.000123/2026"}


def test_what_goes_on_names_to_whom() -> None:
    assert fields_refused(KIND, {"details.recipients": ABSENT}) == ["details.recipients"]
    assert fields_refused(KIND, {"details.court": COURT}) == ["details.court"]


def test_what_a_court_sees_names_the_court_and_nobody_else() -> None:
    for_court = {"details.use": "court", "details.recipients": ABSENT, "details.court": COURT}

    assert fields_refused(KIND, for_court) == []
    nameless = {name: value for name, value in for_court.items() if name != "details.court"}
    assert fields_refused(KIND, nameless) == ["details.court"]
    assert fields_refused(KIND, for_court | {"details.recipients": ["AL-BP"]}) == ["details.recipients"]
    assert fields_refused(KIND, for_court | {"details.court": {"court": "A court"}}) == ["details.court.proceeding"]


def test_nobody_and_nothing_stands_twice() -> None:
    assert fields_refused(KIND, {"details.recipients": ["AL-BP", "AL-BP"]}) == ["details.recipients"]
    assert fields_refused(KIND, {"details.purposes": ["border-control", "border-control"]}) == ["details.purposes"]


def test_neither_the_holder_nor_the_originator_is_a_recipient() -> None:
    for agency in ("BE-FP", "VN-IMM"):
        assert fields_refused(KIND, {"details.recipients": ["AL-BP", agency]}) == ["details.recipients"]


def test_it_says_why() -> None:
    assert fields_refused(KIND, {"details.because": ABSENT}) == ["details.because"]


def test_an_inquiry_says_the_same_and_refers_to_nothing() -> None:
    assert fields_refused("release-inquiry", {}) == []
    assert fields_refused("release-inquiry", {"details.because": ABSENT}) == ["details.because"]
    assert fields_refused("release-inquiry", {"details.recipients": ["VN-IMM"]}) == ["details.recipients"]
