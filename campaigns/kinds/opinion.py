"""意见: what people think of something. With their name through either door; without it only on a page that knows nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from campaigns import form as forms
from campaigns.kind import Asked, Finished, Hidden, Kind, Nothing, Offer, Refused, Taken, Told, Visit
from campaigns.kinds.opinion_staff import DEEDS, WORDS, result, tables
from ground.part import Part
from models import opinion
from models.base import Connection
from models.edition import Edition
from models.opinion import HIDDEN, Opinion

OTHER = "别的"
NAMED, NAMELESS = "named", "nameless"
PATH = "/h5/opinion/"  # and the campaign: the page without sign-in
NO_PAGE = "匿名提意见要打开网页，这里还没有网页；也可以拨 12351，不用说名字。"
NOT_HERE = (
    "匿名的话请不要发在聊天里：公众号知道是谁发的。请打开这个网页写，不用登录，我们不知道是谁：\n{address}\n"
    "写完会给您一个查询码，拿着它就能看答复，在网页上、在这里发查询码都行。"
)


class Rules(Part):
    """`[campaigns.opinion]`: what it may be about, how long it may be, and whether one may leave the name out."""

    topics: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=12)], ...], Field(max_length=11)
    ] = ()
    nameless: bool = True
    per_person: Annotated[int, Field(ge=1, le=100)] = 20
    longest: Annotated[int, Field(ge=20, le=1000)] = 500


# --- what is asked -----------------------------------------------------------------------------------------------


def form(visit: Visit) -> Asked | Nothing:
    """With a name or without; with one, what it is about and the words."""
    fields: dict[str, Any] = {}
    if visit.rules.nameless:
        options = [(NAMED, "写上是我提的，答复发给我"), (NAMELESS, "不让人知道是我")]
        fields["who"] = forms.one("怎么提", options)
    if visit.said.get("who", NAMED) == NAMELESS:
        return Asked(forms.form_of(fields), recap=False)
    if "who" in visit.said or not fields:
        fields |= asked(visit.rules)
    return Asked(forms.form_of(fields))


def asked(rules: Rules) -> dict[str, Any]:
    """The fields of an opinion, whoever writes it."""
    fields: dict[str, Any] = {}
    if rules.topics:
        fields["topic"] = forms.one("哪方面的", [(name, name) for name in (*rules.topics, OTHER)])
    fields["words"] = forms.area("您的意见", rules.longest, "好话坏话都行，越具体越好", least=4)
    return fields


# --- what becomes of it ------------------------------------------------------------------------------------------


def take(visit: Visit, answers: Mapping[str, Any]) -> Taken | Refused:
    """An opinion with a name, or the way to the page that asks for none."""
    if answers.get("who") == NAMELESS:
        address = f"{visit.site}{PATH}{visit.edition.campaign}"
        return Refused(NOT_HERE.format(address=address) if visit.site else NO_PAGE)
    most = visit.rules.per_person
    if len(opinion.of_person(visit.connection, visit.edition.id, visit.openid)) >= most:
        return Refused(f"每人最多提 {most} 条，您已经提满了。谢谢您！")
    topic = str(answers.get("topic") or "")
    number = opinion.make(
        visit.connection, visit.edition.id, str(answers["words"]), topic, visit.now, openid=visit.openid
    )
    assert number is not None  # its key is new
    return Taken(
        f"收到了，谢谢您！您的意见是 {number}。有了答复写在“我的”里，回复“{number} 查看”也能看到。", number
    )


# --- where it stands ---------------------------------------------------------------------------------------------


def told(visit: Visit) -> Told:
    """What is shown to everybody with its answer, and this person's own."""
    every = opinion.shown(visit.connection, visit.edition.id)
    mine = opinion.of_person(visit.connection, visit.edition.id, visit.openid) if visit.openid else []
    offers = tuple(Offer(one.words, note=f"{WORDS[one.state]}：{one.answer}") for one in every)
    words = f"已经答复并公开 {len(every)} 条。" if every else "您的意见，每一条都有人看。"
    return Told(words, tuple(line(one) for one in mine), offers)


def line(one: Opinion) -> str:
    """How one stands, as its person reads it."""
    plain = " ".join(one.words.split())
    short = plain if len(plain) <= 24 else f"{plain[:24]}…"
    answer = f"：{one.answer}" if one.answer else ""
    return f"{one.number} {short or '（没有了）'}，{WORDS[one.state]}{answer}"


def hidden(visit: Visit) -> Sequence[Hidden]:
    """What of theirs is neither shown nor answered."""
    mine = opinion.of_person(visit.connection, visit.edition.id, visit.openid)
    return [
        Hidden(f"unhide {one.number}", f"您的意见 {one.number} ", one.answer)
        for one in mine
        if one.state == HIDDEN
    ]


def ended(connection: Connection, edition: Edition, rules: Rules, now: datetime) -> None:
    """Nothing: opinions are answered also after the end."""


def waiting_since(connection: Connection, edition_id: int) -> datetime | None:
    """Since when the oldest one waits for an answer."""
    return opinion.waiting_since(connection, edition_id)


KIND = Kind(
    "意见",
    Rules,
    form,
    take,
    told,
    tables,
    ended,
    DEEDS,
    waiting_since,
    hidden,
    result=result,
    personal=True,
    finished=Finished("条得到了答复", opinion.answered),
)
