"""Everything that anybody can post: inbound bodies by name, each with what it says, what is answered and what is stored.

Written from the platform guide's samples (接收普通消息, 接收事件推送) and from what the internet sends. Each body's sender is
`WORKER`; `Body.sent_by` puts another openid in its place, so that all of them fit into one table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from webhook_cast import ACCOUNT, MODES, NOON, WORKER, cdata, envelope_of, event, stamp

from handlers import TAPS
from models.interaction import NO_TIME
from wx import messages as m

SENT = NOON.replace(microsecond=0)
ID = "6272960105994287618"
MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """One inbound body. `body` is None where it is no message and 400 (or `status`) is due."""

    name: str
    xml: bytes
    body: m.Body | None
    answer: str = "success"  # or text
    has: str = ""  # words of the answer
    row: Mapping[str, Any] = field(default_factory=dict)  # of `interactions`
    follower: Mapping[str, Any] | None = None  # of `followers`; None: nobody was seen
    status: int = 200
    modes: tuple[str, ...] = MODES

    @property
    def openid(self) -> str:
        """Somebody else for each body."""
        return "o" + sha256(self.name.encode()).hexdigest()[:27]

    def sent_by(self, openid: str) -> bytes:
        return self.xml.replace(WORKER.encode(), openid.encode())


ROW: dict[str, Any] = {
    "msg_type": "text", "event": None, "event_key": None, "content": None, "msg_id": None,
    "sent_at": SENT, "received_at": NOON, "state": "answered",
}  # fmt: skip
FOLLOWER: dict[str, Any] = {
    "subscribed": True, "state_at": None, "subscribed_at": None, "unsubscribed_at": None, "scene": None,
    "first_seen_at": NOON, "last_seen_at": NOON, "spoke_at": None, "tapped_at": None,
}  # fmt: skip
SPOKE = FOLLOWER | {"spoke_at": SENT}
TAPPED = FOLLOWER | {"tapped_at": SENT}
FOLLOWS = TAPPED | {"state_at": SENT, "subscribed_at": SENT}
LEFT = FOLLOWER | {"subscribed": False, "state_at": SENT, "unsubscribed_at": SENT}


def said(name: str, kind: str, inner: str, body: m.Body, has: str = "", **row: Any) -> Body:
    """An ordinary message with a MsgId, answered with words."""
    xml = envelope_of(kind, f"{inner}\n<MsgId>{ID}</MsgId>")
    return Body(name, xml, body, "text", has, ROW | {"msg_type": kind, "msg_id": ID} | row, SPOKE)


def words(name: str, content: str, has: str = "", inner: str = "") -> Body:
    """A text message in CDATA."""
    return said(
        name, "text", inner or f"<Content>{cdata(content)}</Content>", m.Text(content), has, content=content
    )


def unread(name: str, kind: str, inner: str, **row: Any) -> Body:
    """A message of a type that is not known here: acknowledged and kept."""
    xml = envelope_of(kind, f"{inner}\n<MsgId>{ID}</MsgId>")
    return Body(name, xml, m.Unknown(), row=ROW | {"msg_type": kind, "msg_id": ID} | row, follower=FOLLOWER)


def happened(
    name: str,
    event_name: str,
    body: m.Body,
    inner: str = "",
    *,
    key: str = "",
    answer: str = "success",
    has: str = "",
    follower: Mapping[str, Any] | None = FOLLOWER,
    **row: Any,
) -> Body:
    """An event."""
    stored = ROW | {"msg_type": "event", "event": event_name, "event_key": key or None} | row
    return Body(name, event(event_name, inner, key=key), body, answer, has, stored, follower)


def told(name: str, event_name: str, body: m.Body, inner: str = "", **row: Any) -> Body:
    """An event in which WeChat itself speaks: nobody was seen."""
    return happened(name, event_name, body, inner, follower=None, **row)


def whole(name: str, xml: str | bytes, body: m.Body, answer: str = "success", **row: Any) -> Body:
    """A body written out in full, because its oddity is in the common elements."""
    raw = xml.encode() if isinstance(xml, str) else xml
    return Body(name, raw, body, answer, row=ROW | row, follower=FOLLOWER)


def refused(name: str, xml: str | bytes, status: int = 400, modes: tuple[str, ...] = MODES) -> Body:
    """No message at all: nothing is stored."""
    return Body(
        name, xml.encode() if isinstance(xml, str) else xml, None, "empty", status=status, modes=modes
    )


# --- text --------------------------------------------------------------------------------------------------------

HI = f"<Content>你好</Content><MsgId>{ID}</MsgId>"
TO = f"<ToUserName>{ACCOUNT}</ToUserName>"
FROM = f"<FromUserName>{WORKER}</FromUserName>"
AT = f"<CreateTime>{stamp(NOON)}</CreateTime>"
TEXT = "<MsgType>text</MsgType>"
HELLO = m.Text("你好")

TEXTS = [
    words("你好", "你好", "您好"),
    words("a question", "工伤", "工伤"),
    words("two characters that are searched", "退会", "退会"),
    words("a number", "1"),
    words("00", "00"),
    words("thanks", "谢谢", "不客气"),
    words("a person is asked for", "人工", "12351"),
    words("a complaint", "我要投诉", "12351"),
    words("words that nobody knows", "蓝鲸喷出的水柱", "这个我不会"),
    words("an emoji", "😀", "表情"),
    words("a family of emoji", "👨‍👩‍👧‍👦🇨🇳👍🏽"),
    words("a rare character outside the first plane", "𠮷野家的工会"),
    words("combining marks", "é e\u0301 ที่"),
    words("a right-to-left override", "\u202eabc\u202c"),
    words("zero-width characters", "工\u200b伤\ufeff"),
    words("WeChat's old private emoji", "\ue415\ue056"),
    words("wide digits", "１"),
    words("several lines", "第一行\n第二行\n\n第四行"),
    words("blanks around the words", "  你好 \n"),
    words("nothing but blanks", "   \n\t "),
    words("an ideographic blank", "\u3000"),
    words("empty words", ""),
    words("2048 bytes", "工" * 682 + "ab"),
    words("6000 characters", "工会" * 3000),
    words("a next-line and a line separator", "a\u0085b\u2028c"),
    words("C1 control characters", "\u0080\u009f"),
    words("a replacement character", "\ufffd"),
    words("the end of a CDATA section", "a]]>b"),
    words("a would-be end of the message", "]]></Content><MsgType>event</MsgType>"),
    words("markup", "<script>alert(1)</script><b/>"),
    words("quotes for a database", "'; DROP TABLE interactions; -- \" \\ %"),
    words("marks of a format", "%s %(a)s {0} {x} $x \\n"),
    words("marks of a template", "{{ 7*7 }} {% raw %}"),
    words("a formula for a spreadsheet", '=HYPERLINK("http://x.example")'),
    words("a JSON escape", "\\u4f60\\u0000"),
    words("one very long word", "a" * 5000),
    words("words without CDATA", "你好", inner="<Content>你好</Content>"),
    words(
        "words in entities",
        "<你好 & 再见>😀",
        inner="<Content>&lt;你好 &amp; &#x518D;&#35265;&gt;&#128512;</Content>",
    ),
    words("words in two CDATA sections", "你好", inner="<Content><![CDATA[你]]><![CDATA[好]]></Content>"),
    words("words half in CDATA", "你好", inner="<Content>你<![CDATA[好]]></Content>"),
    words("a comment in the words", "你好", inner="<Content>你<!-- 不 -->好</Content>"),
    words("an instruction in the words", "你好", inner="<Content>你<?php echo 1 ?>好</Content>"),
    words("an element in the words", "你", inner="<Content>你<b>不</b>好</Content>"),
    words("an attribute", "你好", inner='<Content type="x" a="1">你好</Content>'),
    words("words twice", "你好", inner="<Content>你好</Content><Content>再见</Content>"),
    words("lines ended as Windows does", "a\nb", inner="<Content><![CDATA[a\r\nb]]></Content>"),
    words("a return as an entity", "a\rb", inner="<Content>a&#13;b</Content>"),
    words("an element within the words' own name", "", inner="<Content><Content>你好</Content></Content>"),
    words("an empty element", "", inner="<Content/>"),
    words("no words at all", "", inner="<Nothing/>"),
    words("words under a name in capitals", "", inner="<CONTENT>你好</CONTENT>"),
    words(
        "the article it came from",
        "你好",
        inner="<Content>你好</Content><MsgDataId>7</MsgDataId><Idx>1</Idx>",
    ),
    words("elements that nobody knows", "你好", inner="<Content>你好</Content><New><Thing>1</Thing></New>"),
    words("an Event in a text", "你好", inner="<Content>你好</Content><Event>unsubscribe</Event>"),
    words("five thousand siblings", "你好", inner="<Content>你好</Content>" + "<a/>" * 5000),
    words(
        "an XInclude that nobody follows",
        "你好",
        inner='<Content>你好</Content><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>',
    ),
    said(
        "an EventKey in a text",
        "text",
        "<Content>你好</Content><EventKey>JOIN</EventKey>",
        HELLO,
        content="你好",
        event_key="JOIN",
    ),
    Body(
        "a choice from a message with choices",
        envelope_of("text", f"<Content>入会</Content><bizmsgmenuid>JOIN</bizmsgmenuid><MsgId>{ID}</MsgId>"),
        m.Text("入会", "JOIN"),
        "text",
        "入会",
        ROW | {"content": "入会", "msg_id": ID},
        TAPPED,
    ),
    Body(
        "a choice that is no longer offered",
        envelope_of("text", f"<Content>工伤</Content><bizmsgmenuid>gone</bizmsgmenuid><MsgId>{ID}</MsgId>"),
        m.Text("工伤", "gone"),
        "text",
        "工伤",
        ROW | {"content": "工伤", "msg_id": ID},
        TAPPED,
    ),
]

# --- what else people send ---------------------------------------------------------------------------------------


def location(name: str, x: str, y: str, body: m.Location) -> Body:
    inner = f"<Location_X>{x}</Location_X><Location_Y>{y}</Location_Y><Scale>16</Scale><Label>{cdata(body.label)}</Label>"
    one = said(name, "location", inner, body, content=body.label or None)
    return Body(name, one.xml, body, "text", "", one.row, SPOKE)


SOUNDS = f"<MediaId>{cdata('m-voice_1')}</MediaId><Format>{cdata('amr')}</Format>"
OTHERS = [
    said(
        "a picture",
        "image",
        f"<PicUrl>{cdata('http://mmbiz.qpic.cn/x/0')}</PicUrl><MediaId>{cdata('m-1')}</MediaId>",
        m.Image("http://mmbiz.qpic.cn/x/0", "m-1"),
        "图片",
    ),
    said("a picture without anything", "image", "", m.Image("", ""), "图片"),
    said("a voice", "voice", SOUNDS, m.Voice("m-voice_1", "amr"), "语音"),
    said(
        "a voice with its words",
        "voice",
        f"{SOUNDS}<Recognition>{cdata('工伤')}</Recognition>",
        m.Voice("m-voice_1", "amr", "工伤"),
        "工伤",
        content="工伤",
    ),
    said(
        "a voice with empty words",
        "voice",
        f"{SOUNDS}<Recognition>{cdata('')}</Recognition>",
        m.Voice("m-voice_1", "amr"),
        "语音",
    ),
    said(
        "a voice in high quality",
        "voice",
        f"{SOUNDS}<MediaId16K>{cdata('m-16')}</MediaId16K>",
        m.Voice("m-voice_1", "amr", "", "m-16"),
        "语音",
    ),
    said(
        "a video",
        "video",
        "<MediaId>m-2</MediaId><ThumbMediaId>t-2</ThumbMediaId>",
        m.Video("m-2", "t-2"),
        "视频",
    ),
    said(
        "a short video",
        "shortvideo",
        "<MediaId>m-3</MediaId><ThumbMediaId>t-3</ThumbMediaId>",
        m.Video("m-3", "t-3"),
        "视频",
    ),
    said(
        "a link",
        "link",
        f"<Title>{cdata('公众平台 <官网>')}</Title><Description>{cdata('说明')}</Description><Url>{cdata('http://a.example/?b&c')}</Url>",
        m.Link("公众平台 <官网>", "说明", "http://a.example/?b&c"),
        "链接",
        content="公众平台 <官网>",
    ),
    said("a link without anything", "link", "", m.Link("", "", ""), "链接"),
    said(
        "a file",
        "file",
        "<Title>申请表.docx</Title><Description/><FileKey>k</FileKey><FileMd5>d41d</FileMd5><FileTotalLen>1234</FileTotalLen>",
        m.File("申请表.docx", "", "k", "d41d", 1234),
        "文件",
    ),
    said(
        "a file of no possible size",
        "file",
        "<Title>x</Title><FileTotalLen>多</FileTotalLen>",
        m.File("x", "", "", "", 0),
    ),
    location(
        "a place",
        "41.119831",
        "122.070714",
        m.Location(41.119831, 122.070714, 16, "盘锦市兴隆台区"),
    ),
    location(
        "a place without a label",
        "41.119831",
        "122.070714",
        m.Location(41.119831, 122.070714, 16, ""),
    ),
    location("a place that is no number", "NaN", "nan", m.Location(None, None, 16, "哪里")),
    location("a place at infinity", "inf", "-Infinity", m.Location(None, None, 16, "")),
    location("a place half known", "41.1", "", m.Location(41.1, None, 16, "")),
    location("a place in words", "北纬", "东经", m.Location(None, None, 16, "")),
    location("a place off the earth", "1e300", "999", m.Location(1e300, 999.0, 16, "")),
    location("a place beyond numbers", "1e999", "0", m.Location(None, 0.0, 16, "")),
    location(
        "the south-western corner of the earth",
        "-90",
        "-180.0",
        m.Location(-90.0, -180.0, 16, ""),
    ),
    said("a place without anything", "location", "", m.Location(None, None, 0, "")),
    unread("a mini-program card", "miniprogrampage", "<Title>x</Title><AppId>wx1</AppId>"),
    unread("a device's text", "device_text", "<DeviceType>d</DeviceType><Content>eA==</Content>"),
    unread("hardware", "hardware", "<MessageUrl>u</MessageUrl>"),
    unread("a type of tomorrow", "hologram", "<Light>1</Light>"),
    unread("a type in capitals", "TEXT", "<Content>你好</Content>"),
    said(
        "a type with blanks",
        " text ",
        "<Content>你好</Content>",
        HELLO,
        "您好",
        content="你好",
        msg_type="text",
    ),
    unread("a type in Chinese", "文本", "<Content>你好</Content>"),
    unread("a type that is an emoji", "😀", ""),
    unread("the message type LOCATION", "LOCATION", "<Latitude>1</Latitude>"),
    unread("an event type in capitals", "EVENT", "<Event>unsubscribe</Event>"),
    unread("a type of 100 characters", "x" * 100, "", msg_type="x" * 64),
]

# --- events ------------------------------------------------------------------------------------------------------


def follows(
    name: str, key: str, body: m.Subscribe, inner: str = "", has: str = "", event_name: str = "subscribe"
) -> Body:
    scene = FOLLOWS | {"scene": body.scene or None}
    return happened(name, event_name, body, inner, key=key, answer="text", has=has or "欢迎", follower=scene)


def scans(name: str, key: str, event_name: str = "SCAN", ticket: str = "TICKET", has: str = "") -> Body:
    inner = f"<Ticket>{cdata(ticket)}</Ticket>" if ticket else ""
    scene = TAPPED | {"scene": key or None}
    return happened(
        name, event_name, m.Scan(key, ticket), inner, key=key, answer="text", has=has, follower=scene
    )


def near(name: str, inner: str, body: m.Place, event_name: str = "LOCATION", **place: Any) -> Body:
    return happened(name, event_name, body, inner, follower=FOLLOWER | place)


def taps(name: str, key: str, event_name: str = "CLICK", has: str = "") -> Body:
    return happened(name, event_name, m.Click(key), key=key, answer="text", has=has, follower=TAPPED)


def opens(name: str, event_name: str, key: str, body: m.Body, inner: str = "") -> Body:
    return happened(name, event_name, body, inner, key=key)


def coordinates(x: str, y: str, precision: str) -> str:
    return f"<Latitude>{x}</Latitude><Longitude>{y}</Longitude><Precision>{precision}</Precision>"


TICKET = f"<Ticket>{cdata('gQH-TICKET')}</Ticket>"
PEOPLE_EVENTS = [
    follows("a follow", "", m.Subscribe()),
    follows("a follow by a code", "qrscene_123123", m.Subscribe("123123", "gQH-TICKET"), TICKET),
    follows(
        "a follow by a code that names a page",
        "qrscene_JOIN",
        m.Subscribe("JOIN", "gQH-TICKET"),
        TICKET,
        "入会",
    ),
    follows("a follow by a code with an empty scene", "qrscene_", m.Subscribe()),
    follows("a follow by a code whose scene says qrscene_", "qrscene_qrscene_9", m.Subscribe("qrscene_9")),
    follows("a follow by a code in Chinese", "qrscene_门店😀", m.Subscribe("门店😀")),
    follows("a follow by a very long scene", "qrscene_" + "s" * 500, m.Subscribe("s" * 500)),
    follows(
        "a follow by a bar code", "scanbarcode|EAN_13|6901|1|0", m.Subscribe("scanbarcode|EAN_13|6901|1|0")
    ),
    follows("a follow by a picture", "scanimage|x|1", m.Subscribe("scanimage|x|1")),
    follows("a follow after a payment", "last_trade_no_4200", m.Subscribe("last_trade_no_4200")),
    follows("a follow in capitals", "", m.Subscribe(), event_name="SUBSCRIBE"),
    Body(
        "a follow without an EventKey",
        envelope_of("event", "<Event>subscribe</Event>"),
        m.Subscribe(),
        "text",
        "欢迎",
        ROW | {"msg_type": "event", "event": "subscribe"},
        FOLLOWS,
    ),
    happened("an unfollow", "unsubscribe", m.Unsubscribe(), follower=LEFT, raw=None, reply=None),
    happened("an unfollow in capitals", "UNSUBSCRIBE", m.Unsubscribe(), follower=LEFT, raw=None, reply=None),
    happened(
        "an unfollow with a key",
        "unsubscribe",
        m.Unsubscribe(),
        key="x",
        follower=LEFT,
        event_key=None,
        raw=None,
        reply=None,
    ),
    scans("a scan of a number", "4294967295"),
    scans("a scan of a page's name", "guide:join"),
    scans("a scan of a menu key", "LAW", has="法律"),
    scans("a scan of an unknown scene", "门口海报", has="扫码"),
    scans("a scan without a scene", "", ticket=""),
    scans("a scan in small letters", "7", event_name="scan"),
    scans("a scan of a very long scene", "s" * 2000),
    near(
        "a place told by the phone",
        coordinates("41.119831", "122.070714", "40.000000"),
        m.Place(41.119831, 122.070714, 40.0),
    ),
    near(
        "a place told in small letters",
        coordinates("41.119831", "122.070714", "40"),
        m.Place(41.119831, 122.070714, 40.0),
        "location",
    ),
    near("a told place that is no number", coordinates("NaN", "NaN", "NaN"), m.Place(None, None, None)),
    near("a told place at infinity", coordinates("inf", "1e400", "1"), m.Place(None, None, 1.0)),
    near("a told place off the earth", coordinates("91", "181", "1"), m.Place(91.0, 181.0, 1.0)),
    near("a told place in words", coordinates("x", "", "?"), m.Place(None, None, None)),
    near("a told place without anything", "", m.Place(None, None, None)),
    *(taps(f"a tap on {key}", key) for key in TAPS),
    taps("a tap on an unknown key", "OLD_KEY", has="菜单"),
    taps("a tap on a key in small letters", "join", has="菜单"),
    taps("a tap on nothing", "", has="菜单"),
    taps("a tap on a key of 500 characters", "K" * 500, has="菜单"),
    taps("a tap on an emoji", "😀", has="菜单"),
    taps("a tap in small letters", "JOIN", event_name="click", has="入会"),
    Body(
        "a tap without an EventKey",
        envelope_of("event", "<Event>CLICK</Event>"),
        m.Click(""),
        "text",
        "菜单",
        ROW | {"msg_type": "event", "event": "CLICK"},
        TAPPED,
    ),
    Body(
        "a tap with two keys",
        event("CLICK", "<EventKey>LAW</EventKey>", key="JOIN"),
        m.Click("JOIN"),
        "text",
        "入会",
        ROW | {"msg_type": "event", "event": "CLICK", "event_key": "JOIN"},
        TAPPED,
    ),
    Body(
        "a tap on a nested key",
        envelope_of("event", "<Event>CLICK</Event><EventKey><k>JOIN</k></EventKey>"),
        m.Click(""),
        "text",
        "菜单",
        ROW | {"msg_type": "event", "event": "CLICK"},
        TAPPED,
    ),
    opens("a link opened", "VIEW", "http://www.qq.com", m.View("http://www.qq.com")),
    opens("a link opened from a personal menu", "VIEW", "u", m.View("u", "4001"), "<MenuId>4001</MenuId>"),
    opens("a link in small letters", "view", "u", m.View("u")),
    opens(
        "a link of 3000 characters",
        "VIEW",
        "http://a.example/" + "x" * 3000,
        m.View("http://a.example/" + "x" * 3000),
    ),
    opens(
        "a mini-program opened",
        "view_miniprogram",
        "pages/index",
        m.MiniProgram("pages/index", "7"),
        "<MenuId>7</MenuId>",
    ),
]


def scanned(name: str, event_name: str, inner: str, kind: str, result: str) -> Body:
    waits = event_name == "scancode_waitmsg"
    body = m.ScanCode("SCAN_IT", kind, result, waits)
    return happened(
        name, event_name, body, inner, key="SCAN_IT", answer="text" if waits else "success", follower=TAPPED
    )


def pictures(name: str, inner: str, count: int, *md5s: str, event_name: str = "pic_sysphoto") -> Body:
    return happened(name, event_name, m.Pictures("PHOTO", count, md5s), inner, key="PHOTO")


def picked(name: str, inner: str, body: m.PickedPlace, **place: Any) -> Body:
    return happened(name, "location_select", body, inner, key=body.key, follower=FOLLOWER | place)


CODE = f"<ScanCodeInfo><ScanType>{cdata('qrcode')}</ScanType><ScanResult>{cdata('http://a.example/?a=1&b=2')}</ScanResult></ScanCodeInfo>"
CODED = ("qrcode", "http://a.example/?a=1&b=2")
ONE_PICTURE = (
    "<SendPicsInfo><Count>1</Count><PicList><item><PicMd5Sum><![CDATA[1b5f7c23b5bf75682a53e7b6d163e185]]></PicMd5Sum>"
    "</item></PicList></SendPicsInfo>"
)
PICKED = (
    "<SendLocationInfo><Location_X><![CDATA[41.119831]]></Location_X><Location_Y><![CDATA[122.070714]]></Location_Y>"
    "<Scale><![CDATA[15]]></Scale><Label><![CDATA[ 兴隆台 ]]></Label><Poiname><![CDATA[工人文化宫]]></Poiname></SendLocationInfo>"
)
MENU_EVENTS = [
    scanned("a code scanned from the menu", "scancode_push", CODE, *CODED),
    scanned("a code scanned while the phone waits", "scancode_waitmsg", CODE, *CODED),
    scanned("a scanned code without its words", "scancode_waitmsg", "", "", ""),
    scanned(
        "a scanned bar code",
        "scancode_push",
        "<ScanCodeInfo><ScanType>barcode</ScanType><ScanResult>EAN_13,69</ScanResult></ScanCodeInfo>",
        "barcode",
        "EAN_13,69",
    ),
    pictures("a photograph taken", ONE_PICTURE, 1, "1b5f7c23b5bf75682a53e7b6d163e185"),
    pictures(
        "a photograph or one of the album",
        ONE_PICTURE,
        1,
        "1b5f7c23b5bf75682a53e7b6d163e185",
        event_name="pic_photo_or_album",
    ),
    pictures(
        "two pictures of WeChat's album",
        "<SendPicsInfo><Count>2</Count><PicList><item><PicMd5Sum>a</PicMd5Sum></item><item><PicMd5Sum>b</PicMd5Sum></item>"
        "</PicList></SendPicsInfo>",
        2,
        "a",
        "b",
        event_name="pic_weixin",
    ),
    pictures(
        "pictures whose count is wrong",
        ONE_PICTURE.replace("<Count>1<", "<Count>9<"),
        9,
        "1b5f7c23b5bf75682a53e7b6d163e185",
    ),
    pictures("pictures without a list", "<SendPicsInfo><Count>1</Count></SendPicsInfo>", 1),
    pictures(
        "pictures with an empty list", "<SendPicsInfo><Count>0</Count><PicList></PicList></SendPicsInfo>", 0
    ),
    pictures(
        "pictures with an empty item",
        "<SendPicsInfo><Count>1</Count><PicList><item/></PicList></SendPicsInfo>",
        1,
        "",
    ),
    pictures("pictures without anything", "", 0),
    pictures("pictures counted in words", "<SendPicsInfo><Count>many</Count></SendPicsInfo>", 0),
    pictures("pictures beyond counting", f"<SendPicsInfo><Count>{10**30}</Count></SendPicsInfo>", 0),
    picked(
        "a place picked on the map",
        PICKED,
        m.PickedPlace("MAP", 41.119831, 122.070714, 15, " 兴隆台 ", "工人文化宫"),
    ),
    picked("a picked place without anything", "", m.PickedPlace("MAP", None, None, 0, "", "")),
    picked(
        "a picked place that is no number",
        "<SendLocationInfo><Location_X>nan</Location_X><Location_Y>1</Location_Y></SendLocationInfo>",
        m.PickedPlace("MAP", None, 1.0, 0, "", ""),
    ),
]

# --- WeChat's own events -----------------------------------------------------------------------------------------

COUNTS = "<TotalCount>100</TotalCount><FilterCount>80</FilterCount><SentCount>75</SentCount><ErrorCount>5</ErrorCount>"
MASS_URLS = (
    "<ArticleUrlResult><Count>2</Count><ResultList><item><ArticleIdx>1</ArticleIdx><ArticleUrl><![CDATA[http://a.example/1]]>"
    "</ArticleUrl></item><item><ArticleIdx>2</ArticleIdx><ArticleUrl><![CDATA[http://a.example/2]]></ArticleUrl></item>"
    "</ResultList></ArticleUrlResult>"
)


def mass(name: str, inner: str, body: m.MassFinished, msg_id: str | None = "1000001625") -> Body:
    return told(name, "MASSSENDJOBFINISH", body, inner, msg_id=msg_id)


def template(name: str, status: str, event_name: str = "TEMPLATESENDJOBFINISH") -> Body:
    inner = f"<MsgID>200163836</MsgID><Status>{cdata(status)}</Status>"
    return told(name, event_name, m.TemplateFinished("200163836", status), inner, msg_id="200163836")


def notices(name: str, event_name: str, wrapper: str, lines: str, body: m.Body) -> Body:
    return told(name, event_name, body, f"<{wrapper}>{lines}</{wrapper}>")


def line(**fields: str) -> str:
    return "<List>" + "".join(f"<{tag}>{cdata(words)}</{tag}>" for tag, words in fields.items()) + "</List>"


PUBLISHED = (
    "<PublishEventInfo><publish_id>2247503051</publish_id><publish_status>0</publish_status>"
    "<article_id><![CDATA[b5O2OUs25HBxRceL7hfReg]]></article_id><article_detail><count>1</count><item><idx>1</idx>"
    "<article_url><![CDATA[http://a.example/p]]></article_url></item></article_detail></PublishEventInfo>"
)
JOB_EVENTS = [
    mass(
        "a mass message done",
        f"<MsgID>1000001625</MsgID><Status>send success</Status>{COUNTS}",
        m.MassFinished("1000001625", "send success", 100, 80, 75, 5),
    ),
    mass(
        "a mass message refused",
        "<MsgID>1000001625</MsgID><Status>err(30003)</Status>",
        m.MassFinished("1000001625", "err(30003)", 0, 0, 0, 0),
    ),
    mass(
        "a mass message with its addresses",
        f"<MsgID>1000001625</MsgID><Status>send success</Status>{COUNTS}{MASS_URLS}",
        m.MassFinished(
            "1000001625", "send success", 100, 80, 75, 5, ("http://a.example/1", "http://a.example/2")
        ),
    ),
    mass(
        "a mass message with blank results",
        f"<MsgID>1000001625</MsgID><Status>send success</Status>{COUNTS}<CopyrightCheckResult>\n</CopyrightCheckResult>"
        "<ArticleUrlResult>\n</ArticleUrlResult>",
        m.MassFinished("1000001625", "send success", 100, 80, 75, 5),
    ),
    mass(
        "a mass message with the id's old name",
        f"<MsgId>1000001625</MsgId><Status>send success</Status>{COUNTS}",
        m.MassFinished("1000001625", "send success", 100, 80, 75, 5),
    ),
    mass(
        "a mass message of impossible counts",
        f"<MsgID>1000001625</MsgID><Status>send success</Status><TotalCount>{9 * 10**18}</TotalCount><FilterCount>viele</FilterCount>"
        "<SentCount>-1</SentCount><ErrorCount/>",
        m.MassFinished("1000001625", "send success", 9 * 10**18, 0, -1, 0),
    ),
    mass(
        "a mass message without an id",
        f"<Status>send success</Status>{COUNTS}",
        m.MassFinished("", "send success", 100, 80, 75, 5),
        None,
    ),
    mass(
        "a mass message with an id of 90 digits",
        f"<MsgID>{'9' * 90}</MsgID><Status>send success</Status>",
        m.MassFinished("9" * 90, "send success", 0, 0, 0, 0),
        "9" * 64,
    ),
    mass("a mass message without anything", "", m.MassFinished("", "", 0, 0, 0, 0), None),
    template("a template message arrived", "success"),
    template("a template message blocked by its reader", "failed:user block"),
    template("a template message that failed", "failed: system failed"),
    template("a template message too many", "failed:freq limit"),
    template("a template message without a state", ""),
    template("a template message in small letters", "success", "templatesendjobfinish"),
    told("a template message without anything", "TEMPLATESENDJOBFINISH", m.TemplateFinished("", "")),
    told(
        "an article published",
        "PUBLISHJOBFINISH",
        m.Published("2247503051", 0, "b5O2OUs25HBxRceL7hfReg", ("http://a.example/p",), ()),
        PUBLISHED,
    ),
    told(
        "an article published, the other name",
        "FREEPUBLISHJOBFINISH",
        m.Published("2247503051", 0, "b5O2OUs25HBxRceL7hfReg", ("http://a.example/p",), ()),
        PUBLISHED,
    ),
    told(
        "an article refused",
        "PUBLISHJOBFINISH",
        m.Published("7", 2, "", (), (1, 3)),
        "<PublishEventInfo><publish_id>7</publish_id><publish_status>2</publish_status><fail_idx>1</fail_idx><fail_idx>3</fail_idx>"
        "</PublishEventInfo>",
    ),
    told("a publication without anything", "PUBLISHJOBFINISH", m.Published("", 0, "", (), ())),
    notices(
        "a notice wanted",
        "subscribe_msg_popup_event",
        "SubscribeMsgPopupEvent",
        line(TemplateId="t1", SubscribeStatusString="accept", PopupScene="0"),
        m.NoticesAnswered((m.Notice("t1", "accept", "0"),)),
    ),
    notices(
        "two notices answered",
        "subscribe_msg_popup_event",
        "SubscribeMsgPopupEvent",
        line(TemplateId="t1", SubscribeStatusString="accept", PopupScene="0")
        + line(TemplateId="t2", SubscribeStatusString="reject", PopupScene="2"),
        m.NoticesAnswered((m.Notice("t1", "accept", "0"), m.Notice("t2", "reject", "2"))),
    ),
    notices(
        "no notice answered", "subscribe_msg_popup_event", "SubscribeMsgPopupEvent", "", m.NoticesAnswered(())
    ),
    notices(
        "a notice no longer wanted",
        "subscribe_msg_change_event",
        "SubscribeMsgChangeEvent",
        line(TemplateId="t1", SubscribeStatusString="reject"),
        m.NoticesChanged((m.Notice("t1", "reject"),)),
    ),
    notices(
        "a notice sent",
        "subscribe_msg_sent_event",
        "SubscribeMsgSentEvent",
        line(TemplateId="t1", MsgID="1700827132819554304", ErrorCode="0", ErrorStatus="success"),
        m.NoticesSent((m.Notice("t1", "success", "", "1700827132819554304", 0),)),
    ),
    notices(
        "a notice not sent",
        "subscribe_msg_sent_event",
        "SubscribeMsgSentEvent",
        line(TemplateId="t1", MsgID="1", ErrorCode="43101", ErrorStatus="user refuse"),
        m.NoticesSent((m.Notice("t1", "user refuse", "", "1", 43101),)),
    ),
    happened(
        "a session with a person begins",
        "kf_create_session",
        m.ServiceSession("a@union"),
        "<KfAccount>a@union</KfAccount>",
    ),
    happened(
        "a session with a person ends",
        "kf_close_session",
        m.ServiceSession("a@union", "", "KF"),
        "<KfAccount>a@union</KfAccount><CloseType>KF</CloseType>",
    ),
    happened(
        "a session goes to another person",
        "kf_switch_session",
        m.ServiceSession("a@union", "b@union"),
        "<FromKfAccount>a@union</FromKfAccount><ToKfAccount>b@union</ToKfAccount>",
    ),
    told(
        "a profile reset",
        "user_info_modified",
        m.ProfileReset("oSomebody", "wx1"),
        "<openid>oSomebody</openid><appid>wx1</appid>",
    ),
    told(
        "a consent taken back",
        "user_authorization_revoke",
        m.Revoked("oNobodyHere", "wx1", "201"),
        "<OpenID>oNobodyHere</OpenID><AppID>wx1</AppID><RevokeInfo>201</RevokeInfo>",
    ),
    told("a consent of nobody taken back", "user_authorization_revoke", m.Revoked("", "", "")),
    told(
        "a WeChat account closed",
        "user_authorization_cancellation",
        m.Cancelled("oNobodyHere", "u1"),
        "<OpenID>oNobodyHere</OpenID><UnionID>u1</UnionID><AppID>wx1</AppID>",
    ),
    told(
        "a WeChat account closed, without a union id",
        "user_authorization_cancellation",
        m.Cancelled("oNobodyHere", ""),
        "<OpenID>oNobodyHere</OpenID>",
    ),
    *(
        told(
            f"the account's {name}",
            name,
            m.Verification(True, 1442401156, 0, ""),
            "<ExpiredTime>1442401156</ExpiredTime>",
        )
        for name in ("qualification_verify_success", "naming_verify_success", "annual_renew")
    ),
    told(
        "the account's verify_expired",
        "verify_expired",
        m.Verification(False, 1442401156, 0, ""),
        "<ExpiredTime>1442401156</ExpiredTime>",
    ),
    *(
        told(
            f"the account's {name}",
            name,
            m.Verification(False, 0, 1442401122, "by time"),
            "<FailTime>1442401122</FailTime><FailReason><![CDATA[by time]]></FailReason>",
        )
        for name in ("qualification_verify_fail", "naming_verify_fail")
    ),
    *(
        told(f"the event {name}", name, m.Unknown(), "<CardId>p1</CardId>")
        for name in (
            "card_pass_check",
            "user_get_card",
            "user_del_card",
            "poi_check_notify",
            "WifiConnected",
            "ShakearoundUserShake",
            "merchant_order",
            "submit_invoice_title",
            "debug_demo",
            "weapp_audit_success",
            "😀",
            "a" * 64,
        )
    ),
    told("an event with a name of 100 characters", "e" * 100, m.Unknown(), event="e" * 64),
    happened(
        "an event with blanks around its name",
        " subscribe ",
        m.Subscribe(),
        answer="text",
        has="欢迎",
        follower=FOLLOWS | {"scene": None},
        event="subscribe",
    ),
    Body(
        "an event without a name",
        envelope_of("event", "<EventKey>JOIN</EventKey>"),
        m.Unknown(),
        row=ROW | {"msg_type": "event", "event_key": "JOIN"},
    ),
    Body(
        "an event with an empty name",
        envelope_of("event", "<Event/>"),
        m.Unknown(),
        row=ROW | {"msg_type": "event"},
    ),
    Body(
        "an event with a nested name",
        envelope_of("event", "<Event><a>CLICK</a></Event>"),
        m.Unknown(),
        row=ROW | {"msg_type": "event"},
    ),
    Body(
        "an event with two names",
        envelope_of("event", "<Event>VIEW</Event><Event>unsubscribe</Event>"),
        m.View(""),
        row=ROW | {"msg_type": "event", "event": "VIEW"},
        follower=FOLLOWER,
    ),
    Body(
        "an event with words",
        envelope_of("event", "<Event>VIEW</Event><Content>你好</Content>"),
        m.View(""),
        row=ROW | {"msg_type": "event", "event": "VIEW"},
        follower=FOLLOWER,
    ),
]

# --- oddities of the common elements -----------------------------------------------------------------------------


def timed(name: str, time: str, sent_at: datetime | None) -> Body:
    """A text whose CreateTime element is `time`."""
    xml = f"<xml>{TO}{FROM}{time}{TEXT}{HI}</xml>".encode()
    row = ROW | {"content": "你好", "msg_id": ID, "sent_at": sent_at or NO_TIME}
    return Body(name, xml, HELLO, "text", "", row, FOLLOWER | {"spoke_at": sent_at or NOON})


def numbered(name: str, inner: str, msg_id: str | None) -> Body:
    """A text whose MsgId is odd."""
    xml = f"<xml>{TO}{FROM}{AT}{TEXT}<Content>你好</Content>{inner}</xml>".encode()
    return Body(name, xml, HELLO, "text", "", ROW | {"content": "你好", "msg_id": msg_id}, SPOKE)


def written(name: str, xml: str | bytes, modes: tuple[str, ...] = MODES) -> Body:
    """A 你好 that is oddly written but XML all the same."""
    raw = xml.encode() if isinstance(xml, str) else xml
    return Body(name, raw, HELLO, "text", "您好", ROW | {"content": "你好", "msg_id": ID}, SPOKE, modes=modes)


INSIDE = TO + FROM + AT + TEXT + HI
PLAIN = f"<xml>{INSIDE}</xml>"
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
ODDITIES = [
    timed("no time", "", None),
    timed("an empty time", "<CreateTime/>", None),
    timed("a time in words", "<CreateTime>now</CreateTime>", None),
    timed("a time before 1970", "<CreateTime>-1</CreateTime>", None),
    timed("the time 0", "<CreateTime>0</CreateTime>", None),
    timed("the time 1", "<CreateTime>1</CreateTime>", datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
    timed("a time with a fraction", "<CreateTime>1460537339.5</CreateTime>", None),
    timed("the time 10^18", f"<CreateTime>{10**18}</CreateTime>", None),
    timed("a time of 40 digits", f"<CreateTime>{'9' * 40}</CreateTime>", None),
    timed("a time in hexadecimal", "<CreateTime>0x570e0f3b</CreateTime>", None),
    timed("a time that is NaN", "<CreateTime>NaN</CreateTime>", None),
    timed("the last second there is", "<CreateTime>253402300799</CreateTime>", LAST),
    timed("one second after the last", "<CreateTime>253402300800</CreateTime>", None),
    timed("a time with blanks", f"<CreateTime> {stamp(NOON)}\n</CreateTime>", SENT),
    timed("two times", f"{AT}<CreateTime>1</CreateTime>", SENT),
    timed(
        "a time ten years old",
        "<CreateTime>1460537339</CreateTime>",
        datetime(2016, 4, 13, 8, 48, 59, tzinfo=UTC),
    ),
    timed("a nested time", "<CreateTime><a>1</a></CreateTime>", None),
    numbered("no MsgId", "", None),
    numbered("an empty MsgId", "<MsgId></MsgId>", None),
    numbered("a MsgId in letters", "<MsgId>abc</MsgId>", "abc"),
    numbered("the largest MsgId", "<MsgId>18446744073709551615</MsgId>", "18446744073709551615"),
    numbered("a MsgId of 100 digits", f"<MsgId>{'1' * 100}</MsgId>", "1" * 64),
    numbered("two MsgIds", "<MsgId>1</MsgId><MsgId>2</MsgId>", "1"),
    numbered("a MsgId that is an emoji", "<MsgId>😀</MsgId>", "😀"),
    numbered("a MsgID in a text", "<MsgID>5</MsgID>", None),
    written("another account's name", f"<xml><ToUserName>gh_other</ToUserName>{FROM}{AT}{TEXT}{HI}</xml>"),
    written("no account's name", f"<xml>{FROM}{AT}{TEXT}{HI}</xml>"),
    written("two senders", f"<xml>{TO}{FROM}<FromUserName>oOther</FromUserName>{AT}{TEXT}{HI}</xml>"),
    written("two types", f"<xml>{TO}{FROM}{AT}{TEXT}<MsgType>event</MsgType>{HI}</xml>"),
    written("another order", f"<xml>{HI}{TEXT}{AT}{FROM}{TO}</xml>"),
    written("an XML declaration", f'<?xml version="1.0" encoding="UTF-8"?>\n{PLAIN}'),
    written("a declaration of XML 1.1", f'<?xml version="1.1"?>{PLAIN}'),
    written("a declaration in single quotes", f"<?xml version='1.0' standalone='yes'?>{PLAIN}"),
    written("a declaration that lies about GBK", f'<?xml version="1.0" encoding="GBK"?>{PLAIN}'),
    written("a byte order mark", b"\xef\xbb\xbf" + PLAIN.encode()),
    written("blank lines before", "\n\n  " + PLAIN),
    written("blank lines after", PLAIN + "\r\n\r\n"),
    written("a comment before", "<!-- 你好 -->" + PLAIN),
    written("a comment after", PLAIN + "<!-- 再见 -->"),
    written("an instruction before", '<?xml-stylesheet href="file:///etc/passwd"?>' + PLAIN),
    written(
        "three thousand comments",
        f"<xml>{TO}{FROM}{AT}{TEXT}<Content>你{'<!---->' * 3000}好</Content><MsgId>{ID}</MsgId></xml>",
    ),
    written("another root", f"<message>{INSIDE}</message>"),
    written("a prefix that is declared", f'<xml xmlns:a="urn:y">{INSIDE}<a:b/></xml>'),
    written("a root with attributes", f"<xml id=\"1\" class='x'>{INSIDE}</xml>"),
    written(
        "blanks in the tags", PLAIN.replace("<Content>", "<Content \n>").replace("</Content>", "</Content\t>")
    ),
    written("elements six thousand deep", f"<xml>{INSIDE}{'<a>' * 6000}{'</a>' * 6000}</xml>", ("plain",)),
    written("blanks between all elements", PLAIN.replace("><", ">\n\t <")),
    written(
        "exactly 64 kB",
        PLAIN.replace("</xml>", " " * (MOST_BYTES - len(PLAIN.encode())) + "</xml>"),
        ("plain",),
    ),
    Body(
        "blanks around the sender",
        f"<xml>{TO}<FromUserName> {WORKER} </FromUserName>{AT}{TEXT}{HI}</xml>".encode(),
        HELLO,
        "text",
        "",
        ROW | {"content": "你好", "msg_id": ID},
        SPOKE,
    ),
    Body(
        "a sender of 128 characters",
        f"<xml>{TO}<FromUserName>{WORKER}{'x' * 100}</FromUserName>{AT}{TEXT}{HI}</xml>".encode(),
        HELLO,
        "text",
        "",
        ROW | {"content": "你好", "msg_id": ID, "openid": "{}" + "x" * 100},
        SPOKE,
    ),
    Body(
        "a sender with marks",
        f"<xml>{TO}<FromUserName>{WORKER}&lt;'\"%😀</FromUserName>{AT}{TEXT}{HI}</xml>".encode(),
        HELLO,
        "text",
        "",
        ROW | {"content": "你好", "msg_id": ID, "openid": "{}<'\"%😀"},
        SPOKE,
    ),
]

# --- what is no message ------------------------------------------------------------------------------------------


def declared(name: str, declaration: str, words: str = "你好") -> Body:
    """A body with a document type."""
    return refused(name, f"{declaration}<xml>{TO}{FROM}{AT}{TEXT}<Content>{words}</Content></xml>")


LAUGHS = "<!DOCTYPE xml [<!ENTITY a0 'ha'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)
)
REFUSED = [
    refused("nothing", ""),
    refused("blanks", " \r\n\t"),
    refused("success", "success"),
    refused("JSON", '{"ToUserName":"gh_1","FromUserName":"o1","MsgType":"text"}'),
    refused("a form", "FromUserName=o1&MsgType=text"),
    refused("a page", "<!DOCTYPE html><html><body><p>hi</html>"),
    refused("a picture's bytes", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
    refused("compressed bytes", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"),
    refused("an executable's bytes", b"\x7fELF\x02\x01\x01\x00"),
    refused("a bare number", "42"),
    refused("a bare word in angle brackets", "<xml"),
    refused("an empty root", "<xml/>"),
    refused("an empty root of two tags", "<xml></xml>"),
    refused("a root of text", "<xml>text</xml>"),
    refused("half a message", PLAIN[: len(PLAIN) // 2]),
    refused("a message without its last byte", PLAIN[:-1]),
    refused("half a CDATA section", f"<xml>{TO}{FROM}{TEXT}<Content><![CDATA[你好"),
    refused("tags that cross", f"<xml>{TO}{FROM}{AT}{TEXT}<Content><b>你好</Content></b></xml>"),
    refused("a tag that is never closed", f"<xml>{TO}{FROM}{AT}{TEXT}<Content>你好</xml>"),
    refused("two messages", PLAIN + PLAIN),
    refused("words after the message", PLAIN + "tail"),
    refused("words before the message", "head" + PLAIN),
    refused("a declaration after a blank", f' <?xml version="1.0"?>{PLAIN}'),
    refused("an attribute twice", PLAIN.replace("<Content>", '<Content a="1" a="2">')),
    refused("an attribute without quotes", PLAIN.replace("<Content>", "<Content a=1>")),
    refused("a bare ampersand", PLAIN.replace("你好", "你 & 好")),
    refused("a bare angle bracket", PLAIN.replace("你好", "1 < 2")),
    refused("the end of CDATA outside of it", PLAIN.replace("你好", "a]]>b")),
    refused("an unknown entity", PLAIN.replace("你好", "&nbsp;")),
    refused("a NUL", PLAIN.replace("你好", "你\x00好")),
    refused("a NUL as an entity", PLAIN.replace("你好", "&#0;")),
    refused("a NUL in the sender", PLAIN.replace(WORKER, WORKER + "\x00")),
    refused("a bell", PLAIN.replace("你好", "\x07")),
    refused("a backspace as an entity", PLAIN.replace("你好", "&#8;")),
    refused("an escape in CDATA", PLAIN.replace("你好", "<![CDATA[\x1b[31m]]>")),
    refused("half a surrogate as an entity", PLAIN.replace("你好", "&#xD800;")),
    refused("a character beyond Unicode", PLAIN.replace("你好", "&#x110000;")),
    refused("U+FFFE", PLAIN.replace("你好", "\ufffe")),
    refused("U+FFFF", PLAIN.replace("你好", "\uffff")),
    refused("surrogates in UTF-8", PLAIN.encode().replace("你好".encode(), b"\xed\xa0\xbd\xed\xb8\x80")),
    refused("an overlong NUL", PLAIN.encode().replace("你好".encode(), b"\xc0\x80")),
    refused("an overlong slash", PLAIN.encode().replace("你好".encode(), b"\xe0\x80\xaf")),
    refused("half a character", PLAIN.encode().replace("你好".encode(), b"\xe4\xbd")),
    refused("GBK", PLAIN.encode("gbk")),
    refused("GBK that says so", f'<?xml version="1.0" encoding="GBK"?>{PLAIN}'.encode("gbk")),
    refused("Latin-1", PLAIN.replace("你好", "café").encode("latin-1")),
    refused("UTF-16, little end first", PLAIN.encode("utf-16-le")),
    refused("UTF-16, big end first", PLAIN.encode("utf-16-be")),
    refused("UTF-16 with its mark", PLAIN.encode("utf-16")),
    refused("UTF-16 that says so", f'<?xml version="1.0" encoding="UTF-16"?>{PLAIN}'.encode("utf-16")),
    refused("UTF-32", PLAIN.encode("utf-32")),
    refused("UTF-7", PLAIN.replace("你好", "+AGE-").replace("<xml>", "+ADw-xml>")),
    declared("a document type", "<!DOCTYPE xml>"),
    declared("an empty document type", "<!DOCTYPE xml []>"),
    declared("an entity of one's own", '<!DOCTYPE xml [<!ENTITY a "你好">]>', "&a;"),
    declared("a file as an entity", '<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "&a;"),
    declared("an address as an entity", '<!DOCTYPE xml [<!ENTITY a SYSTEM "http://127.0.0.1:9/">]>', "&a;"),
    declared("a program as an entity", '<!DOCTYPE xml [<!ENTITY a SYSTEM "expect://id">]>', "&a;"),
    declared("a parameter entity", '<!DOCTYPE xml [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x.dtd"> %a;]>'),
    declared("a document type from elsewhere", '<!DOCTYPE xml SYSTEM "http://127.0.0.1:9/x.dtd">'),
    declared("a public document type", '<!DOCTYPE xml PUBLIC "-//X//X" "http://127.0.0.1:9/x.dtd">'),
    declared("a billion laughs", LAUGHS + "]>", "&a9;"),
    declared("an entity within itself", "<!DOCTYPE xml [<!ENTITY a '&b;'><!ENTITY b '&a;'>]>", "&a;"),
    declared("one long entity many times", f"<!DOCTYPE xml [<!ENTITY a '{'x' * 20_000}'>]>", "&a;" * 5000),
    declared("a declared element", "<!DOCTYPE xml [<!ELEMENT xml ANY>]>"),
    declared("a declared attribute", '<!DOCTYPE xml [<!ATTLIST Content x CDATA "1">]>'),
    declared("a notation", '<!DOCTYPE xml [<!NOTATION n SYSTEM "n">]>'),
    declared("a document type in small letters", "<!doctype xml>"),
    refused("a root in a name space", f'<xml xmlns="urn:x">{INSIDE}</xml>', modes=("plain", "safe")),
    refused("a prefix that nobody declared", f"<xml>{INSIDE}<q:thing/></xml>"),
    refused("ten thousand elements deep", "<a>" * 10_000),
    refused("six thousand closed elements deep", "<a>" * 6000 + "</a>" * 6000, modes=("plain", "safe")),
    refused("a hundred thousand elements deep", "<a>" * 100_000, 413, ("plain",)),
    refused(
        "one byte more than 64 kB",
        PLAIN.replace("</xml>", " " * (MOST_BYTES + 1 - len(PLAIN.encode())) + "</xml>"),
        413,
        ("plain",),
    ),
    refused("two million siblings", f"<xml>{INSIDE}{'<a/>' * 500_000}</xml>", 413, ("plain",)),
    refused("no sender", f"<xml>{TO}{AT}{TEXT}{HI}</xml>"),
    refused("an empty sender", f"<xml>{TO}<FromUserName></FromUserName>{AT}{TEXT}{HI}</xml>"),
    refused("an empty sender before a good one", f"<xml>{TO}<FromUserName/>{FROM}{AT}{TEXT}{HI}</xml>"),
    refused("a nested sender", f"<xml>{TO}<FromUserName><a>{WORKER}</a></FromUserName>{AT}{TEXT}{HI}</xml>"),
    refused("a sender as an attribute", f'<xml FromUserName="{WORKER}">{TO}{AT}{TEXT}{HI}</xml>'),
    refused(
        "a sender of 129 characters", f"<xml>{TO}<FromUserName>{'o' * 129}</FromUserName>{AT}{TEXT}{HI}</xml>"
    ),
    refused(
        "a sender in small letters", f"<xml>{TO}<fromusername>{WORKER}</fromusername>{AT}{TEXT}{HI}</xml>"
    ),
    refused("no type", f"<xml>{TO}{FROM}{AT}{HI}</xml>"),
    refused("an empty type", f"<xml>{TO}{FROM}{AT}<MsgType/>{HI}</xml>"),
    refused("a nested type", f"<xml>{TO}{FROM}{AT}<MsgType><a>text</a></MsgType>{HI}</xml>"),
    refused("a message one level too deep", f"<soap><body>{INSIDE}</body></soap>"),
    refused("a message in a comment", f"<!-- {PLAIN} -->"),
    refused("a message in CDATA", f"<xml><![CDATA[{INSIDE}]]></xml>"),
]

GOOD: tuple[Body, ...] = (*TEXTS, *OTHERS, *PEOPLE_EVENTS, *MENU_EVENTS, *JOB_EVENTS, *ODDITIES)
BODIES: tuple[Body, ...] = (*GOOD, *REFUSED)
