"""What WeChat sends: every message and event type as a typed value. Unknown ones are kept raw (`Unknown`).

Fields and their oddities: platform guide, 接收普通消息 and 接收事件推送. A field that is missing or not what it should be
reads as '', 0 or None; nothing here raises but `parse`, and that only for what is no message at all.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from wx.markup import PLAIN, BadXml, Element, read

MAX_OPENID = 128
LATEST = 253402300799  # the last second of the year 9999

# A text message in the form in which WeChat writes nearly all of them, with an id and a possible time. It is read by
# this pattern alone, at half the cost of the way that every other body takes; the tests hold the two to one answer.
# Nothing in it is ever given back (`+`), so that what is no text message falls out at once.
TEXT = re.compile(
    r"<xml>\n?+<ToUserName><!\[CDATA\[([A-Za-z0-9_@.-]*+)\]\]></ToUserName>\n?+"
    rf"<FromUserName><!\[CDATA\[([A-Za-z0-9_-]{{1,{MAX_OPENID}}}+)\]\]></FromUserName>\n?+"
    r"<CreateTime>([1-9]\d{9})</CreateTime>\n?+<MsgType><!\[CDATA\[text\]\]></MsgType>\n?+"
    rf"<Content><!\[CDATA\[([^{PLAIN}]*+)\]\]></Content>\n?+<MsgId>(\d{{1,64}}+)</MsgId>\n?+</xml>\n?+",
    re.ASCII,
)


class BadMessage(ValueError):
    """Not XML, or without FromUserName or MsgType."""


@dataclass(frozen=True, slots=True)
class Text:
    content: str
    menu_id: str = ""  # the item chosen from a msgmenu


@dataclass(frozen=True, slots=True)
class Image:
    pic_url: str
    media_id: str


@dataclass(frozen=True, slots=True)
class Voice:
    media_id: str
    format: str
    recognition: str = ""  # only where the account's speech recognition is on
    media_id_16k: str = ""


@dataclass(frozen=True, slots=True)
class Video:
    media_id: str
    thumb_media_id: str


@dataclass(frozen=True, slots=True)
class Location:
    x: float | None  # latitude
    y: float | None  # longitude
    scale: int
    label: str


@dataclass(frozen=True, slots=True)
class Link:
    title: str
    description: str
    url: str


@dataclass(frozen=True, slots=True)
class File:
    title: str
    description: str
    key: str
    md5: str
    size: int


@dataclass(frozen=True, slots=True)
class Subscribe:
    scene: str = ""  # without the prefix qrscene_
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    pass


@dataclass(frozen=True, slots=True)
class Scan:
    scene: str
    ticket: str


@dataclass(frozen=True, slots=True)
class Place:
    """The event LOCATION: where a follower is who agreed to tell (the message of that name is `Location`)."""

    latitude: float | None
    longitude: float | None
    precision: float | None


@dataclass(frozen=True, slots=True)
class Click:
    key: str


@dataclass(frozen=True, slots=True)
class View:
    url: str
    menu_id: str = ""


@dataclass(frozen=True, slots=True)
class MiniProgram:
    page: str
    menu_id: str = ""


@dataclass(frozen=True, slots=True)
class ScanCode:
    key: str
    scan_type: str
    result: str
    waits: bool  # scancode_waitmsg: the phone waits for words


@dataclass(frozen=True, slots=True)
class Pictures:
    key: str
    count: int
    md5s: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PickedPlace:
    key: str
    x: float | None
    y: float | None
    scale: int
    label: str
    poi: str


@dataclass(frozen=True, slots=True)
class MassFinished:
    msg_id: str
    status: str
    total: int
    filtered: int
    sent: int
    failed: int
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateFinished:
    msg_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Published:
    publish_id: str
    status: int
    article_id: str
    urls: tuple[str, ...]
    failed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """One template's line in a subscription-notice event."""

    template_id: str
    status: str  # accept, reject; for a sent one the ErrorStatus
    scene: str = ""
    msg_id: str = ""
    code: int = 0


@dataclass(frozen=True, slots=True)
class NoticesAnswered:
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class NoticesChanged:
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class NoticesSent:
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class ServiceSession:
    """A human customer-service session began, ended or moved."""

    account: str
    to_account: str = ""
    close_type: str = ""


@dataclass(frozen=True, slots=True)
class ProfileReset:
    openid: str
    app_id: str


