"""The account's custom menu as WeChat knows it. A clerk writes it in `menus/menu.toml`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from menus.files import Section

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
FIELDS = tuple(field.name for field in fields(Button) if field.name != "sub_button")


def section(name: str, *items: Button) -> Button:
    """A button of the first row that opens a list."""
    return Button(name=name, sub_button=items)


def click(name: str, key: str) -> Button:
    """An item that sends its key to us, so that we answer in the chat."""
    return Button(name=name, type="click", key=key)


def built(sections: tuple[Section, ...]) -> Menu:
    """The buttons that the file means."""
    return tuple(
        section(one.name, *(Button(**{name: getattr(item, name) for name in FIELDS}) for item in one.items))
        for one in sections
    )


def keys(menu: Menu) -> tuple[str, ...]:
    """Every key that a tap on this menu can send us, in the order of the menu."""
    return tuple(button.key for button in _all(menu) if button.key)


def items(menu: Menu) -> tuple[Button, ...]:
    """Every button, the first row's and theirs, in the order of the menu."""
    return tuple(_all(menu))


def body(menu: Menu) -> dict[str, object]:
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
