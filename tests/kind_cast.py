"""A union with campaigns to take part in: its webhook and its pages over one database, workers with phones and browsers, a
clock that the test moves, and the staff at the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from phone_cast import ACCOUNT, WHOLE

import handlers
from campaigns.campaign import Campaign
from campaigns.moderation import Moderation
from commands.campaign import campaign_do
from ground.address import Site
from handlers.turn import House
from jobs import editions
from menus import tree
from models.base import Store
from models.clock import Clock
from web import Parts, create_app
from web.webhook import Webhook
from wx.account import Account
from wx.envelope import Envelope
from wx.simulator import Patience, Phone, Platform

NOON = datetime(2027, 1, 12, 4, 0, tzinfo=UTC)  # in the middle of the wishes
LIVE = ACCOUNT.model_copy(update={"live": True})
WISH = {
    "id": "spring-wish",
    "title": "春节发福利",
    "kind": "wish",
    "about": "您最想要哪一种节日福利？",
    "from": "01-10",
    "to": "01-31",
    "wish": {"per_person": 2},
}

BANK = {
    "file": "bank.csv",
    "lines": [
        {
            "face": "千条线，万条线，掉到水里看不见",
            "target": "打一自然现象",
            "answers": ["雨", "下雨"],
            "hint": "抬头",
        },
        {"face": "七十二小时", "target": "打一字", "answers": ["晶"], "level": 2, "why": "三日"},
        {"face": "两个人走路", "target": "打一句话", "answers": ["我不想活了"], "level": 3},
    ],
}
RIDDLE = {
    "id": "yuanxiao",
    "title": "元宵猜灯谜",
    "kind": "riddle",
    "from": "01-10",
    "to": "01-31",
    "riddle": {
        "bank": BANK,
        "tries": 3,
        "prizes": [{"name": "一等奖", "count": 1}, {"name": "二等奖", "count": 2}],
    },
}


POLL = {
    "id": "model",
    "title": "我心目中的劳动模范",
    "kind": "poll",
    "from": "01-10",
    "to": "01-31",
    "poll": {
        "photos": False,
        "candidates": [
            {"number": 1, "name": "王大力", "unit": "钻采一队", "groups": ["一线", "农民工"]},
            {"number": 2, "name": "李巧手", "unit": "纺织厂", "groups": ["一线", "女职工"]},
            {"number": 3, "name": "张明", "unit": "设计院", "words": "画了三十年图", "groups": []},
            {"number": 5, "name": "赵管", "unit": "总公司", "groups": ["负责人"]},
        ],
    },
}


REQUEST = {
    "id": "request",
    "title": "诉求",
    "kind": "request",
    "from": "01-01",
    "to": "12-31",
    "request": {
        "owners": [
            {"name": "职工服务中心"},
            {"name": "权益保障部"},
            {"name": "河东区总工会", "unit": "河东区"},
            {"name": "纺织厂工会", "unit": "河东区/纺织厂"},
        ],
        "units": ["河东区", "河东区/纺织厂", "河西区"],
        "topics": [{"name": "困难帮扶", "owner": "权益保障部", "guides": ["hardship"]}],
    },
}


OPINION = {
    "id": "say",
    "title": "您对工会有什么意见",
    "kind": "opinion",
    "from": "01-01",
    "to": "12-31",
    "opinion": {"topics": ["食堂"]},
}


SIGN_UP = {
    "id": "cooling",
    "title": "送清凉",
    "kind": "sign-up",
    "from": "01-10",
    "to": "01-31",
    "sign-up": {
        "seats_each": 3,
        "slots": [
            {"title": "河东站", "begins": "02-03 09:00", "place": "河东路 8 号", "places": 3, "waiting": 4},
            {"title": "河西站", "begins": "02-04 09:00", "places": 50},
        ],
        "items": [{"title": "毛巾", "stock": 10}, {"title": "绿豆", "quantity": 2, "per_seat": True}],
    },
}


QUESTIONS = [
    {
        "stem": "国家规定的产假有多少天？",
        "options": [("A", "90 天"), ("B", "98 天"), ("C", "128 天")],
        "right": "B",
        "why": "产前可以休 15 天。",
        "law": "《女职工劳动保护特别规定》",
        "article": "第七条",
        "about": "产假",
    },
    {
        "stem": "单位不能因为怀孕做哪些事？",
        "options": [("A", "降工资"), ("B", "辞退"), ("C", "安排产检")],
        "right": "AB",
        "why": "产检算劳动时间。",
        "law": "《妇女权益保障法》",
        "article": "第四十八条",
        "about": "不降薪",
    },
]
QUIZ = {
    "id": "women-quiz",
    "title": "女职工权益竞答",
    "kind": "quiz",
    "from": "01-10",
    "to": "01-31",
    "quiz": {
        "bank": {"file": "bank.csv", "lines": QUESTIONS},
        "size": 2,
        "prizes": [{"name": "一等奖", "count": 1}],
    },
}


LIVE_RECORD = {
    "id": "contest",
    "title": "“创业杯”职工技能大赛",
    "kind": "live-record",
    "from": "01-10",
    "to": "01-31",
    "live-record": {"latest": 3},
}


EVALUATION = {
    "id": "summary",
    "title": "这一年，工会做得怎么样",
    "kind": "evaluation",
    "from": "01-10",
    "to": "01-31",
    "evaluation": {
        "year": "这一年的工会工作",
        "activities": ["spring-wish"],
        "services": [{"guide": "legal-aid", "title": "法律援助"}],
        "requests": True,
        "shows": True,
    },
}


def campaign(keys: dict[str, Any], **more: Any) -> Campaign:
    """A campaign as it stands in the config file."""
    return Campaign.model_validate({**keys, **more})


class Union:
    """The whole house at a moment of the year."""

    def __init__(
        self,
        store: Store,
        campaigns: Sequence[Campaign] | None = None,
        *,
        account: Account = LIVE,
        at: datetime = NOON,
        base_url: str = "",
    ) -> None:
        self.store = store
        self.campaigns = tuple(campaigns if campaigns is not None else [campaign(WISH)])
        self.ahead = at - datetime.now(UTC)
        self.account = account
        self.base_url = base_url
        self.clock = Clock(lambda: self.ahead)
        self.platform = Platform(account, self._carry, now=self._now, patience=Patience(gap_s=0.05))
        self.platform.world.menu = dict(tree.body(WHOLE.menu))
        self.webhook = self._webhook()
        self.pages: list[Pages] = []

    def _now(self) -> datetime:
        return self.clock.now()

    def house(self) -> House:
        """What the handlers and the pages know of the account."""
        return House(
            self.account.name,
            self.account.live,
            True,
            self.base_url,
            lambda: WHOLE,
            lambda: self.campaigns,
            testers=self.account.testers,
            sensitive=("赌博",),
        )

    def _webhook(self) -> Webhook:
        house = self.house()
        secrets = (self.account.token.get_secret_value(), self.account.encoding_aes_key.get_secret_value())
        envelope = Envelope(
            mode="safe", token=secrets[0], app_id=self.account.app_id, freshness_s=300, aes_key=secrets[1]
        )
        return Webhook(envelope, self.store, self.clock, house, handlers.answer, self.account.original_id)

    def _carry(self, query: str, body: bytes) -> tuple[int, bytes]:
        return self.webhook.answer(query, body)

    def restarts(self) -> None:
        """Another process, which knows only what is stored."""
        self.webhook = self._webhook()

    def waits(self, span: timedelta) -> None:
        self.ahead += span
        self.clock = Clock(lambda: self.ahead)
        self.webhook.clock = self.clock

    def tends(self) -> None:
        """What the worker does every few seconds."""
        editions.tend(self.store, self.campaigns, self.clock.now(), Moderation(), live=self.account.live)

    def staff_does(self, deed: str, *words: str) -> None:
        """`campaign do`, for the first campaign."""
        campaign_do(self.store, self.campaigns[0].id, deed, words, self.clock.now())

    def opens_wishes(self, phone: Phone) -> str:
        """Taps the menu item; a second later than before, for WeChat's taps have no number but their second."""
        self.waits(timedelta(seconds=1))
        return phone.taps("WISH")

    def phone(self, name: str) -> Phone:
        """A follower."""
        phone = Phone(self.platform, name)
        phone.follows()
        return phone

    def close(self) -> None:
        for pages in self.pages:
            pages.app.extensions["views"].close()
        self.platform.close()


