"""Putting the menu on the account, seeing what would change, and taking the change back."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from ground.days import minute
from menus import check, tree
from menus.tree import Body, Menu
from wx.errors import ApiError, NoAnswer, NotSent, WeChatError, explain

FIELDS = ("type", "key", "url", "media_id", "article_id", "appid", "pagepath")
WORDS = {
    "type": "种类",
    "key": "key",
    "url": "网址",
    "media_id": "素材",
    "article_id": "文章",
    "appid": "小程序",
    "pagepath": "小程序页面",
}
LATER = "手机上最迟要等 5 分钟以上、重新打开公众号才看得到；急着看的，取消关注再关注一次。"


Say = Callable[[str], None]


class Api(Protocol):
    """The two calls that are used here; `wx.client.Api` has them."""

    def menu(self) -> Mapping[str, object] | None: ...

    def create_menu(self, menu: Mapping[str, object]) -> None: ...


class Versions(Protocol):
    """The shelf of the menus that were live before; app.py hands it in."""

    def save(self, body: Body, now: datetime) -> None:
        """Keep a menu that is about to be replaced."""

    def before(self) -> Body | None:
        """The menu kept last, or None."""

    def list(self) -> Sequence[tuple[datetime, Body]]:
        """Every kept menu with its time, the newest first."""


def diff(api: Api, menu: Menu, *, say: Say = print) -> int:
    """Say what differs between the menu here and the live one; 0 when they are the same, 1 when not or not to be known."""
    try:
        live = live_menu(api, say)
    except WeChatError as error:
        return _failed(error, say)
    lines = differences(live, tree.body(menu))
    for line in lines:
        say(line)
    say(
        f"共 {len(lines)} 处不同。要换成本地的菜单，请运行 menu publish。"
        if lines
        else "线上的菜单和本地一样。"
    )
    return 1 if lines else 0


def publish(
    api: Api, menu: Menu, keys: Collection[str], versions: Versions, now: datetime, *, say: Say = print
) -> int:
    """Check the menu, keep the live one, send ours, read it back. 0 when the account then shows exactly our menu."""
    if check.check(menu, keys, say=say):
        return 1
    return put_live(api, tree.body(menu), versions, now, say)


def rollback(api: Api, versions: Versions, now: datetime, *, say: Say = print) -> int:
    """Put the menu from before the last change back; doing it twice brings the newer one again."""
    try:
        live = live_menu(api, say)
    except WeChatError as error:
        return _failed(error, say)
    for at, body in versions.list():
        if body.get("button") and differences(live, body):
            say(f"退回到 {minute(at)} 存下的菜单：")
            return put_live(api, body, versions, now, say)
    say("没有存下以前的菜单，没有什么可退回的。")
    return 1


def put_live(api: Api, body: Body, versions: Versions, now: datetime, say: Say) -> int:
    """Keep the live menu, send this one, read it back. 0 when the account then shows exactly this menu."""
    try:
        live = live_menu(api, say)
        lines = differences(live, body)
        if not lines:
            say("线上的菜单已经是这样，不用发布。")
            return 0
        if live["button"]:
            versions.save(live, now)
        api.create_menu(body)
        left = differences(live_menu(api, say), body)
    except WeChatError as error:
        return _failed(error, say)
    for line in left or lines:
        say(line)
    say(
        "微信收下了菜单，但读回来和发出去的不一样（见上），请再运行一次 menu diff。"
        if left
        else f"发布好了，读回来核对无误。{LATER}"
    )
    return 1 if left else 0


def live_menu(api: Api, say: Say = print) -> dict[str, object]:
    """The live default menu, without what WeChat adds; an account without a menu has no buttons."""
    answer = api.menu() or {}
    if others := answer.get("conditionalmenu"):
        say(f"另外有 {len(others) if isinstance(others, list) else 1} 个个性化菜单，这里不看也不改。")
    menu = answer.get("menu")
    return {"button": [_bare(button) for button in _buttons(menu, "button")]}


def _bare(button: Mapping[str, object]) -> dict[str, object]:
    items = [_bare(item) for item in _buttons(button, "sub_button")]
    bare: dict[str, object] = {"name": button.get("name", "")}
    if items:
        bare["sub_button"] = items
    else:
        bare |= {field: button[field] for field in FIELDS if button.get(field)}
    return bare


def _buttons(holder: object, field: str) -> list[Mapping[str, object]]:
    found = holder.get(field) if isinstance(holder, Mapping) else None
    return [button for button in found if isinstance(button, Mapping)] if isinstance(found, list) else []


def differences(live: Body, local: Body) -> list[str]:
    """What changes from the live menu to the local one, a sentence each; empty when a phone would show the same."""
    old, new = dict(_flat(live)), dict(_flat(local))
    lines = [f"去掉　{_path(path)}" for path in old if path not in new]
    lines += [f"新加　{_path(path)}（{_what(new[path])}）" for path in new if path not in old]
    for path in new.keys() & old.keys():
        lines += _changes(path, old[path], new[path])
    both = [path for path in new if path in old]
    if both != [path for path in old if path in new]:
        lines.append("顺序　改为：" + "、".join(_path(path) for path in both))
    if not lines and list(_flat(live)) != list(_flat(local)):
        lines.append("有重名的菜单不一样，请运行 menu check。")
    return lines


def _flat(body: Body) -> Iterator[tuple[tuple[str, ...], Mapping[str, object]]]:
    for button in _buttons(body, "button"):
        name = str(button.get("name", ""))
        yield (name,), {field: value for field, value in _bare(button).items() if field in FIELDS}
        for item in _buttons(button, "sub_button"):
            yield (
                (name, str(item.get("name", ""))),
                {field: value for field, value in _bare(item).items() if field in FIELDS},
            )


def _changes(path: tuple[str, ...], old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    return [
        f"改动　{_path(path)}：{WORDS[field]}由“{old.get(field, '无')}”改为“{new.get(field, '无')}”"
        for field in FIELDS
        if old.get(field) != new.get(field)
    ]


def _path(path: tuple[str, ...]) -> str:
    return " / ".join(path)


def _what(button: Mapping[str, object]) -> str:
    return "，".join(f"{WORDS[field]} {button[field]}" for field in FIELDS if button.get(field)) or "栏目"


def _failed(error: WeChatError, say: Say) -> int:
    """The failure in words with one action."""
    match error:
        case ApiError():
            row = explain(error.errcode)
            say(f"微信没有接受（代码 {error.errcode}）：{row.means_zh}。{row.action_zh}")
        case NotSent():
            say("没有连上微信，什么都没有改。请检查网络和配置文件里的账号密码，再试一次。")
        case NoAnswer():
            say("微信没有回答，不知道改了没有。请过一会儿运行 menu diff 看看。")
        case _:
            say("和微信的通话没有成功。请过一会儿再试。")
    return 1
