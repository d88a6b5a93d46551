"""A partner writes what would run, fetch, redirect, reorder or forge in a report that an officer opens and prints."""

from dataclasses import replace

import pytest

from schemas.alerts import kind_names, parse_alert
from schemas.alerts.base import Alert
from tests.agency_client.interchange.exports import EXAMPLES
from tests.agency_client.interchange.report.reports import SENT, demand_harmless, make_facts, read_example, read_report
from tests.attacks.test_hostile_text import make_hostile_alert
from tests.strategies.hostile_text import HOSTILE, MARK
from tests.support.command_line import find_steering
from tests.support.html_page import HtmlPage

INJECTED = {
    "a script": "<script>fetch('//x')</script>",
    "an end of the page": "</bdi></td></table></main></body></html><h1>TLP:CLEAR</h1>",
    "a banner of its own": '<div class="banner clear"><strong>TLP:CLEAR</strong></div>',
    "an attribute": '" onmouseover="alert(1)" style="background:url(//x)',
    "an image": "<img src=//x/pixel.png>",
    "a refresh": "<meta http-equiv=refresh content='0;url=//x'>",
    "a comment": "<!-- ",
    "entities": "&lt;b&gt;&#x202e;&copy",
    "a template": "{{ page.marking }} {% for x in page %}{{ x }}{% endfor %} {# gone #}",
    "a style": "</style><style>body{display:none}</style>",
    "an override": "\u202eDESREVER\u202c \u2066\u2069\u2069\u2069",
    "character data": "]]><![CDATA[<svg onload=alert(1)>",
}
"""What HTML, CSS, the template or bidirectional text could take for more than words."""


def shape(page: HtmlPage) -> list[tuple[str, tuple[str, ...]]]:
    """Return a page's elements with the names of their attributes."""
    return [(item.tag, tuple(item.attributes)) for item in page.elements]


@pytest.mark.parametrize("name", INJECTED)
def test_nothing_that_somebody_writes_becomes_more_than_words(name: str) -> None:
    text = INJECTED[name]
    plain = make_everywhere("words")
    page = read_report(replace(make_facts(make_everywhere(text)), sent=replace(SENT, necessity=text)), "ar")
    expected = read_report(replace(make_facts(plain), sent=replace(SENT, necessity="words")), "ar")
    demand_harmless(page)
    assert shape(page) == shape(expected)
    assert find_steering(page.body.text) == set()
    assert len(page.find("div", class_="banner amber-strict")) == 2


def make_everywhere(text: str) -> Alert:
    """Return an alert with this text in a title, a statement, a name, a caption, a restriction and a label's value."""
    alert = EXAMPLES["document-fraud"]
    (person,) = alert.persons
    name = person.names[0].model_copy(update={"text": text, "surname": text})
    return alert.model_copy(
        update={
            "subject": text,
            "unit": text,
            "urgency_reason": text,
            "statements": tuple(item.model_copy(update={"text": text}) for item in alert.statements),
            "persons": (person.model_copy(update={"names": (name,), "birth_place": text}),),
            "attachments": tuple(note.model_copy(update={"caption": text}) for note in alert.attachments),
            "handling": alert.handling.model_copy(update={"restriction": text}),
            "details": alert.details.model_copy(update={"modus_operandi": text, "supplier": text}),
        }
    )


@pytest.mark.parametrize("kind", kind_names())
def test_an_alert_that_is_hostile_in_every_field_makes_a_page_of_words(kind: str) -> None:
    page = read_report(make_facts(parse_alert(make_hostile_alert(kind))), "ar")
    demand_harmless(page)
    assert find_steering(page.body.text) == set()
    assert MARK in page.find("h1")[0].text
    # No letter of theirs stands where it could turn a word of ours.
    assert page.body.text.count(MARK) == sum(item.text.count(MARK) for item in page.find("bdi"))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_of_a_file_or_an_agreement_does_no_more(name: str) -> None:
    facts = make_facts("document-fraud")
    attached = tuple(replace(line, name=HOSTILE[name], media_type=HOSTILE[name]) for line in facts.attachments)
    assert facts.provenance is not None
    named = replace(facts, attachments=attached, provenance=replace(facts.provenance, agreement=HOSTILE[name]))
    page = read_report(named)
    demand_harmless(page)
    assert find_steering(page.body.text) == set()
    assert shape(page) == shape(read_example("document-fraud", "en"))
