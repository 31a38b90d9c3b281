"""For staff: who would answer these words, who else was near, the scores, and why."""

from __future__ import annotations

from datetime import datetime

from ground.normal import normal
from handlers import year
from handlers.book import book
from handlers.route import Route, route
from handlers.search import NEAREST, topics
from handlers.turn import House


def which(house: House, words: str, now: datetime) -> str:
    """How the words would be taken, in a few lines."""
    way = route(house, now, words)
    titles = book(house).finder.titles | {f"campaign:{one.id}": one.title for one in year.told(house, now)}
    hits = way.hits or (book(house).finder.hits(normal(words))[:NEAREST] if way.kind == "page" else ())
    losers = [hit for hit in topics(hits) if hit.target != way.target]
    near = [f"· {titles[hit.target]}：{hit.reason}（{hit.score:.2f} 分）" for hit in losers]
    worry = ["听着像出了事，所以最前面先说急救电话。"] if way.worried else []
    return "\n".join([_said(words, way, titles.get(way.target, way.target)), *worry, *near])


def _said(words: str, way: Route, title: str) -> str:
    match way.kind:
        case "danger":
            also = f"，再附上“{title}”" if title else ""
            return f"“{words}”{way.why}。先给该打的电话，提醒值班的人{also}。"
        case "page":
            score = next((f"（{hit.score:.2f} 分）" for hit in way.hits if hit.target == way.target), "")
            return f"“{words}”由“{title}”回答：{way.why}{score}。"
        case "number":
            return f"“{words}”是数字，按职工刚看的那一页来选。"
        case "faces":
            return f"“{words}”里面没有字，会回首页。"
        case "both":
            return f"“{words}”问了 {len(way.hits)} 件事，都会回答："
        case "guess":
            return f"“{words}”多半是“{title}”：{way.why}（{way.hits[0].score:.2f} 分）。会这样回答，说明是猜的，并记下这一句。"
        case "choice":
            return f"“{words}”拿不准，会列出来让职工选，并记下这一句："
        case "nothing":
            return f"“{words}”没有够像的，会老实说不会，并记为“没答上”。最接近的是："
