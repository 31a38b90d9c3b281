"""`doctor` on this machine: config, database, keys, disk, Redis, workers, backups."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterable, Iterator

from commands.installation import BAD, GOOD, HINT, Finding, Installation
from ground.days import SHANGHAI
from ground.workdays import unannounced
from models import alarm, backup, recent, resealing, schema, shared
from models.condition import condition, redis_answers
from wx.account import WORDS, missing

LEAST_DISK, TIGHT_DISK = 100_000_000, 1_000_000_000  # bytes


def _config(house: Installation) -> Iterator[Finding]:
    for fault in house.faults:
        yield Finding(BAD, "配置", fault, "改好存盘，再运行 check；改好之前仍按原来的活动执行。")
    lacking = missing(house.account)
    for key in lacking:
        yield Finding(
            BAD,
            "配置",
            f"还没有填 {WORDS[key]}",
            f"请从微信公众平台抄来，填到 {house.config} 的 [account] {key}。",
        )
    if not lacking and not house.faults:
        yield Finding(GOOD, "配置", f"{house.config} 能用，账号的密码和密钥都填了")
    if house.config.exists() and house.config.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding(HINT, "配置", "这台机器上别的用户也能打开配置文件", f"请运行：chmod 600 {house.config}")


def _holidays(house: Installation) -> Iterator[Finding]:
    """Whether this year's and next year's working days are known, for the pushes that keep to them."""
    year = house.now.astimezone(SHANGHAI).year
    for each in (year, year + 1):
        if lacking := house.workdays.lacking(each):
            yield Finding(HINT, "放假安排", unannounced(each, lacking))
        else:
            yield Finding(GOOD, "放假安排", f"{each} 年的放假和调休都知道")


def _live(house: Installation) -> Iterator[Finding]:
    if house.account.live:
        yield Finding(GOOD, "正式开通", "已开通（live = true），推送发给所有人")
    elif house.account.testers:
        number = len(house.account.testers)
        yield Finding(HINT, "正式开通", f"还没有（live = false），推送只发给 {number} 位测试人员")
    else:
        action = f"请用自己的手机给公众号发一句话，再运行 doctor，把编号写进 {house.config} 的 testers。"
        yield Finding(HINT, "正式开通", "还没有（live = false），也没有测试人员，推送谁也不发", action)
        yield from _speakers(house)


def _speakers(house: Installation) -> Iterator[Finding]:
    """Who spoke last, so that staff find their own openid among them."""
    if not house.begun:
        return
    with house.store.reading() as connection:
        rows = recent.interactions_last(connection, 50)
    newest = {row.openid: row.received_at for row in reversed(rows)}
    for openid, at in sorted(newest.items(), key=lambda pair: pair[1], reverse=True)[:3]:
        when = f"{at.astimezone(SHANGHAI):%m-%d %H:%M:%S}"
        yield Finding(HINT, "刚和公众号说过话的人", f"{when}　编号 {openid}")


def _database(house: Installation) -> Iterator[Finding]:
    file = house.store.file
    if file and not file.exists():
        yield Finding(
            BAD, "数据库", f"还没有（{file}）", "第一次启动服务时会自己建好；也可以运行 db upgrade。"
        )
        return
    found = condition(house.store)
    name = f"{found.kind} {'.'.join(map(str, found.version))}"
    if found.old:
        yield Finding(BAD, "数据库", f"{name} 不行", "请换 SQLite、PostgreSQL 13 以上或 MariaDB 10.6 以上。")
    if found.spoils:
        places = "、".join(found.spoils)
        yield Finding(
            BAD,
            "数据库",
            f"存不下表情和生僻字：{places}",
            "请新建一个 utf8mb4（UTF8）的空数据库，再用备份恢复。",
        )
    standing = schema.standing(house.store)
    if not standing.known:
        words = f"是更新版本的程序建的（{standing.revision}）"
        yield Finding(BAD, "数据库", words, "请换回新版本的程序。")
    elif standing.pending:
        words = "结构还是旧的" if standing.revision else "还没有建好"
        yield Finding(BAD, "数据库", words, "请运行 db upgrade。")
    elif not found.old and not found.spoils:
        yield Finding(GOOD, "数据库", f"{name}，结构最新（{standing.revision}）")


def _keys(house: Installation) -> Iterator[Finding]:
    """Whether personal data can be sealed and opened."""
    if not house.begun:
        return
    if words := resealing.trouble(house.store):
        yield Finding(BAD, "个人信息的钥匙", "不对", words)
    elif resealing.lacking(house.store):
        words = "还没有，诉求、意见这些个人信息先不收"
        yield Finding(HINT, "个人信息的钥匙", words, "请在配置文件里写 [data] key_file，再运行 key make。")
    else:
        yield Finding(GOOD, "个人信息的钥匙", "有，请确认另外存了一份")


def _disk(house: Installation) -> Iterator[Finding]:
    place = house.backups
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    words = f"还剩 {free / 1e9:,.1f} GB"
    if free < LEAST_DISK:
        yield Finding(BAD, "磁盘", words, f"请马上腾出地方：先看看 {house.backups} 里的旧备份能不能移走。")
    elif free < TIGHT_DISK:
        yield Finding(HINT, "磁盘", words, f"请抽空腾出地方：先看看 {house.backups} 里的旧备份能不能移走。")
    else:
        yield Finding(GOOD, "磁盘", words)


def _redis(house: Installation) -> Iterator[Finding]:
    if not house.redis_url:
        return
    if redis_answers(house.redis_url):
        yield Finding(GOOD, "Redis", "有回应")
    else:
        yield Finding(
            BAD,
            "Redis",
            "没有回应（系统仍能工作，只是慢一些）",
            "请检查 [redis] url，以及 Redis 有没有启动。",
        )


def _work(house: Installation) -> Iterator[Finding]:
    if not house.begun:
        return
    with house.store.reading() as connection:
        beats = shared.beats(connection, house.now)
        halted = shared.halted(connection)
        alarms = alarm.standing(connection, 5)
    if beats:
        age = (house.now - max(beats.values())).total_seconds()
        yield Finding(GOOD, "推送进程", f"{len(beats)} 个在运行，{max(0, age):.0f} 秒前还有动静")
    else:
        yield Finding(
            BAD, "推送进程", "没有在运行，到点也不会发", "请启动 work：systemctl start gonghui-work。"
        )
    if halted is not None:
        yield Finding(BAD, "发送", f"全部停着：{halted}", "弄清原因以后，用 unhalt 恢复发送。")
    for each in alarms:
        when = f"{each.last_at.astimezone(SHANGHAI):%m-%d %H:%M}"
        yield Finding(BAD, "警报", f"{when}　{each.words}", f"处理好以后，请运行 alarm clear {each.mark}。")


def _told(house: Installation) -> Iterator[Finding]:
    """Whether an alarm would reach anybody."""
    if lacks := house.alarms.lacks:
        action = f"请在 {house.config} 的 [alarms] 里填好，再运行 alarm test 试一试。"
        yield Finding(HINT, "警报", lacks, action)
    else:
        yield Finding(GOOD, "警报", "出了事会告诉 [alarms] 里写的人；运行 alarm test 可以试一试")


def _backup(house: Installation) -> Iterator[Finding]:
    newest = backup.newest(house.backups)
    if newest is None:
        yield Finding(HINT, "备份", "一份也没有", "请运行 db backup，并打开每天夜里的自动备份。")
        return
    age = house.now - newest
    words = f"最近一份是 {age.days} 天前做的" if age.days else "最近一份不到一天"
    words = f"{words}，在 {house.backups.absolute()}"
    if age > backup.STALE:
        yield Finding(
            BAD, "备份", words, "请运行 db backup，再看自动备份：systemctl status gonghui-backup.timer。"
        )
    else:
        yield Finding(GOOD, "备份", words)


CHECKS: tuple[Callable[[Installation], Iterable[Finding]], ...] = (
    _config,
    _live,
    _holidays,
    _database,
    _keys,
    _disk,
    _redis,
    _work,
    _told,
    _backup,
)
