"""What a call to WeChat can end in, and what each of WeChat's error codes asks of us.

    WeChatError
    ├── ApiError   WeChat read the request and refused it: certainly not done (except 45065: done before)
    ├── NotSent    the request never reached WeChat: certainly not done
    ├── HeldBack   we were told in the last moment not to send it: certainly not done
    └── NoAnswer   the request may have reached WeChat: nobody knows whether it was done
        └── BadAnswer  something came back that says neither yes nor no

Sources of codes and texts: platform guide, 返回码 tables of the endpoints that we call.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Policy = Literal[
    "retry",  # the same request may succeed a little later; attempts are counted
    "wait_minute",  # a limit per minute: nothing more on this way out for 60 s
    "wait_day",  # a limit per day: nothing more on this way out until 00:00 Asia/Shanghai
    "skip_person",  # this recipient cannot be reached; the others can
    "skip_call",  # nobody of this call can be reached; the other calls can
    "pause_push",  # this push cannot go on until a person changes it
    "stop_all",  # no call can succeed until a person changes the account's set-up
    "sent",  # WeChat already has it
    "bug",  # our request was wrong: pause, and tell the technicians
]
POLICIES: tuple[str, ...] = get_args(Policy)


class WeChatError(Exception):
    """A call to WeChat did not give what was asked for."""


class ApiError(WeChatError):
    """WeChat's own refusal: its code, its words, and the id under which Tencent can look it up.

    `answer` is the whole JSON answer, because 45065 carries the msg_id of the job that was accepted before.
    """

    def __init__(self, errcode: int, errmsg: str, rid: str = "", answer: Mapping[str, object] | None = None):
        super().__init__(errcode, errmsg, rid)
        self.errcode = errcode
        self.errmsg = errmsg
        self.rid = rid
        self.answer: Mapping[str, object] = answer or {}

    def __str__(self) -> str:
        return f"{self.errcode} {self.errmsg}" + (f" (rid {self.rid})" if self.rid else "")


class NotSent(WeChatError):
    """The request did not leave, or met nobody: the name was not found, the connection refused, no token to be had."""


class HeldBack(WeChatError):
    """Somebody stopped it between our wish and the request: nothing has left."""


class NoAnswer(WeChatError):
    """The request left and no usable answer came: too slow, cut off, an HTTP error, or not JSON."""


class BadAnswer(NoAnswer):
    """An answer came, and it is not what the guide says: no JSON object, or one without what was asked for."""


@dataclass(frozen=True, slots=True)
class Errcode:
    """One of WeChat's codes: what the programs do about it, what it means, and what staff do about it."""

    code: int
    policy: Policy
    means_zh: str
    action_zh: str


_NOTHING = "不用处理，系统会自己处理。"
_WAIT = "不用处理，系统会稍后再试；如果一直这样，请联系技术人员。"
_TECH = "请把这个代码和推送名称发给技术人员。"
_NEW_KEY = "请登录微信公众平台，重新获取开发者密码（AppSecret），填到配置文件的 app_secret，再重新启动。"
_OTHER = "请检查是否有别的程序也在用这个公众号的密码。"
_TEMPLATE = "请从微信公众平台的“模板消息”里复制模板编号，填到这次推送的 template.id。"
_ADDRESS = "请登录微信公众平台，在“IP白名单”里加上本服务器的公网地址，几分钟后再试。"
_ADMIN = "请公众号管理员打开微信，在“公众平台安全助手”里确认。"
_NOTICES = "请登录微信公众平台，看站内通知，按提示处理后再继续推送。"
_MENU = "请改正菜单文件，运行 menu check 检查，再运行 menu publish。"
_PUSH = "请改正配置文件里这次推送的内容，运行 check 检查，再继续推送。"
_PICTURE = "请换一张 jpg 或 png 图片（1 MB 以内），再继续推送。"
_TAG = "请登录微信公众平台，看标签是否还在，再改正配置文件里的 audience。"

