"""Numbers that belong to a person, in a text that many will read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ground.text import masked_digits

DIGITS = re.compile(r"(?<![\dA-Za-z.])\d(?:[ \-]?\d){10,18}[ \-]?[Xx]?(?![\dA-Za-z])")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643
CHECKS = "10X98765432"
MOBILE, IDENTITY, CARD = "手机号", "身份证号", "银行卡号"


def numbers(text: str) -> Iterator[tuple[str, str]]:
    """What kind of number it is, and the number itself; those whose check digit is wrong are no such number."""
    for found in DIGITS.finditer(text):
        plain = re.sub(r"[ \-]", "", found[0]).upper()
        if kind := _kind(plain):
            yield kind, plain


def covered(text: str) -> str:
    """The text with stars in the middle of each of these numbers."""
    return DIGITS.sub(lambda found: _starred(found[0]), text)


def _starred(text: str) -> str:
    plain = re.sub(r"[ \-]", "", text).upper()
    return masked_digits(plain) if _kind(plain) else text


def _kind(plain: str) -> str:
    if re.fullmatch(r"1[3-9]\d{9}", plain):
        return MOBILE
    if re.fullmatch(r"\d{17}[\dX]", plain) and _is_identity(plain):
        return IDENTITY
    if re.fullmatch(r"[3-6]\d{15,18}", plain) and _is_card(plain):
        return CARD
    return ""


def _is_identity(plain: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(plain, WEIGHTS, strict=False))
    return CHECKS[total % 11] == plain[-1]


def _is_card(plain: str) -> bool:
    """ISO/IEC 7812-1: every second digit from the right counts twice."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(plain))]
    return sum(each - 9 * (each > 9) for each in doubled) % 10 == 0