@dataclass(frozen=True, slots=True)
class Revoked:
    """Acts on `openid`, which is not the sender of the event."""

    openid: str
    app_id: str
    what: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    openid: str
    union_id: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The account's own verification or its naming: passed, failed, due for renewal or expired."""

    passed: bool
    expires: int
    failed_at: int
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A type that is not known here: acknowledged and kept raw."""


Body = (
    Text | Image | Voice | Video | Location | Link | File | Subscribe | Unsubscribe | Scan | Place | Click | View | MiniProgram
    | ScanCode | Pictures | PickedPlace | MassFinished | TemplateFinished | Published | NoticesAnswered | NoticesChanged
    | NoticesSent | ServiceSession | ProfileReset | Revoked | Cancelled | Verification | Unknown
)  # fmt: skip


class Message(NamedTuple):
    """One message or event. `created` is WeChat's CreateTime in seconds, or None where it is not a possible time."""

    to: str
    openid: str
    type: str
    created: int | None
    msg_id: str
    event: str
    event_key: str
    body: Body
    raw: str
    key: str

    def __repr__(self) -> str:
        return f"Message({self.type} {self.event or self.msg_id})"  # without anybody's words


def whole(text: str) -> int:
    """A whole number, or 0."""
    try:
        return int(text) if len(text) < 20 else 0
    except ValueError:
        return 0


