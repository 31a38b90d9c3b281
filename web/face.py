"""The public face: `/` with a search that forgives, and `/guide/ID`, a page for each entry that can be shared and printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import quote

from flask import Blueprint, abort, render_template, request

from campaigns import taking_part as door
from campaigns.campaign import Campaign
from ground.days import SHANGHAI
from ground.text import without_blanks
from handlers import Found
from handlers.request import UNREAD, address_for
from menus.guide import HOTLINE, Guide
from menus.tree import Button
from web import start
from web.marks import code, told
from web.parts import Parts

INWARD = ("preparation", "report", "newspaper")  # the staff's own work
LONGEST = 100  # signs of a question


@dataclass(frozen=True, slots=True)
class Hit:
    """Something to go to: its title, a few words, and its address, '' where the words are all."""

    title: str
    words: str
    address: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found for a question."""

    found: Found
    lines: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A menu item with its entries under their headings, '' for those that need none."""

    key: str
    name: str
    count: int
    headed: tuple[tuple[str, list[Guide]], ...]


def pages(parts: Parts) -> Blueprint:
    """`/` and `/guide/ID`. Under `demo` the first page is the demonstration until something is asked."""
    blueprint = Blueprint("face", __name__)
    blueprint.add_app_template_filter(told, "told")
    blueprint.add_app_template_global(code, "code")
    blueprint.add_app_template_global(lambda: "privacy" in parts.house.guides().by_id, "has_privacy")

    @blueprint.get("/")
    def first() -> str:
        now, asked = parts.clock.now(), request.args.get("q")
        if parts.demo is not None and asked is None:
            return start.demonstration(parts, now)
        words = " ".join((asked or "").split())[:LONGEST]
        return render_template(
            "face.html",
            q=words,
            answer=_answer(parts, now, words) if words else None,
            on=[_campaign(parts, one) for one in _told(parts) if one.period(now)],
            sections=_sections(parts),
        )

    @blueprint.get("/guide/<name>")
    def entry(name: str) -> str:
        directory = parts.house.guides()
        guide = directory.by_id.get(name) or abort(404)
        item = next(one for one in directory.items if one.key == guide.item)
        return render_template(
            "guide.html",
            guide=directory.seen(guide, parts.house.mode),
            item=item,
            numbers=[directory.numbers[one] for one in guide.phones if one in directory.numbers],
            related=[directory.by_id[one] for one in guide.related if one in directory.by_id],
            late=guide.valid_until < _day(parts.clock.now()),
            address=f"{parts.site.base_url}/guide/{guide.id}",
            hotline=HOTLINE,
            lead=address_for(parts.house, parts.clock.now(), guide.id),
            unread=UNREAD if guide.request else "",
        )

    return blueprint


def _answer(parts: Parts, now: datetime, words: str) -> Answer:
    found = parts.find(parts.house, now, words)
    return Answer(found, tuple(_lines(parts, found)))


def _lines(parts: Parts, found: Found) -> Iterator[Hit]:
    """Each page that was found, as this house shows it."""
    directory, mode = parts.house.guides(), parts.house.mode
    campaigns = {one.id: one for one in _told(parts)}
    items = {one.key: one.name for one in directory.items} | {one.name: one.name for one in directory.menu}
    for name in found.pages:
        kind, _, rest = name.partition(":")
        if kind == "guide" and rest in directory.by_id:
            guide = directory.by_id[rest]
            words = directory.filled(guide.answer or guide.who, mode)
            yield Hit(guide.title, words, f"/guide/{guide.id}")
        elif kind == "campaign" and rest in campaigns:
            yield _campaign(parts, campaigns[rest])
        elif name in items:
            yield Hit(items[name], "", f"#{name}")


def _campaign(parts: Parts, one: Campaign) -> Hit:
    about = without_blanks(one.about) if parts.house.live else one.about
    joins = any(each.id == one.id for each in door.joinable(parts.house.campaigns()))
    return Hit(one.title, about.strip(), f"/h5/c/{quote(one.id)}" if joins else "")


def _told(parts: Parts) -> list[Campaign]:
    return [one for one in parts.house.campaigns() if one.kind not in INWARD]


def _sections(parts: Parts) -> list[tuple[str, list[Item]]]:
    """Each section with its items, those without an entry left out."""
    directory = parts.house.guides()
    found = []
    for section in directory.menu:
        items = [_item(item, directory.under(item.key)) for item in section.sub_button]
        found.append((section.name, [item for item in items if item.count]))
    return [(name, items) for name, items in found if items]


def _item(item: Button, guides: Sequence[Guide]) -> Item:
    headed: dict[str, list[Guide]] = {}
    for guide in guides:
        headed.setdefault(guide.heading, []).append(guide)
    return Item(item.key, item.name, len(guides), tuple(headed.items()))


def _day(now: datetime) -> date:
    return now.astimezone(SHANGHAI).date()
