"""`doctor`: looks at everything a working installation stands on, and gives one thing to do for each failing check."""

from __future__ import annotations

import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from channels import CHANNELS
from channels.alarm import Alarms
from commands import entrance
from commands.command_line import Options
from commands.parts import Parts, lacks
from ground.days import SHANGHAI
from ground.workdays import Workdays, unannounced, workdays
from models import alarm, backup, recent, refused, resealing, schema, shared
from models.base import Store, StoreError
from models.condition import condition, redis_answers
from wx.account import LOOPBACK, WORDS, Account, missing
from wx.client import Api, MemoryTokens
from wx.errors import ERRCODES, ApiError, NoAnswer, NotSent, WeChatError
from wx.errors import explain as meaning
from wx.reach import Reached, reach
from wx.refused import in_words, remedy

GOOD, HINT, BAD = "✓", "·", "✗"
LEAST_DISK, TIGHT_DISK = 100_000_000, 1_000_000_000  # bytes
DRIFT, MOST_DRIFT = timedelta(seconds=10), timedelta(seconds=60)
NOBODY = Alarms()
ANNOUNCED_ONLY = Workdays()
POLICIES = {
    "retry": "系统稍后自己再试，次数有限。",
    "wait_minute": "系统停一分钟再继续。",
    "wait_day": "系统等到明天零点（北京时间）再继续。",
    "skip_person": "这个人不发，其他人照发。",
    "skip_call": "这一批人都发不了，跳过这一批，其他批照发。",
    "pause_push": "这次推送暂停，等您处理后用 push resume 继续。",
    "stop_all": "所有推送都停下，等您处理。",
    "sent": "算已经发出，不会重复发。",
    "bug": "这次推送暂停，并通知技术人员。",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `action` is the one thing to do, '' when nothing is to be done."""

    mark: str
    subject: str
    words: str
    action: str = ""


@dataclass(frozen=True, slots=True)
class Installation:
    """What is looked at. `now` is the wall clock's."""

    config: Path
    account: Account
    base_url: str
    store: Store
    redis_url: str
    backups: Path
    api: Api
    now: datetime
    alarms: Alarms = NOBODY
    workdays: Workdays = ANNOUNCED_ONLY
    faults: Sequence[
        str
    ] = ()  # of the config file; the rest is then looked at as far as the file can be read
    nginx: Path = entrance.NGINX

    @property
    def begun(self) -> bool:
        """Whether there are tables to look into. Looking makes no database."""
        file = self.store.file
        return (file is None or file.exists()) and not schema.standing(self.store).pending

    @property
    def simulated(self) -> bool:
        """WeChat is on this machine: a demonstration or a test."""
        return urlsplit(self.account.api_base).hostname in LOOPBACK


# --- commands ----------------------------------------------------------------------------------------------------


def doctor(installation: Installation, say: Callable[[str], None] = print) -> int:
    """`doctor`: every check, each with its result; 0 when nothing is wrong, else 1."""
    bad = 0
    for check in CHECKS:
        for finding in _findings(check, installation):
            bad += finding.mark == BAD
            say(f"{finding.mark} {finding.subject}：{finding.words}")
            if finding.action:
                say(f"    怎么办：{finding.action}")
    say(f"\n有 {bad} 处要处理，请从上往下一处一处来。" if bad else "\n都正常。")
    return 1 if bad else 0


def explain(code: str, say: Callable[[str], None] = print) -> int:
    """`doctor CODE`: what one of WeChat's error codes means; 1 when we do not know it, 2 when it is no code."""
    if not re.fullmatch(r"-?\d{1,7}", code):
        say("请写微信返回的错误代码，例如：doctor 40164")
        return 2
    known = ERRCODES.get(int(code))
    if known is None:
        say(
            f"{code}：这个代码我们没有记录。请在微信公众平台的开发文档里查“全局返回码”，或者把它发给技术人员。"
        )
        return 1
    say(f"{code}：{known.means_zh}。")
    say(f"怎么办：{known.action_zh}")
    say(f"推送遇到它时：{POLICIES[known.policy]}")
    return 0


def _findings(check: Callable[[Installation], Iterable[Finding]], house: Installation) -> Iterator[Finding]:
    """What a check found; a database that fails under it is a finding too."""
    try:
        yield from check(house)
    except StoreError as error:
        kind = type(error).__name__
        yield Finding(BAD, "数据库", f"没有回应（{kind}）", "请检查 [database] url，以及数据库有没有启动。")


# --- this machine ------------------------------------------------------------------------------------------------


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


# --- the network -------------------------------------------------------------------------------------------------


def _site(house: Installation) -> Iterator[Finding]:
    url = house.base_url
    if not house.simulated and (not url.startswith("https://") or urlsplit(url).hostname in LOOPBACK):
        yield Finding(
            BAD, "网址", f"{url} 不是正式的网址", "请把 [site] base_url 改成 https:// 开头的正式域名。"
        )
        return
    try:
        answer = reach(f"{url}/healthz")
    except WeChatError as error:
        yield Finding(BAD, "网址", f"{url} 打不开（{_network_words(error)}）", _site_action(error))
        return
    if answer.status == 200:
        yield Finding(GOOD, "网址", f"{url} 打得开")
    else:
        action = "请看 serve 有没有启动：systemctl status gonghui-serve。"
        yield Finding(BAD, "网址", f"{url} 回答的不是本系统（{answer.status}）", action)


def _entrance(house: Installation) -> Iterator[Finding]:
    for words, action in entrance.gaps(house.nginx):
        yield Finding(BAD, "nginx", words, action)


def _refusals(house: Installation) -> Iterator[Finding]:
    if not house.begun:
        return
    with house.store.reading() as connection:
        counts = refused.lately(connection, datetime.now(UTC))
    if counts:
        yield Finding(
            HINT, "被拒绝的消息", f"最近一小时里有：{in_words(counts)}（各进程最近的一分钟）", remedy(counts)
        )


def _site_action(error: WeChatError) -> str:
    if "SSL" in str(error):
        return "请换上有效的证书（看看是不是过期了），再重新加载 nginx。"
    return "请依次看：serve 有没有启动，nginx 有没有启动，域名是不是指向本机。"


def _wechat(house: Installation) -> Iterator[Finding]:
    try:
        answer = reach(f"{house.account.api_base}/cgi-bin/token")
    except WeChatError as error:
        words = f"连不上 {house.account.api_base}（{_network_words(error)}）"
        yield Finding(BAD, "微信", words, "请检查本机能不能上网，防火墙有没有放行 443 端口。")
        return
    yield Finding(GOOD, "微信", f"连得上，{answer.took_s * 1000:.0f} 毫秒")
    yield from _clock(answer, house)
    if not missing(house.account):
        yield from _account(house)


def _clock(answer: Reached, house: Installation) -> Iterator[Finding]:
    if answer.date is None or house.simulated:
        return
    drift = datetime.now(UTC) - answer.date
    words = f"和微信相差 {abs(drift.total_seconds()):.0f} 秒"
    action = "请打开时间同步：timedatectl set-ntp true。"
    if abs(drift) > MOST_DRIFT:
        yield Finding(BAD, "时钟", words, action)
    elif abs(drift) > DRIFT:
        yield Finding(HINT, "时钟", words, action)
    else:
        yield Finding(GOOD, "时钟", words)


def _account(house: Installation) -> Iterator[Finding]:
    try:
        house.api.token()
    except WeChatError as error:
        yield _refused("账号", error)
        return
    yield Finding(GOOD, "账号", "AppID、AppSecret 和 IP 白名单都对")
    for check in (_callback, _menu, _quota):
        try:
            yield from check(house)
        except WeChatError as error:
            yield _refused(RIGHTS[check], error)


def _callback(house: Installation) -> Iterator[Finding]:
    answer = house.api.check_callback()
    lost = [each for each in answer.get("ping", []) if str(each.get("package_loss", "")) != "0%"]
    if not answer.get("dns"):
        yield Finding(BAD, "微信到本机", "微信解析不了我们的域名", "请检查域名的解析（DNS）设置。")
    elif lost:
        words = "、".join(f"{each.get('ip')} 丢包 {each.get('package_loss')}" for each in lost)
        yield Finding(HINT, "微信到本机", words, "如果职工说公众号没有反应，请找机房查看网络。")
    else:
        yield Finding(GOOD, "微信到本机", "线路通畅")


def _menu(house: Installation) -> Iterator[Finding]:
    if house.api.menu() is None:
        yield Finding(HINT, "菜单", "还没有发布", "请运行 menu check，再运行 menu publish。")
    else:
        yield Finding(GOOD, "菜单", "已发布，有菜单权限")


def _quota(house: Installation) -> Iterator[Finding]:
    for channel in (each for each in CHANNELS.values() if each.quota):
        quota = house.api.quota(channel.quota)
        left, limit = quota.get("remain"), quota.get("daily_limit")
        yield Finding(GOOD if left else HINT, channel.title, f"接口今天还能调用 {left} 次（每天 {limit} 次）")


RIGHTS: dict[Callable[[Installation], Iterator[Finding]], str] = {
    _callback: "微信到本机",
    _menu: "菜单",
    _quota: "推送权限",
}


def _refused(subject: str, error: WeChatError) -> Finding:
    """A refusal of WeChat's in words; with our address where the white list is what is missing."""
    if not isinstance(error, ApiError):
        words = f"微信没有回答（{_network_words(error)}）"
        return Finding(BAD, subject, words, "请稍后再试；一直这样的话，请检查网络。")
    known = meaning(error.errcode)
    address = re.search(r"invalid ip ([0-9.]+)", error.errmsg) if error.errcode == 40164 else None
    action = f"{known.action_zh}本服务器的公网地址是 {address[1]}。" if address else known.action_zh
    return Finding(BAD, subject, f"{known.means_zh}（{error.errcode}）", action)


def _network_words(error: WeChatError) -> str:
    if "SSL" in str(error):
        return "证书有问题"
    if isinstance(error, NoAnswer):
        return "等了很久没有回答"
    return "连接不上" if isinstance(error, NotSent) else "没有回答"


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
    _site,
    _entrance,
    _refusals,
    _wechat,
)


def _api(parts: Parts) -> Api:
    """WeChat, with the access token that all share; with one of our own where there is no database to share it."""
    try:
        shares = not lacks(parts.store)
    except StoreError:
        shares = False
    return parts.api if shares else Api(parts.config.account, MemoryTokens())


def run(options: Options, parts: Parts) -> int:
    """All of it, or one of WeChat's codes in words."""
    if options.code:
        return explain(options.code)
    faults = [str(problem) for problem in parts.loaded.problems]
    parts.salvage()
    config = parts.config
    house = Installation(
        parts.path,
        config.account,
        config.site.base_url,
        parts.store,
        config.redis.url.get_secret_value(),
        parts.backups,
        _api(parts),
        datetime.now(UTC),
        config.alarms,
        workdays(config.holidays),
        faults,
    )
    return doctor(house)
