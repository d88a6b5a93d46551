"""What OpenTAXII is given is a TAXII envelope with one STIX object of a type of its own, and ours whole in it."""

from bench.taxii import make_body
from schemas.codec import decode_canonical
from tests.support.messages import make_id


def test_a_body_holds_the_envelope_under_the_id_of_its_message() -> None:
    message, envelope = make_id("first"), {"payload": "abc"}
    (found,) = decode_canonical(make_body(message, envelope))["objects"]

    assert found["id"] == f"x-bilateral-envelope--{message}"
    assert found["type"] == "x-bilateral-envelope"
    assert found["envelope"] == envelope
