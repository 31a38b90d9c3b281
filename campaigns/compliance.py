"""What WeChat punishes and the law forbids in a text that many will read, told with the rule that says so.

Patterns find wording, not intent: each needs both the request and what it is tied to, so that 欢迎转发给工友 passes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from ground.normal import normal
from ground.personal import MOBILE, numbers
from ground.text import masked_digits
from ground.wide import shown

LINK = re.compile(r"https?://[^\s\"'<>（）)，。、；：！？“”]+")
KNOWN = ("weixin.qq.com", "gov.cn", "acftu.org")  # and what is below them
_GAP, _SHORT = r"[^。！？!?\n]{0,14}?", r"[^。！？!?\n]{0,6}?"
_SHARED, _TIED = (
    "(?:转发|分享(?!会)|集赞|点赞|邀请|拉人|拉好友)",
    "(?:以?后|即可|就能|就可以|才能|才可|方可|满|够)",
)
_GAIN = "(?:抽奖|中奖|红包|礼品|礼物|小礼|奖品|得奖|领取|领奖|免费|积分|优惠|话费|流量|返现|查看|答案|解锁|下载|参与|参加)"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is forbidden, in the words of the rule."""

    name: str
    found: re.Pattern[str]
    quote: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in a text, in Chinese; `serious`: it must be changed, else it is worth a look."""

    words: str
    serious: bool


RULES = (
    Rule(
        "诱导分享",
        re.compile(
            f"{_SHARED}{_GAP}{_TIED}{_GAP}{_GAIN}|集{_SHORT}个?赞|(?:凡是?|只要|必须|需要?){_SHORT}(?:转发|分享|集赞)"
            "|不(?:转|分享)(?:就)?不是|必转|转疯了|速转|求转发|转发.{0,6}(?:保平安|好运|平安)"
        ),
        "《微信公众平台运营规范》不许“以奖励或其他方式，强制或诱导用户将消息分享至朋友圈”",
        "请删掉这个条件；可以写“欢迎转告身边的工友”",
    ),
    Rule(
        "诱导关注",
        re.compile(
            f"关注{_GAP}(?:以?后|即可|就能|就可以|才能|才可|方可){_GAP}{_GAIN}|(?:必须|先|需要?)关注{_GAP}(?:再|才|方)"
        ),
        "《微信公众平台运营规范》不许“以奖励或其他方式，强制或诱导用户关注公众帐号”",
        "请删掉这个条件",
    ),
)
PRIVACY = "《个人信息保护法》第二十五条：“个人信息处理者不得公开其处理的个人信息，取得个人单独同意的除外”"


def findings(text: str, sensitive: Collection[str], sites: Collection[str]) -> Iterator[Finding]:
    """Everything in this text. `sensitive` words are as `normal` makes them; `sites` are hosts that are no strangers."""
    for rule in RULES:
        if found := rule.found.search(text):
            yield Finding(f"“{shown(found[0], 40)}”像是{rule.name}。{rule.quote}。{rule.remedy}", True)
    for kind, number in dict.fromkeys(numbers(text)):
        words = f"里面有{kind} {masked_digits(number)}。{PRIVACY}。"
        remedy = "是办公用的就不用管；是哪一个人的，请删掉" if kind == MOBILE else "请删掉"
        yield Finding(words + remedy, kind != MOBILE)
    plain = normal(text)
    for word in (word for word in sensitive if word in plain):
        yield Finding(f"里面有敏感词表里的“{shown(word)}”，请看一看该不该这样写", False)
    for host in dict.fromkeys(_host(link) for link in links(text)):
        if not _is_known(host, sites):
            yield Finding(
                f"链接到了别人的网站 {shown(host)}，那里写什么我们管不了；信得过的，把它写进 [moderation] sites",
                False,
            )


def links(text: str) -> list[str]:
    """Every link in a text, each once."""
    return list(dict.fromkeys(LINK.findall(text)))


def _host(link: str) -> str:
    try:
        return urlsplit(link).hostname or link
    except ValueError:
        return link


def _is_known(host: str, sites: Collection[str]) -> bool:
    return any(host == site or host.endswith(f".{site}") for site in (*KNOWN, *sites) if site)
