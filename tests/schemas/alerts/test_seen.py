"""Identifiers as fields: every type explains whatever was seen, and its normal form is its own normal form."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alerts.seen import SeenHandle, SeenIdentifier, SeenMmsi, SeenPhone, SeenPlate, SeenWallet, list_seen
from schemas.alerts.shapes import Identifier, IdentifierType
from schemas.codec import CodecError
from schemas.identifiers.checked import Checked, Finding
from schemas.identifiers.online import Platform
from schemas.identifiers.wallets import Chain


def list_types(base: type[SeenIdentifier] = SeenIdentifier) -> list[type[SeenIdentifier]]:
    """Return every type of identifier there is."""
    return [kind for below in base.__subclasses__() for kind in (below, *list_types(below))]


BESIDE: dict[str, dict[str, Any]] = {"platform": {"platform": "telegram"}, "chain": {"chain": "bitcoin"}}


def make(kind: type[SeenIdentifier], as_seen: str, **members: Any) -> SeenIdentifier:
    """Return an identifier of a type, with what such a one cannot do without."""
    needed = {k: v for name, one in BESIDE.items() if name in kind.model_fields for k, v in one.items()}
    return kind.from_wire({"as_seen": as_seen, **needed, **members})


def example_of(kind: type[SeenIdentifier]) -> str:
    """Return the example that a refusal would show."""
    return str(kind.model_json_schema()["properties"]["as_seen"]["examples"][0])


TYPES = sorted(list_types(), key=lambda kind: kind.__name__)
LINES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), min_size=1, max_size=60)


def test_all_types_are_tried() -> None:
    assert len(TYPES) >= 20


@pytest.mark.parametrize("kind", TYPES)
def test_the_example_of_a_type_is_one_and_is_found_without_fault(kind: type[SeenIdentifier]) -> None:
    checked = make(kind, example_of(kind)).check()
    assert checked.normalised is not None
    assert not checked.is_wrong


@pytest.mark.parametrize("kind", TYPES)
@settings(max_examples=20)  # for each of two dozen types
@given(data=st.data())
def test_whatever_was_seen_is_explained_and_its_form_is_its_own_form(kind: type[SeenIdentifier], data: Any) -> None:
    example = example_of(kind)
    at = data.draw(st.integers(0, len(example)))
    damaged = example[:at] + data.draw(LINES) + example[at + data.draw(st.integers(0, 3)) :]
    as_seen = data.draw(st.one_of(LINES, st.just(damaged[:119])))
    seen = make(kind, as_seen)
    filled = seen.fill()
    assert filled.findings
    assert filled.as_seen == as_seen
    assert type(seen).from_wire(filled.to_wire()) == filled, "what is filled in can be sent"
    assert not filled.is_told_otherwise
    if filled.normalised is not None and len(filled.normalised) <= 120:
        assert make(kind, filled.normalised).check().normalised == filled.normalised


@pytest.mark.parametrize("kind", TYPES)
def test_what_is_not_one_line_is_refused(kind: type[SeenIdentifier]) -> None:
    for as_seen in ("", "a\nb", "a\u2028b", "\x1b[2J"):
        with pytest.raises(CodecError):
            make(kind, as_seen)


def test_what_stands_beside_a_number_counts_in_its_check() -> None:
    assert SeenPhone(as_seen="020 7946 0018", state="GBR").check().normalised == "+442079460018"
    assert SeenPhone(as_seen="020 7946 0018").check().findings == (Finding.NEEDS_COUNTRY,)
    assert SeenPlate(as_seen="XXXXXXXX", state="BEL").check().findings == (Finding.UNUSUAL_FORM,)
    assert Finding.OTHER_STATE in SeenMmsi(as_seen="232012345", flag="VNM").check().findings
    wallet = SeenWallet(as_seen="TPL66VK2gCXNCD7EJg9pgJRfqcRazjhUZY", chain=Chain.BITCOIN)
    assert wallet.check().findings == (Finding.OTHER_CHAIN,)


def test_a_form_its_sender_made_up_is_not_searched_by() -> None:
    seen = SeenPhone(as_seen="+44 7700 900123", normalised="+84900000000", findings=(Finding.VALID,))
    assert seen.list_identifiers() == (Identifier(IdentifierType.PHONE, "+447700900123"),)
    assert seen.is_told_otherwise


def test_one_name_on_two_platforms_is_two_accounts() -> None:
    names = [SeenHandle(as_seen="@Specimen", platform=platform) for platform in (Platform.X, Platform.TIKTOK)]
    assert [item.list_identifiers()[0].value for item in names] == ["x:specimen", "tiktok:specimen"]


def test_nothing_is_found_in_nothing_and_an_identifier_of_no_type_has_no_check() -> None:
    assert list_seen(None) == ()
    with pytest.raises(NotImplementedError):
        SeenIdentifier(as_seen="x").check()
    assert Checked(as_seen="x").findings == ()
