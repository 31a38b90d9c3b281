"""`doctor`: looks at everything a working installation stands on, and gives one thing to do for each failing check."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from commands import doctor_machine, doctor_network
from commands.command_line import Options
from commands.installation import BAD, Finding, Installation
from commands.parts import Parts, lacks
from ground.workdays import workdays
from models.base import StoreError
from wx.client import Api, MemoryTokens
from wx.errors import ERRCODES

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


def doctor(installation: Installation, say: Callable[[str], None] = print) -> int:
    """`doctor`: every check, each with its result; 0 when nothing is wrong, else 1."""
    bad = 0
    for check in (*doctor_machine.CHECKS, *doctor_network.CHECKS):
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
