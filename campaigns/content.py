"""What a push says: text, article, picture, template or menu, as the staff write it, with the lengths that WeChat takes."""

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from ground.part import Part
from ground.text import BLANK, fits_bytes, without_spaces
from ground.wide import hint, shown

CONTENT = ("text", "article", "image", "template", "menu")
# Prefix of the key → most characters, what it must look like ('' = anything), what it holds (platform guide, 模板消息
# 参数值限制). "amount" and "number" refuse letters, "time" and "date" want figures: WeChat answers 47003.
VALUES = {
    "thing": (20, "", "任意文字"),
    "character_string": (32, r"[!-~ ]+", "英文字母、数字或符号，不能写汉字"),
    "phone_number": (17, r"[0-9+()\- ]+", "电话号码"),
    "car_number": (8, "", "车牌号"),
    "const": (20, "", "后台批准的固定词"),
    "amount": (
        14,
        r"[¥￥$€£]?(\d{1,10}|\d{1,3}(,\d{3}){1,3})(\.\d{1,2})?元?",
        "金额：一个币种符号加不超过 10 位的数字，例如 ￥100.00 或 100元",
    ),
    "number": (32, r"[+-]?\d+(\.\d+)?", "数字"),
    "time": (40, r".*\d.*", "时间，例如 2027年2月20日 10:00"),
    "date": (40, r".*\d.*", "日期，例如 2027年2月20日"),
}


def _link(text: str) -> str:
    if without_spaces(text) and not re.match(r"https?://[^/]+", text):
        raise ValueError(f"网址要以 https:// 或 http:// 开头{hint(text)}")
    return text


def _id(text: str) -> str:
    if not re.fullmatch(r"[\w-]{1,40}", text):
        raise ValueError(f"id 只能用字母、数字、汉字、- 和 _，不能有空格，最多 40 个字{hint(text)}")
    return text


def _template_id(text: str) -> str:
    if not (re.fullmatch(r"[A-Za-z0-9_-]+", text) or BLANK.fullmatch(text)):
        words = "模板编号只有英文字母、数字、- 和 _，请从微信公众平台重新复制，前后不要带空格"
        raise ValueError(f"{words}{hint(text)}")
    return text


def _template_values(values: dict[str, str]) -> dict[str, str]:
    """What WeChat would answer with 47003 (platform guide, 模板消息 参数值限制)."""
    faults = [fault for key, value in values.items() for fault in _value_faults(key, value)]
    if faults:
        raise ValueError("；".join(faults))
    return values


def _value_faults(key: str, value: str) -> Iterator[str]:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", key):
        yield f"data 里的「{shown(key)}」不是模板里的名字：只能用英文字母、数字和 _，照微信后台的写法，例如 thing1"
    if not value.strip():
        yield f"{key} 不能空着"
        return
    if any(not sign.isprintable() for sign in value):
        yield f"{key} 里不能换行，也不能有看不见的字符"
    prefix = key.rstrip("0123456789")
    if prefix in VALUES and prefix != key:
        limit, pattern, words = VALUES[prefix]
        if len(value) > limit:
            yield f"{key} 最多 {limit} 个字符（{words}），现在是 {len(value)} 个"
        elif pattern and not re.fullmatch(pattern, value) and not BLANK.search(value):
            yield f"{key} 应是{words}（写的是「{shown(value)}」）{hint(value)}"


Id = Annotated[str, AfterValidator(_id)]
Link = Annotated[str, fits_bytes(1024), AfterValidator(_link)]
Words = Annotated[str, Field(min_length=1)]
AnyText = Annotated[str, Field(coerce_numbers_to_str=True)]


class Template(Part):
    """A template message: its id in the console, the words for each of its keys, and where a tap leads."""

    id: Annotated[Words, AfterValidator(_template_id)]
    data: Annotated[dict[str, AnyText], Field(min_length=1), AfterValidator(_template_values)]
    url: Link = ""


class Article(Part):
    """One article (lengths: draft/add). `cover` is an image file for mass, a picture's address for service."""

    title: Annotated[str, Field(min_length=1, max_length=32)]
    digest: Annotated[str, Field(max_length=128)] = ""
    author: Annotated[str, Field(max_length=16)] = ""
    content: Annotated[str, Field(max_length=19_999), fits_bytes(1_000_000)] = ""
    cover: str = ""
    url: Link = ""


class Choice(Part):
    """One line of a menu message that the worker can tap."""

    id: Annotated[str, Field(min_length=1, max_length=64)]
    content: Annotated[str, Field(min_length=1, max_length=60)]


class Menu(Part):
    """A customer-service message with lines to tap (msgmenu)."""

    head: Annotated[Words, fits_bytes(1024)]
    items: Annotated[tuple[Choice, ...], Field(min_length=1, max_length=10)]
    tail: Annotated[str, fits_bytes(1024)] = ""
