"""心愿: people wish, see who wished the same, and stand behind a wish; the staff merge, decide, fulfil and tell everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from typing import Annotated, Any

from pydantic import Field

from campaigns import form as forms
from campaigns.kind import Asked, Finished, Hidden, Kind, Nothing, Offer, Refused, Taken, Told, Visit
from campaigns.kinds.wish_staff import DEEDS, WORDS, result, short, tables
from campaigns.photo import address
from ground.normal import normal
from ground.part import Part
from models import entry, photo, wish
from models.base import Connection
from models.edition import Edition
from models.wish import ACCEPTED, DECLINED, FULFILLED, HIDDEN, MERGED, OPEN, PENDING, SHOWN, WITHDRAWN, Wish

NEAREST = 3  # similar wishes that are shown before one is sent
COMPARED = 500  # wishes that a new one is compared with: those with most people behind them
LISTED = 8  # in the chat


class Rules(Part):
    """`[campaigns.wish]`: how many wishes, how long, how near two must be to be shown together, who looks first, and whether a
    photo may show what is wished for."""

    per_person: Annotated[int, Field(ge=1, le=20)] = 3
    longest: Annotated[int, Field(ge=10, le=500)] = 200
    similar: Annotated[float, Field(ge=0, le=1)] = 0.35
    look_first: bool = False
    photos: bool = False


# --- what is asked -----------------------------------------------------------------------------------------------


def form(visit: Visit) -> Asked | Nothing:
    """What to do; then the wish with those like it, or the number of another's."""
    mine = wish.of_person(visit.connection, visit.edition.id, visit.openid)
    fields: dict[str, Any] = {"what": forms.one("您想做什么", _choices(visit, mine))}
    what = visit.said.get("what", "")
    if what == "make":
        fields["words"] = forms.area("您的心愿", visit.rules.longest, "写一件您最想要的，越具体越好", least=2)
        if near := similar(visit, visit.said.get("words", "")):
            fields["same"] = forms.one("已经有人许过相近的心愿，是不是这一条", _same(near))
        if visit.rules.photos and visit.said.get("same", "new") == "new":
            fields["photo"] = forms.photo(
                "照片", "拍下您想要的东西，工作人员看过以后大家能看到", optional=True
            )
    elif what in ("support", "leave"):
        fields["number"] = _which(visit, mine, what)
    return Asked(forms.form_of(fields), recap=what == "make")


def _choices(visit: Visit, mine: Sequence[Wish]) -> list[forms.Option]:
    own = sum(one.openid == visit.openid and one.state != WITHDRAWN for one in mine)
    left = visit.rules.per_person - own
    found = [("make", "写下我的心愿")] if left > 0 else []
    found.append(("support", "支持别人的心愿"))
    return [*found, ("leave", "收回我的心愿或支持")] if mine else found


def _which(visit: Visit, mine: Sequence[Wish], what: str) -> Any:
    """The number of a wish to stand behind, or to leave."""
    known = {one.id for one in mine}
    if what == "leave":
        options = [one for one in mine if one.state in (PENDING, OPEN, HIDDEN)]
    else:
        shown = wish.of_edition(visit.connection, visit.edition.id, (OPEN,))
        options = [one for one in shown if one.id not in known]
    words = [(str(one.id), f"{short(one.words)}（{one.supporters} 人）") for one in options]
    return forms.one("是哪一条（回复编号）", words, "" if words else "现在没有可选的心愿，回复 0 返回。")


def similar(visit: Visit, words: str) -> list[Wish]:
    """The open wishes that say nearly the same, the nearest first."""
    plain = normal(words)
    if len(plain) < 2:
        return []
    matcher = SequenceMatcher(None, autojunk=False)
    matcher.set_seq2(plain)
    found = []
    for one in wish.of_edition(visit.connection, visit.edition.id, (OPEN,), COMPARED):
        matcher.set_seq1(normal(one.words))
        if matcher.quick_ratio() >= visit.rules.similar and (near := matcher.ratio()) >= visit.rules.similar:
            found.append((-near, one.id, one))
    return [one for _, _, one in sorted(found)[:NEAREST]]


def _same(near: Sequence[Wish]) -> list[forms.Option]:
    lines = [(f"n{one.id}", f"就是“{short(one.words)}”，我也支持（{one.supporters} 人）") for one in near]
    return [*lines, ("new", "都不是，按我写的提交")]


# --- what becomes of it ------------------------------------------------------------------------------------------


def take(visit: Visit, answers: Mapping[str, Any]) -> Taken | Refused:
    """A new wish, support for one, or the end of either."""
    what, same = answers["what"], str(answers.get("same") or "new")
    if what == "leave":
        return _leave(visit, int(answers["number"]))
    if what == "support":
        return _support(visit, int(answers["number"]))
    if same != "new":
        return _support(visit, int(same.removeprefix("n")))
    return _make(visit, str(answers["words"]), answers.get("photo") or None)


