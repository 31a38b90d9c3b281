"""Followers and tags as the platform's lists show them (platform guide, 用户管理)."""

from typing import Any

from wx.simulator.world import Errcode, Follower, Json, World

MOST_PROFILES = 100


def followers(world: World, after: str) -> Json:
    """One page of all openids."""
    return _page(world, [follower.openid for follower in world.current()], after, total=True)


def tagged(world: World, tag_id: Any, after: str) -> Json:
    """One page of a tag's openids. Raises 45159."""
    if tag_id not in world.tags:
        raise Errcode(45159, "invalid tag id")
    return _page(world, [one.openid for one in world.current() if tag_id in one.tags], after)


def tags(world: World) -> Json:
    """Every tag with the number of its followers."""
    people = world.current()
    return {
        "tags": [
            {"id": tag_id, "name": name, "count": sum(tag_id in one.tags for one in people)}
            for tag_id, name in world.tags.items()
        ]
    }


def profiles(world: World, asked: Any) -> Json:
    """What the platform tells of at most 100 people; raises 40032 for more, 40003 for a stranger."""
    if not isinstance(asked, list) or not 1 <= len(asked) <= MOST_PROFILES:
        raise Errcode(40032, "invalid openid list size")
    return {"user_info_list": [profile(world, one.get("openid")) for one in asked]}


def profile(world: World, openid: Any) -> Json:
    """No name and no picture since 2021-12-27; of somebody who left, nothing but that."""
    one = world.known(openid)
    if not one.following:
        return {"subscribe": 0, "openid": one.openid}
    return {
        "subscribe": 1,
        "openid": one.openid,
        "language": "zh_CN",
        "subscribe_time": int(one.since.timestamp()) if one.since else 0,
        "remark": "",
        "groupid": one.tags[0] if one.tags else 0,
        "tagid_list": list(one.tags),
        "subscribe_scene": "ADD_SCENE_QR_CODE" if one.scene else "ADD_SCENE_SEARCH",
        "qr_scene": int(one.scene) if one.scene.isdigit() else 0,
        "qr_scene_str": "" if one.scene.isdigit() else one.scene,
    }


def tag(world: World, follower: Follower, name: str) -> int:
    """Puts a tag on a follower, made when new, and gives its id."""
    with world.lock:
        found = [tag_id for tag_id, known in world.tags.items() if known == name]
        tag_id = found[0] if found else max(99, *world.tags) + 1
        world.tags[tag_id] = name
        if tag_id not in follower.tags:
            follower.tags.append(tag_id)
        return tag_id


def _page(world: World, openids: list[str], after: str, *, total: bool = False) -> Json:
    if after and after not in openids:
        raise Errcode(40003, "invalid openid")
    start = openids.index(after) + 1 if after else 0
    page = openids[start : start + world.limits.page]
    answer: Json = {"count": len(page), "next_openid": page[-1] if page else ""}
    if total:
        answer["total"] = len(openids)
    if page:
        answer["data"] = {"openid": page}
    return answer


def ticket(world: World, kind: str) -> Json:
    """What pages of this account are signed with (JS-SDK). Raises 40097 for another kind."""
    if kind != "jsapi":
        raise Errcode(40097, "invalid args")
    return {"ticket": f"ticket-of-{world.account.app_id}", "expires_in": 7200}
