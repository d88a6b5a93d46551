"""A page for a lawyer: everything that was agreed stands on it, and nothing a foreign agency wrote does anything."""

from html.parser import HTMLParser
from typing import Any

import pytest

from agency_client.agreements.printing import make_agreement_page
from agency_client.agreements.reminders import Reminder, ReminderKind
from agency_client.agreements.views import AgreementLine, AgreementPage, SignedStepLine
from keys.anchors import format_anchor_words
from schemas.agreements.lifecycle import State
from schemas.agreements.steps import StepAction
from schemas.agreements.terms import DutyDesk, Signatory, Terms, TransferGround, TransferGroundKind
from schemas.codec import hash_text
from tests.strategies.agreements import GB, VN, make_clause, make_step, make_terms

HOSTILE = '</p><script src="//evil.example/x"></script><img onerror=alert(1)>\u202e'
KID = "kid-of-the-signing-key"


class Reader(HTMLParser):
    """Every element and attribute of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def make_page(terms: Terms, **changes: Any) -> AgreementPage:
    reminder = Reminder(ReminderKind.REVIEW, "review by 2027-05-20", is_ours=True)
    line = AgreementLine(terms.id, terms.digest(), terms, VN, State.IN_FORCE, "it stands", GB, (reminder,))
    steps = (
        SignedStepLine(make_step(GB, StepAction.PROPOSE, terms), "d1", True, 17, "exchange.example/1", (KID,)),
        SignedStepLine(make_step(VN, StepAction.REJECT, terms, **changes), "d2", False, None, "", (KID,)),
    )
    return AgreementPage(line, steps, ())


def read(terms: Terms, **changes: Any) -> Reader:
    return Reader(make_agreement_page(make_page(terms, **changes), "Made by a test."))


def test_everything_that_was_agreed_stands_on_the_page() -> None:
    terms = make_terms(text_sha256=hash_text("test", b"text"), note="Both sides read this.", signatories=(
        Signatory(agency=GB, name="Anna Maria Eriksson", office="Minister"),
    ))  # fmt: skip
    text = read(terms).text
    for words in (
        terms.title,
        *(format_anchor_words(party.anchor) for party in terms.parties),
        *terms.legal_basis,
        "articles 35 to 38",
        f"Clause 1: {GB} to {VN}",
        f"Clause 2: {VN} to {GB}",
        f"{VN} passes nothing of it on.",
        "A message of the urgency “urgent” is answered within 8 hours.",
        f"{VN} erases it 365 days after it came.",
        "until 2027-11-21 08:00 UTC",
        "30 days' notice",
        f"{GB}: Duty desk, +442079460000",
        f"{GB}: Anna Maria Eriksson, Minister",
        "Both sides read this.",
        "leaf 17 of exchange.example/1",
        KID[:12],
        terms.digest(),
        terms.text_sha256 or "",
        "in-force",
        "review by 2027-05-20",
        "Made by a test.",
    ):
        assert " ".join(words.split()) in text, words


def test_a_direction_without_a_clause_is_said_to_have_none() -> None:
    assert f"{VN} may send nothing to {GB}." in read(make_terms(clauses=(make_clause(),))).text


@pytest.mark.parametrize(
    "where", ["title", "legal_basis", "note", "desk", "signatory", "ground", "reason", "condition"]
)
def test_nothing_that_a_foreign_agency_wrote_does_anything(where: str) -> None:
    desk = DutyDesk(agency=GB, name=HOSTILE, phone="+442079460000")
    changes: dict[str, dict[str, Any]] = {
        "title": {"title": HOSTILE},
        "legal_basis": {"legal_basis": (HOSTILE,)},
        "note": {"note": HOSTILE},
        "desk": {"duty_desks": (desk, make_terms().duty_desks[1])},
        "signatory": {"signatories": (Signatory(agency=GB, name=HOSTILE, office="Minister"),)},
        "ground": {"transfer_ground": TransferGround(kind=TransferGroundKind.ADEQUACY, reference=HOSTILE)},
        "condition": {"clauses": (make_clause(conditions=(HOSTILE,)),)},
    }
    plain = read(make_terms())
    terms = make_terms(**changes.get(where, {}))
    hostile = read(terms, **({"reason": HOSTILE} if where == "reason" else {}))
    assert set(hostile.elements) <= set(plain.elements)
    assert "script" not in hostile.elements
    assert not {"src", "href", "onerror"} & hostile.attributes
    assert "evil.example" in hostile.text
    assert "\u202e" not in hostile.text
    assert "<U+202E>" in hostile.text