def decimal(text: str) -> float | None:
    """A finite number, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _created(text: str) -> int | None:
    number = whole(text.strip())
    return number if 0 < number <= LATEST else None


def _scene(key: str) -> str:
    return key.strip().removeprefix("qrscene_")


def _key(x: Element) -> str:
    return x.get("EventKey").strip()


def _pictures(x: Element) -> Pictures:
    sent = x.child("SendPicsInfo")
    md5s = tuple(item.get("PicMd5Sum") for item in sent.child("PicList").all("item"))
    return Pictures(_key(x), whole(sent.get("Count")), md5s)


def _scancode(waits: bool) -> Callable[[Element], Body]:
    def body(x: Element) -> Body:
        code = x.child("ScanCodeInfo")
        return ScanCode(_key(x), code.get("ScanType"), code.get("ScanResult"), waits)

    return body


def _picked_place(x: Element) -> PickedPlace:
    at = x.child("SendLocationInfo")
    where = decimal(at.get("Location_X")), decimal(at.get("Location_Y"))
    return PickedPlace(_key(x), *where, whole(at.get("Scale")), at.get("Label"), at.get("Poiname"))


def _mass(x: Element) -> MassFinished:
    urls = tuple(
        item.get("ArticleUrl") for item in x.child("ArticleUrlResult").child("ResultList").all("item")
    )
    total, filtered = whole(x.get("TotalCount")), whole(x.get("FilterCount"))
    sent, failed = whole(x.get("SentCount")), whole(x.get("ErrorCount"))
    return MassFinished(_own_id(x), x.get("Status"), total, filtered, sent, failed, urls)


def _own_id(x: Element) -> str:
    """Job results carry MsgID; old samples write MsgId."""
    return x.get("MsgID") or x.get("MsgId")


def _published(x: Element) -> Published:
    done = x.child("PublishEventInfo")
    urls = tuple(item.get("article_url") for item in done.child("article_detail").all("item"))
    failed = tuple(whole(each.text) for each in done.all("fail_idx"))
    return Published(
        done.get("publish_id"), whole(done.get("publish_status")), done.get("article_id"), urls, failed
    )


def _notices(x: Element, wrapper: str) -> tuple[Notice, ...]:
    return tuple(
        Notice(
            line.get("TemplateId"),
            line.get("SubscribeStatusString") or line.get("ErrorStatus"),
            line.get("PopupScene"),
            line.get("MsgID"),
            whole(line.get("ErrorCode")),
        )
        for line in x.child(wrapper).all("List")
    )


def _verification(x: Element) -> Verification:
    passed = not x.get("Event").lower().endswith(("_fail", "_expired"))
    return Verification(passed, whole(x.get("ExpiredTime")), whole(x.get("FailTime")), x.get("FailReason"))


def _session(x: Element) -> ServiceSession:
    account = x.get("KfAccount") or x.get("FromKfAccount")
    return ServiceSession(account, x.get("ToKfAccount"), x.get("CloseType"))


TYPES: dict[str, Callable[[Element], Body]] = {
    "text": lambda x: Text(x.get("Content"), x.get("bizmsgmenuid")),
    "image": lambda x: Image(x.get("PicUrl"), x.get("MediaId")),
    "voice": lambda x: Voice(x.get("MediaId"), x.get("Format"), x.get("Recognition"), x.get("MediaId16K")),
    "video": lambda x: Video(x.get("MediaId"), x.get("ThumbMediaId")),
    "shortvideo": lambda x: Video(x.get("MediaId"), x.get("ThumbMediaId")),
    "location": lambda x: Location(
        decimal(x.get("Location_X")), decimal(x.get("Location_Y")), whole(x.get("Scale")), x.get("Label")
    ),
    "link": lambda x: Link(x.get("Title"), x.get("Description"), x.get("Url")),
    "file": lambda x: File(
        x.get("Title"), x.get("Description"), x.get("FileKey"), x.get("FileMd5"), whole(x.get("FileTotalLen"))
    ),
}  # by MsgType as sent: the message `location` and the event `LOCATION` differ in case alone

EVENTS: dict[str, Callable[[Element], Body]] = {
    "subscribe": lambda x: Subscribe(_scene(x.get("EventKey")), x.get("Ticket")),
    "unsubscribe": lambda x: Unsubscribe(),
    "scan": lambda x: Scan(_key(x), x.get("Ticket")),
    "location": lambda x: Place(
        decimal(x.get("Latitude")), decimal(x.get("Longitude")), decimal(x.get("Precision"))
    ),
    "click": lambda x: Click(_key(x)),
    "view": lambda x: View(_key(x), x.get("MenuId")),
    "view_miniprogram": lambda x: MiniProgram(_key(x), x.get("MenuId")),
    "scancode_push": _scancode(False),
    "scancode_waitmsg": _scancode(True),
    "pic_sysphoto": _pictures,
    "pic_photo_or_album": _pictures,
    "pic_weixin": _pictures,
    "location_select": _picked_place,
    "masssendjobfinish": _mass,
    "templatesendjobfinish": lambda x: TemplateFinished(_own_id(x), x.get("Status")),
    "publishjobfinish": _published,
    "freepublishjobfinish": _published,  # the name that one SDK's sample has
    "subscribe_msg_popup_event": lambda x: NoticesAnswered(_notices(x, "SubscribeMsgPopupEvent")),
    "subscribe_msg_change_event": lambda x: NoticesChanged(_notices(x, "SubscribeMsgChangeEvent")),
    "subscribe_msg_sent_event": lambda x: NoticesSent(_notices(x, "SubscribeMsgSentEvent")),
    "kf_create_session": _session,
    "kf_close_session": _session,
    "kf_switch_session": _session,
    "user_info_modified": lambda x: ProfileReset(x.get("openid") or x.get("OpenID"), x.get("appid")),
    "user_authorization_revoke": lambda x: Revoked(x.get("OpenID"), x.get("AppID"), x.get("RevokeInfo")),
    "user_authorization_cancellation": lambda x: Cancelled(x.get("OpenID"), x.get("UnionID")),
    "qualification_verify_success": _verification,
    "qualification_verify_fail": _verification,
    "naming_verify_success": _verification,
    "naming_verify_fail": _verification,
    "annual_renew": _verification,
    "verify_expired": _verification,
}  # by Event in lower case: WeChat's own case is not uniform


def dedupe_key(x: Element, body: bytes) -> str:
    """The same for every delivery of one message. Events have no MsgId and CreateTime counts whole seconds, so what
    the event is about belongs to it, and where there is no id at all, everything that was said."""
    get = x.fields.get
    kind = get("MsgType", "")
    parts = [get("FromUserName", ""), get("CreateTime", ""), kind, get("MsgId", "")]
    has_id = bool(parts[3])
    if kind == "event":
        own = x.get("MsgID")
        parts += [x.get("Event").lower(), x.get("EventKey"), own]
        has_id = has_id or bool(own)
    digest = hashlib.sha256("\0".join(parts).encode())
    if not has_id:
        digest.update(b"\0" + body)
    return digest.hexdigest()


def parse(xml: bytes) -> Message:
    """The message in a decrypted body. Raises BadMessage."""
    try:
        raw = xml.decode()
    except UnicodeDecodeError as error:
        raise BadMessage("not UTF-8") from error
    usual = TEXT.fullmatch(raw)
    if usual is None:
        return _any(xml, raw)
    to, openid, created, content, msg_id = usual.groups()
    key = hashlib.sha256(f"{openid}\0{created}\0text\0{msg_id}".encode()).hexdigest()  # as in dedupe_key
    return Message(to, openid, "text", int(created), msg_id, "", "", Text(content), raw, key)


def _any(xml: bytes, raw: str) -> Message:
    try:
        x = read(xml)
    except BadXml as error:
        raise BadMessage(str(error)) from error
    get = x.fields.get
    openid, kind = (
        get("FromUserName", "").strip(),
        get("MsgType", "").strip(),
    )  # some SDKs write blanks around names
    if not openid or not kind or len(openid) > MAX_OPENID:
        raise BadMessage("without FromUserName or MsgType")
    event, msg_id = "", get("MsgId", "")
    if kind == "event":
        event = get("Event", "").strip()
        msg_id = msg_id or get("MsgID", "")
        reader = EVENTS.get(event.lower())
    else:
        reader = TYPES.get(kind)
    return Message(
        get("ToUserName", "").strip(),
        openid,
        kind,
        _created(get("CreateTime", "")),
        msg_id,
        event,
        get("EventKey", "").strip(),
        reader(x) if reader else Unknown(),
        raw,
        dedupe_key(x, xml),
    )
