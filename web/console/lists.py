"""Every list of the desk, a line for each noun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.kinds import KINDS, opinion_staff
from ground.words import DELIVERIES, EDITIONS, PUSHES
from models import alarm, audit, delivery, edition, entry, member, month, opinion, push, union
from models import staff as people
from models.base import Connection
from models.listing import Wanted
from models.staff import ANSWERING, AUDIT, CAMPAIGN, LEAD, LETTER, PLAN, PUSH, SECURITY, SYSTEM
from models.union import KINDS as UNION_KINDS
from models.union import LEVELS
from web.console import guides, letters, requests, told
from web.console.desk import Desk
from web.console.listing import Column, List, held, of, plain

DOORS = {"chat": "聊天", "page": "网页"}
CHANNELS = {"mass": "群发", "template": "模板消息", "service": "客服消息"}


def short(openid: Any) -> str:
    """A person's openid, from which nobody is known."""
    text = str(openid or "")
    return "所有关注者" if text == "all" else text if len(text) <= 12 else f"{text[:4]}…{text[-4:]}"


def _alarms(connection: Connection, desk: Desk) -> list[Mapping[str, Any]]:
    return [
        {
            "mark": one.mark,
            "words": one.words,
            "times": one.times,
            "first_at": one.first_at,
            "last_at": one.last_at,
        }
        for one in alarm.standing(connection, 500)
    ]


def _staff(connection: Connection, desk: Desk) -> list[Mapping[str, Any]]:
    return [
        {
            "login": one.login,
            "name": one.name,
            "duties": one.titles,
            "state": "locked" if one.locked_at else "on" if one.enrolled else "invited",
        }
        for one in people.every(connection)
    ]


def _unions(connection: Connection, desk: Desk) -> list[Mapping[str, Any]]:
    totals = month.totals(connection)
    return [
        {
            "code": one.code,
            "name": "　" * one.path.count("/") + one.name,
            "level": one.level,
            "kind": one.kind,
            "members": totals[one.path].members,
            "bound": totals[one.path].bound,
            "state": one.state,
        }
        for one in union.every(connection)
        if one.path.startswith(desk.scope)
    ]


def _members(connection: Connection, desk: Desk, wanted: Wanted, size: int) -> Sequence[Mapping[str, Any]]:
    return member.listed(connection, desk.scope, wanted, size)


UNIONS = {"open": "在", "closed": "撤销或者合并了"}
MEMBERS = {"in": "在会", "left": "退会"}
STAFF = {"on": "在用", "invited": "还没有用过链接", "locked": "锁上了"}


def _opinion(key: Any) -> str:
    return str(key)[: opinion.SIGNS].upper()


