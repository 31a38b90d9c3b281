"""The account's custom menu: three sections of five items.

Staff edit MENU and run `menu check`, `menu diff`, `menu publish`. A name shows 4 汉字 in the first row and 8 in the second.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

Body = Mapping[str, object]
"""A menu as WeChat writes it: {"button": […]}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """One button; the fields are WeChat's own (platform guide, 自定义菜单). With `sub_button` it only opens a list."""

    name: str
    type: str = ""
    key: str = ""
    url: str = ""
    media_id: str = ""
    article_id: str = ""
    appid: str = ""
    pagepath: str = ""
    sub_button: "Menu" = ()


Menu = tuple[Button, ...]


def section(name: str, *items: Button) -> Button:
    """A button of the first row that opens a list."""
    return Button(name=name, sub_button=items)


def click(name: str, key: str) -> Button:
    """An item that sends its key to us, so that we answer in the chat."""
    return Button(name=name, type="click", key=key)


MENU: Menu = (
    section(
        "服务大厅",
        click("入会转会", "JOIN"),
        click("困难与互助", "AID"),
        click("维权与法律", "LAW"),
        click("就业与培训", "JOBS"),
        click("12351热线", "HOTLINE"),
    ),
    section(
        "创新创业",
        click("合理化建议·五小", "IDEA"),
        click("先锋杯·技能竞赛", "CONTEST"),
        click("劳模与工匠", "MODEL"),
        click("工匠学院·网课", "LEARN"),
        click("创业扶持", "STARTUP"),
    ),
    section(
        "职工之家",
        click("福利与心愿征集", "WISH"),
        click("元宵灯谜", "RIDDLE"),
        click("投票评选", "POLL"),
        click("文体与关爱", "LIFE"),
        click("今年活动·画册", "YEAR"),
    ),
)

WORDS: Mapping[str, tuple[str, ...]] = {
    "JOIN": ("会员", "会员服务"),
    "AID": ("困难", "帮忙", "求助", "没钱"),
    "LAW": ("权益", "侵权", "劳动法", "纠纷"),
    "JOBS": ("工作",),
    "HOTLINE": ("咨询", "问事"),
    "MODEL": ("劳模工匠", "劳模和工匠"),
    "WISH": ("心愿", "许愿", "心愿征集", "福利征集", "春节福利", "节日福利", "年货", "征集"),
    "RIDDLE": ("灯谜", "猜灯谜", "猜谜", "谜语", "元宵", "元宵节", "闹元宵", "正月十五"),
    "POLL": ("投票", "评选", "投一票", "美食", "广场舞"),
    "LIFE": ("关爱", "休闲"),
    "YEAR": ("今年活动", "活动", "全部活动", "年度活动", "活动安排", "画册", "年度画册", "相册"),
}
"""Menu key → what workers call the item, besides its name. No word may belong to two items or to a guide."""


def keys(menu: Menu = MENU) -> tuple[str, ...]:
    """Every key that a tap on this menu can send us, in the order of the menu."""
    return tuple(button.key for button in _all(menu) if button.key)


def items(menu: Menu = MENU) -> tuple[Button, ...]:
    """Every button, the first row's and theirs, in the order of the menu."""
    return tuple(_all(menu))


def body(menu: Menu = MENU) -> dict[str, object]:
    """The menu as WeChat's menu/create takes it."""
    return {"button": [_plain(button) for button in menu]}


def _all(menu: Menu) -> Iterator[Button]:
    for button in menu:
        yield button
        yield from _all(button.sub_button)


def _plain(button: Button) -> dict[str, object]:
    plain: dict[str, object] = {}
    for field in fields(button):
        value = getattr(button, field.name)
        if value:
            plain[field.name] = [_plain(item) for item in value] if field.name == "sub_button" else value
    return plain