class Pages:
    """The workers' pages, and WeChat's sign-in behind them."""

    def __init__(self, union: Union, ticket: Callable[[], str] | None = None, **more: Any) -> None:
        union.base_url = union.base_url or "http://localhost"
        union.restarts()
        self.union = union
        self.parts = Parts(
            account=union.account,
            store=union.store,
            clock=Clock(lambda: union.ahead),
            find=handlers.look_up,
            house=union.house(),
            site=Site(base_url=union.base_url),
            ticket=ticket,
            sign_in=lambda code: union.platform.sign_in.exchange(
                {
                    "appid": union.account.app_id,
                    "secret": union.account.app_secret.get_secret_value(),
                    "code": code,
                    "grant_type": "authorization_code",
                }
            ),
            **{"year": list, "ways": {}, "ready": list, **more},
        )
        self.app = create_app(self.parts, union.webhook)
        union.pages.append(self)

    def browser(self) -> Browser:
        """A fresh one."""
        return Browser(self)


class Browser:
    """Somebody's browser, without JavaScript: it follows links and sends forms as they stand on the page."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.client = pages.app.test_client()
        self.text = ""
        self.status = 0

    def opens(self, path: str) -> str:
        answer = self.client.get(path, follow_redirects=True)
        self.status, self.text = answer.status_code, answer.get_data(as_text=True)
        return self.text

    def sends(self, path: str, **fields: str) -> str:
        """The page's first form with these fields."""
        hidden = dict(HIDDEN.findall(self.text.partition("<form")[2].partition("</form>")[0]))
        answer = self.client.post(path, data={**hidden, **fields}, follow_redirects=True)
        self.status, self.text = answer.status_code, answer.get_data(as_text=True)
        return self.text

    def goes_to_wechat(self, path: str) -> str:
        """The query with which it asks WeChat to be signed in."""
        answer = self.client.get(path)
        return answer.headers["Location"].partition("?")[2].removesuffix("#wechat_redirect")

    def signs_in(self, phone: Phone, to: str = "/h5/") -> str:
        """By WeChat's own page."""
        asked = self.goes_to_wechat(f"/h5/sign-in/wechat?to={to}")
        back = self.pages.union.platform.sign_in.redirect(asked, phone.openid)
        return self.opens(back.partition("http://localhost")[2])


HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
