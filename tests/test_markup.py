"""A body read by the quick pattern says what expat says of it, or is left to expat."""

import bodies
from hypothesis import example, given
from hypothesis import strategies as st

from wx.markup import BadXml, parsed, read

TAGS = [
    "<xml>",
    "</xml>",
    "<a>",
    "</a>",
    "<b>",
    "</b>",
    "<a/>",
    "<a x='1'>",
    "<é>",
    "<a>1</a>",
    "<b><![CDATA[工伤😀]]></b>",
]
ODDS = [
    "<![CDATA[",
    "]]>",
    "]]",
    "&amp;",
    "&",
    "<!-- -->",
    "<?x?>",
    "\r\n",
    "\n",
    " ",
    "\u3000",
    "\ufeff",
    "\x0b",
    "\ufffe",
]
PIECES = st.one_of(st.sampled_from(TAGS), st.sampled_from(ODDS), st.text(max_size=6))


def by_expat(body: bytes) -> dict[str, str] | None:
    """The first text of each child, or None for what is no XML."""
    try:
        root = parsed(body)
    except BadXml:
        return None
    fields: dict[str, str] = {}
    for child in root:
        fields.setdefault(child.tag, child.text or "")
    return fields


def quickly(body: bytes, names: list[str]) -> list[str] | None:
    try:
        root = read(body)
    except BadXml:
        return None
    return [root.get(name) for name in names]


def same(body: bytes) -> None:
    slow = by_expat(body)
    names = sorted(slow or {})
    assert quickly(body, names) == (None if slow is None else [slow[name] for name in names])


@given(st.lists(PIECES, max_size=12))
@example(["<a>1</a>", "<a>2</a>"])
@example(["\u3000"])
def test_whatever_a_body_is_made_of_both_readings_agree(pieces: list[str]) -> None:
    for body in ("".join(pieces), "<xml>" + "".join(pieces) + "</xml>"):
        same(body.encode(errors="surrogatepass"))


def test_every_body_of_the_other_tests_is_read_alike_both_ways() -> None:
    known = [body.xml for body in bodies.BODIES]
    assert len(known) > 200
    for body in known:
        same(body)
