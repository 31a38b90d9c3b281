"""The text of an article as HTML: the pictures in it, however a person or a program has written their tags."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import accumulate

LAZY = "data-src"  # what WeChat's own editor writes beside or instead of src


@dataclass(frozen=True, slots=True)
class Image:
    """An `<img>` in a text: where its tag begins and ends, and its attributes as a browser reads them."""

    start: int
    end: int
    attributes: tuple[tuple[str, str], ...]

    @property
    def source(self) -> str:
        """The file or address that it shows, '' when it shows none."""
        return next((value.strip() for name, value in self.attributes if name == "src"), "")

    def has(self, name: str) -> bool:
        return any(each == name for each, _ in self.attributes)

    def showing(self, source: str) -> str:
        """The tag with another source, written in the plainest way."""
        kept = [(name, value) for name, value in self.attributes if name not in ("src", LAZY)]
        words = "".join(f' {name}="{html.escape(value)}"' for name, value in (("src", source), *kept))
        return f"<img{words}>"


def is_plain(text: str) -> bool:
    """Whether the text has no tags at all, so that its lines are paragraphs."""
    return not re.search(r"<[a-zA-Z/!]", text)


def images(text: str) -> Iterator[Image]:
    """Every picture of the text in its order."""
    finder = _Finder(text)
    finder.feed(text)
    finder.close()
    yield from finder.found


def with_sources(text: str, source: Callable[[str], str]) -> str:
    """The text in which each picture shows what `source` makes of it; what does not change is left as it was written."""
    made, done = [], 0
    for image in images(text):
        new = source(image.source)
        if new != image.source or image.has(LAZY):
            made += [text[done : image.start], image.showing(new)]
            done = image.end
    return "".join((*made, text[done:]))


class _Finder(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[Image] = []
        self._lines = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            line, column = self.getpos()
            start = self._lines[line - 1] + column
            end = start + len(self.get_starttag_text() or "")
            self.found.append(Image(start, end, tuple((name, value or "") for name, value in attrs)))
