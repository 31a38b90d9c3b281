"""What the staff do with requests: take up, hand on, hand back with a reason, ask, tell, answer, merge and split; and the tables.

Whoever does it has a scope (`Work.scope`), and finds only what that scope may see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from campaigns.kind import Deed, Impossible, Work
from campaigns.kinds.request_rules import Owner, Rules, terms_of
from campaigns.kinds.request_tables import STATES
from campaigns.way_back import way
from models import notice, request, scope, step
from models.deadline import Life, fits, life
from models.request import New, Request
from models.scope import path_of
from models.step import Step

ANSWER_BYTES = 1800  # of the 2048 of a text message (platform guide, 客服消息), beside what stands around it
SPARED = 2  # messages that lesser news leave for the answer
NONE = "无"
NO_UNIT = "-"  # settled: it complains of none


def _found(work: Work, word: str) -> Request:
    one = request.hold(work.connection, request.id_of(word) or 0)
    if one is None or one.campaign != work.edition.campaign or not scope.may_see(one, work.scope):
        raise Impossible(f"没有编号是 {word} 的诉求。")
    return one


def _happens(
    work: Work,
    one: Request,
    kind: str,
    words: str = "",
    owner: Owner | None = None,
    note: str = "",
    **values: object,
) -> tuple[Life, int]:
    """The step, where it fits."""
    due = terms_of(work.connection, one, work.setting)
    if not fits(life(step.of(work.connection, one.id), due), kind):
        raise Impossible(f"{one.number} 现在是“{STATES[one.state]}”，不能这样做。")
    if len(words.encode()) > ANSWER_BYTES:
        raise Impossible(
            f"话太长了，最多 {ANSWER_BYTES} 个字节（600 字左右），现在是 {len(words.encode())} 个字节。"
        )
    happened = Step(0, work.now, work.staff, kind, owner.name if owner else "", words, note)
    if owner is not None:
        values["owner_unit"] = owner.path
    return request.note(work.connection, one, happened, due, **values)


def _tell(work: Work, one: Request, step_id: int, words: str, spares: int = 0) -> str:
    """Let its person hear it in the chat while that is possible; what the staff read of that."""
    if one.openid is None:
        return "没有本人的微信（打电话、写信来的，或者取消关注、删除了资料），没有办法在微信里告诉他。"
    back = way(work.connection, one.openid, work.setting.limits, work.now)
    if not back.is_open(work.now) or back.left <= spares:
        other = (
            "请打他留的电话（“看他留的电话”）"
            if one.phone
            else f"他回复“{one.number} 查看”或打开“我的”就能看到"
        )
        return f"已经写在他的“我的”里。{back.words(work.now)}，{other}。"
    name = f"{work.edition.campaign}/step:{step_id}"
    text = f"【{work.edition.title}】{one.number} {words}"
    notice.tell(work.connection, name, text, [one.openid], work.now)
    return f"会在微信里告诉他（{back.words(work.now)}）。"


# --- whose it is -------------------------------------------------------------------------------------------------


def _owner(work: Work, one: Request, name: str) -> Owner:
    """Somebody who may have this request: not of the unit that it complains of, nor below it."""
    rules: Rules = work.rules
    owner = rules.owner(name)
    if owner is None:
        known = "、".join(each.name for each in rules.owners)
        raise Impossible(f"没有“{name}”这个承办部门，可以写的是：{known}。")
    if owner.unit and one.unit and not one.against:
        raise Impossible(
            f"职工说的是“{one.unit}”，还没有核对是哪个单位。请先用 against 写明（不是反映单位的写“{NONE}”），再交给下级。"
        )
    if one.against in scope.above(owner.path):
        raise Impossible(f"{one.number} 反映的就是“{name}”所在的单位或者它的上级，不能交给它办。")
    return owner


def accept(work: Work, words: Sequence[str]) -> str:
    """Somebody works on it."""
    one = _found(work, words[0])
    _, step_id = _happens(work, one, step.ACCEPTED, words[1])
    return f"{one.number} 已经受理。{_tell(work, one, step_id, f'已经受理：{words[1]}', SPARED)}"


def assign(work: Work, words: Sequence[str]) -> str:
    """Somebody else has it from now on; the deadlines run on."""
    one = _found(work, words[0])
    owner = _owner(work, one, words[1])
    _happens(work, one, step.ASSIGNED, words[2], owner)
    return f"{one.number} 交给 {owner.name} 了，期限不变。"


def hand_back(work: Work, words: Sequence[str]) -> str:
    """It is not ours: why, and whose it is. The second time the leader decides. The deadlines run on."""
    one = _found(work, words[0])
    rules: Rules = work.rules
    proposed = _owner(work, one, words[2])
    if not words[1].strip():
        raise Impossible("退回要写明理由。")
    if proposed.name == one.owner:
        raise Impossible(f"{one.number} 本来就在 {one.owner}，请写建议交给谁。")
    before = life(step.of(work.connection, one.id), terms_of(work.connection, one, work.setting))
    if before.returns and one.owner == rules.first.name:
        raise Impossible("已经退回过，现在由负责人决定，请用 assign 指定承办部门。")
    owner = proposed if not before.returns else rules.first
    _happens(work, one, step.RETURNED, words[1], owner, f"建议交给 {proposed.name}")
    told = (
        f"第二次退回，交给 {owner.name} 决定（建议给 {proposed.name}）"
        if before.returns
        else f"转给 {owner.name}"
    )
    return f"{one.number} {told}，期限不变。"


def escalate(work: Work, words: Sequence[str]) -> str:
    """Whoever leads takes it; the deadlines run on."""
    one = _found(work, words[0])
    rules: Rules = work.rules
    if one.owner == rules.first.name:
        raise Impossible(f"{one.number} 已经在 {one.owner} 了。")
    _happens(work, one, step.ASSIGNED, words[1], rules.first, "报告负责人")
    return f"{one.number} 报告了负责人，由 {rules.first.name} 办理，期限不变。"


def against(work: Work, words: Sequence[str]) -> str:
    """Which unit it complains of: from now on nobody there or below sees it."""
    one = _found(work, words[0])
    rules: Rules = work.rules
    if words[1] != NONE and words[1] not in rules.units:
        raise Impossible(f"没有“{words[1]}”这个单位，可以写的是：{'、'.join([*rules.units, NONE])}。")
    path = NO_UNIT if words[1] == NONE else path_of(words[1])
    barred = path in scope.above(one.owner_unit)
    owner = rules.first if barred else None
    _happens(work, one, step.AGAINST, "", owner, against=path)
    moved = f"原来的承办部门看不到了，改由 {rules.first.name} 办理。" if barred else ""
    return f"{one.number} 反映的单位：{words[1]}。这个单位和它下面的人都看不到。{moved}"


# --- what its person hears ---------------------------------------------------------------------------------------


def ask(work: Work, words: Sequence[str]) -> str:
    """A question; the deadlines wait for the answer."""
    one = _found(work, words[0])
    if one.openid is None:
        raise Impossible("本人已经不在了，问不到他。")
    _, step_id = _happens(work, one, step.ASKED, words[1])
    how = f"请您补充：{words[1]}。点菜单或回复“诉求”，选“补充说明”。"
    return f"{one.number} 等本人补充，期限暂停。{_tell(work, one, step_id, how)}"


def progress(work: Work, words: Sequence[str]) -> str:
    """How far it is."""
    one = _found(work, words[0])
    _, step_id = _happens(work, one, step.PROGRESS, words[1])
    return f"{one.number} 的进展记下了。{_tell(work, one, step_id, f'有进展：{words[1]}', SPARED)}"


def answer(work: Work, words: Sequence[str]) -> str:
    """The answer, to everybody whose request it holds as well."""
    one = _found(work, words[0])
    if one.source:
        raise Impossible(
            f"{one.number} 是公示期里的异议，请在那个投票的页面上用“答复一个异议”，写明成立还是不成立。"
        )
    return answered(work, one, words[1])


def answered(work: Work, one: Request, words: str) -> str:
    """These words are its answer."""
    here, step_id = _happens(work, one, step.ANSWERED, words)
    asks = "不满意可以再办一次。" if not here.reopens else ""
    told = [_tell(work, one, step_id, f"有答复了：{words}。{asks}")]
    for other in request.merged_in(work.connection, one.id):
        told_id = step.add(work.connection, other.id, Step(0, work.now, work.staff, step.ANSWERED, "", words))
        told.append(f"{other.number}：{_tell(work, other, told_id, f'有答复了：{words}')}")
    return f"{one.number} 已经答复。{''.join(told)}"


def reached(work: Work, words: Sequence[str]) -> str:
    """That its person was told by telephone, by letter or in person, and what."""
    one = _found(work, words[0])
    if not words[1].strip():
        raise Impossible("怎么告诉的、说了什么，要写明。")
    _happens(work, one, step.REACHED, words[1])
    return f"{one.number} 记下了，本人在“我的”里也看得到。"


def close(work: Work, words: Sequence[str]) -> str:
    """It was answered and its person is content, as the staff heard; they may still object once."""
    one = _found(work, words[0])
    if not words[1].strip():
        raise Impossible("怎么知道本人满意的，要写明。")
    _happens(work, one, step.CLOSED, words[1], phone="")
    return f"{one.number} 办结了。{'' if one.reopens else '本人不满意，还可以再办一次。'}"


def phone(work: Work, words: Sequence[str]) -> str:
    """The number that its person left; the audit keeps who looked and why."""
    one = _found(work, words[0])
    if not words[1].strip():
        raise Impossible("看电话要写明用途。")
    if not one.phone:
        raise Impossible(f"{one.number} 没有留电话，或者办结以后删掉了。")
    return f"{one.number} 留的电话是 {one.phone}。只用来办这件事。"


# --- two that are one, and one that is two -----------------------------------------------------------------------


def merge(work: Work, words: Sequence[str]) -> str:
    """Let another hold it: its deadlines wait, and the other's answer is told to both."""
    one, into = _found(work, words[0]), _found(work, words[1])
    if one.id == into.id or not into.is_open:
        raise Impossible(f"{into.number} 现在是“{STATES[into.state]}”，不能并进去。")
    if request.merged_in(work.connection, one.id):
        raise Impossible(f"{one.number} 里已经并着别的诉求，请反过来并。")
    if one.against != into.against:
        raise Impossible("两件反映的单位不一样，能看到的人也不一样，不能合并。")
    _happens(work, one, step.MERGED, f"和 {into.number} 是一回事", merged_into=into.id)
    return f"{one.number} 并入 {into.number}，答复时两个人都会收到。"


