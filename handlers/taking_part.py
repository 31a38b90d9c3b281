"""Taking part by chat: a form asked step by step, with a way back, a way out, and a way to go on later.

Where a person stands is one line with the follower, `form|home|EDITION|minute`; what they said so far is a draft row. Whoever
stands there is answered inside the transaction; everybody else is answered as if there were no forms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from campaigns import form as forms
from campaigns import taking_part as door
from campaigns.form import Said
from campaigns.kind import Asked, Nothing, Refused, Visit
from ground.normal import normal
from handlers import danger, sign_in, union
from handlers.book import book
from handlers.dialogue import SILENCE, home
from handlers.mine import appeals, mine, numbered, visit_of
from handlers.page import FORM, HOME, minute, state, where
from handlers.turn import Turn
from models import draft, edition, opinion, photo
from models.edition import Edition
from models.recording import NOT_YET
from models.session import DIGITS
from wx import messages as m
from wx.replies import Reply, Text

Usual = Callable[[Turn], Reply | None]
NOTHING_SAID: Said = {}
WAY_OUT = "回复 0 返回上一步，00 退出。"
GO_ON = "继续"
APPEAL = re.compile(r"申诉(?:\s*(\d{1,3})(?:\D\s*(.*))?)?", re.DOTALL)  # and its number and the reason
ANEW = "从头"
# "12 查看" and "查看 12", a number or a receipt
LOOK = re.compile(r"(?:查看|看)\s*([A-Za-z0-9-]{1,19})\s*号?|([A-Za-z0-9-]{1,19})\s*号?\s*查看")
SKIP = ("跳过", "略过", "不填")
YES = ("1", "提交", "确认", "确定", "好", "好的", "对", "是", "是的")
PAUSED = f"（刚才的还没填完，回复“{GO_ON}”接着填，“{ANEW}”重新填。）"
WAITS = "（刚才填的还留着，直接接着回答就行。）"
PHOTO_CAME = "照片收到了，正在替您存好。"
MEDIA_ID = 128  # characters of one that can be kept; WeChat's own have 64
CODES = (16, 19)  # signs of a code, without its strokes and with them


def answer(turn: Turn, usual: Usual) -> Reply | None:
    """What somebody hears who is filling in a form, asks for one, or for what they took part in; else the usual answer."""
    body = turn.message.body
    if isinstance(body, m.Text):
        words = body.content.strip()
        if words in SPOKEN:
            return SPOKEN[words](turn) or usual(turn)
        if words.startswith(union.BIND):
            return union.said(turn, words) or usual(turn)
        if asked := LOOK.fullmatch(words):
            return numbered(turn, (asked[1] or asked[2]).upper()) or usual(turn)
        if len(words) in CODES and opinion.CODE.fullmatch(words.upper()):
            return numbered(turn, words.upper()) or usual(turn)
        if asked := APPEAL.fullmatch(words):
            return appeals(turn, asked[1], asked[2]) or usual(turn)
        if len(words) == DIGITS and sign_in.is_code(words):
            return sign_in.typed(turn, words)
    if turn.connection is NOT_YET and not isinstance(
        body, m.Image
    ):  # whoever stands in a form is asked for again, inside
        return usual(turn)
    here = where(turn.follower.dialogue)
    if here is None or here.page != FORM or not isinstance(body, m.Text | m.Voice | m.Image):
        return _another_photo(turn) or usual(turn)
    if minute(turn.now) - here.minute > SILENCE.total_seconds() // 60:
        return _paused(turn, usual)
    number = "".join(here.choices)
    found = _edition(turn, int(number)) if number.isdigit() else None
    return _told(turn, found) if found is not None else usual(turn)


def _another_photo(turn: Turn) -> Text | None:
    """A photo that is sent again because the first one could not be kept."""
    body = turn.message.body
    broken = (
        photo.mine(turn.connection, turn.message.openid, (photo.BROKEN,)) if isinstance(body, m.Image) else []
    )
    if not broken or not isinstance(body, m.Image):
        return None
    photo.await_another(turn.connection, broken[0], body.media_id[:MEDIA_ID], turn.now)
    turn.topic = "photo"
    return Text(f"{PHOTO_CAME}原来那张换成这一张。\n回复 00 首页。")


def _paused(turn: Turn, usual: Usual) -> Reply | None:
    """After a long silence words are no answer any more."""
    turn.dialogue = f"{book(turn.house).pages[HOME].state}|{minute(turn.now)}"
    reply = usual(turn)
    return Text(f"{reply.content}\n{PAUSED}") if isinstance(reply, Text) else reply


def begin(turn: Turn, campaign_id: str, said: Said = NOTHING_SAID) -> Text | None:
    """The first question behind what is `said` already, or the one where they were; None where the campaign cannot be joined."""
    house = turn.house
    campaign = next((one for one in door.joinable(house.campaigns()) if one.id == campaign_id), None)
    if campaign is None:
        return None
    if not door.may(turn.message.openid, live=house.live, testers=house.testers):
        return Text(f"“{campaign.title}”{door.NOT_YET}")
    found = door.current(turn.connection, campaign, turn.now, live=house.live)
    if found is None:
        last = edition.latest(turn.connection, campaign.id)
        if last is not None and isinstance(door.kind_of(last).late(visit_of(turn, last, {})), Asked):
            return _go_on(turn, last)
        return Text(door.over(last, turn.now) if last else f"“{campaign.title}”{door.NOT_YET}")
    return _go_on(turn, found, said)


def _of_kind(kind: str, turn: Turn) -> Text | None:
    """A standing kind by its own name; None where the union has not switched it on."""
    every = [one for one in door.joinable(turn.house.campaigns()) if one.kind == kind]
    on = [one for one in every if one.period(turn.now) is not None]
    campaign = next(iter(on or every), None)
    return begin(turn, campaign.id) if campaign is not None else None


def _sign_up(turn: Turn) -> Text | None:
    """报名: what one can sign up for now, or still give back or take after its end; None where that is nothing."""
    every = [one for one in door.joinable(turn.house.campaigns()) if one.kind == "sign-up"]
    on = [one for one in every if one.period(turn.now) is not None]
    if len(on) > 1:
        titles = "\n".join(f"· {one.title}" for one in on)
        return Text(f"现在能报名的有：\n{titles}\n回复“活动”选一个。")
    if on:
        return begin(turn, on[0].id)
    over = [last for one in every if (last := edition.latest(turn.connection, one.id)) is not None]
    late = (last for last in over if isinstance(door.kind_of(last).late(visit_of(turn, last, {})), Asked))
    return next((_go_on(turn, last) for last in late), None)


def _go_on(turn: Turn, found: Edition, said: Said = NOTHING_SAID) -> Text:
    """The question at which they are."""
    kept = draft.get(turn.connection, turn.message.openid, found.id, turn.now)
    return _step(turn, visit_of(turn, found, kept.said if kept else said))


def _resume(turn: Turn) -> Text | None:
    """继续"""
    found = _unfinished(turn)
    return _go_on(turn, found) if found is not None else None


def _anew(turn: Turn) -> Text | None:
    """从头"""
    found = _unfinished(turn)
    if found is None:
        return None
    draft.drop(turn.connection, turn.message.openid, found.id)
    return _step(turn, visit_of(turn, found, {}))


def _unfinished(turn: Turn) -> Edition | None:
    number = draft.newest(turn.connection, turn.message.openid, turn.now)
    return edition.get(turn.connection, number) if number is not None else None


# --- one answer --------------------------------------------------------------------------------------------------


def _edition(turn: Turn, number: int) -> Edition | None:
    known = turn.batch.editions.get(number) if turn.batch is not None else None
    return known or edition.get(turn.connection, number)


def _told(turn: Turn, found: Edition) -> Text:
    visit = visit_of(turn, found, {})
    visit = replace(visit, said=_so_far(visit), heard=True)
    text = _words(turn)
    if text == "00" or normal(text) in ("退出", "不填了"):
        return _leave(turn)
    if text == "0":
        return _back(turn, visit)
    asked = door.asks(visit)
    if isinstance(asked, Nothing):
        return _end(turn, asked.words)
    left = forms.missing(asked.form, visit.said)
    if not left:
        return _send(turn, visit) if normal(text) in YES else _recap(turn, visit, asked)
    return _answered(turn, visit, asked, left[0], text)


def _so_far(visit: Visit) -> Said:
    """What was said before this."""
    if visit.batch is not None:
        kept = visit.batch.drafts.get((visit.edition.id, visit.openid))
    else:
        kept = draft.get(visit.connection, visit.openid, visit.edition.id, visit.now)
    return kept.said if kept else NOTHING_SAID


def _words(turn: Turn) -> str:
    """What was said in words: typed, heard by WeChat, or '' for a picture."""
    body = turn.message.body
    if isinstance(body, m.Text):
        return body.content.strip()
    return body.recognition.rstrip("。").strip() if isinstance(body, m.Voice) else ""


def _answered(turn: Turn, visit: Visit, asked: Asked, name: str, text: str) -> Text:
    field = asked.form()[name]
    value, fault = _value(turn, visit, field, text)
    if not forms.is_known(field, text) and (not forms.is_choice(field) or value is None):
        found = book(turn.house).dangers.find(normal(text))
        if found is not None:  # before anything else; what was said so far stays as it is
            _stand(turn, visit.edition)
            return Text(f"{danger.answer(turn, found[0], '').content}\n{WAITS}")
    if value is not None:
        said = {**visit.said, name: value}
        fault = forms.fault(asked.form, said, name)
        if not fault:
            got = PHOTO_CAME if isinstance(turn.message.body, m.Image) else ""
            return _with(got, _step(turn, visit.with_said(said)))
    return _ask(turn, visit, asked.field(name), fault)


def _value(turn: Turn, visit: Visit, field: Any, text: str) -> tuple[str | None, str]:
    """What the message says for this field, or why it says nothing."""
    body = turn.message.body
    if isinstance(body, m.Image):
        if not isinstance(field, forms.Photo):
            return None, "这一步请用文字回答。"
        key = photo.await_one(
            turn.connection, visit.edition.id, visit.openid, body.media_id[:MEDIA_ID], turn.now
        )
        return key, "" if key else f"照片太多了，一次活动最多 {photo.MOST} 张。"
    if not text:
        return None, "没有听清您说的话，请打字，或者再说一遍。"
    if text in SKIP and forms.is_optional(field):
        return "", ""
    if isinstance(field, forms.Photo):
        return None, "这一步请发一张照片。"
    value = forms.understood(field, text)
    return value, "" if value is not None else f"没有“{text[:20]}”这个选项，请回复上面的数字。"


def _step(turn: Turn, visit: Visit) -> Text:
    """The next question, the recap, or the end."""
    asked = door.asks(visit)
    if isinstance(asked, Nothing):
        return _end(turn, asked.words)
    left = forms.missing(asked.form, visit.said)
    if left:
        if visit.said:
            door.keep(visit)
        return _ask(turn, visit, asked.field(left[0]), asked.head if not visit.said else "")
    if not asked.recap:
        return _send(turn, visit)
    door.keep(visit)
    return _recap(turn, visit, asked)


def _ask(turn: Turn, visit: Visit, field: Any, above: str) -> Text:
    _stand(turn, visit.edition)
    return Text("\n".join(piece for piece in (above, forms.question(field), WAY_OUT) if piece))


def _recap(turn: Turn, visit: Visit, asked: Asked) -> Text:
    _stand(turn, visit.edition)
    lines = [f"{label}：{words}" for label, words in forms.recap(asked.form, visit.said)]
    return Text("\n".join(["请看一看对不对：", *lines, "回复 1 提交，0 返回修改，00 退出。"]))


def _send(turn: Turn, visit: Visit) -> Text:
    done = door.take(visit)
    if isinstance(done, door.Faulty):
        name, fault = next(iter(done.faults.items()))
        before = dict(list(visit.said.items())[: list(visit.said).index(name)]) if name in visit.said else {}
        asked = door.asks(visit.with_said(before))
        return (
            _end(turn, fault)
            if isinstance(asked, Nothing)
            else _with(fault, _step(turn, visit.with_said(before)))
        )
    if visit.batch is None or (visit.edition.id, visit.openid) in visit.batch.drafts:
        draft.drop(visit.connection, visit.openid, visit.edition.id)
    if isinstance(done, Nothing | Refused):
        return _end(turn, done.words)
    if done.again:
        return _with(done.words, _step(turn, visit.with_said(done.said)))
    return _end(turn, done.words)


def _with(above: str, text: Text) -> Text:
    return Text(f"{above}\n{text.content}") if above else text


def _back(turn: Turn, visit: Visit) -> Text:
    if not visit.said:
        return _leave(turn)
    said = dict(list(visit.said.items())[:-1])
    if not said:
        draft.drop(visit.connection, visit.openid, visit.edition.id)
    else:
        door.keep(visit.with_said(said))
    return _step(turn, visit.with_said(said))


def _leave(turn: Turn) -> Text:
    words = home(turn).content
    kept = _unfinished(turn) is not None
    turn.topic = "form-left"
    return Text(f"好的，先不填了。{PAUSED if kept else ''}\n{words}")


def _end(turn: Turn, words: str) -> Text:
    """Out of the form; numbers mean the first page's again."""
    turn.dialogue = f"{book(turn.house).pages[HOME].state}|{minute(turn.now)}"
    turn.topic = "form-done"
    return Text(f"{words}\n回复 00 首页。")


def _stand(turn: Turn, found: Edition) -> None:
    turn.dialogue = f"{state(FORM, HOME, (str(found.id),))}|{minute(turn.now)}"
    turn.topic = f"form:{found.campaign}"


SPOKEN: Mapping[str, Callable[[Turn], Text | None]] = {
    GO_ON: _resume,
    ANEW: _anew,
    "我的": mine,
    "我参加的": mine,
    "诉求": partial(_of_kind, "request"),
    "提诉求": partial(_of_kind, "request"),
    "提意见": partial(_of_kind, "opinion"),
    "我的单位": union.mine,
    "解除绑定": union.leave,
    "报名": _sign_up,
    "我要报名": _sign_up,
    "评一评": partial(_of_kind, "evaluation"),
    "匿名意见": partial(_of_kind, "opinion"),
}
"""Words that are about taking part wherever they are said; None: there is nothing that they could mean."""
