"""What a page makes of plain text and of addresses: blanks that staff see, numbers that dial, codes that a phone scans."""

from __future__ import annotations

import re
from functools import lru_cache

import segno
from markupsafe import Markup, escape

from ground.text import BLANK

# The nation's service lines have five digits (numbers.toml); three digits may be days or yuan, so that these dial only
# where a page lists them.
LINE = re.compile(r"(?<![\d.])(1(?:2\d{3})|96110)(?!\d)")


def told(text: str) -> Markup:
    """Text with its blanks marked, its lines kept, and the service lines to be dialled at a touch."""
    pieces = BLANK.split(text)
    return Markup("").join(
        Markup("<mark>{}</mark>").format(piece) if position % 2 else _dialled(piece)
        for position, piece in enumerate(pieces)
    )


def _dialled(text: str) -> Markup:
    lines = LINE.sub(r'<a href="tel:\1">\1</a>', str(escape(text)))
    return Markup(lines.replace("\n", "<br>"))  # noqa: S704 - what came in was escaped


@lru_cache(maxsize=256)
def code(address: str, border: int = 2) -> Markup:
    """A QR code of the address, drawn within the page."""
    drawn = segno.make(address, error="m").svg_inline(scale=4, border=border, omitsize=True)
    return Markup(drawn)  # noqa: S704 - lines that segno draws
