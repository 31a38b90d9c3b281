"""What the demonstration's desk holds on its first morning: requests and opinions of invented people, answered or waiting for them.

None of it has a deadline that runs, so that a visitor who moves the clock hears of their own things alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from campaigns import taking_part as door
from campaigns.campaign import Campaign
from campaigns.kind import Setting, rules_of
from campaigns.kinds.request_rules import terms
from models import opinion, request, step
from models.base import Connection, Store
from models.edition import Edition
from models.request import ADVICE, ASK, HELP, New
from models.step import Step


@dataclass(frozen=True, slots=True)
class Sample:
    """A request: of which kind, about what, and the steps that followed."""

    kind: str
    words: str
    steps: tuple[tuple[str, str], ...]
    topic: str = ""
    unit: str = ""


TAKEN = (step.ACCEPTED, "已经交给负责的同志")
REQUESTS = (
    Sample(
        HELP,
        "孩子今年上大学，家里两个人都在打零工，想申请助学",
        (TAKEN, (step.ASKED, "请告诉我们孩子的录取学校，和您现在住的社区")),
        "困难帮扶",
    ),
    Sample(
        HELP,
        "车间三个月没有发加班费，找了班长两次",
        (
            TAKEN,
            (step.PROGRESS, "和厂里谈过了，他们在核对考勤"),
            (step.ANSWERED, "厂里答应这个月十五号补发，没有发请再找我们"),
        ),
        "法律援助",
        "纺织厂",
    ),
    Sample(ASK, "跑外卖的能不能入会", (TAKEN, (step.ANSWERED, "能。回复“入会”看怎么办，不收钱")), "入会转会"),
    Sample(
        ADVICE,
        "夜班的班车能不能晚二十分钟再走",
        ((step.ANSWERED, "和运输公司说好了，下周一起晚二十分钟"), (step.CLOSED, "")),
    ),
)
OPINIONS = (
    ("食堂", "夜班的饭能不能热一点", opinion.ADOPTED, "下周起夜班窗口换成保温台", True),
    ("福利", "电影票不如换成米面油", opinion.DECLINED, "今年的已经订好了，明年订以前先问大家", True),
    ("工会的服务", "12351 的同志很有耐心，谢谢", opinion.ADOPTED, "谢谢您，我们转告她了", False),
)


def lay(store: Store, campaigns: Iterable[Campaign], now: datetime) -> None:
    """Write them down, where the union takes requests or opinions now and nobody has sent any."""
    with store.writing() as connection:
        for campaign in door.joinable(campaigns):
            found = door.current(connection, campaign, now, live=True) if campaign.kind in LAID else None
            if found is not None:
                LAID[found.kind](connection, found, now)


def _requests(connection: Connection, found: Edition, now: datetime) -> None:
    rules = rules_of(door.kind_of(found), found)
    if request.get(connection, 1) is not None:
        return
    topics = {one.name for one in rules.topics}
    for number, sample in enumerate(REQUESTS):
        owner, due = rules.owner_of(sample.topic), terms(rules, sample.kind, Setting())
        new = New(
            found.id, found.campaign, f"sample-{number}", sample.kind, sample.words, owner.name, owner.path,
            sample.topic if sample.topic in topics else "", sample.unit,
        )  # fmt: skip
        one = request.receive(connection, new, due, now)
        for kind, words in sample.steps:
            by = step.PERSON if kind == step.CLOSED else "qian"
            request.note(connection, one, Step(0, now, by, kind, "", words), due)


def _opinions(connection: Connection, found: Edition, now: datetime) -> None:
    if opinion.of_edition(connection, found.id, limit=1):
        return
    for topic, words, state, answer, shown in OPINIONS:
        number = opinion.make(connection, found.id, words, topic, now, code=opinion.code_of(words))
        one = opinion.named(connection, found.id, number or "")
        assert one is not None
        opinion.move(connection, one, (opinion.RECEIVED,), state=state, answer=answer, shown=shown)


LAID: Mapping[str, Callable[[Connection, Edition, datetime], None]] = {
    "request": _requests,
    "opinion": _opinions,
}