def _make(visit: Visit, words: str, picture: str | None) -> Taken | Refused:
    looked_at = visit.rules.look_first or any(word in normal(words) for word in visit.sensitive)
    state = PENDING if looked_at else OPEN
    most = visit.rules.per_person
    number = wish.make(
        visit.connection, visit.edition.id, visit.openid, words, most, state, visit.now, picture
    )
    if number is None:
        return Refused(f"每人最多许 {most} 个心愿，您已经许满了。可以支持别人的心愿，或者先收回一个。")
    shown = "工作人员看过以后大家就能看到" if looked_at else "大家已经能看到，也能支持"
    return Taken(
        f"收到了！您的心愿是 {number} 号，{shown}。有了回音会告诉您；也可以随时回复“{number} 查看”。",
        str(number),
    )


def _support(visit: Visit, number: int) -> Taken | Refused:
    if not wish.support(visit.connection, number, visit.openid, visit.now):
        return Refused(f"您已经支持过 {number} 号心愿了。")
    found = wish.get(visit.connection, number)
    people = found.supporters if found else 1
    return Taken(f"已经支持 {number} 号心愿，现在有 {people} 个人想要它。有了回音会告诉您。", str(number))


def _leave(visit: Visit, number: int) -> Taken | Refused:
    found = wish.get(visit.connection, number)
    if found is not None and found.openid == visit.openid:
        gone = wish.move(visit.connection, number, (PENDING, OPEN, HIDDEN), {"state": WITHDRAWN})
        return (
            Taken(f"{number} 号心愿已经收回。", str(number))
            if gone
            else Refused("这个心愿已经有了答复，不能收回。")
        )
    if wish.unsupport(visit.connection, number, visit.openid):
        return Taken(f"已经不再支持 {number} 号心愿。", str(number))
    return Refused(f"您没有支持过 {number} 号心愿。")


# --- where it stands ---------------------------------------------------------------------------------------------


def told(visit: Visit) -> Told:
    """The wishes with most people behind them, and this person's own."""
    shown = wish.of_edition(visit.connection, visit.edition.id, SHOWN, 200)
    mine = wish.of_person(visit.connection, visit.edition.id, visit.openid) if visit.openid else []
    known = {one.id for one in mine}
    there = photo.of(visit.connection, [one.photo for one in shown if one.photo])
    seen = {key for key, one in there.items() if one.state == photo.SHOWN}
    offers = tuple(_offer(one, one.id in known, one.photo if one.photo in seen else None) for one in shown)
    words = f"已经有 {len(shown)} 个心愿。" if shown else "还没有人许愿，您来许第一个。"
    return Told(words, tuple(_line(one) for one in mine), offers)


def _offer(one: Wish, mine: bool, picture: str | None) -> Offer:
    label = "支持" if one.state == OPEN and not mine else ""
    said = {"what": "support", "number": str(one.id)} if label else {}
    note = f"{one.supporters} 人支持{_answer(one)}"
    return Offer(
        one.words, label, said, str(one.id), note, picture=address(picture) if picture else "", chosen=mine
    )


def _line(one: Wish) -> str:
    state = "" if one.state in (DECLINED, ACCEPTED, FULFILLED) else f"，{WORDS[one.state]}"
    return f"{one.id} 号：{short(one.words) or '（没有了）'}，{one.supporters} 人{state}{_answer(one)}"


def _answer(one: Wish) -> str:
    """What the staff said to it."""
    if one.state == MERGED:
        return f"，并入 {one.merged_into} 号"
    if one.state not in (DECLINED, ACCEPTED, FULFILLED, HIDDEN):
        return ""
    state = (
        "" if one.state == HIDDEN else WORDS[one.state]
    )  # a hidden one is nobody's but its person's, who reads it anyway
    return "".join(f"，{piece}" for piece in (state, one.due, one.reason) if piece)


def ended(connection: Connection, edition: Edition, rules: Rules, now: datetime) -> None:
    """Nothing more: wishes are decided after the end, one by one."""


def hidden(visit: Visit) -> list[Hidden]:
    """This person's wishes that nobody else sees."""
    mine = wish.of_person(visit.connection, visit.edition.id, visit.openid)
    own = (one for one in mine if one.openid == visit.openid and one.state == HIDDEN)
    return [Hidden(f"show {one.id}", f"{one.id} 号心愿“{short(one.words)}”", one.reason) for one in own]


KIND = Kind(
    "心愿",
    Rules,
    form,
    take,
    told,
    tables,
    ended,
    DEEDS,
    wish.waiting_since,
    hidden,
    result=result,
    finished=Finished("人许了愿或者支持了别人的", entry.people),
)
