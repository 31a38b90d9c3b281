"""XML as WeChat sends it, read without mercy for anything else: no DTD, no entities of its own, UTF-8 only."""

from __future__ import annotations

from xml.etree.ElementTree import Element as Node
from xml.etree.ElementTree import ParseError, XMLParser
from xml.parsers import expat


class BadXml(ValueError):
    """Not XML, or XML with what WeChat never sends."""


class Element:
    """One element: its text, and its children by name."""

    __slots__ = ("_fields", "node")

    def __init__(self, node: Node) -> None:
        self.node = node
        self._fields: dict[str, str] = {}
        for child in node:
            if child.tag not in self._fields:
                self._fields[child.tag] = child.text or ""

    @property
    def text(self) -> str:
        return self.node.text or ""

    def get(self, tag: str) -> str:
        """The text of the first child of that name, or ''."""
        return self._fields.get(tag, "")

    def child(self, tag: str) -> Element:
        """The first child of that name, or an empty one."""
        found = self.node.find(f"./{tag}")
        return Element(Node(tag) if found is None else found)

    def all(self, tag: str) -> list[Element]:
        """Every child of that name."""
        return [Element(found) for found in self.node.findall(f"./{tag}")]


def _refuse(*_: object) -> None:
    raise BadXml("declares a document type")


def _check_no_doctype(body: bytes) -> None:
    """The words may stand in what a worker wrote; a real declaration is refused before anything is expanded."""
    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = _refuse
    parser.Parse(body, True)


def read(body: bytes) -> Element:
    """The root element. Raises BadXml."""
    if b"\0" in body:
        raise BadXml("not UTF-8")  # UTF-16, which would hide what the next line looks for
    try:
        if b"<!DOCTYPE" in body:
            _check_no_doctype(body)
        parser = XMLParser(encoding="utf-8")  # noqa: S314 - what that warns of needs a document type
        parser.feed(body)
        return Element(parser.close())
    except (ParseError, expat.ExpatError, ValueError) as error:
        raise BadXml("not XML") from error
