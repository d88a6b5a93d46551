"""How a sentence names a thing of which it knows the code or the label alone. In English, like all sentences here."""

_VOWELS = frozenset("aeiou")


def with_article(noun: str) -> str:
    """Return a noun behind its indefinite article: "an acknowledgement", "a withdrawal"."""
    return f"{'an' if noun[:1].lower() in _VOWELS else 'a'} {noun}"
