"""XML as WeChat sends it, read without mercy for anything else: no DTD, no entities, UTF-8 only, bounded depth."""

from __future__ import annotations

from xml.parsers import expat

MAX_DEPTH = 12


class BadXml(ValueError):
    """Not XML, or XML with what WeChat never sends."""


class Element:
    """One element: its text, and its children in order."""

    __slots__ = ("children", "tag", "text")

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.text = ""
        self.children: list[Element] = []

    def get(self, tag: str) -> str:
        """The text of the first child of that name, or ''."""
        for child in self.children:
            if child.tag == tag:
                return child.text
        return ""

    def child(self, tag: str) -> Element:
        """The first child of that name, or an empty one."""
        for child in self.children:
            if child.tag == tag:
                return child
        return Element(tag)

    def all(self, tag: str) -> list[Element]:
        """Every child of that name."""
        return [child for child in self.children if child.tag == tag]


def _refuse(*_: object) -> None:
    raise BadXml("declares a document type")


def read(body: bytes) -> Element:
    """The root element. Raises BadXml."""
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    root = Element("")
    stack = [root]

    def start(tag: str, _: dict[str, str]) -> None:
        if len(stack) > MAX_DEPTH:
            raise BadXml("too deep")
        element = Element(tag)
        stack[-1].children.append(element)
        stack.append(element)

    def end(_: str) -> None:
        stack.pop()

    def text(words: str) -> None:
        top = stack[-1]
        top.text = top.text + words if top.text else words

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise BadXml("not XML") from error
    return root.children[0]
