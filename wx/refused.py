"""What refuses a message at /wx, in the staff's words. Who sent it is told nothing."""

from __future__ import annotations

from collections.abc import Mapping

from wx.envelope import Check

WORDS: Mapping[str, tuple[str, str]] = {
    Check.QUERY: ("网址里缺东西或不合格式", "多半是别人在乱试，不用管。"),
    Check.SIGNATURE: (
        "签名不对",
        "如果职工发消息没有回答：请把公众平台上的 Token 和配置文件里的对一对，再重新启动。否则是别人在乱试。",
    ),
    Check.AGE: (
        "时间差得太多",
        "请看本机时间准不准：timedatectl；打开时间同步：timedatectl set-ntp true。",
    ),
    Check.MSG_SIGNATURE: (
        "没有加密，或加密的签名不对",
        "请看公众平台上的“消息加解密方式”和配置文件里的 [account] mode 是不是一样。",
    ),
    Check.CIPHER: (
        "解不开",
        "请把公众平台上的 EncodingAESKey 和 AppID 跟配置文件里的对一对，再重新启动。",
    ),
    Check.XML: ("不是微信的消息格式", "签名是对的，内容不是：请看公众平台和本机之间有没有别的程序改了内容。"),
}
"""Check → what was wrong, what to do."""


def in_words(counts: Mapping[str, int]) -> str:
    """签名不对 11 条、时间差得太多 1 条."""
    return "、".join(f"{WORDS[check][0]} {number} 条" for check, number in _most_first(counts))


def remedy(counts: Mapping[str, int]) -> str:
    """What to do about what refused most."""
    return WORDS[_most_first(counts)[0][0]][1]


def _most_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(
        ((check, number) for check, number in counts.items() if check in WORDS), key=lambda one: -one[1]
    )
