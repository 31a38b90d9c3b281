"""What `check` says of every text that workers will read: campaigns, their pushes, and the service directory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from campaigns.compliance import findings, links
from campaigns.sensitive import Sensitive, read
from channels.links import dead
from commands.config import Config
from commands.doubts import texts
from menus.directory import Directory
from menus.guide import texts as texts_of_guide


def told(config: Config, directory: Directory | None, sensitive: Sensitive) -> tuple[list[str], list[str]]:
    """What must be changed and what is worth a look, a sentence each, with where it stands."""
    faults = list(sensitive.faults)
    hints: list[str] = []
    for where, text in _texts(config, directory):
        for found in findings(text, sensitive.words, _sites(config)):
            (faults if found.serious else hints).append(f"{where}：{found.words}")
    return faults, hints


def of_push(config: Config, folder: Path, name: str) -> list[str]:
    """The same for one push, where somebody decides whether it goes out."""
    words = read(config.moderation, folder).words
    return [
        f"⚠ {found.words}"
        for where, text in _texts(config, None)
        if where == name
        for found in findings(text, words, _sites(config))
    ]


def _sites(config: Config) -> tuple[str, ...]:
    return (urlsplit(config.site.base_url).hostname or "", *config.moderation.sites)


def dead_links(config: Config, directory: Directory | None) -> list[str]:
    """Every link that cannot be opened now, a sentence each."""
    places: dict[str, str] = {}
    for where, text in (*_texts(config, directory), *_buttons(directory)):
        for link in links(text):
            places.setdefault(link, where)
    return [f"{places[link]}：打不开 {link}（{why}）" for link, why in dead(list(places))]


def _texts(config: Config, directory: Directory | None) -> Iterator[tuple[str, str]]:
    for campaign in config.campaigns:
        yield f"活动 {campaign.id}", f"{campaign.title}\n{campaign.about}"
        for push in campaign.pushes:
            yield push.name, "\n".join((*texts(push.content), *_urls(push.content)))
    for guide in directory.guides if directory else ():
        yield f"办事指南“{guide.title}”", "\n".join(texts_of_guide(guide))


def _urls(content: object) -> list[str]:
    """Where a tap leads: `texts` leaves these out."""
    return links(json.dumps(content, ensure_ascii=False))


def _buttons(directory: Directory | None) -> Iterator[tuple[str, str]]:
    for button in directory.menu if directory else ():
        for one in (button, *button.sub_button):
            yield f"菜单“{one.name}”", one.url
