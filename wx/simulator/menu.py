"""What the platform accepts as a custom menu (platform guide, 自定义菜单)."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from wx.simulator.world import Errcode, Json, World

KEYED = {
    "click", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select",
}  # fmt: skip
NEEDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(KEYED, ("key",)),
    "view": ("url",),
    "miniprogram": ("url", "appid", "pagepath"),
    "media_id": ("media_id",),
    "view_limited": ("media_id",),
    "article_id": ("article_id",),
    "article_view_limited": ("article_id",),
}
KEY_BYTES, URL_BYTES = 128, 1024
# first level, second level
NAME_BYTES = (16, 60)
MOST = (3, 5)
COUNT, TYPE, NAME, KEY, URL, DOMAIN = (
    (40016, 40023),
    (40017, 40024),
    (40018, 40025),
    (40019, 40026),
    (40020, 40027),
    (40055, 40054),
)
_HOST = re.compile(r"(?i)localhost|[a-z0-9-]+(\.[a-z0-9-]+)+")


def create(world: World, menu: Json) -> None:
    """Replaces the menu. Raises the errcode of the first thing that is wrong."""
    _level(menu.get("button"), 0)
    world.menu = {"button": menu["button"]}


def get(world: World) -> Json:
    """Raises 46003 when there is none."""
    if world.menu is None:
        raise Errcode(46003, "menu no exist")
    return {"menu": world.menu}


def shown(world: World) -> Json:
    """The menu in the other shape, that of get_current_selfmenu_info."""
    if world.menu is None:
        return {"is_menu_open": 0}
    buttons = []
    for button in world.menu["button"]:
        if button.get("sub_button"):
            buttons.append({"name": button["name"], "sub_button": {"list": button["sub_button"]}})
        else:
            buttons.append({key: value for key, value in button.items() if key != "sub_button"})
    return {"is_menu_open": 1, "selfmenu_info": {"button": buttons}}


def buttons(menu: Json | None) -> Iterator[Json]:
    """Every button that does something when tapped."""
    for button in (menu or {}).get("button", []):
        yield from button.get("sub_button") or [button]


def _level(found: Any, depth: int) -> None:
    if not isinstance(found, list) or not 1 <= len(found) <= MOST[depth]:
        raise Errcode(COUNT[depth], "invalid button size" if depth == 0 else "invalid sub button size")
    for button in found:
        if not isinstance(button, dict):
            raise Errcode(TYPE[depth], "invalid button type")
        name = button.get("name")
        if not isinstance(name, str) or not name or len(name.encode()) > NAME_BYTES[depth]:
            raise Errcode(NAME[depth], "invalid button name size")
        if button.get("sub_button"):
            if depth:
                raise Errcode(40022, "invalid sub menu level")
            _level(button["sub_button"], 1)
        else:
            _leaf(button, depth)


def _leaf(button: Json, depth: int) -> None:
    needed = NEEDS.get(button.get("type", ""))
    if needed is None:
        raise Errcode(TYPE[depth], "invalid button type")
    for field in needed:
        value = button.get(field)
        if field == "url":
            _url(value, depth)
        elif not isinstance(value, str) or not value or len(value.encode()) > KEY_BYTES:
            raise Errcode(KEY[depth] if field == "key" else 40007, f"invalid button {field} size")


def _url(value: Any, depth: int) -> None:
    if not isinstance(value, str) or len(value.encode()) > URL_BYTES:
        raise Errcode(URL[depth], "invalid button url size")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https"):
        raise Errcode(URL[depth], "invalid button url")
    if not _HOST.fullmatch(parts.hostname or ""):
        raise Errcode(DOMAIN[depth], "invalid url domain")
