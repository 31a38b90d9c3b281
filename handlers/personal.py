"""Personal numbers that a worker types into the chat: seen, never repeated, and left out of the search."""

from __future__ import annotations

import re

# A mobile number has 11 digits, an identity number 18 (the last may be an x) or 15, a bank card 16 to 19; written without
# what stood between them, as `normal` leaves them.
PERSONAL = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}x|\d{15,19})(?!\d)")
NUMBER = re.compile(r"\d{7,}x?")
KINDLY = "请不要在聊天里发手机号、身份证号、银行卡号，办事用不着，也不安全。"


def has_personal(plain: str) -> bool:
    """Whether the words hold a number that belongs to a person; `plain` as `normal` makes them."""
    return PERSONAL.search(plain) is not None


def without_numbers(plain: str) -> str:
    """The words without long numbers, whosever they are."""
    return NUMBER.sub("", plain)