LISTS = (
    guides.LIST,
    List(
        "letters",
        "来信",
        ANSWERING,
        (
            Column("id", "编号"),
            Column("urgent", "紧急", lambda urgent: "紧急" if urgent else ""),
            Column("topic", "是什么", letters.topic),
            Column("openid", "谁", short),
            Column("state", "状态", lambda state: letters.STATES[state]),
            Column("owner", "谁在办"),
            Column("received_at", "来的时间"),
            Column("last_at", "最近一句"),
        ),
        letters.found,
        "还没有来信。职工说了程序答不上的、像遇到危险的、发了图片语音的，几秒钟以后就在这里。",
        menu="来信",
        states=letters.STATES,
        finds="人的完整编号、是什么、谁在办",
        link=lambda row: f"/console/letter/{row['id']}",
        people=True,
    ),
    List(
        "requests",
        "诉求",
        ANSWERING,
        (
            Column("number", "编号"),
            Column("state", "状态"),
            Column("due_at", "期限"),
            Column("owner", "承办部门"),
            Column("level", "超期次数"),
            Column("kind", "种类"),
            Column("topic", "哪方面"),
            Column("words", "内容"),
            Column("received_at", "收到"),
        ),
        requests.find,
        "还没有人提诉求。配置文件里写了 [campaigns.request]，职工就能在聊天里和网页上提，这里就有一行；超过期限的排在最前面。",
        menu="诉求",
        states=requests.CHOICES,
        finds="编号、内容、单位、承办部门",
        link=lambda row: f"/console/request/{row['id']}",
        people=True,
        below=True,
    ),
    List(
        "opinions",
        "意见",
        ANSWERING,
        (
            Column("key", "编号", _opinion),
            Column("state", "状态", lambda state: opinion_staff.WORDS.get(state, state)),
            Column("day", "哪天"),
            Column("topic", "哪方面"),
            Column("words", "意见"),
            Column("named", "署名", lambda named: "署名" if named else "没有署名"),
            Column("answer", "答复"),
            Column("shown", "大家看得到", lambda shown: "是" if shown else ""),
        ),
        lambda connection, desk, wanted, size: opinion.listed(connection, wanted, size),
        "还没有人提意见。配置文件里写了 [campaigns.opinion]，职工就能提，这里就有一行。",
        menu="意见",
        states=opinion_staff.WORDS,
        finds="编号、意见、答复、哪方面",
        link=lambda row: f"/console/opinion/{row['key']}",
        people=True,
    ),
    List(
        "unions",
        "组织",
        PLAN,
        (
            Column("code", "代码"),
            Column("name", "单位"),
            Column("level", "级别", lambda level: LEVELS.get(level, level)),
            Column("kind", "种类", lambda kind: UNION_KINDS.get(kind, kind)),
            Column("members", "会员（含下级）"),
            Column("bound", "绑定的关注者（含下级）"),
            Column("state", "状态", lambda state: UNIONS[state]),
        ),
        held(_unions),
        "还没有单位。准备一份名单（单位代码、单位名称、上级代码），点“导入单位名单”，这里就有一行一个单位。",
        menu="组织",
        states=UNIONS,
        finds="代码、单位",
        link=lambda row: f"/console/union/{row['code']}",
        below=True,
        more=(("unions.ask_unions", "/console/intake/unions", "导入单位名单"),),
    ),
    List(
        "members",
        "会员",
        (LEAD, CAMPAIGN, LETTER),
        (
            Column("name", "姓名"),
            Column("phone", "手机号"),
            Column("number", "会员编号"),
            Column("union", "单位"),
            Column("joined_at", "名册里从什么时候起有"),
            Column("state", "状态", lambda state: MEMBERS[state]),
        ),
        _members,
        "还没有会员。准备一份名单（单位代码、姓名、手机号或者会员编号），点“导入会员名单”，这里就有一行一位会员。",
        menu="会员",
        states=MEMBERS,
        finds="完整的手机号或者会员编号",
        link=lambda row: f"/console/unmask/member/{row['id']}",
        people=True,
        below=True,
        more=(("unions.ask_members", "/console/intake/members", "导入会员名单"),),
    ),
    List(
        "pushes",
        "推送记录",
        PLAN,
        (
            Column("due_at", "时间（北京）"),
            Column("name", "推送"),
            Column("channel", "渠道", lambda name: CHANNELS.get(name, name)),
            Column("state", "状态", lambda state: PUSHES.get(state, state)),
            Column("size", "人数"),
            Column("reason", "原因"),
        ),
        of(push.LISTING),
        "还没有推送过。到点的推送会自己出现在这里；接下来有哪些，看“全年”。",
        states={state: PUSHES[state] for state in push.STATES},
        finds="推送的名字",
        link=lambda row: f"/console/push/{row['id']}",
    ),
    List(
        "deliveries",
        "一人一份的账",
        (LEAD, PUSH),
        (
            Column("recipient", "收的人", short),
            Column("state", "状态", lambda state: DELIVERIES.get(state, state)),
            Column("attempts", "试过几次"),
            Column("errcode", "微信的错误代码"),
            Column("reason", "原因", lambda reason: delivery.REASONS.get(reason, plain(reason))),
            Column("sent_at", "发出时间"),
        ),
        of(delivery.LISTING),
        "这次推送还没有写下名单。到点以后，每个收的人会有一行。",
        states=dict(DELIVERIES),
        finds="收的人的完整编号",
        people=True,
    ),
    List(
        "editions",
        "活动",
        PLAN,
        (
            Column("title", "名称"),
            Column("kind", "种类", lambda kind: KINDS[kind].title if kind in KINDS else kind),
            Column("opens_at", "开始"),
            Column("closes_at", "截止"),
            Column("state", "状态", lambda state: EDITIONS.get(state, state)),
        ),
        of(edition.LISTING),
        "还没有开过活动。在配置文件的 campaigns 里写上种类和日子，到点会自己开，这里就有一行。",
        menu="活动",
        states=dict(EDITIONS),
        finds="名称、代号",
        link=lambda row: f"/console/edition/{row['id']}",
    ),
    List(
        "entries",
        "参加记录",
        (LEAD, CAMPAIGN),
        (
            Column("received_at", "时间"),
            Column("openid", "谁", short),
            Column("door", "从哪里", lambda door: DOORS.get(door, door)),
            Column("number", "编号"),
            Column("told", "系统的回答"),
        ),
        of(entry.LISTING),
        "还没有人参加。活动开着的时候，职工在聊天里或者网页上参加，这里就有一行。",
        finds="编号",
        people=True,
    ),
    List(
        "alarms",
        "警报",
        (LEAD, SYSTEM),
        (
            Column("mark", "记号"),
            Column("words", "发生了什么，怎么办"),
            Column("times", "次数"),
            Column("first_at", "第一次"),
            Column("last_at", "最近一次"),
        ),
        held(_alarms),
        "现在没有要处理的警报。系统发现不对，会写在这里，也会按 [alarms] 告诉您。",
        finds="内容",
        link=lambda row: f"/console/alarm/{row['mark']}",
    ),
    List(
        "staff",
        "工作人员",
        (SECURITY,),
        (
            Column("login", "登录名"),
            Column("name", "姓名"),
            Column("duties", "分工"),
            Column("state", "状态", lambda state: STAFF[state]),
        ),
        held(_staff),
        "还没有工作人员。请在服务器上运行 staff add 加第一位安全管理员。",
        menu="工作人员",
        states=STAFF,
        finds="登录名、姓名",
        link=lambda row: f"/console/colleague/{row['login']}",
    ),
    List(
        "audit",
        "操作记录",
        (AUDIT, LEAD),
        (
            Column("id", "编号"),
            Column("at", "时间"),
            Column("staff", "谁"),
            Column("deed", "做了什么", told.deed),
            Column("object", "对什么"),
            Column("details", "详情", told.details),
        ),
        of(audit.LISTING),
        "还没有操作记录。每件事做完，这里就有一行，改不了，也删不掉。",
        menu="操作记录",
        finds="谁、什么事、对什么",
    ),
)
