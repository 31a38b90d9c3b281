"""诉求: somebody asks the union to answer, to settle or to consider; every step stands on their own time-line until they are content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from campaigns import form as forms
from campaigns.kind import Asked, Finished, Kind, Nothing, Refused, Taken, Told, Visit
from campaigns.kinds import request_clock
from campaigns.kinds.request_rules import OTHER, Rules, terms, terms_of
from campaigns.kinds.request_staff import DEEDS
from campaigns.kinds.request_tables import KINDS, STATES, result, short, tables, within
from campaigns.way_back import way
from ground.days import SHANGHAI, minute
from models import edition as editions
from models import request, step
from models.base import Connection
from models.deadline import FIRST, WAITING, Deadline, fits, life
from models.edition import Edition
from models.request import HELP, New, Request
from models.step import Step

CONSENT = "您的手机号只给办这件诉求的人打电话用，办结以后就删掉；也可以随时在“我的”里删除。"
MAKE, SAY, AGAIN, CONTENT = "make", "say", "again", "content"
CHAT, PHONE = "chat", "phone"


# --- what is asked -----------------------------------------------------------------------------------------------


def form(visit: Visit) -> Asked | Nothing:
    """A new request; or a word, a complaint or thanks to one of one's own."""
    mine = request.of_person(visit.connection, visit.edition.campaign, visit.openid) if visit.openid else []
    may = _may(visit, mine)
    fields: dict[str, Any] = {}
    if any(may.values()):
        fields["what"] = forms.one("您想做什么", [(MAKE, "提一件新的诉求"), *_choices(may)])
    what = visit.said.get("what", MAKE if not fields else "")
    if what == MAKE:
        _new(visit, fields)
    elif what in may:
        options = [(one.number, f"{one.number} {short(one.words)}") for one in may[what]]
        fields["number"] = forms.one("是哪一件", options)
        if what != CONTENT:
            label = "想补充什么" if what == SAY else "哪里不满意，想怎么办"
            fields["words"] = forms.area(label, visit.rules.longest, least=2)
    return Asked(forms.form_of(fields))


def _may(visit: Visit, mine: Sequence[Request]) -> dict[str, list[Request]]:
    """What this person may do with which of their requests."""
    found: dict[str, list[Request]] = {SAY: [], AGAIN: [], CONTENT: []}
    for one in mine:
        if one.is_open:
            found[SAY].append(one)
        elif one.state in (step.ANSWERED, step.CLOSED) and not one.reopens and _recent(visit, one):
            found[AGAIN].append(one)
        if one.state == step.ANSWERED:
            found[CONTENT].append(one)
    return found


def _recent(visit: Visit, one: Request) -> bool:
    """Whether it may still be opened again: this year's and last year's."""
    return one.received_at > visit.now - timedelta(days=730)


def _choices(may: Mapping[str, Sequence[Request]]) -> list[forms.Option]:
    words = {SAY: "补充说明", AGAIN: "不满意，请再办一次", CONTENT: "满意，可以办结"}
    return [(what, words[what]) for what, ones in may.items() if ones]


def _new(visit: Visit, fields: dict[str, Any]) -> None:
    rules = visit.rules
    if rules.topics:
        names = [*(one.name for one in rules.topics), OTHER]
        fields["topic"] = forms.one("哪方面的事", [(name, name) for name in names])
    fields["kind"] = forms.one("您希望", list(KINDS.items()))
    hint = "什么时候、什么事、想怎么办；不用写身份证号和银行卡号"
    fields["words"] = forms.area("请说说是什么事", rules.longest, hint, least=4)
    if rules.photos:
        hint = "工资条、现场等，只有办这件事的人看得到"
        fields["photo"] = forms.photo("附一张照片", hint, optional=True)
    if visit.said.get("kind") == HELP:
        hint = "单位名称；这个单位和它下面的人都看不到您的诉求"
        fields["unit"] = forms.line("说的是哪个单位", 60, hint, optional=True)
    fields["way"] = forms.one("怎么答复您", [(CHAT, "写在“我的”里，能发微信就发"), (PHONE, "也给我打电话")])
    if visit.said.get("way") == PHONE:
        fields["consent"] = forms.consent(CONSENT)
        fields["phone"] = forms.phone()


# --- what becomes of it ------------------------------------------------------------------------------------------


def take(visit: Visit, answers: Mapping[str, Any]) -> Taken | Refused:
    """A request with its number and its days; or a step that its person takes."""
    what = str(answers.get("what") or MAKE)
    if what == MAKE:
        return _made(visit, answers)
    one = request.hold(visit.connection, request.id_of(str(answers["number"])) or 0)
    if one is None or one.openid != visit.openid:
        return Refused("没有找到这件诉求。")
    kind = {SAY: step.TOLD, AGAIN: step.REOPENED, CONTENT: step.CLOSED}[what]
    due = terms_of(visit.connection, one, visit.setting)
    if not fits(life(step.of(visit.connection, one.id), due), kind):
        return Refused(
            f"{one.number} 现在是“{STATES[one.state]}”，不能这样做。回复“{one.number} 查看”看经过。"
        )
    said = str(answers.get("words") or "")
    owner = visit.rules.first if what == AGAIN else None
    new = Step(0, visit.now, step.PERSON, kind, owner.name if owner else "", said)
    more = {"owner_unit": owner.path} if owner else {"phone": ""} if what == CONTENT else {}
    request.note(visit.connection, one, new, due, **more)
    words = {
        SAY: f"已经补充到 {one.number}，办理的人会看到。",
        AGAIN: f"{one.number} 重新办理了，这次由 {owner.name if owner else ''} 负责。",
        CONTENT: f"谢谢您！{one.number} 办结了。",
    }[what]
    return Taken(f"{words}{_back(visit, one)}" if what != CONTENT else words, one.number)


