"""The control API of the simulated platform: whoever holds the phones, and whoever makes trouble."""

import base64
from collections.abc import Callable
from datetime import UTC
from typing import Any

from wx.simulator.phone import NoSuchButton, NotFollowing, Phone
from wx.simulator.platform import Platform
from wx.simulator.world import Errcode, Json

LOG_PAGE = 5000


class NotFound(Exception):
    """No such worker."""


def workers(platform: Platform, _: Json) -> Json:
    """Everybody with a phone."""
    with platform.world.lock:
        people = list(platform.world.followers.values())
    return {"workers": [{"openid": p.openid, "name": p.name, "following": p.following} for p in people]}


def new_worker(platform: Platform, given: Json) -> Json:
    """Somebody who does not follow yet, or who is there already under that name."""
    return {"openid": platform.world.person(str(given.get("name", "")).strip()[:30] or "某职工").openid}


def chat(platform: Platform, given: Json) -> Json:
    """The entries of a chat after a sequence number."""
    phone = _phone(platform, given)
    after = int(given.get("after") or 0)
    return {
        "now": platform.world.now().astimezone(UTC).isoformat(),
        "following": phone.follower.following,
        "entries": [entry.shown() for entry in phone.chat if entry.seq > after],
    }


def shown_menu(platform: Platform, _: Json) -> Json:
    """The menu as a phone shows it."""
    return platform.world.menu or {"button": []}


def do(platform: Platform, given: Json) -> Json:
    """One act of a worker: whether the account answered, what to tell him, and the page that a tap opens."""
    phone = _phone(platform, given)
    act = ACTS.get(str(given.get("action")))
    if act is None:
        raise NotFound("action")
    newest = max((entry.seq for entry in phone.chat), default=0)
    try:
        url = act(phone, given)
    except NotFollowing:
        return {"answered": False, "note": "请先关注公众号"}
    except NoSuchButton:
        return {"answered": False, "note": "菜单里没有这一项"}
    except Errcode:
        return {"answered": False, "note": "这个文件发不出去，请换一个小一点的"}
    answered = any(entry.seq > newest for entry in phone.received)
    return {"answered": answered} | ({"url": url} if url else {})


def _say(phone: Phone, given: Json) -> None:
    phone.says(str(given.get("text", "")))


def _tap(phone: Phone, given: Json) -> str:
    wanted: Any = given.get("key") or given.get("path") or given.get("index") or ""
    wanted = wanted if isinstance(wanted, str) else [int(place) for place in wanted]
    button = phone.button(wanted)
    phone.taps(wanted)
    return str(button.get("url", ""))


def _location(phone: Phone, given: Json) -> None:
    x, y = float(given.get("x") or 41.119997), float(given.get("y") or 122.070714)
    phone.sends_location(x, y, str(given.get("label") or "盘锦市"))


def _link(phone: Phone, given: Json) -> None:
    title = str(given.get("label") or "分享的文章")
    phone.sends_link(title, url=str(given.get("url") or "https://mp.weixin.qq.com/"))


def _picture(phone: Phone, given: Json) -> None:
    phone.sends_picture(base64.b64decode(str(given.get("data") or "")))


def _voice(phone: Phone, given: Json) -> None:
    phone.sends_voice(given.get("recognition") or None)


ACTS: dict[str, Callable[[Phone, Json], object]] = {
    "follow": lambda phone, given: phone.follows(given.get("scene") or None) and None,
    "unfollow": lambda phone, _: phone.unfollows() and None,
    "say": _say,
    "tap": _tap,
    "scan": lambda phone, given: phone.scans(str(given.get("scene", ""))) and None,
    "picture": _picture,
    "voice": _voice,
    "video": lambda phone, _: phone.sends_video() and None,
    "location": _location,
    "link": _link,
    "choose": lambda phone, given: phone.chooses(str(given.get("id", ""))) and None,
    "block": lambda phone, given: phone.blocks(bool(given.get("on", True))),
}


def fault(platform: Platform, given: Json) -> Json:
    """Puts a fault into the script, or with {"clear": true} empties it."""
    if given.get("clear"):
        platform.faults.clear()
        return {}
    names = ("errcode", "http", "delay_s", "hang", "reset", "trickle", "garbage", "times", "rate", "done")
    platform.faults.add(str(given.get("path", "*")), **{name: given[name] for name in names if name in given})
    return {}


def kill_token(platform: Platform, _: Json) -> Json:
    """Every token becomes bad, as when somebody else forces a new one."""
    platform.issuer.kill()
    return {}


def results(platform: Platform, given: Json) -> Json:
    """When and how often results of messages are posted: delay_s, copies, early."""
    for name in ("delay_s", "copies", "early"):
        if name in given:
            setattr(platform.results, name, given[name])
    return {}


def log(platform: Platform, given: Json) -> Json:
    """What was accepted for delivery, at most 5000 rows after a sequence number, and how many repeats there were."""
    rows = platform.log
    after = int(given.get("after") or 0)
    page = [row.shown() for row in rows if row.seq > after][:LOG_PAGE]
    return {"total": len(rows), "repeats": sum(row.repeats for row in rows), "entries": page}


def _phone(platform: Platform, given: Json) -> Phone:
    follower = platform.world.followers.get(str(given.get("openid", "")))
    if follower is None:
        raise NotFound("openid")
    return Phone(platform, follower.name)


ROUTES: dict[tuple[str, str], Callable[[Platform, Json], Json]] = {
    ("GET", "workers"): workers,
    ("POST", "workers"): new_worker,
    ("GET", "chat"): chat,
    ("GET", "menu"): shown_menu,
    ("POST", "do"): do,
    ("POST", "fault"): fault,
    ("POST", "token/kill"): kill_token,
    ("POST", "results"): results,
    ("GET", "log"): log,
}
