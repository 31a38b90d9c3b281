"""A worker with WeChat on his phone."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from wx.simulator import material, menu
from wx.simulator.callback import Exchange, Reply
from wx.simulator.platform import Platform
from wx.simulator.world import Act, Entry, Json, Speaker

# Events whose answer WeChat shows; to all others it listens and shows nothing.
ANSWERED = {"subscribe", "SCAN", "CLICK", "scancode_waitmsg"}
OPENS: dict[str, Act] = {
    "subscribe": "follow",
    "SCAN": "scan",
    "CLICK": "menu",
    "scancode_push": "menu",
    "scancode_waitmsg": "menu",
}


class NotFollowing(Exception):
    """Only followers can write to the account."""


class NoSuchButton(Exception):
    """The menu has no button of that key, name or place."""


class Phone:
    """A follower, or somebody who is not one yet. Each act returns the account's words, '' for silence."""

    def __init__(self, platform: Platform, name: str) -> None:
        self.platform = platform
        self.follower = platform.world.person(name)
        self.openid = self.follower.openid
        self.last = ""  # the words of the last answer
        self.answers: list[Exchange] = []  # how the deliveries of the last act ended
        self._copies, self._parallel = 1, False

    @property
    def chat(self) -> list[Entry]:
        """What stands in the chat, oldest first."""
        with self.platform.world.lock:
            return list(self.follower.chat)

    @property
    def received(self) -> list[Entry]:
        """What the account sent, answers and pushes."""
        return [entry for entry in self.chat if entry.speaker == "account"]

    # -- acts ----------------------------------------------------------------------------------------------

    def follows(self, scene: str | int | None = None) -> str:
        """Follows the account, perhaps by a QR code with a scene."""
        with self.platform.world.lock:
            self.follower.following = True
            self.follower.since = self.platform.world.now()
            self.follower.scene = "" if scene is None else str(scene)
        if scene is None:
            return self._event("subscribe", "关注了公众号", EventKey="")
        return self._event(
            "subscribe", "扫码关注了公众号", EventKey=f"qrscene_{scene}", Ticket=self._ticket(scene)
        )

    def unfollows(self) -> str:
        """Leaves; the account can no longer answer."""
        self._must_follow()
        with self.platform.world.lock:
            self.follower.following = False
            self.follower.windows.clear()
            self.follower.tags.clear()
        return self._event("unsubscribe", "取消了关注", EventKey="")

    def says(self, text: str) -> str:
        """Types a message."""
        self._must_follow()
        return self._message("text", {"text": text}, {"Content": text})

    def scans(self, scene: str | int) -> str:
        """Scans a QR code with a scene; whoever does not follow yet, follows by it."""
        if not self.follower.following:
            return self.follows(scene)
        return self._event("SCAN", "扫了二维码", EventKey=str(scene), Ticket=self._ticket(scene))

    def sends_picture(self, data: bytes = b"") -> str:
        """Sends a picture; without bytes, a small grey one."""
        self._must_follow()
        world = self.platform.world
        with world.lock:
            kept = material.upload(world, "image", "photo.png", data or _grey_png(), for_ever=False)
        url = material.picture_url(world, kept["media_id"])
        return self._message("image", {"url": url}, {"PicUrl": url, "MediaId": kept["media_id"]})

    def sends_voice(self, recognition: str | None = None) -> str:
        """Speaks; `recognition` is what WeChat understood, on accounts that have it."""
        self._must_follow()
        fields = {"MediaId": self._media("voice", "voice.amr"), "Format": "amr", "Recognition": recognition}
        return self._message("voice", {"text": recognition or ""}, fields)

    def sends_video(self) -> str:
        """Sends a short film."""
        self._must_follow()
        fields = {
            "MediaId": self._media("video", "film.mp4"),
            "ThumbMediaId": self._media("thumb", "film.jpg"),
        }
        return self._message("video", {}, fields)

    def sends_location(self, x: float, y: float, label: str) -> str:
        """Sends a place: x is the latitude, y the longitude."""
        self._must_follow()
        place = {"Location_X": f"{x:.6f}", "Location_Y": f"{y:.6f}", "Scale": 15, "Label": label}
        return self._message("location", {"text": label}, place)

    def sends_link(
        self, title: str = "分享的文章", description: str = "", url: str = "https://mp.weixin.qq.com/"
    ) -> str:
        """Sends an article that he found."""
        self._must_follow()
        fields = {"Title": title, "Description": description, "Url": url}
        return self._message("link", {"text": title, "url": url}, fields)

    def chooses(self, item_id: str) -> str:
        """Taps an item of the newest message that offered some (msgmenu). Raises NoSuchButton."""
        self._must_follow()
        for entry in reversed(self.chat):
            for item in entry.items:
                if item["id"] == item_id:
                    words = {"Content": item["content"], "bizmsgmenuid": item_id}
                    return self._message("text", {"text": item["content"]}, words, act="menu")
        raise NoSuchButton(item_id)

    def taps(self, button: str | Sequence[int]) -> str:
        """Taps a button, named by key, by name or by place ((0, 2) = third item of the first section)."""
        self._must_follow()
        found = self.button(button)
        return self._tapped(found)

    def button(self, wanted: str | Sequence[int]) -> Json:
        """A button of the menu that this phone shows. Raises NoSuchButton."""
        shown = self.platform.world.menu
        if isinstance(wanted, str):
            for one in menu.buttons(shown):
                if wanted in (one.get("key"), one["name"]):
                    return one
            raise NoSuchButton(wanted)
        try:
            found: Json = (shown or {})["button"][wanted[0]]
            for place in wanted[1:]:
                found = found["sub_button"][place]
        except (KeyError, IndexError, TypeError):
            raise NoSuchButton(str(wanted)) from None
        if found.get("sub_button"):
            raise NoSuchButton(f"{wanted} opens a sub-menu")
        return found

    def blocks(self, refuses: bool = True) -> None:
        """Refuses the account's messages, or allows them again."""
        self.follower.blocks = refuses

    @contextmanager
    def delivers(self, copies: int = 3, *, parallel: bool = True) -> Iterator[None]:
        """Inside, the platform delivers each of this phone's messages so many times; see `answers`."""
        self._copies, self._parallel = copies, parallel
        try:
            yield
        finally:
            self._copies, self._parallel = 1, False

    # -- how an act reaches the account --------------------------------------------------------------------

    def _tapped(self, button: Json) -> str:
        kind = button["type"]
        note = f"点了菜单：{button['name']}"
        if kind == "click":
            return self._event("CLICK", note, EventKey=button["key"])
        if kind == "view":
            return self._event("VIEW", note, EventKey=button["url"], MenuId=1)
        if kind == "miniprogram":
            return self._event("view_miniprogram", note, EventKey=button["pagepath"], MenuId=1)
        if kind.startswith("scancode"):
            code = {"ScanType": "qrcode", "ScanResult": "https://mp.weixin.qq.com/"}
            return self._event(kind, note, EventKey=button["key"], ScanCodeInfo=code)
        if kind.startswith("pic_"):
            pictures = {"Count": 1, "PicList": [{"PicMd5Sum": "5a75aaca956d97be686719218f275c6b"}]}
            self._event(kind, note, EventKey=button["key"], SendPicsInfo=pictures)
            return self.sends_picture()
        if kind == "location_select":
            place = {
                "Location_X": "41.119997",
                "Location_Y": "122.070714",
                "Scale": "15",
                "Label": "盘锦",
                "Poiname": "",
            }
            self._event(kind, note, EventKey=button["key"], SendLocationInfo=place)
            return self.sends_location(41.119997, 122.070714, "盘锦")
        return ""  # media_id, article_id: WeChat shows the material itself

    def _must_follow(self) -> None:
        if not self.follower.following:
            raise NotFollowing(self.follower.name)

    def _message(self, kind: str, shown: Json, /, fields: Json, act: Act = "message") -> str:
        world = self.platform.world
        with world.lock:
            world.show(self.follower, "worker", kind, **shown)
            world.open_window(self.follower, act)
            fields = fields | {"MsgId": world.msg_id()}
        return self._deliver({"MsgType": kind} | fields, one_answer=True, answered=True)

    def _event(self, event: str, note: str, **fields: Any) -> str:
        world = self.platform.world
        with world.lock:
            world.show(self.follower, "worker", "event", text=note)
            if event in OPENS:
                world.open_window(self.follower, OPENS[event])
        whole = {"MsgType": "event", "Event": event} | fields
        return self._deliver(whole, one_answer=False, answered=event in ANSWERED)

    def _deliver(self, fields: Json, *, one_answer: bool, answered: bool) -> str:
        world, callback = self.platform.world, self.platform.callback
        created = int(world.now().timestamp())
        head = {"ToUserName": world.account.original_id, "FromUserName": self.openid, "CreateTime": created}

        def once(_: int = 0) -> Exchange:
            return callback.deliver(self.openid, head | fields, one_answer=one_answer)

        if self._parallel:
            with ThreadPoolExecutor(self._copies) as pool:
                self.answers = list(pool.map(once, range(self._copies)))
        else:
            self.answers = [once() for _ in range(self._copies)]
        exchange = next((one for one in self.answers if one.reply.kind), self.answers[0])
        self.last = ""
        if answered:
            self._show(exchange)
        return self.last

    def _show(self, exchange: Exchange) -> None:
        reply: Reply = exchange.reply
        if exchange.note:
            self.platform.world.show(self.follower, "system", "note", text=exchange.note)
        elif reply.kind:
            speaker: Speaker = "system" if reply.kind == "note" else "account"
            self.platform.world.show(self.follower, speaker, reply.kind, **reply.content)
            self.last = reply.text

    def _media(self, kind: str, filename: str) -> str:
        world = self.platform.world
        with world.lock:
            kept = material.upload(world, kind, filename, b"\0", for_ever=False)
        return str(kept.get("media_id") or kept["thumb_media_id"])

    @staticmethod
    def _ticket(scene: str | int) -> str:
        return f"gQH{zlib.crc32(str(scene).encode()):08x}Tk5PajF4"


def _grey_png(width: int = 120, height: int = 90) -> bytes:
    rows = (b"\0" + b"\xc8" * width) * height

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
