"""`audit`: what the staff did, and the proof that nothing of it was changed or taken out."""

from __future__ import annotations

from commands.command_line import GOOD, PROBLEM, Options
from commands.parts import Parts, stored
from ground.days import minute
from models import audit, listing
from models.base import Store
from models.listing import Wanted

LAST = 50


def run(options: Options, parts: Parts) -> int:
    """What was typed after `audit`."""
    store = stored(parts).store
    return audit_list(store) if options.deed == "list" else audit_verify(store)


def audit_list(store: Store) -> int:
    """The last deeds, the newest first."""
    with store.reading() as connection:
        found = listing.rows(connection, audit.LISTING, Wanted(), LAST)[:LAST]
    for one in found:
        print(
            f"{one['id']}　{minute(one['at'])}　{one['staff']}　{one['deed']}　{one['object']}　{one['details']}"
        )
    if not found:
        print("还没有操作记录。")
    return GOOD


def audit_verify(store: Store) -> int:
    """Follow the chain from its first row."""
    with store.reading() as connection:
        broken, (number, head) = audit.broken(connection), audit.head(connection)
    if broken is not None:
        print(f"第 {broken} 条对不上：它或者它前面的被改过、删过。请保留这个数据库，和最近的备份对一对。")
        return PROBLEM
    print(f"{number} 条操作记录一条不少，没有被改过。")
    if head:
        print(f"最后一条的校验码：{head}\n请抄下来：以后验证时前面有没有少，和它对一对就知道。")
    return GOOD
