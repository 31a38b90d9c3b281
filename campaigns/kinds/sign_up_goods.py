"""Goods at the door: handed to the person or a proxy with a proof, taken back, brought in and put right."""

from __future__ import annotations

from collections.abc import Sequence

from campaigns.kind import Impossible, Work
from campaigns.kinds.sign_up_rules import Item
from campaigns.kinds.sign_up_tables import STATES
from models import handout, sign_up, stock
from models.handout import SELF, TYPED, New
from models.sign_up import CONFIRMED, SignUp
from models.stock import CORRECTION, IN, OUT


def found(work: Work, word: str) -> SignUp:
    """The sign-up of this number or code. Raises Impossible."""
    code = sign_up.code_in(word)
    one = sign_up.by_code(work.connection, code) if code else None
    one = one or sign_up.get(work.connection, sign_up.id_of(word) or 0)
    if one is None or one.edition_id != work.edition.id:
        raise Impossible(f"这一届没有编号或签到码是 {word} 的报名。编号像 B12，签到码是 12 位字母和数字。")
    return one


def item_of(work: Work, title: str) -> Item:
    """The goods of this name. Raises Impossible."""
    item: Item | None = work.rules.item(title)
    if item is None:
        known = "、".join(each.title for each in work.rules.items) or "这一届没有物资"
        raise Impossible(f"没有“{title}”这种物资，可以写的是：{known}。")
    return item


def hand_over(
    work: Work, one: SignUp, item: Item, *, proxy: str = "", proof: str = SELF, signed: str = "", photo: str | None = None
) -> str:  # fmt: skip
    """Give it out once, as many as their seats get, off the stock. Raises Impossible, and then nothing is written: the caller's
    transaction goes."""
    if one.state != CONFIRMED:
        raise Impossible(f"{one.number} 现在是“{STATES[one.state]}”，没有名额，不能发。")
    if proxy and proof == SELF:
        raise Impossible("代领要有凭据：代领人写下姓名、手写签名，或者拍一张照片。")
    quantity = item.due(one.seats)
    new = New(
        work.edition.id, one.id, one.openid, item.title, quantity, work.staff, proxy, proof, signed, photo,
    )  # fmt: skip
    if not handout.give(work.connection, new, work.now):
        raise Impossible(f"{one.number} 已经领过 {item.title} 了，每人只领一次。")
    note = f"{one.number}{'，代领' if proxy else ''}"
    if not stock.move(
        work.connection, work.edition.id, item.title, OUT, -quantity, note, work.staff, work.now
    ):
        left = stock.balances(work.connection, work.edition.id).get(item.title, 0)
        raise Impossible(f"{item.title} 只剩 {left} 份，不够 {quantity} 份。先入库，或者核对以后更正。")
    return f"{one.number} 领走 {item.title} {quantity} 份{f'，{proxy} 代领' if proxy else ''}。"


def give(work: Work, words: Sequence[str]) -> str:
    """To the person, who is here."""
    return hand_over(work, found(work, words[0]), item_of(work, words[1]))


def give_proxy(work: Work, words: Sequence[str]) -> str:
    """To somebody who takes it for the person and signs with a typed name."""
    if not words[2].strip():
        raise Impossible("代领人的姓名要写。")
    return hand_over(
        work, found(work, words[0]), item_of(work, words[1]), proxy=words[2], proof=TYPED, signed=words[2]
    )


def take_back(work: Work, words: Sequence[str]) -> str:
    """It did not go to them after all: it is in the stock again, and both stay written down."""
    one, item = found(work, words[0]), item_of(work, words[1])
    got = next(
        (each for each in handout.of_sign_up(work.connection, one.id) if each.item == item.title), None
    )
    if got is None or not handout.take_back(work.connection, got):
        raise Impossible(f"{one.number} 没有领过 {item.title}。")
    note = f"{one.number} 的发放收回：{words[2]}"
    stock.move(work.connection, work.edition.id, item.title, OUT, got.quantity, note, work.staff, work.now)
    return f"{one.number} 的 {item.title} {got.quantity} 份收回了，库存加了回来。"


def _whole(word: str) -> int:
    try:
        number = int(word.strip())
    except ValueError:
        number = 0
    if not number or abs(number) > 1_000_000:
        raise Impossible(f"数量要写成不是 0 的整数，写的是“{word}”。")
    return number


def bring(work: Work, words: Sequence[str]) -> str:
    """So many came in."""
    return _moved(work, item_of(work, words[0]), IN, max(_whole(words[1]), 0), words[2])


def correct(work: Work, words: Sequence[str]) -> str:
    """So many more, or fewer, than the ledger says, and why."""
    if not words[2].strip():
        raise Impossible("更正要写明为什么。")
    return _moved(work, item_of(work, words[0]), CORRECTION, _whole(words[1]), words[2])


def _moved(work: Work, item: Item, kind: str, quantity: int, note: str) -> str:
    if not quantity:
        raise Impossible("入库的数量要大于 0；少了用更正。")
    if not stock.move(
        work.connection, work.edition.id, item.title, kind, quantity, note, work.staff, work.now
    ):
        left = stock.balances(work.connection, work.edition.id).get(item.title, 0)
        raise Impossible(f"{item.title} 现存 {left} 份，不能再减 {-quantity} 份。")
    left = stock.balances(work.connection, work.edition.id)[item.title]
    return f"{item.title} 记了 {quantity:+d} 份，现存 {left} 份。"
