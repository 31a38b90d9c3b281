"""What the staff do with sign-ups: let people in and undo it, sign somebody up, take a place back with a reason, change the places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from campaigns.kind import Deed, Impossible, Work
from campaigns.kinds import sign_up_goods as goods
from campaigns.kinds.sign_up_goods import found
from campaigns.kinds.sign_up_line import settle, tell
from campaigns.kinds.sign_up_tables import STATES
from ground.days import SHANGHAI, minute, moment
from models import handout, sign_up, slot
from models.sign_up import CANCELLED, CONFIRMED, New, spaced
from models.slot import Slot

MOST_PLACES = 100_000


def come(work: Work, words: Sequence[str]) -> str:
    """They are here."""
    one = found(work, words[0])
    here = slot.get(work.connection, one.slot_id)
    if sign_up.come(work.connection, one.id, work.now):
        other = (
            here.begins_at.astimezone(SHANGHAI).date() != work.now.astimezone(SHANGHAI).date()
        )  # somebody who came to the wrong slot is seen before they are served
        note = f"注意：这一场是 {moment(here.begins_at)} 的，不是今天。" if other else ""
        return f"{one.number} 签到了：{here.title}，{one.seats} 人。{note}"
    if one.came_at is not None:
        raise Impossible(f"{one.number} 在 {minute(one.came_at)} 已经签过到了。是弄错的话，用“撤销签到”。")
    raise Impossible(f"{one.number} 现在是“{STATES[one.state]}”，没有名额，不能签到。")


def not_come(work: Work, words: Sequence[str]) -> str:
    """They are not here after all."""
    one = found(work, words[0])
    if not sign_up.not_come(work.connection, one.id):
        raise Impossible(f"{one.number} 没有签过到。")
    return f"{one.number} 的签到撤销了。"


def sign_up_somebody(work: Work, words: Sequence[str]) -> str:
    """Sign up somebody who has no WeChat, while there is room."""
    here = slot.hold(work.connection, _slot(work, words[0]).id)
    seats = _count(words[2], 10)
    if not words[1].strip():
        raise Impossible("姓名要写。")
    if not slot.change(work.connection, here.id, seats=seats):
        raise Impossible(f"“{here.title}”只剩 {here.free} 个名额，不够 {seats} 个。可以先用 places 加名额。")
    name = words[1] if work.rules.names else ""
    new = New(work.edition.id, here.id, None, seats, name)
    one = sign_up.make(work.connection, new, CONFIRMED, work.now)
    assert one is not None
    return f"替他报上了：{one.number}，{here.title}，{seats} 人，签到码 {spaced(one.code)}。"


def cancel(work: Work, words: Sequence[str]) -> str:
    """Take a place back; its person learns why, and it goes to the next."""
    here = slot.hold(work.connection, found(work, words[0]).slot_id)
    one = found(work, words[0])  # as it stands now that nobody else changes it
    if not words[1].strip():
        raise Impossible("取消别人的报名要写明理由，会告诉本人。")
    if one.came_at is not None or handout.of_sign_up(work.connection, one.id):
        raise Impossible(f"{one.number} 已经签到或者领过东西，先撤销那一步。")
    if not one.stands or not sign_up.move(work.connection, one, CANCELLED, work.now):
        raise Impossible(f"{one.number} 现在是“{STATES[one.state]}”，不用取消。")
    told = f"{one.number}（{here.title}）取消了：{words[1]}。有疑问请拨打 12351。"
    tell(work.connection, work.edition, "cancel", one, told, work.now)
    settle(work.connection, work.edition, work.rules, one.slot_id, work.now)
    return f"{one.number} 取消了，会告诉本人；名额让给下一位。"


def places(work: Work, words: Sequence[str]) -> str:
    """So many places from now on; who has one keeps it."""
    here = slot.hold(work.connection, _slot(work, words[0]).id)
    number = _count(words[1], MOST_PLACES)
    slot.resize(work.connection, here.id, number)
    after = settle(work.connection, work.edition, work.rules, here.id, work.now)
    over = (
        f"比名额多了 {after.used - number} 人，已经报上的都算"
        if after.used > number
        else f"还空 {after.free} 个"
    )
    return f"“{here.title}”的名额从 {here.places} 改成 {number}，{over}。"


def _slot(work: Work, word: str) -> Slot:
    every = slot.of_edition(work.connection, work.edition.id)
    one = next((each for each in every if word.strip() in (str(each.number), each.title)), None)
    if one is None:
        known = "、".join(f"{each.number} {each.title}" for each in every)
        raise Impossible(f"没有“{word}”这一场，可以写的是：{known}。")
    return one


def _count(word: str, most: int) -> int:
    plain = word.strip()
    if not (plain.isascii() and plain.isdigit() and 1 <= int(plain[:9]) <= most):
        raise Impossible(f"要写 1 到 {most} 的整数，写的是“{word}”。")
    return int(plain)


DEEDS: Mapping[str, Deed] = {
    "come": Deed("签到", ("编号",), come),
    "not-come": Deed("撤销签到", ("编号",), not_come),
    "give": Deed("发给本人", ("编号", "物资"), goods.give),
    "give-proxy": Deed(
        "发给代领人，代领人签下姓名", ("编号", "物资", "代领人"), goods.give_proxy, ("代领人",)
    ),
    "take-back": Deed("收回发错的物资", ("编号", "物资", "理由"), goods.take_back),
    "stock": Deed("物资入库", ("物资", "数量", "说明"), goods.bring),
    "stock-correct": Deed("更正物资数量（少了写负数）", ("物资", "差多少", "说明"), goods.correct),
    "add": Deed("替没有微信的人报名", ("场次", "姓名", "人数"), sign_up_somebody, ("姓名",)),
    "cancel": Deed("取消一个报名，理由会告诉本人", ("编号", "理由"), cancel),
    "places": Deed("改一场的名额", ("场次", "名额"), places),
}