def _made(visit: Visit, answers: Mapping[str, Any]) -> Taken:
    rules: Rules = visit.rules
    topic, unit = str(answers.get("topic") or ""), str(answers.get("unit") or "")
    owner, kind = rules.owner_of(topic), str(answers["kind"])
    new = New(
        visit.edition.id, visit.edition.campaign, visit.openid, kind, str(answers["words"]), owner.name,
        owner.path, topic, unit, rules.unit_in(unit) if unit else "", str(answers.get("phone") or ""),
        photo=answers.get("photo") or None,
    )  # fmt: skip
    one = request.receive(visit.connection, new, terms(rules, kind, visit.setting), visit.now)
    return Taken(f"收到了！您的诉求是 {one.number}，由 {owner.name} 办理。{_promise(visit, one)}", one.number)


def _promise(visit: Visit, one: Request) -> str:
    """By when they hear of it, and how."""
    here = life(step.of(visit.connection, one.id), terms_of(visit.connection, one, visit.setting))
    first, close = (
        day(deadline) for deadline in sorted(here.deadlines, key=lambda deadline: deadline.kind != FIRST)
    )
    return f"{first}前有人受理，{close}前答复。{_back(visit, one)}"


def _back(visit: Visit, one: Request) -> str:
    """The way back as it is, and what always works."""
    look = f"回复“{one.number} 查看”，或打开“我的”，随时看办到哪一步。"
    opened = visit.door == "chat" or way(
        visit.connection, visit.openid, visit.setting.limits, visit.now
    ).is_open(visit.now)
    called = "会给您打电话。" if one.phone else ""
    return (
        f"{called}48 小时内有回音会直接发给您；过后微信不让我们先开口，{look}"
        if opened
        else f"{called}{look}"
    )


def day(deadline: Deadline) -> str:
    """The day on which it is due."""
    return f"{deadline.due.astimezone(SHANGHAI):%-m月%-d日}" if deadline.due else ""


# --- where it stands ---------------------------------------------------------------------------------------------


def told(visit: Visit) -> Told:
    """This person's requests, each with its whole time-line; of others' nothing."""
    rules: Rules = visit.rules
    words = (
        f"咨询、求助、建议都可以提。{rules.accept_days} 个工作日内受理，咨询 {rules.ask_days} 个、"
        f"别的 {rules.answer_days} 个工作日内答复；不满意可以再办一次。"
    )
    every = request.of_person(visit.connection, visit.edition.campaign, visit.openid) if visit.openid else []
    steps = step.of_many(visit.connection, [one.id for one in every])
    lines = {one.number: _timeline(one, steps.get(one.id, [])) for one in every}
    # also what an earlier year left open
    mine = [
        one
        for one in every
        if one.edition_id == visit.edition.id or (one.is_open and one.edition_id < visit.edition.id)
    ]
    return Told(words, tuple(_line(one, lines[one.number]) for one in mine), (), lines)


def _line(one: Request, lines: Sequence[str]) -> str:
    due = one.due_at.astimezone(SHANGHAI) if one.due_at else None
    by = f"，{due:%-m月%-d日}前有下一步" if due and one.is_open and one.state != WAITING else ""
    return f"{one.number} {short(one.words) or '（没有了）'}：{STATES[one.state]}{by}"


SAYS = {
    step.RECEIVED: "收到了",
    step.ASSIGNED: "交给 {owner} 办理",
    step.RETURNED: "转给 {owner} 办理",
    step.ACCEPTED: "已经受理",
    step.ASKED: "请您补充",
    step.TOLD: "您说",
    step.PROGRESS: "进展",
    step.ANSWERED: "答复",
    step.CLOSED: "办结",
    step.REOPENED: "您不满意，再办一次",
    step.ESCALATED: "超过了期限，已经报告负责人",
    step.MERGED: "和别的诉求合在一起办",
    step.UNMERGED: "重新单独办理",
    step.SPLIT: "拆出一件",
    step.REACHED: "用别的办法告诉了您",
}


def _timeline(one: Request, steps: Sequence[Step]) -> tuple[str, ...]:
    """Every step that concerns its person, in order."""
    lines = [f"{one.number} {KINDS[one.kind]}：{short(one.words)}，现在{STATES[one.state]}"]
    for each in steps:
        if each.kind not in SAYS:
            continue
        did = SAYS[each.kind].format(owner=each.owner)
        words = each.words if each.kind != step.RECEIVED else ""
        lines.append(f"{minute(each.at)} {did}{f'：{words}' if words else ''}")
    return tuple(lines)


def ended(connection: Connection, edition: Edition, rules: Rules, now: datetime) -> None:
    """Nothing: what is open goes on in the next year, by the rules under which it came."""


def waiting_since(connection: Connection, edition_id: int) -> datetime | None:
    """Since when the oldest one waits that nobody works on."""
    found = editions.get(connection, edition_id)
    return request.waiting_since(connection, found.campaign) if found else None


KIND = Kind(
    "诉求", Rules, form, take, told, tables, ended, DEEDS, waiting_since,
    result=result, tended=request_clock.tended, within=within,
    personal=True, private=True, finished=Finished("件得到了答复", request.answered),
)  # fmt: skip
