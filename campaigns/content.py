"""What a push says: text, article, picture, template or menu, as the staff write it, with the lengths that WeChat takes."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from ground.part import Part
from ground.text import fits_bytes

CONTENT = ("text", "article", "image", "template", "menu")
# Prefix of the key, most characters, what it holds (platform guide, 模板消息 参数值限制).
VALUES = (
    ("thing", 20, "任意文字"),
    ("character_string", 32, "英文字母、数字或符号"),
    ("phone_number", 17, "电话号码"),
    ("car_number", 8, "车牌号"),
    ("const", 20, "后台批准的固定词"),
)


def _link(text: str) -> str:
    if text and not re.match(r"https?://[^\s/]+", text):
        raise ValueError("网址要以 https:// 或 http:// 开头")
    return text


def _id(text: str) -> str:
    if not re.fullmatch(r"[\w-]{1,40}", text):
        raise ValueError("id 只能用字母、数字、汉字、- 和 _，不能有空格，最多 40 个字")
    return text


def _template_values(values: dict[str, str]) -> dict[str, str]:
    """Lengths that WeChat would answer with 47003 (platform guide, 模板消息)."""
    faults = []
    for key, value in values.items():
        for prefix, limit, words in VALUES:
            if re.fullmatch(rf"{prefix}\d+", key) and len(value) > limit:
                faults.append(f"{key} 最多 {limit} 个字符（{words}），现在是 {len(value)} 个")
        if re.fullmatch(r"character_string\d+", key) and not value.isascii():
            faults.append(f"{key} 不能写汉字，只能写英文字母、数字或符号")
    if faults:
        raise ValueError("；".join(faults))
    return values


Id = Annotated[str, AfterValidator(_id)]
Link = Annotated[str, fits_bytes(1024), AfterValidator(_link)]
Words = Annotated[str, Field(min_length=1)]
AnyText = Annotated[str, Field(coerce_numbers_to_str=True)]


class Template(Part):
    """A template message: its id in the console, the words for each of its keys, and where a tap leads."""

    id: Words
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
