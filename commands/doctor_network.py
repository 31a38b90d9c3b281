"""`doctor` beyond this machine: the site's address and entrance, WeChat and what it says of the account."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from channels import CHANNELS
from commands import entrance
from commands.installation import BAD, GOOD, HINT, Finding, Installation
from models import refused
from wx.account import LOOPBACK, missing
from wx.errors import ApiError, NoAnswer, NotSent, WeChatError
from wx.errors import explain as meaning
from wx.reach import Reached, reach
from wx.refused import in_words, remedy

DRIFT, MOST_DRIFT = timedelta(seconds=10), timedelta(seconds=60)


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
    _site,
    _entrance,
    _refusals,
    _wechat,
)
