"""Any message of any kind survives seal → open, is read again as its kind, and opens for nobody else."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.errors import OpeningError
from keys.sealing import open_envelope, parse_envelope, verify_envelope_signatures
from schemas.alerts import kind_names, parse_alert
from schemas.signed import KeyUse
from tests.support.members import make_member
from tests.support.messages import make_message, seal

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "alerts"
GB, BE, VN = make_member("GB"), make_member("BE"), make_member("VN")
PRINTABLE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=100).filter(
    lambda text: bool(text.strip())
)


def load(kind: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((FOLDER / f"{kind}.json").read_text("utf-8"))
    return value


@pytest.mark.parametrize("kind", kind_names())
@settings(max_examples=12)
@given(subject=PRINTABLE, unit=st.text("abcdefghij ", min_size=1, max_size=30).filter(str.strip))
def test_a_message_of_this_kind_survives(kind: str, subject: str, unit: str) -> None:
    alert = parse_alert(load(kind) | {"subject": subject, "unit": unit})
    sealed = seal(make_message(GB, BE, name=kind, kind=kind, alert=alert.to_wire()), GB, BE)
    parsed = parse_envelope(sealed.envelope.canonical())
    verify_envelope_signatures(parsed, GB.signers[KeyUse.MESSAGE].jwks)
    assert parse_alert(open_envelope(parsed, "BE", BE.opening_key).message.alert) == alert
    for stranger in (GB, VN):
        with pytest.raises(OpeningError):
            open_envelope(parsed, "BE", stranger.opening_key)
