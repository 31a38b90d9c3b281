"""What may stand in a template message (platform guide, 订阅消息参数值内容限制说明, the same for templates)."""

import re
from typing import Any

from wx.simulator.world import Errcode, Json, World

_DATE = r"\d{4}([-/.年])\d{1,2}([-/.月])\d{1,2}日?"
_CLOCK = r"([01]?\d|2[0-4]):[0-5]\d(:[0-5]\d)?"
_TIME = rf"({_DATE} ?)?{_CLOCK}"
RULES: dict[str, re.Pattern[str]] = {
    "thing": re.compile(r".{1,20}", re.DOTALL),
    "character_string": re.compile(r"[\x20-\x7e]{1,32}"),
    "time": re.compile(rf"{_TIME}(~{_TIME})?"),
    "date": re.compile(rf"{_DATE}( ?{_CLOCK})?(~{_DATE}( ?{_CLOCK})?)?"),
    "amount": re.compile(r"[¥￥$€£]?\d{1,10}(\.\d{1,2})?元?"),
    "number": re.compile(r"-?[\d.]{1,32}"),
    "phone_number": re.compile(r"[\d+\- ]{1,17}"),
    "car_number": re.compile(r".{1,8}"),
    "const": re.compile(r".{1,20}"),
    "phrase": re.compile(r"[\u4e00-\u9fff]{1,5}"),
    "name": re.compile(r"[\u4e00-\u9fff·]{1,10}|[ -~]{1,20}"),
}
LABELS = {
    "thing": "内容", "character_string": "编号", "time": "时间", "date": "日期", "amount": "金额", "number": "数量",
    "phone_number": "电话", "car_number": "车牌", "const": "类型", "phrase": "状态", "name": "姓名",
}  # fmt: skip


def check(world: World, template_id: Any, data: Any) -> None:
    """Raises 40037 for a template that is not the account's, 47003 naming the field with a bad value.

    As long as nobody has added a template, every id is good.
    """
    if not isinstance(template_id, str) or not template_id:
        raise Errcode(40037, "invalid template_id")
    if world.templates and template_id not in world.templates:
        raise Errcode(40037, "invalid template_id")
    if not isinstance(data, dict) or not data:
        raise Errcode(47003, "argument invalid! data is emtpy")
    _, labels = world.templates.get(template_id, ("", {}))
    for key in labels or data:
        _value(key, data.get(key))


def shown(world: World, template_id: str, data: Json) -> str:
    """The message as lines of `label：value` under its title."""
    title, labels = world.templates.get(template_id, ("", {}))
    lines = [
        f"{labels.get(key) or LABELS.get(_kind(key), key)}：{part.get('value', '')}"
        for key, part in data.items()
    ]
    return "\n".join([title or "服务通知", *lines])


def _kind(key: str) -> str:
    return key.rstrip("0123456789")


def _value(key: str, part: Any) -> None:
    value = part.get("value") if isinstance(part, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise Errcode(47003, f"argument invalid! data.{key}.value is emtpy")
    rule = RULES.get(_kind(key))
    if rule and not rule.fullmatch(value):
        raise Errcode(47003, f"argument invalid! data.{key}.value invalid")
