"""What became of a message and what its check found, at a terminal in a language of its reader.

The words are those of the report, which the catalogues have. In English the pages say more, and no catalogue says it.
"""

from agency_client.interchange.report.facts import ReportFacts
from agency_client.interchange.report.rows import list_checks, list_notices
from agency_client.languages.runs import flatten
from agency_client.languages.words import Words
from agency_client.terminal.output import Output, Tone


def show_notices(output: Output, facts: ReportFacts, words: Words) -> None:
    """Show what must not be overlooked of a message, each behind its mark."""
    for notice in list_notices(facts, words):
        output.show_line(f"{flatten(notice.mark)}: {flatten(notice.text)}", Tone.BAD)
    if facts.origin is not None and not facts.origin.original.is_pinned:
        originator = facts.origin.originator
        sentence = f"originator not pinned here: the keys of {originator} are those that the log publishes"
        output.show_line(sentence, Tone.CAUTION)


def show_checks(output: Output, facts: ReportFacts, words: Words) -> None:
    """Show what its sender checked, what this node doubts, and what was not agreed."""
    for line in list_checks(facts, words):
        output.show_line(flatten(line.text), Tone.CAUTION)
