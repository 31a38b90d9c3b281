"""Text as staff write it: what is still to be filled in, and how long it may be."""

import re
import unicodedata

from pydantic import AfterValidator

BLANK = re.compile(r"(〔待填[^〕\n]*〕?)")
"""What is still to be filled in, up to its bracket or the end of the line; `split` gives the text around it too.

The one meaning everywhere: on a live account nothing with a blank goes out or is told, before that it is shown as it is."""


def size(text: str) -> int:
    """Its length as WeChat counts most lengths: bytes of UTF-8, three for a Chinese character."""
    return len(text.encode())


def fits_bytes(limit: int) -> AfterValidator:
    """A text of at most so many bytes; ValueError in Chinese."""

    def fits(text: str) -> str:
        if size(text) > limit:
            words = f"最多 {limit} 字节（约 {limit // 3} 个汉字），现在是 {size(text)} 字节，请删短一些"
            raise ValueError(words)
        return text

    return AfterValidator(fits)


def without_spaces(text: str) -> str:
    """An address, a name of WeChat's or a number of a row: ValueError where it has blanks or what nobody sees."""
    if text != text.strip():
        raise ValueError("前面或后面多了空格或换行，请删掉")
    if any(sign.isspace() or not sign.isprintable() for sign in text):
        raise ValueError("里面有空格、换行或看不见的字符，请重新复制一遍")
    return text


def visible(text: str) -> str:
    """The text without control signs and what turns the direction of writing or is not seen: on a terminal or in a log they would
    move the cursor, or show other words than were written. A line break or a tab becomes a blank."""
    spaced = "".join(" " if sign in "\n\r\t\u2028\u2029" else sign for sign in text)
    return "".join(sign for sign in spaced if unicodedata.category(sign) not in ("Cc", "Cf", "Cs"))


def without_blanks(text: str) -> str:
    """The text without the lines that have a blank."""
    return "\n".join(line for line in text.splitlines() if not BLANK.search(line))


def masked_name(text: str) -> str:
    """A name of which the first sign is left: 王**."""
    return f"{text[:1]}{'*' * (len(text) - 1)}"


def masked_digits(text: str) -> str:
    """A number with stars in its middle: 139****0001."""
    return f"{text[:3]}{'*' * max(0, len(text) - 7)}{text[-4:]}" if len(text) > 7 else "*" * len(text)
