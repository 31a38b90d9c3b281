"""What pydantic refuses, in Chinese: what was found, what is allowed, the nearest name."""

import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

from pydantic import BaseModel, SecretStr

from ground.lines import Loc
from ground.shape import bare, item, keys, model_at, model_of, nearest, one_of
from ground.wide import key_hint, shown

WORDS = {
    "missing": "缺少这一项，必须写",
    "string_type": "应为文字，放在英文双引号里",
    "bool_type": "只能写 true 或 false，不加引号",
    "bool_parsing": "只能写 true 或 false，不加引号",
    "int_type": "应为整数，不加引号",
    "int_parsing": "应为整数，不加引号",
    "int_from_float": "应为整数，不带小数",
    "float_type": "应为数字，不加引号",
    "float_parsing": "应为数字，不加引号",
    "finite_number": "应为普通的数字",
    "date_type": "应为日期，例如 2027-12-31",
    "date_parsing": "应为日期，例如 2027-12-31",
    "date_from_datetime_parsing": "应为日期，例如 2027-12-31",
    "list_type": '应为列表，例如 ["甲", "乙"]',
    "tuple_type": '应为列表，例如 ["甲", "乙"]',
    "dict_type": '应为一张表，例如 {{ 名字 = "值" }}',
    "model_type": '应为一张表，例如 {{ 名字 = "值" }}',
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "不能小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "不能大于 {le}",
    "too_short": "至少要有 {min_length} 项，现在是 {actual_length} 项",
    "too_long": "最多 {max_length} 项，现在是 {actual_length} 项",
    "string_too_short": "不能少于 {min_length} 个字",
    "string_too_long": "最多 {max_length} 个字",
    "string_pattern_mismatch": "里面有不能用的字符",
    "value_error": "{error}",
    "assertion_error": "{error}",
}


def in_words(model: type[BaseModel], loc: Loc, error: Mapping[str, Any]) -> str:
    """The fault in Chinese: what was found (secrets masked), what is allowed, the nearest name."""
    kind, context, value = error["type"], dict(error.get("ctx", {})), error["input"]
    if kind == "extra_forbidden":
        names = list(keys(model_at(model, loc[:-1]) or model))
        close = key_hint(str(loc[-1])) or nearest(str(loc[-1]).lower(), names)
        return f"不认识的配置项{close}（这里可以写：{one_of(names)}）"
    if kind == "literal_error":
        names = re.findall(r"'([^']*)'", context["expected"])
        close = nearest(value, names) if isinstance(value, str) else ""
        return f"只能写 {one_of(names)} 之一{close}{found(model, loc, value)}"
    if kind == "string_too_short" and context["min_length"] == 1:
        return "不能空着"
    if kind == "string_too_long":
        return f"{WORDS[kind].format(**context)}，现在是 {len(value)} 个{found(model, loc, value)}"
    if brackets := _brackets(model, loc, kind, value):
        return brackets
    words = WORDS.get(kind, "这样写不行").format(**context)
    return words if kind in ("missing", "too_short", "too_long") else words + found(model, loc, value)


def _brackets(model: type[BaseModel], loc: Loc, kind: str, value: object) -> str:
    """`[campaigns]` for `[[campaigns]]`, and the other way round."""
    name = ".".join(key for key in loc if isinstance(key, str))
    if kind in ("list_type", "tuple_type") and isinstance(value, Mapping) and _many(model, loc):
        return f"方括号要写两层：[[{name}]]；每写一次就是一项"
    if kind == "model_type" and isinstance(value, list) and all(isinstance(key, str) for key in loc):
        return f"方括号只写一层：[{name}]；整个文件里只写一次"
    return ""


def _many(model: type[BaseModel], loc: Loc) -> bool:
    """Whether a list of tables belongs here."""
    parent = model_at(model, loc[:-1])
    field = keys(parent).get(str(loc[-1])) if parent else None
    return field is not None and model_of(item(field.annotation)) is not None


def found(model: type[BaseModel], loc: Loc, value: object) -> str:
    """What was written, in brackets; nothing for tables and lists, stars for secrets."""
    if isinstance(value, Mapping | list | tuple | BaseModel):
        return ""
    if _is_secret(model, loc):
        return "（写的是 ***）"
    if isinstance(value, bool):
        return f"（写的是 {str(value).lower()}）"
    if isinstance(value, date | time):
        return f"（写的是 {value.isoformat()}）"
    text = shown(str(value))
    return f"（写的是「{text}」）" if isinstance(value, str) else f"（写的是 {text}）"


def _is_secret(model: type[BaseModel], loc: Loc) -> bool:
    if not loc:
        return False
    parent = model_at(model, loc[:-1])
    field = keys(parent).get(str(loc[-1])) if parent else None
    return field is not None and bare(field.annotation) is SecretStr
