"""Attacks on who becomes a member: a name, a CA or roots that are another's, and signatures for something else."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from broker.control import ControlError, EnrolCommand, ask_control
from keys.key_sets import make_operational_key, sign_key_set
from schemas.enrolment import EnrolmentFile
from schemas.signed import KeyUse, SignedDocument
from tests.support.exchange import NOW, RunningExchange, make_live_member, running_exchange
from tests.support.members import Member, make_signer


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with running_exchange(tmp_path_factory.mktemp("enrolment"), "GB-HO", "VN-IMM") as running:
        yield running


def ask_to_enrol(exchange: RunningExchange, *documents: SignedDocument) -> None:
    ask_control(
        exchange.folder.control_socket, EnrolCommand(v=1, command="enrol", file=EnrolmentFile(v=1, key_sets=documents))
    )


def make_first_key_set(member: Member, *, signer: Member | None = None, **changes: object) -> SignedDocument:
    roots = (signer or member).roots
    return sign_key_set(member.key_set.model_copy(update=changes), roots[:2])


def test_nobody_can_be_enrolled_a_second_time_with_other_keys(exchange: RunningExchange) -> None:
    impostor = make_live_member("XX-IMPOSTOR")
    as_gb = impostor.key_set.model_copy(
        update={
            "agency": "GB-HO",
            "keys": tuple(
                make_operational_key(exchange.sheet.name, "GB-HO", use, make_signer("XX-IMPOSTOR", use))
                for use in KeyUse
            ),
        }
    )

    with pytest.raises(ControlError, match="another key set 1 of GB-HO is enrolled already"):
        ask_to_enrol(exchange, sign_key_set(as_gb, impostor.roots[:2]))


def test_a_new_member_cannot_bring_another_members_ca(exchange: RunningExchange) -> None:
    newcomer = make_live_member("ZZ-NEW")

    with pytest.raises(ControlError, match="VN-IMM"):
        ask_to_enrol(exchange, make_first_key_set(newcomer, tls_ca=exchange.members["VN-IMM"].key_set.tls_ca))


def test_a_new_member_cannot_bring_another_members_roots(exchange: RunningExchange) -> None:
    newcomer, vn = make_live_member("ZZ-NEW"), exchange.members["VN-IMM"]

    with pytest.raises(ControlError, match="VN-IMM"):
        ask_to_enrol(exchange, make_first_key_set(newcomer, signer=vn, roots=vn.key_set.roots))


def test_a_new_member_needs_its_roots_signatures_and_this_exchange(exchange: RunningExchange) -> None:
    newcomer = make_live_member("ZZ-NEW")
    whole = newcomer.verified.document

    with pytest.raises(ControlError, match="must"):
        ask_to_enrol(exchange, whole.model_copy(update={"signatures": whole.signatures[:2]}))
    with pytest.raises(ControlError, match="exchange"):
        ask_to_enrol(exchange, make_first_key_set(newcomer, exchange="staging.example"))
    with pytest.raises(ControlError, match="expired"):
        ask_to_enrol(
            exchange,
            make_first_key_set(newcomer, issued_at=NOW - timedelta(days=9), expires_at=NOW - timedelta(days=1)),
        )