def unmerge(work: Work, words: Sequence[str]) -> str:
    """Let it stand by itself again."""
    one = _found(work, words[0])
    _happens(work, one, step.UNMERGED, "", merged_into=None)
    return f"{one.number} 重新单独办理，期限接着算。"


def split(work: Work, words: Sequence[str]) -> str:
    """A part of it becomes a request of its own, received when the whole was."""
    one = _found(work, words[0])
    owner = _owner(work, one, words[1])
    if not words[2].strip():
        raise Impossible("拆出来的是什么事，要写明。")
    new = New(
        one.edition_id, one.campaign, one.openid, one.kind, words[2], owner.name, owner.path, one.topic, one.unit,
        one.against, one.phone, one.id, one.photo,
    )  # fmt: skip
    due = terms_of(work.connection, one, work.setting)
    child = request.receive(work.connection, new, due, one.received_at, work.staff)
    _happens(work, one, step.SPLIT, f"{child.number} {words[2]}")
    return f"从 {one.number} 拆出 {child.number}，交给 {owner.name}，期限从收到 {one.number} 时算起。"


DEEDS: Mapping[str, Deed] = {
    "accept": Deed("受理", ("编号", "说明"), accept),
    "assign": Deed("交给一个承办部门", ("编号", "部门", "理由"), assign),
    "return": Deed("退回：不归我们管，写明理由和建议交给谁", ("编号", "理由", "部门"), hand_back),
    "escalate": Deed("报告负责人，由负责人办", ("编号", "理由"), escalate),
    "against": Deed("写明反映的是哪个单位", ("编号", "单位"), against),
    "ask": Deed("请本人补充，期限暂停", ("编号", "问什么"), ask),
    "progress": Deed("记一步进展", ("编号", "进展"), progress),
    "answer": Deed("答复", ("编号", "答复"), answer),
    "reached": Deed("记下用别的办法告诉了本人（电话、当面、写信）", ("编号", "怎么告诉的"), reached),
    "close": Deed("办结（答复以后本人满意）", ("编号", "怎么知道的"), close),
    "phone": Deed("看他留的电话", ("编号", "用途"), phone),
    "merge": Deed("并入另一件", ("编号", "并入的编号"), merge),
    "unmerge": Deed("撤销合并", ("编号",), unmerge),
    "split": Deed("拆出一件", ("编号", "部门", "拆出的事"), split),
}

STEPS: Mapping[str, str] = {
    "accept": step.ACCEPTED, "assign": step.ASSIGNED, "return": step.RETURNED, "escalate": step.ASSIGNED,
    "against": step.AGAINST, "ask": step.ASKED, "progress": step.PROGRESS, "answer": step.ANSWERED,
    "reached": step.REACHED, "close": step.CLOSED, "phone": step.REACHED, "merge": step.MERGED,
    "unmerge": step.UNMERGED, "split": step.SPLIT,
}  # fmt: skip
"""The step that each deed would write: what does not fit now is not offered."""


def possible(one: Request, here: Life, rules: Rules) -> dict[str, Deed]:
    """What can be done with it as it stands."""
    never = {
        "phone": not one.phone,
        "ask": one.openid is None,
        "escalate": one.owner == rules.first.name,
        "reached": one.openid is None,
    }
    return {name: deed for name, deed in DEEDS.items() if fits(here, STEPS[name]) and not never.get(name)}


def owners_for(one: Request, rules: Rules) -> list[str]:
    """Who may have it, besides whoever has it."""
    return [
        each.name
        for each in rules.owners
        if each.name != one.owner
        and one.against not in scope.above(each.path)
        and not (each.unit and one.unit and not one.against)
    ]
