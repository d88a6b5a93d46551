"""How a sentence names a thing of which it knows the code or the label alone. English, as every sentence of the code."""

_VOWELS = frozenset("aeiou")


def with_article(noun: str) -> str:
    """Return a noun behind its indefinite article: "an acknowledgement", "a withdrawal"."""
    return f"{'an' if noun[:1].lower() in _VOWELS else 'a'} {noun}"
