"""Pins typed in from paper: on record, compared with the log, never put in silence over another."""

import pytest

from agency_client.directory.directory import AnchorMismatchError
from agency_client.errors import ConflictError, UsageError
from agency_client.local_store.access_log import list_entries
from agency_client.local_store.trust import load_pin, pin_agency
from agency_client.node import Node
from agency_client.own_keys.ceremony import RootsSheet, make_anchor_sheet
from agency_client.own_keys.sheets import format_text
from agency_client.profiles.joining import read_anchor
from agency_client.trust import (
    describe_member,
    get_exchange_anchor,
    list_alarms,
    list_members,
    pin_partner,
    read_partner_anchor,
)
from agency_client.witness.walker import walk_log
from keys.anchors import format_anchor_hex, format_anchor_words
from keys.key_sets import sign_key_set
from keys.roots import make_roots
from schemas.key_documents import compute_exchange_anchor, compute_trust_anchor
from schemas.signed import DocumentType
from tests.support.log_simulator import LogSimulator
from tests.support.members import make_member, succeed

VN, BE = make_member("VN"), make_member("BE")


def test_a_pin_before_the_log_names_the_member_waits_for_it(log: LogSimulator, node: Node) -> None:
    assert describe_member(node, "VN").standing == "unknown"
    assert pin_partner(node, "VN", VN.anchor).standing == "unseen"
    log.append_member(VN)
    walk_log(node)
    assert describe_member(node, "VN").standing == "trusted"
    log.append_member(BE)
    walk_log(node)
    standings = {member.agency: member.standing for member in list_members(node)}
    assert standings == {"BE": "unpinned", "GB": "unseen", "VN": "trusted"}


SHEET = RootsSheet(v=1, agency="VN", roots=VN.key_set.roots, made_at=VN.key_set.issued_at)
PAGE = format_text(make_anchor_sheet(SHEET))


def test_the_page_of_the_ceremony_is_accepted_as_it_was_printed() -> None:
    assert read_partner_anchor(PAGE, "VN") == VN.anchor
    assert read_partner_anchor(f"\r\n{PAGE}".replace("\n", "\r\n"), "VN") == VN.anchor
    assert read_partner_anchor(format_anchor_words(VN.anchor), "VN") == VN.anchor


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        (PAGE.replace("OF VN", "OF BE"), "the page of BE, not of VN"),
        (PAGE.replace(format_anchor_hex(VN.anchor), format_anchor_hex(BE.anchor)), "different anchors"),
        (PAGE.replace(format_anchor_hex(VN.anchor), ""), "one line of hexadecimal"),
        (PAGE + format_anchor_hex(BE.anchor), "one line of hexadecimal"),
        (PAGE.replace(" 7 ", " 9 "), "24 numbered words"),
        (PAGE.replace(format_anchor_words(VN.anchor).split()[0], "qwerty", 1), "word 1 is not in the list"),
    ],
)
def test_a_page_that_is_not_whole_or_not_the_partners_pins_nothing(page: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read_partner_anchor(page, "VN")


def test_the_page_of_another_agency_is_named_by_no_more_than_a_line_holds() -> None:
    longest = "BE-" + "X" * 37
    for title, shown in ((longest, longest), (longest + "Y", longest)):
        with pytest.raises(UsageError) as refusal:
            read_partner_anchor(PAGE.replace("OF VN", f"OF {title}"), "VN")
        assert refusal.value.sentence == f"this is the page of {shown}, not of VN"
        assert refusal.value.fix == "name the page of VN"


def test_each_pin_and_each_attempt_is_on_record(log: LogSimulator, node: Node) -> None:
    log.append_member(VN)
    walk_log(node)
    with pytest.raises(AnchorMismatchError) as refusal:
        pin_partner(node, "VN", BE.anchor)
    assert refusal.value.sentence == "the log shows other roots for VN than this anchor; nothing was pinned"
    assert refusal.value.fix == (
        "compare the paper with the partner in person; if it is right, somebody enrolled a false VN"
    )
    with node.store.read() as snapshot:
        assert load_pin(snapshot, "VN") is None
    pin_partner(node, "VN", VN.anchor)
    pin_partner(node, "VN", VN.anchor, replacing=True)
    with node.store.read() as snapshot:
        again, done, denied = list_entries(snapshot)[:3]
    assert (done.verb, done.partner, done.outcome, denied.outcome) == ("trust-pin", "VN", "done", "denied")
    assert (denied.reason, done.reason) == (f"anchor {BE.anchor}", f"anchor {VN.anchor}")
    assert again.reason == f"anchor {VN.anchor}, replacing another"


def test_a_pin_that_the_log_contradicts_is_called_a_mismatch(log: LogSimulator, node: Node) -> None:
    log.append_member(VN)
    walk_log(node)
    with node.store.write() as transaction:
        pin_agency(transaction, "VN", BE.anchor, by="x", at=node.clock.now(), replacing=False)
    found = describe_member(node, "VN")
    assert (found.standing, found.anchor_in_log) == ("mismatch", VN.anchor)
    assert found.pin is not None
    assert found.pin.anchor == BE.anchor


def test_another_anchor_needs_to_be_said_twice(log: LogSimulator, node: Node) -> None:
    pin_partner(node, "VN", VN.anchor)
    with pytest.raises(ConflictError, match="another anchor"):
        pin_partner(node, "VN", BE.anchor)
    assert pin_partner(node, "VN", BE.anchor, replacing=True).standing == "unseen"
    log.append_member(VN)
    walk_log(node)
    assert describe_member(node, "VN").standing == "unseen"
    assert not node.directory.is_trusted("VN")


def test_our_own_anchor_is_not_pinned_by_hand(node: Node) -> None:
    with pytest.raises(UsageError, match=r"^GB is this agency itself; its own anchor is pinned when its keys are"):
        pin_partner(node, "GB", VN.anchor)


def test_an_anchor_is_read_in_every_spelling_and_a_slip_is_named() -> None:
    words = format_anchor_words(VN.anchor)
    for text in (words, words.upper(), f"  {words}\n", format_anchor_hex(VN.anchor), VN.anchor):
        assert read_anchor(text) == VN.anchor
    for slip in (words.replace(words.split()[3], "zoologic", 1), " ".join(words.split()[:23]), "xyz"):
        with pytest.raises(UsageError):
            read_anchor(slip)


def test_the_exchange_has_the_anchor_that_was_accepted(node: Node) -> None:
    assert get_exchange_anchor(node) == compute_exchange_anchor(node.sheet)
    assert list_alarms(node) == ([], [])


def test_a_partner_whose_roots_changed_stays_trusted_and_its_new_anchor_is_shown(log: LogSimulator, node: Node) -> None:
    """Old and new roots signed the change: nobody pins again, and the duty desks compare what stands there now."""
    pin_partner(node, "VN", VN.anchor)
    log.append_member(VN)
    walk_log(node)
    assert describe_member(node, "VN").changed_anchor is None
    roots = make_roots(BE.roots, 2)
    document = sign_key_set(succeed(VN, roots=roots), [*VN.roots[:2], *BE.roots[:2]])
    log.append_document("VN", DocumentType.KEY_SET, document)
    walk_log(node)
    found = describe_member(node, "VN")
    assert (found.standing, found.anchor_in_log) == ("trusted", VN.anchor)
    assert found.changed_anchor == compute_trust_anchor("VN", roots)
    with pytest.raises(AnchorMismatchError):
        pin_partner(node, "VN", found.changed_anchor)
