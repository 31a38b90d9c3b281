"""The simulated WeChat platform: answers API calls by its rules and posts messages and results to the callback."""

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from wx.account import Account
from wx.simulator.callback import Callback, Patience, Target
from wx.simulator.courier import Courier
from wx.simulator.endpoints import CLEARS_PER_MONTH, ENDPOINTS, FAR_MORE, FLAWS, Call, Endpoint
from wx.simulator.faults import Faults
from wx.simulator.issue import Issuer
from wx.simulator.oauth import SignIn
from wx.simulator.people import tag
from wx.simulator.world import Errcode, Event, Follower, Json, Sent, WeChatLimits, World


def _wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Results:
    """When results of accepted messages come: `early` = before the API's answer; `copies` 0 = never, 2 = twice."""

    delay_s: float = 0.2
    copies: int = 1
    early: bool = False


class Platform:
    """One account's platform. `callback` is the account's server: its URL, or a function (query, body) -> (status, body).

    Settings may be changed at any time: limits, results, faults, callback.patience, world.mass_status, …
    """

    def __init__(
        self,
        account: Account,
        callback: Target | None = None,
        *,
        now: Callable[[], datetime] = _wall_clock,
        limits: WeChatLimits | None = None,
        patience: Patience | None = None,
        results: Results | None = None,
    ) -> None:
        self.limits = limits or WeChatLimits()
        self.world = World(account, now, self.limits)
        self.callback = Callback(self.world, callback, patience or Patience())
        self.results = results or Results()
        self.issuer = Issuer(self.world)
        self.sign_in = SignIn(self.world)
        self.faults = Faults()
        self.calls: Counter[str] = Counter()  # all calls by path, for tests
        self._used: Counter[tuple[str, str]] = Counter()
        self._cleared: Counter[str] = Counter()
        self._courier = Courier()

    @property
    def log(self) -> list[Sent]:
        """Every message that was accepted for a person, oldest first, with the repeats that were absorbed."""
        with self.world.lock:
            return list(self.world.log)

    def add_template(self, template_id: str, title: str, labels: dict[str, str]) -> None:
        """Makes a template the account's own: {"thing1": "活动名称", …}. Before the first one, any id is good."""
        self.world.templates[template_id] = (title, labels)

    def add_follower(self, name: str, *tags: str) -> Follower:
        """A person who has followed for long: no event is posted."""
        follower = self.world.person(name)
        with self.world.lock:
            follower.following, follower.since = True, follower.since or self.world.now()
            for name_of_tag in tags:
                tag(self.world, follower, name_of_tag)
        return follower

    def call(self, call: Call, errcode: int = 0) -> Json:
        """The answer to an API call; with `errcode` only the token is looked at, and that code is the answer."""
        with self.world.lock, self.world.moment():
            self.world.events = []
            self.calls[call.path] += 1
            try:
                answer = {"errcode": 0, "errmsg": "ok"} | self._answer(call, errcode)
            except Errcode as refused:
                answer = {
                    "errcode": refused.errcode,
                    "errmsg": f"{refused.errmsg} rid: {_rid()}",
                } | refused.more
            events = self.world.events
        self._post(events)
        return answer

    def settle(self, timeout_s: float = 30.0) -> bool:
        """Waits until every result has been posted."""
        return self._courier.settle(timeout_s)

    def close(self) -> None:
        """Ends the threads and connections."""
        self._courier.close()
        self.callback.close()

    def _answer(self, call: Call, errcode: int) -> Json:
        if errcode and call.path not in ("token", "stable_token"):
            self.issuer.judge(call.params.get("access_token", ""))
        if errcode:
            raise Errcode(errcode, "scripted fault")
        self._count(call.path)
        if call.path == "token":
            return self.issuer.plain(dict(call.params), call.ip)
        if call.path == "stable_token" and call.method != "POST":
            raise Errcode(43002, "require POST method")
        if call.path != "stable_token":
            self.issuer.judge(call.params.get("access_token", ""))
        if call.flaw:
            raise Errcode(call.flaw, FLAWS[call.flaw])
        if call.path == "stable_token":
            return self.issuer.stable(call.body, call.ip)
        if call.path in ("openapi/quota/get", "clear_quota"):
            return self._quota(call)
        endpoint = ENDPOINTS.get(call.path)
        if endpoint is None:
            raise Errcode(40066, "invalid url")
        self._allow(endpoint, call)
        return endpoint.answer(self.world, call)

    def _allow(self, endpoint: Endpoint, call: Call) -> None:
        account = self.world.account
        if call.method != endpoint.method:
            code = 43002 if endpoint.method == "POST" else 43001
            raise Errcode(code, f"require {endpoint.method} method")
        if (endpoint.verified and not account.verified) or (endpoint.service and account.kind != "service"):
            raise Errcode(48001, "api unauthorized")

    def _count(self, path: str) -> None:
        self._used[self.world.day(), path] += 1
        if self._used[self.world.day(), path] > self.limits.daily.get(path, FAR_MORE):
            raise Errcode(45009, "reach max api daily quota limit")

    def _quota(self, call: Call) -> Json:
        if call.path == "clear_quota":
            self._cleared[self.world.month()] += 1
            if self._cleared[self.world.month()] > CLEARS_PER_MONTH:
                raise Errcode(48006, "forbid to clear quota because of reaching the limit")
            self._used.clear()
            return {}
        path = str(call.body.get("cgi_path", "")).removeprefix("/cgi-bin/")
        if path not in ENDPOINTS:
            raise Errcode(76021, "cgi_path not found, please check")
        limit = self.limits.daily.get(path, FAR_MORE)
        used = min(self._used[self.world.day(), path], limit)
        return {"quota": {"daily_limit": limit, "used": used, "remain": limit - used}}

    def _post(self, events: list[Event]) -> None:
        for event in events:
            for _ in range(self.results.copies):
                if self.results.early:
                    self._carry(event)
                else:
                    self._courier.later(self.results.delay_s, partial(self._carry, event))

    def _carry(self, event: Event) -> None:
        account = self.world.account
        head: Json = {"ToUserName": account.original_id, "FromUserName": event.openid}
        head |= {"CreateTime": int(self.world.now().timestamp()), "MsgType": "event"}
        self.callback.deliver(event.openid, head | event.fields, one_answer=False)


def _rid() -> str:
    return "-".join(secrets.token_hex(4) for _ in range(3))
