"""A report in every language: whole, isolated from what others wrote, running the right way, and nothing but a page."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agency_client.aftercare.changing import Correction, apply_corrections
from agency_client.aftercare.rules import Standing
from agency_client.challenges.rules import Challenge, Disputed
from agency_client.interchange.report.code import spell_reference
from agency_client.interchange.report.page import make_report
from agency_client.languages.runs import Nature, Run, find_direction
from agency_client.languages.words import LANGUAGES, load_words
from agency_client.reading.sheet import make_rules, make_sheet
from agency_client.terminal.cleaning import clean_block
from schemas.alerts.kinds.correction import Change
from schemas.alerts.kinds.revocation_challenge import ChallengeGround
from schemas.markings import Tlp
from tests.agency_client.interchange.exports import EXAMPLES
from tests.agency_client.interchange.report.reports import (
    NOW,
    SENT,
    demand_harmless,
    make_facts,
    read_example,
    read_report,
)
from tests.support.html_page import HtmlPage

DRAFTED = "The words of this language are drafted and not yet reviewed by a native speaker."
ISOLATES = {
    Nature.EXACT: {"dir": "ltr"},
    Nature.ZONE: {"dir": "ltr", "class": "zone"},
    Nature.STATE: {"dir": "ltr"},
}


def describe_isolate(run: Run) -> dict[str, str]:
    """Return how a run that is not ours is kept apart: what others wrote runs as its own letters do."""
    return ISOLATES.get(run.nature) or {"dir": find_direction(clean_block(run.text))}


def list_isolated(page: HtmlPage) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Return what stands isolated, with the way it runs."""
    return {(item.text, tuple(sorted(item.attributes.items()))) for item in page.find("bdi")}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_report_is_whole_and_harmless_in_every_language(kind: str) -> None:
    for language in LANGUAGES:
        page, words = read_example(kind, language), load_words(language)
        demand_harmless(page)
        lines = [line for section in make_sheet(EXAMPLES[kind], words) for line in section.lines]
        runs = [
            run for text in (*make_rules(EXAMPLES[kind], (), words), *(line.text for line in lines)) for run in text
        ]
        shown, isolated = page.body.text, list_isolated(page)
        assert [run for run in runs if run.nature is Nature.OURS and run.text not in shown] == []
        assert {
            (clean_block(run.text), tuple(sorted(describe_isolate(run).items())))
            for run in runs
            if run.nature is not Nature.OURS
        } <= isolated
        assert {line.label for line in lines} <= {item.text for item in page.find("th")} | {""}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_what_the_common_part_says_stands_above(kind: str) -> None:
    alert, page = EXAMPLES[kind], read_example(kind, "ar")
    said = [alert.subject, alert.unit, alert.officer, alert.thread, alert.own_reference, alert.partner_reference]
    said += [alert.urgency_reason, alert.handling.restriction, SENT.necessity, SENT.message_id, SENT.digest, "GB-HO"]
    said += [note.caption for note in alert.attachments]
    said += [reference.id for reference in (alert.in_reply_to, alert.supersedes) if reference is not None]
    said += [] if alert.reply_due is None else [f"{alert.reply_due:%Y-%m-%d %H:%M} UTC"]
    said += [] if alert.quality is None else [item.words for item in alert.quality.answered]
    isolated = {item.text for item in page.find("bdi")}
    assert [text for text in said if text and not set(text.split("\n")) <= isolated] == []


def test_only_arabic_runs_from_right_to_left() -> None:
    roots = {code: read_example("ping", code).find("html")[0].attributes for code in LANGUAGES}
    assert roots == {
        code: {"lang": code, "dir": "rtl" if code == "ar" else "ltr"} for code in ("en", "fr", "ar", "vi", "zh", "sq")
    }


def test_a_language_that_no_native_speaker_has_read_says_so() -> None:
    said = {code: load_words(code).say(DRAFTED) in read_example("ping", code).body.text for code in LANGUAGES}
    assert said == {code: not language.is_reviewed for code, language in LANGUAGES.items()}
    assert (said["en"], said["ar"]) == (False, True)


@pytest.mark.parametrize("marking", [marking for marking in Tlp if marking is not Tlp.RED])
def test_the_marking_stands_above_below_and_on_every_printed_sheet(marking: Tlp) -> None:
    page = read_report(make_facts("facilitator", sent=replace(SENT, marking=marking)))
    banners = [item for item in page.find("div") if "banner" in item.attributes["class"]]
    assert [item.is_in(place) for item, place in zip(banners, ("header", "footer"), strict=True)] == [True, True]
    for banner in banners:
        assert all(word in banner.text for word in (marking.label, "PAP:RED", "H1: ", "No contact with the subject"))
    (style,) = page.find("style")
    assert f'@top-center {{ content: "{marking.label} · PAP:RED"' in style.text
    assert "counter(page)" in style.text


