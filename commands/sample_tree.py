"""The tree of an invented county that the demonstration's desk shows: unions, and members who are nobody."""

from __future__ import annotations

from datetime import datetime
from itertools import cycle, islice, product

from models import member, tree, union
from models.base import Store
from models.member import New as Member
from models.tree import New as Union

CITY = "D"
COUNTIES = {
    "D1": ("东沟县", ("第一粮库", "东沟纺织厂", "县人民医院")),
    "D2": ("西河区", ("西河热力公司", "西河公交公司", "第三小学")),
    "D3": ("临水区", ("临水造船厂", "临水食品厂", "快递行业")),
    "D4": ("经济开发区", ("开发区物流园", "北方轴承厂", "建筑工地联合")),
}
PEOPLE = 240
FAMILIES, GIVEN = "赵钱孙李周吴郑王冯陈", ("建国", "秀英", "志强", "桂兰", "春生", "晓梅", "海涛", "丽华")


def lay(store: Store, name: str, now: datetime) -> None:
    """Write them down below the account's union of this name, where there is no tree yet."""
    with store.writing() as connection:
        if union.every(connection):
            return
        tree.take_in(connection, _unions(name), now)
        known = {one.code: one.id for one in union.every(connection)}
        homes = cycle(known[code] for code in known if len(code) > len("D1"))
        names = islice(("".join(pair) for pair in cycle(product(FAMILIES, GIVEN))), PEOPLE)
        people = [
            Member(home, called, "", f"YS{number:05}")
            for number, (home, called) in enumerate(zip(homes, names, strict=False), 1)
        ]
        member.take_in(connection, people, now)


def _unions(name: str) -> list[Union]:
    made = [Union(CITY, name, "", "city", "federation")]
    for code, (county, below) in COUNTIES.items():
        made.append(Union(code, f"{county}总工会", CITY, "county", "federation", f"{county}工会"))
        made += [
            Union(f"{code}0{at}", f"{works}工会", code, "base", "enterprise", works)
            for at, works in enumerate(below, 1)
        ]
    return made
