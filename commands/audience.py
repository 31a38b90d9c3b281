"""How many people a push reaches, as far as the list, the database and WeChat say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from commands.outlook import AudienceSize
from commands.parts import Parts
from ground import audience as spelled
from ground import roster
from jobs.audience import sizes, tags
from wx.account import missing
from wx.client import Api, MemoryTokens
from wx.errors import WeChatError


def counted(folder: Path, audience_size: AudienceSize, tags: Mapping[str, int] | None) -> AudienceSize:
    """Counts lists itself, because they stand beside the config file; WeChat has counted its tags, the followers' table
    the rest."""

    def count(text: str) -> int | None:
        whom = spelled.read(text)
        if isinstance(whom, spelled.Those) and whom.kind == "openids":
            try:
                return roster.count(folder, whom.of)
            except roster.RosterError:
                return None
        known = audience_size(text)
        if known is None and isinstance(whom, spelled.Those) and whom.kind == "tag":
            return (tags or {}).get(whom.of)
        return known

    return count


def size_of(parts: Parts) -> AudienceSize:
    """How many people an audience reaches; WeChat is asked where it goes to a tag."""

    def size(audience: str) -> int | None:
        known = tags_of(parts, []) if audience.startswith("tag:") else None
        return counted(parts.path.parent, sizes(parts.audience, parts.clock.now()), known)(audience)

    return size


def tags_of(parts: Parts, notes: list[str]) -> Mapping[str, int] | None:
    """The tags that WeChat knows, where a push goes to one; None where it was not asked or did not answer."""
    config = parts.config
    named = any("tag:" in push.audience for each in config.campaigns for push in each.pushes)
    if not named or missing(config.account):
        return None
    try:
        return tags(Api(config.account, MemoryTokens()))
    except WeChatError:
        notes.append("有推送发给标签，可是没能问到微信有哪些标签；请运行 doctor 看看是不是连不上")
        return None


def counted_by_wechat(parts: Parts) -> int | None:
    """How many follow by WeChat's count, None where it did not say."""
    if missing(parts.config.account):
        return None
    try:
        return Api(parts.config.account, MemoryTokens()).total()
    except WeChatError:
        return None
