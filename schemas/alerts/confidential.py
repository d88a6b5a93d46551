"""What an alert of a confidential kind may not say, so that nobody is named in it: by its form, and in its words.

The form is demanded of both ends; identifiers in words only of who sends, since what looks like one may be none, and a
recipient refuses no cry for help for it.
"""

from collections.abc import Iterator

from schemas.alerts.base import Alert, CaveatCode
from schemas.alerts.walking import list_values, walk_parts
from schemas.identifiers.pseudonyms import Pseudonym
from schemas.identifiers.words import find_identifiers
from schemas.wording import with_article

FORBIDDEN_MEMBERS = ("persons", "attachments", "onward")
"""Members of the common part that would name somebody, or let the message go on by itself."""
CONFIDENTIAL_MEMBERS = dict.fromkeys(("own_reference", "partner_reference"), (Pseudonym | None, None))
"""Members of the common part that are pseudonyms there, as fields of a model."""
_FORMED = frozenset(
    {
        *("kind", "thread", "in_reply_to", "supersedes", "quality", "language", "translated_from"),
        *("review_date", "retain_until", "begins_on", "ends_on"),
        *("pseudonym", "related", "nationality", "speaks", *CONFIDENTIAL_MEMBERS),
    }
)
"""Members that hold no words: their form is their own, or the program writes them."""


def find_identifying_members(alert: Alert) -> Iterator[tuple[str, str]]:
    """Give each member that has no place in a confidential alert, or is missing there, with what is wrong with it."""
    for name in FORBIDDEN_MEMBERS:
        if getattr(alert, name):
            yield name, "has no place in a confidential kind: it names somebody, or leads there; leave it out"
    if CaveatCode.NOT_AGAINST_VICTIM not in {caveat.code for caveat in alert.caveats}:
        yield "caveats", f"say {CaveatCode.NOT_AGAINST_VICTIM.value}, as every message of a confidential kind does"


def find_identifying_words(alert: Alert) -> Iterator[tuple[str, str]]:
    """Give each field in whose words an identifier of somebody seems to stand, with what it looks like."""
    for field, text in _list_words(alert):
        problem = find_identifying_text(text)
        if problem is not None:
            yield field, problem


def find_identifying_text(text: str) -> str | None:
    """Return what identifier of somebody seems to stand in a text, in words, None where none does."""
    found = find_identifiers(text)
    return f"{' and '.join(found)} seems to stand in it; say it without, under the pseudonym" if found else None


def _list_words(alert: Alert) -> Iterator[tuple[str, str]]:
    for path, part in walk_parts(alert):
        for field, value in list_values(part, path):
            # Codes are text to Python too, of a type of their own.
            if type(value) is str and _FORMED.isdisjoint(field.split(".")):
                yield field, value


FOLLOWING_KINDS = frozenset(
    {"acknowledgement", "withdrawal", "restriction", "breach-notice", "release-request", "release-decision"}
)
"""Kinds that may follow a confidential message up. They travel under the key that all officers use, so they say of it
that it was read, is taken back or restricted, and nothing of what it says. What corrects or answers it is another one
of its own kind."""
_WORDS_OF_ITS_OWN = frozenset({"words", "conditions"})
"""Members of details that hold free words and that nothing needs."""


def find_words_about(alert: Alert, label: str) -> Iterator[tuple[str, str]]:
    """Give what an alert that follows a confidential message up may not say; `label` is what its kind is called."""
    if alert.kind not in FOLLOWING_KINDS:
        yield (
            "kind",
            f"{with_article(label.lower())} would speak openly of a confidential message; send one of its own kind",
        )
        return
    if alert.subject != label:
        yield "subject", f"is “{label}” about a confidential message, and nothing else"
    if alert.handling.restriction is not None:
        yield "handling.restriction", _OPENLY
    for name in ("own_reference", "partner_reference", "urgency_reason"):
        if getattr(alert, name) is not None:
            yield name, _OPENLY
    for field, value in list_values(alert.details, "details"):
        if field.rpartition(".")[2] in _WORDS_OF_ITS_OWN and value:
            yield field, _OPENLY
        if value == "court":
            yield field, "what is confidential is never used in court"


_OPENLY = "speaks openly about a confidential message; leave it out"
