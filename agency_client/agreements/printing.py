"""An agreement as one printable page of HTML that a lawyer can read, sign under, and keep: no scripts, nothing fetched.

Every word of the terms and of each signed step is escaped; characters that would steer a reader are shown by their
number. The page proves nothing by itself: the digest and the leaves on it are what to compare.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from agency_client.agreements.spelling import list_dates, list_sentences, spell_field, spell_ground
from agency_client.agreements.views import AgreementPage, SignedStepLine
from agency_client.terminal.cleaning import clean_block
from keys.anchors import format_anchor_words
from schemas.agreements.terms import Terms

_KEY_CHARACTERS = 12
_STYLE = """
body { font: 11pt/1.45 "Noto Serif", Georgia, serif; color: #111; background: #fff; max-width: 46em; margin: 2em auto; }
h1 { font-size: 1.5em; margin: 0 0 .2em; } h2 { font-size: 1.1em; margin: 1.6em 0 .4em; border-bottom: 1px solid #999; }
h3 { font-size: 1em; margin: 1.2em 0 .3em; } p, li { margin: .3em 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: start; vertical-align: top;
padding: .25em .6em .25em 0; border-bottom: 1px solid #ddd; overflow-wrap: anywhere; } th { font-weight: 600; }
.quiet { color: #444; } .words { font-family: "Noto Sans Mono", monospace; font-size: .85em; }
.state { border: 2px solid #111; padding: .4em .8em; margin: 1em 0; } ol > li { margin: .5em 0; }
@page { size: A4; margin: 22mm 20mm; }
@media print { body { margin: 0; max-width: none; } h2, h3 { break-after: avoid; }
tr, li, .state { break-inside: avoid; } }
"""


def make_agreement_page(page: AgreementPage, printed: str) -> str:
    """Return an agreement as an HTML document; `printed` says when and by whom it was made."""
    line, terms = page.line, page.line.terms
    title = f"{terms.title} (version {terms.version})"
    parts = [
        f"<h1>{_clean(terms.title)}</h1>",
        f'<p class="quiet">Agreement between {_clean(" and ".join(terms.agencies))}, version {terms.version}</p>',
        f'<p class="state"><strong>{_clean(line.state.value)}</strong>: {_clean(line.because)}{_print_due(page)}</p>',
        *_print_parties(terms),
        _print_list("Legal basis", terms.legal_basis),
        f"<h2>Ground of the transfer</h2><p>{_clean(spell_ground(terms.transfer_ground))}</p>",
        *_print_clauses(terms),
        _print_list("Dates", list_dates(terms)),
        _print_list("Duty desks, around the clock", (spell_field("duty_desk", desk) for desk in terms.duty_desks)),
        _print_list("Signatories of the text", (spell_field("signatory", who) for who in terms.signatories)),
        *_print_note(terms),
        _print_steps(page.history),
        _print_digests(page),
        f'<p class="quiet">{_clean(printed)}</p>',
    ]
    body = "\n".join(part for part in parts if part)
    return _FRAME.format(title=_clean(title), style=_STYLE, body=body)


_FRAME = """<!DOCTYPE html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _print_due(page: AgreementPage) -> str:
    return f"<br>Due: {_clean(page.line.due)}" if page.line.due else ""


def _print_parties(terms: Terms) -> Iterator[str]:
    yield "<h2>Parties</h2>"
    for party in terms.parties:
        yield f"<h3>{_clean(party.agency)}</h3><p>Its trust anchor, as it was exchanged in person:</p>"
        yield f'<p class="words">{_clean(format_anchor_words(party.anchor))}</p>'


def _print_clauses(terms: Terms) -> Iterator[str]:
    yield "<h2>What may be sent</h2>"
    for direction in ((terms.agencies[0], terms.agencies[1]), (terms.agencies[1], terms.agencies[0])):
        sender, recipient = direction
        numbered = [
            (number, clause)
            for number, clause in enumerate(terms.clauses, start=1)
            if (clause.sender, clause.recipient) == direction
        ]
        if not numbered:
            yield f"<p>{_clean(sender)} may send nothing to {_clean(recipient)}.</p>"
        for number, clause in numbered:
            yield f"<h3>Clause {number}: {_clean(sender)} to {_clean(recipient)}</h3>"
            yield _list_items(list_sentences(clause), "ol")


def _print_note(terms: Terms) -> Iterator[str]:
    if terms.note:
        yield "<h2>Note</h2>"
        yield "".join(f"<p>{escape(line)}</p>" for line in clean_block(terms.note).split("\n"))


def _print_steps(history: Sequence[SignedStepLine]) -> str:
    rows = "".join(
        f"<tr><td>{item.step.time:%Y-%m-%d %H:%M} UTC</td>"
        f'<td>{_clean(item.step.agency)}<br><span class="words">key {item.kids[0][:_KEY_CHARACTERS]}</span></td>'
        f"<td>{_clean(item.step.action.value)}</td><td>{_spell_leaf(item)}</td>"
        f"<td>{_clean(item.step.reason or '')}</td></tr>"
        for item in history
    )
    head = "<tr><th>When</th><th>Signed by</th><th>Step</th><th>In the log</th><th>Reason</th></tr>"
    return f"<h2>Signed steps</h2><table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _spell_leaf(item: SignedStepLine) -> str:
    if item.leaf_index is None:
        return "not yet" if not item.is_logged else "yes"
    return f"leaf {item.leaf_index} of {_clean(item.origin)}"


def _print_digests(page: AgreementPage) -> str:
    terms = page.line.terms
    rows = [("Agreement", terms.id), ("Digest of these terms", page.line.digest)]
    if terms.supersedes:
        rows.append(("Takes the place of", terms.supersedes))
    rows.append(("SHA-256 of the governments' text", terms.text_sha256 or "none is named"))
    cells = "".join(f'<tr><th>{_clean(name)}</th><td class="words">{_clean(value)}</td></tr>' for name, value in rows)
    return f"<h2>What to compare</h2><table><tbody>{cells}</tbody></table>"


def _print_list(title: str, items: Iterable[str]) -> str:
    shown = list(items)
    return f"<h2>{_clean(title)}</h2>{_list_items(shown, 'ul')}" if shown else ""


def _list_items(items: Iterable[str], tag: str) -> str:
    return f"<{tag}>{''.join(f'<li>{_clean(item)}</li>' for item in items)}</{tag}>"


def _clean(foreign_text: str) -> str:
    return escape(" ".join(clean_block(foreign_text).split()))
