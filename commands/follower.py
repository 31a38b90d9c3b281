"""What staff type about followers: `follower import`, which asks WeChat who follows. Gives the exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from tqdm import tqdm

from commands.command_line import GOOD, PROBLEM, Options
from commands.parts import Parts, filled, stored
from models import alarm, follower, shared
from models.base import Store
from wx import answers
from wx.client import Api
from wx.errors import ApiError, WeChatError, explain

ASKED = 100  # platform guide, 批量获取用户基本信息
GONE = 40003
PLACE = "follower import"  # the row that says how far the last one came
Say = Callable[[str], None]


def run(options: Options, parts: Parts) -> int:
    """What was typed after `follower`: there is only `import`."""
    filled(parts, "还不能问微信")
    return import_followers(stored(parts).store, parts.api, parts.clock.now)


def import_followers(store: Store, api: Api, now: Callable[[], datetime], say: Say = print) -> int:
    """Write down everybody who follows the account, with WeChat's own time; one that was broken off goes on where it was.

    What came in by itself meanwhile is younger and stands. It only adds and corrects, and sends nothing."""
    after, done = _place(store, now())
    if after:
        say(f"接着上一次的，已经看过 {done} 人。")
    changed = 0
    try:
        with tqdm(total=api.total(), initial=done, unit="人", leave=False) as bar:
            for page, following in api.follower_pages(after):
                for some in _hundreds(page):
                    changed += _take_in(store, api, some, now())
                    bar.update(len(some))
                done += len(page)
                with store.writing() as connection:
                    shared.write(connection, PLACE, f"{done} {following}", now())
    except WeChatError as error:
        if (
            isinstance(error, ApiError) and error.errcode == GONE
        ):  # after whom we went on has left: from the beginning
            with store.writing() as connection:
                shared.drop(connection, PLACE)
        say(f"没有做完（看过 {done} 人）：{_why(error)}再运行一次 follower import，会接着做。")
        return PROBLEM
    with store.writing() as connection:
        shared.drop(connection, PLACE)
        alarm.clear(connection, follower.DIFFERS, now())
        ours = follower.count(connection)
    say(f"做完了：微信报了 {done} 人，新记下或改正了 {changed} 人；现在账上有 {ours} 位关注者。")
    return GOOD


def _place(store: Store, now: datetime) -> tuple[str, int]:
    """After whom to go on, and how many were seen; from the beginning where nothing was broken off."""
    with store.reading() as connection:
        found = shared.read(connection, PLACE, now)
    if found is None:
        return "", 0
    done, _, after = found[0].partition(" ")
    return after, int(done)


def _hundreds(openids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(openids), ASKED):
        yield openids[start : start + ASKED]


def _take_in(store: Store, api: Api, openids: Sequence[str], now: datetime) -> int:
    """How many were new or had been taken for somebody who left. Who left while we asked is left out."""
    people = {
        answers.text(each, "openid"): datetime.fromtimestamp(answers.number(each, "subscribe_time"), UTC)
        for each in api.profiles(openids)
        if each.get("subscribe")
    }
    with store.writing() as connection:
        return follower.take_in(connection, people, now)


def _why(error: WeChatError) -> str:
    if isinstance(error, ApiError):
        row = explain(error.errcode)
        return f"{row.means_zh}（{error.errcode}）。{row.action_zh}"
    return f"微信没有回答，或者回答读不懂（{type(error).__name__}）。"
