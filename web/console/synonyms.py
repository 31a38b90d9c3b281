"""说法: what workers say that found no answer or only a guess; one click teaches the chat which page is meant, at once and everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import redirect, request

from ground.normal import normal
from ground.simplified import simplified
from handlers import which
from handlers.book import Book, book
from handlers.personal import without_numbers
from handlers.route import route
from models import report, synonym, unanswered
from web.console.desk import Answer, Desk

LATELY = timedelta(days=30)
SHOWN = 30  # of each ranking
IN_FORCE = 200
LONGEST = 200  # signs that are tried
NEAR = 3
HERE = "/console/synonyms"
TAUGHT = "记下了：以后说“{}”，就答“{}”。两秒后，所有机器都这样回答。"


@dataclass(frozen=True, slots=True)
class Saying:
    """What was said, how often, by how many, and the pages (title, name) that may have been meant."""

    words: str
    times: int
    people: int
    offers: tuple[tuple[str, str], ...]
    chosen: str = ""


def look(desk: Desk) -> Answer:
    """What found no answer, what was guessed, who would answer a sentence, and what was taught."""
    return _page(desk)


def _page(desk: Desk, fault: str = "", words: str = "") -> str:
    house, tried = desk.parts.house, request.args.get("words", "").strip()[:LONGEST]
    shelf = book(house)
    with desk.parts.store.reading() as connection:
        missed, guessed = _ranked(desk, shelf, desk.now - LATELY)
        taught = synonym.last(connection, IN_FORCE)
    if missed or guessed:
        with desk.parts.store.writing() as connection:
            desk.note(connection, "look", "synonyms", sentences=len(missed) + len(guessed))
    return desk.page(
        "synonyms",
        missed=missed,
        guessed=guessed,
        taught=[(one, shelf.finder.titles.get(one.target, "这一页已经没有了")) for one in taught],
        titles=_titles(shelf),
        tried=tried,
        said=which(house, tried, desk.now) if tried else "",
        offers=_near(desk, shelf, tried) if tried else (),
        fault=fault,
        words=words,
    )


def _ranked(desk: Desk, shelf: Book, since: datetime) -> tuple[list[Saying], list[Saying]]:
    """Without an answer and with a guess, the most frequent first; without those that mean a page by now."""
    known, titles = desk.parts.house.synonyms(), shelf.finder.titles
    with desk.parts.store.reading() as connection:
        missed = report.missed(connection, unanswered.since(since, (unanswered.MISSED,)), _plain)
        then = unanswered.since(since, (unanswered.GUESSED, unanswered.CHOSEN))
        guessed = report.guessed(connection, then, _plain)
    without = [
        Saying(one.words, one.times, one.people, _near(desk, shelf, one.words))
        for one in missed
        if _plain(one.words) not in known
    ][:SHOWN]
    found = [
        Saying(
            one.words, one.times, one.people, _offered(titles, one.offered), _chosen(titles, dict(one.chosen))
        )
        for one in guessed
        if _plain(one.words) not in known
    ][:SHOWN]
    return without, found


def _plain(words: str) -> str:
    """Words as a synonym is compared."""
    return simplified(without_numbers(normal(words)))


def _titles(shelf: Book) -> list[str]:
    return [title for name, title in shelf.finder.titles.items() if _is_page(shelf, name)]


def _is_page(shelf: Book, name: str) -> bool:
    return name in shelf.pages


def _near(desk: Desk, shelf: Book, words: str) -> tuple[tuple[str, str], ...]:
    hits = route(desk.parts.house, desk.now, words).hits
    return _offered(shelf.finder.titles, [hit.target for hit in hits if _is_page(shelf, hit.target)][:NEAR])


def _offered(titles: Mapping[str, str], names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((titles[name], name) for name in names if name in titles)


def _chosen(titles: Mapping[str, str], chosen: Mapping[str, int]) -> str:
    return "、".join(f"{titles.get(page, page)} {times} 次" for page, times in chosen.items())


def teach(desk: Desk) -> Answer:
    """From now on who says this means that page."""
    words = request.form.get("words", "").strip()[:LONGEST]
    shelf, said = book(desk.parts.house), request.form.get("page", "").strip()[:64]
    target = said if _is_page(shelf, said) else _named(shelf, said)
    fault = _fault(shelf, words, target, said)
    if fault:
        return _page(desk, fault, words)
    title = shelf.finder.titles[target]
    with desk.parts.store.writing() as connection:
        done = synonym.add(connection, words, _plain(words), target, desk.staff.login, desk.now)
        if done:
            desk.note(connection, "teach", f"synonym/{target}", words=words)
        told = TAUGHT.format(words, title) if done else f"“{words}”别的同志已经教过了，在下面“已经教会的”里。"
        desk.tell(connection, told)
    return redirect(HERE, 303)


def _named(shelf: Book, title: str) -> str:
    return next(
        (name for name, one in shelf.finder.titles.items() if one == title and name in shelf.pages), ""
    )


def _fault(shelf: Book, words: str, target: str, said: str) -> str:
    """Why it cannot be taught, '' where it can."""
    plain = _plain(words)
    if not plain or plain.isdigit() or len(plain) > synonym.LONGEST:
        return f"没有记：“{words[:40]}”要有字，不能只是数字，最多 {synonym.LONGEST} 个字。"
    if not target:
        return f"没有记：没有叫“{said}”的页，请从下面的名单里选。"
    if shelf.dangers.find(normal(words)) is not None:
        return "没有记：这句话像是遇到了危险，永远先说急救电话，不能改成别的。"
    if shelf.finder.exact(plain) == target:
        return f"不用记：“{words}”本来就由这一页回答。"
    return ""


def take_back(desk: Desk, number: int) -> Answer:
    """The chat forgets one."""
    with desk.parts.store.writing() as connection:
        one = synonym.end(connection, number, desk.now)
        if one is not None:
            desk.note(connection, "take back", f"synonym/{one.target}", words=one.words)
        desk.tell(connection, f"收回了：“{one.words}”按原来的回答。" if one else "它已经收回了。")
    return redirect(HERE, 303)