def test_a_state_has_its_name_beside_its_code_and_an_invented_one_none() -> None:
    assert f"{load_words('fr').say('Viet Nam')} (VNM)" in read_example("document-fraud", "fr").body.text
    alert = EXAMPLES["document-fraud"]
    change = Change(field="details.document.issuing_state", was="UTO", now="XQX")
    page = read_report(make_facts(alert, corrected=apply_corrections(alert, [Correction("d", "GB", NOW, (change,))])))
    assert "document issuing stateXQX" in {item.text for item in page.find("tr")}


def test_facts_and_assessments_stand_in_parts_of_their_own() -> None:
    page = read_example("document-fraud", "en")
    (facts,), (assessments,) = page.find("section", class_="fact"), page.find("section", class_="assessment")
    assert "laser engraved" in facts.text
    assert "laser engraved" not in assessments.text
    assert "The same supplier" in assessments.text


def test_the_code_holds_id_and_digest_which_stand_beside_it() -> None:
    page = read_example("ping", "ar")
    (figure,) = page.find("figure")
    assert figure.attributes["aria-label"] == spell_reference(SENT.message_id, SENT.digest)
    assert [item.is_in("figure") for item in page.find("svg")] == [True]
    assert {SENT.message_id, SENT.digest} <= {item.text for item in page.find("bdi", dir="ltr")}


def test_a_challenge_a_victim_and_a_breach_of_trust_stand_at_the_top_and_in_both_banners() -> None:
    ground = ChallengeGround.MISTAKEN_IDENTITY
    challenge = Challenge("d", "FR-DG", ground, "2026-11-20", NOW + timedelta(days=3), "A. Person")
    standing = Standing(victims=("persons.0",), disputed=Disputed((challenge,)))
    page = read_report(make_facts("document-fraud", standing=standing, is_voided=True, is_witnessed=False))
    marks = ("CHALLENGED", "VICTIM OF MISUSED IDENTITY", "VOIDED", "not yet witnessed")
    for banner in page.find("div", class_="banner amber-strict"):
        assert all(mark in banner.text for mark in marks)
    notices = "\n".join(item.text for item in page.find("div", class_="notice"))
    assert all(word in notices for word in ("FR-DG", "A. Person", "2026-11-20", ground.label, *marks))
    assert "Nguyễn Văn Specimen is a victim" in notices
    assert "Person p1: Unidentified — VICTIM OF MISUSED IDENTITY" in {item.text for item in page.find("h2")}


def test_what_was_corrected_is_shown_as_it_holds_now_with_what_it_said_before() -> None:
    alert = EXAMPLES["document-fraud"]
    change = Change(field="details.document.number", was="L898902C3", now="L898902C4")
    corrected = apply_corrections(alert, [Correction("d", "GB-HO", NOW, (change,))])
    page = read_report(make_facts(alert, corrected=corrected))
    rows = {item.text for item in page.find("tr")}
    assert "document numberL898902C4" in rows
    assert any("details.document.number" in row and "L898902C3" in row for row in rows)


@settings(max_examples=40)
@given(st.text(min_size=1, max_size=300))
def test_whatever_somebody_writes_stands_there_as_text(text: str) -> None:
    alert = EXAMPLES["ping"].model_copy(update={"subject": text, "unit": text})
    page = read_report(make_facts(alert, sent=replace(SENT, necessity=text)), "ar")
    demand_harmless(page)
    # Each line of a text is a paragraph of its own with what isolates it; nothing else in it becomes an element.
    assert len(page.elements) == len(read_example("ping", "ar").elements) + 2 * text.count("\n")
    shown = clean_block(text)
    assert shown in {item.text for item in page.find("bdi", dir=find_direction(shown))}


def test_nothing_is_cut_however_long_it_is() -> None:
    text = "<b>" * 3_000
    alert = EXAMPLES["ping"].model_copy(update={"subject": text})
    assert text in read_report(make_facts(alert)).find("h1")[0].text


def test_the_same_report_is_the_same_bytes() -> None:
    facts = make_facts("facilitator")
    assert make_report(facts, load_words("ar")) == make_report(facts, load_words("ar"))
