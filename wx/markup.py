"""XML as WeChat sends it, read without mercy for anything else: no DTD, no entities of its own, UTF-8 only."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element as Node
from xml.etree.ElementTree import ParseError, XMLParser
from xml.parsers import expat

# One element without children, in the plain form in which WeChat writes nearly all of them: nothing in it that a parser
# would have to undo or refuse. What is made of such elements alone is read by this pattern, at half of expat's cost;
# everything else is expat's. The tests hold the two to the same answers.
PLAIN = r"\]<>&\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff"
FLAT = re.compile(rf"<([A-Za-z]\w*)>(<!\[CDATA\[)?([^{PLAIN}]*)(?(2)\]\]>)</\1>", re.ASCII)
SPACE = frozenset(("", "\n", " ", "\t"))


class BadXml(ValueError):
    """Not XML, or XML with what WeChat never sends."""


class Element:
    """One element: its text, and its children by name."""

    __slots__ = ("_node", "fields")

    def __init__(self, fields: dict[str, str], node: Node | None = None) -> None:
        self.fields = fields
        self._node = node

    @property
    def text(self) -> str:
        return "" if self._node is None else self._node.text or ""

    def get(self, tag: str) -> str:
        """The text of the first child of that name, or ''."""
        return self.fields.get(tag, "")

    def child(self, tag: str) -> Element:
        """The first child of that name, or an empty one."""
        found = None if self._node is None else self._node.find(f"./{tag}")
        return Element({}) if found is None else _element(found)

    def all(self, tag: str) -> list[Element]:
        """Every child of that name."""
        return [] if self._node is None else [_element(found) for found in self._node.findall(f"./{tag}")]


def _element(node: Node) -> Element:
    fields: dict[str, str] = {}
    for child in node:
        if child.tag not in fields:
            fields[child.tag] = child.text or ""
    return Element(fields, node)


def read(body: bytes) -> Element:
    """The root element. Raises BadXml."""
    try:
        flat = _flat(body.decode())
    except UnicodeDecodeError as error:
        raise BadXml("not UTF-8") from error
    return _element(parsed(body)) if flat is None else Element(flat)


def _flat(text: str) -> dict[str, str] | None:
    """The fields of a root whose children have none, or None where that takes a parser to say."""
    parts = FLAT.split(text)  # what stands between, tag, CDATA or None, text; and so on to what stands behind
    if len(parts) < 5 or parts[0] not in ("<xml>", "<xml>\n") or parts[-1].strip(" \n\t") != "</xml>":
        return None
    if not SPACE.issuperset(parts[4:-1:4]):
        return None
    return dict(
        zip(parts[-4::-4], parts[-2::-4], strict=True)
    )  # from behind, so that of two of a name the first stays


def parsed(body: bytes) -> Node:
    """The root as expat reads it. Raises BadXml."""
    if b"\0" in body:
        raise BadXml("not UTF-8")  # UTF-16, which would hide what the next line looks for
    try:
        if b"<!DOCTYPE" in body:
            _check_no_doctype(body)
        parser = XMLParser(encoding="utf-8")  # noqa: S314 - what that warns of needs a document type
        parser.feed(body)
        return parser.close()
    except (ParseError, expat.ExpatError, ValueError) as error:
        raise BadXml("not XML") from error


def _refuse(*_: object) -> None:
    raise BadXml("declares a document type")


def _check_no_doctype(body: bytes) -> None:
    """The words may stand in what a worker wrote; a real declaration is refused before anything is expanded."""
    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = _refuse
    parser.Parse(body, True)
