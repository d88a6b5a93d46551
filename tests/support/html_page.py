"""A page of HTML taken apart by the standard library: its elements, what stands in which, and that each is closed."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "br", "img", "link", "input", "hr"})


@dataclass(eq=False)
class Element:
    """An element: its attributes, the elements around it, and all text below it."""

    tag: str
    attributes: dict[str, str]
    around: "tuple[Element, ...]" = ()
    words: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return the text in it and below."""
        return "".join(self.words)

    def is_in(self, tag: str, **attributes: str) -> bool:
        """Say whether an element around it has this tag and these attributes (`class_` for `class`)."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return any(above.tag == tag and wanted.items() <= above.attributes.items() for above in self.around)


class HtmlPage(HTMLParser):
    """Every element of a page, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(page)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, tuple(self._open))
        assert len(element.attributes) == len(attrs), "each attribute once"
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}, tuple(self._open)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def find(self, tag: str, **attributes: str) -> list[Element]:
        """Return the elements with this tag and these attributes (`class_` for `class`)."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [item for item in self.elements if item.tag == tag and wanted.items() <= item.attributes.items()]

    @property
    def body(self) -> Element:
        """Return the body."""
        (body,) = self.find("body")
        return body
