"""A list as a clerk's program saved it, made into text: WPS, Excel and Notepad each have a code of their own."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE, getreader
from collections.abc import Iterator
from typing import IO

PACKED = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and every zip; .xls
LONGEST = 1_000_000  # bytes of a line
CODES = ("utf-8-sig", "gb18030")  # "CSV UTF-8" and "CSV" of a Chinese Windows


class NotTextError(ValueError):
    """The file holds no text; the words say in Chinese what it is instead."""


def text_of(raw: bytes) -> str:
    """What the bytes say. Raises NotTextError."""
    if raw.startswith(PACKED):
        raise NotTextError("是 Excel 文件或压缩包，不是文字文件")
    codes = ("utf-16",) if raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else CODES  # Notepad's “Unicode”
    for code in codes:
        try:
            text = raw.decode(code)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise NotTextError("不是文字文件")


def lines_of(file: IO[bytes]) -> Iterator[str]:
    """The lines of such a file, however long it is, each by itself. Raises NotTextError."""
    head = file.read(4)
    file.seek(0)
    if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        try:
            yield from getreader("utf-16")(file)
        except UnicodeDecodeError:
            raise NotTextError("不是文字文件") from None
        return
    if head.startswith(PACKED):
        text_of(head)
    while line := file.readline(LONGEST):
        yield from text_of(line).splitlines()