_TABLE: tuple[Errcode, ...] = (
    # the system, tokens and the account
    Errcode(-1, "retry", "微信系统繁忙", _WAIT),
    Errcode(40001, "pause_push", "微信说访问凭证无效或不是最新的，换过一次仍然不行", _OTHER),
    Errcode(40066, "bug", "微信没有这个接口", _TECH),
    Errcode(40097, "bug", "请求里的参数不对", _TECH),
    Errcode(40002, "bug", "凭证类型不对", _TECH),
    Errcode(40013, "stop_all", "AppID 不对", "请核对配置文件的 app_id 与微信公众平台上的开发者ID是否一致。"),
    Errcode(40014, "pause_push", "微信说访问凭证不合法，换过一次仍然不行", _OTHER),
    Errcode(40125, "stop_all", "开发者密码（AppSecret）不对", _NEW_KEY),
    Errcode(40164, "stop_all", "本服务器的地址不在微信的 IP 白名单里", _ADDRESS),
    Errcode(
        40243,
        "stop_all",
        "开发者密码（AppSecret）已被冻结",
        "请登录微信公众平台，解冻开发者密码（AppSecret）。",
    ),
    Errcode(41001, "bug", "请求里没有带访问凭证", _TECH),
    Errcode(41002, "stop_all", "没有填 AppID", "请在配置文件里填写 app_id，再重新启动。"),
    Errcode(41004, "stop_all", "没有填开发者密码（AppSecret）", _NEW_KEY),
    Errcode(42001, "pause_push", "访问凭证过期，换过一次仍然不行", _OTHER),
    Errcode(41005, "bug", "请求里没有文件", _TECH),
    Errcode(43001, "bug", "请求方式不对，应当用 GET", _TECH),
    Errcode(43002, "bug", "请求方式不对，应当用 POST", _TECH),
    Errcode(44002, "bug", "请求内容是空的", _TECH),
    Errcode(47001, "bug", "微信读不懂请求的内容", _TECH),
    Errcode(
        48001,
        "pause_push",
        "这个公众号没有这项接口权限",
        "请登录微信公众平台，看“接口权限”和认证是否有效；没有权限的话请换一种推送方式。",
    ),
    Errcode(48004, "stop_all", "接口已被微信封禁", _NOTICES),
    Errcode(50001, "pause_push", "没有获得这项接口的授权", "请登录微信公众平台，看“接口权限”。"),
    Errcode(50002, "stop_all", "公众号受限，可能被冻结、注销或违规", _NOTICES),
    Errcode(50004, "stop_all", "公众号被禁止获取访问凭证", _NOTICES),
    Errcode(50007, "stop_all", "公众号已被冻结", _NOTICES),
    Errcode(61004, "stop_all", "本服务器的地址不在微信的 IP 白名单里", _ADDRESS),
    Errcode(61007, "pause_push", "第三方平台没有这项权限", "请登录微信公众平台，检查第三方平台的授权。"),
    Errcode(89503, "stop_all", "这个地址的调用要管理员确认", _ADMIN),
    Errcode(89506, "stop_all", "管理员拒绝了这个地址的调用，24 小时内不能再试", _ADMIN),
    Errcode(89507, "stop_all", "管理员拒绝了这个地址的调用，1 小时内不能再试", _ADMIN),
    # how much and how fast
    Errcode(
        45009,
        "wait_day",
        "今天的接口次数用完了",
        "不用处理，明天零点后会接着推送；急用的话请登录微信公众平台清零接口次数。",
    ),
    Errcode(76021, "bug", "查询接口次数时，接口名称不对", _TECH),
    Errcode(45011, "wait_minute", "这一分钟调用得太快", _NOTHING),
    Errcode(42010, "wait_minute", "群发操作太快", _NOTHING),
    Errcode(48006, "pause_push", "本月清零接口次数的机会用完了", "请等到明天，接口次数会自己恢复。"),
    # one person cannot be reached
    Errcode(40003, "skip_person", "没有这个关注者，或者他不属于本公众号", _NOTHING),
    Errcode(43004, "skip_person", "他没有关注本公众号", _NOTHING),
    Errcode(43019, "skip_person", "他在黑名单里", "不用处理；要恢复的话请登录微信公众平台，把他移出黑名单。"),
    Errcode(43101, "skip_person", "他没有订阅这类通知，或者拒收", _NOTHING),
    Errcode(
        45015,
        "skip_person",
        "他太久没有和公众号互动，现在不能给他发客服消息",
        "不用处理；要通知到他的话，请改用模板消息或群发。",
    ),
    Errcode(
        45047,
        "skip_person",
        "给他的客服消息条数已到上限，要等他再发来消息",
        "不用处理；要通知到他的话，请改用模板消息或群发。",
    ),
    Errcode(48002, "skip_person", "他拒收本公众号的消息", _NOTHING),
    Errcode(50005, "skip_person", "他没有关注本公众号", _NOTHING),
    Errcode(70000, "skip_person", "按未成年人保护规定，这条消息没有发出", _NOTHING),
    # mass messages
    Errcode(40031, "pause_push", "关注者名单里有不正确的编号", "请检查这次推送的名单文件。"),
    Errcode(40032, "pause_push", "关注者名单的人数不对", "请检查这次推送的名单文件。"),
    Errcode(
        40130,
        "skip_call",
        "去掉微信不认识的编号以后不足两个人，微信不能这样群发",
        "请在名单里至少放两个关注着的人，或者改用模板消息。",
    ),
    Errcode(40059, "pause_push", "没有这条群发", _TECH),
    Errcode(40152, "pause_push", "群发用的标签不存在", _TAG),
    Errcode(
        45028,
        "pause_push",
        "这个周期的群发次数用完了",
        "请改到下个月（订阅号改到明天）再推送，或者改用模板消息。",
    ),
    Errcode(45062, "pause_push", "这篇图文已被广告预订，不能群发", "请登录微信公众平台处理这篇图文。"),
    Errcode(45065, "sent", "这次群发微信早已收到，不会重复发送", _NOTHING),
    Errcode(45066, "wait_minute", "同一次群发重试得太快，要等一分钟", _NOTHING),
    Errcode(45067, "bug", "群发的编号太长", _TECH),
    Errcode(
        48003, "pause_push", "还没有同意群发协议", "请登录微信公众平台，打开群发页面，同意协议后再继续推送。"
    ),
    Errcode(48008, "pause_push", "没有发送这类消息的权限", "请换一种内容（文字或图文）再推送。"),
    Errcode(
        48021, "pause_push", "自动保存的草稿不能群发", "请登录微信公众平台，手动保存这篇草稿后再继续推送。"
    ),
    Errcode(48022, "pause_push", "这个视频不能用接口群发", "请登录微信公众平台手动群发。"),
    Errcode(89504, "wait_minute", "群发正在等管理员确认", _ADMIN),
    Errcode(89505, "pause_push", "管理员拒绝了这次群发", "请和管理员商量好，再继续推送。"),
    # what is in a message
    Errcode(
        40007, "pause_push", "图片或图文已经失效", "请重新放一次图片或图文，再继续推送；素材三天后会失效。"
    ),
    Errcode(40004, "bug", "文件的类别不对", _TECH),
    Errcode(40005, "pause_push", "文件格式不对", _PICTURE),
    Errcode(40006, "pause_push", "文件太大，或者是空的", _PICTURE),
    Errcode(40008, "bug", "消息类型不对", _TECH),
    Errcode(40009, "pause_push", "图片太大", _PICTURE),
    Errcode(40033, "bug", "请求里有微信不收的字符写法", _TECH),
    Errcode(40036, "pause_push", "模板编号的长度不对", _TEMPLATE),
    Errcode(40037, "pause_push", "没有这个模板", _TEMPLATE),
    Errcode(40039, "pause_push", "链接太长", _PUSH),
    Errcode(40249, "pause_push", "模板消息里有营销内容，微信不让发", _PUSH),
    Errcode(43116, "pause_push", "这个模板被微信限制使用", "请登录微信公众平台，换一个模板。"),
    Errcode(44004, "pause_push", "文字内容是空的", _PUSH),
    Errcode(45001, "pause_push", "文件太大", _PICTURE),
    Errcode(45002, "pause_push", "文字太长", _PUSH),
    Errcode(45003, "pause_push", "标题是空的或太长，应在 32 字以内", _PUSH),
    Errcode(45004, "pause_push", "摘要太长，应在 128 字以内", _PUSH),
    Errcode(45008, "pause_push", "图文篇数太多", _PUSH),
    Errcode(45166, "pause_push", "图文正文里有微信不收的内容", _PUSH),
    Errcode(47003, "pause_push", "模板里有一项内容不合规定（括号里的英文是哪一项）", _PUSH),
    Errcode(
        88000, "pause_push", "没有开通留言功能", "请登录微信公众平台开通留言，或者在这次推送里不要留言。"
    ),
    # the menu
    Errcode(40015, "bug", "菜单类型不对", _MENU),
    Errcode(40016, "bug", "一级菜单的个数不对，应当是 1 至 3 个", _MENU),
    Errcode(40017, "bug", "一级菜单的类型不对", _MENU),
    Errcode(40018, "bug", "一级菜单的名称是空的或太长", _MENU),
    Errcode(40019, "bug", "一级菜单的键太长", _MENU),
    Errcode(40020, "bug", "一级菜单的链接不对", _MENU),
    Errcode(40022, "bug", "菜单的层数太多，只能有两级", _MENU),
    Errcode(40023, "bug", "二级菜单的个数不对，应当是 1 至 5 个", _MENU),
    Errcode(40024, "bug", "二级菜单的类型不对", _MENU),
    Errcode(40025, "bug", "二级菜单的名称是空的或太长", _MENU),
    Errcode(40026, "bug", "二级菜单的键太长", _MENU),
    Errcode(40027, "bug", "二级菜单的链接不对", _MENU),
    Errcode(40054, "bug", "二级菜单的链接域名不合法", _MENU),
    Errcode(40055, "bug", "菜单的链接域名不合法", _MENU),
    Errcode(46003, "bug", "公众号还没有菜单", "请运行 menu publish 发布菜单。"),
    # tags, sign-in pages, callback check
    Errcode(40053, "bug", "二维码的参数不合法", "请把这句话发给技术人员：二维码的 action_info 要写场景值。"),
    Errcode(45159, "pause_push", "标签编号不对", _TAG),
    Errcode(40029, "retry", "网页登录的凭证不对或已过期", "不用处理，请关注者从公众号菜单重新打开页面。"),
    Errcode(40163, "retry", "网页登录的凭证已经用过", "不用处理，请关注者从公众号菜单重新打开页面。"),
    Errcode(
        40201, "bug", "微信后台还没有填消息推送的网址", "请登录微信公众平台，在“消息推送”里填写网址并启用。"
    ),
    Errcode(40202, "bug", "检查消息推送网址时，检查方式不对", _TECH),
    Errcode(40203, "bug", "检查消息推送网址时，运营商不对", _TECH),
)

ERRCODES: Mapping[int, Errcode] = {row.code: row for row in _TABLE}


def explain(errcode: int) -> Errcode:
    """The row of a code; one that we do not know is tried again a counted number of times."""
    known = ERRCODES.get(errcode)
    return known or Errcode(errcode, "retry", "微信返回了一个少见的代码", _TECH)


_RID = re.compile(
    r"[\s,;]*(?:rid:\s*(?P<rid>[\w-]+)|hints?:\s*\[\s*(?:req_id:\s*)?(?P<hint>[^\]]*?)\s*\])\s*$"
)


def fold(errmsg: str) -> tuple[str, str]:
    """WeChat's words without the request id at their end, and that id ("" if there is none)."""
    found = _RID.search(errmsg)
    if not found:
        return errmsg.strip(), ""
    return errmsg[: found.start()].strip(), found["rid"] or found["hint"]
