"""Every API path that the platform serves: its verb, who may call it, and what answers."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from wx.simulator import material, menu, people, sending
from wx.simulator.world import Errcode, Json, World

FAR_MORE = 5_000_000  # the daily limit of what has none in the guide's table
SCENE_SIGNS = 64
CLEARS_PER_MONTH = 10
FLAWS = {40033: "invalid charset, \\uxxxx", 44002: "empty post data", 47001: "data format error"}


@dataclass(frozen=True, slots=True)
class Call:
    """One API call as it arrived: `path` without /cgi-bin/, `files` as field -> (file name, bytes)."""

    path: str
    method: str = "POST"
    params: dict[str, str] = field(default_factory=dict)
    body: Json = field(default_factory=dict)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    ip: str = "127.0.0.1"
    flaw: int = 0  # the errcode of a body that cannot be read


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path: `verified` and `service` say which accounts may call it (适用范围); others get 48001."""

    method: str
    answer: Callable[[World, Call], Json]
    verified: bool = True
    service: bool = False


def _menu_create(world: World, call: Call) -> Json:
    menu.create(world, call.body)
    return {}


def _menu_delete(world: World, _: Call) -> Json:
    world.menu = None
    return {}


def _upload(world: World, call: Call) -> Json:
    return material.upload(world, call.params.get("type", ""), *_file(call), for_ever=False)


def _add_material(world: World, call: Call) -> Json:
    return material.upload(world, call.params.get("type", ""), *_file(call), for_ever=True)


def _file(call: Call) -> tuple[str, bytes]:
    if "media" not in call.files:
        raise Errcode(41005, "media data missing")
    return call.files["media"]


def _addresses(_: World, __: Call) -> Json:
    return {"ip_list": ["127.0.0.1", "127.0.0.0/8"]}


def _check_callback(_: World, call: Call) -> Json:
    action = call.body.get("action")
    if action not in ("dns", "ping", "all"):
        raise Errcode(40202, "invalid action")
    if call.body.get("check_operator") not in ("CHINANET", "UNICOM", "CAP", "DEFAULT"):
        raise Errcode(40203, "invalid check_operator")
    dns = [{"ip": "127.0.0.1", "real_operator": "UNICOM"}]
    ping = [{"ip": "127.0.0.1", "from_operator": "UNICOM", "package_loss": "0%", "time": "1.000ms"}]
    return {"dns": dns if action != "ping" else [], "ping": ping if action != "dns" else []}


def _create_code(_: World, call: Call) -> Json:
    """A QR code that does not end, with a text as its scene (platform guide, 生成带参数的二维码)."""
    scene = call.body.get("action_info", {}).get("scene", {}).get("scene_str")
    if call.body.get("action_name") != "QR_LIMIT_STR_SCENE":
        raise Errcode(40053, "invalid action info")
    if not isinstance(scene, str) or not 1 <= len(scene) <= SCENE_SIGNS:
        raise Errcode(40053, "invalid action info")
    mark = hashlib.sha256(scene.encode()).hexdigest()[:20]
    return {"ticket": f"gQ{mark}", "url": f"http://weixin.qq.com/q/{mark}"}


ENDPOINTS: dict[str, Endpoint] = {
    "qrcode/create": Endpoint("POST", _create_code, service=True),
    "message/mass/sendall": Endpoint("POST", lambda world, call: sending.to_all(world, call.body)),
    "message/mass/send": Endpoint(
        "POST", lambda world, call: sending.to_many(world, call.body), service=True
    ),
    "message/mass/preview": Endpoint("POST", lambda world, call: sending.preview(world, call.body)),
    "message/template/send": Endpoint(
        "POST", lambda world, call: sending.to_one_by_template(world, call.body), service=True
    ),
    "message/custom/send": Endpoint("POST", lambda world, call: sending.to_one_by_service(world, call.body)),
    "draft/add": Endpoint("POST", lambda world, call: material.add_draft(world, call.body.get("articles"))),
    "material/add_material": Endpoint("POST", _add_material),
    "media/get": Endpoint("GET", lambda world, call: material.download(world, call.params.get("media_id"))),
    "ticket/getticket": Endpoint(
        "GET", lambda world, call: people.ticket(world, call.params.get("type", ""))
    ),
    "media/upload": Endpoint("POST", _upload),
    "media/uploadimg": Endpoint("POST", lambda world, call: material.picture(world, *_file(call))),
    "menu/create": Endpoint("POST", _menu_create),
    "menu/get": Endpoint("GET", lambda world, _: menu.get(world)),
    "menu/delete": Endpoint("GET", _menu_delete),
    "get_current_selfmenu_info": Endpoint("GET", lambda world, _: menu.shown(world), verified=False),
    "tags/get": Endpoint("GET", lambda world, _: people.tags(world)),
    "user/get": Endpoint(
        "GET", lambda world, call: people.followers(world, call.params.get("next_openid", ""))
    ),
    "user/tag/get": Endpoint(
        "POST",
        lambda world, call: people.tagged(world, call.body.get("tagid"), call.body.get("next_openid") or ""),
    ),
    "user/info": Endpoint("GET", lambda world, call: people.profile(world, call.params.get("openid"))),
    "user/info/batchget": Endpoint(
        "POST", lambda world, call: people.profiles(world, call.body.get("user_list"))
    ),
    "getcallbackip": Endpoint("GET", _addresses, verified=False),
    "get_api_domain_ip": Endpoint("GET", _addresses, verified=False),
    "callback/check": Endpoint("POST", _check_callback, verified=False),
}
