"""The platform's access tokens (platform guide, 获取接口调用凭据 and 获取稳定版接口调用凭据)."""

import secrets
from collections import Counter, OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from wx.simulator.world import Errcode, Json, World

LIFE = timedelta(seconds=7200)
OVERLAP = timedelta(minutes=5)
FORCE_GAP = timedelta(seconds=30)
REMEMBERED = 200


@dataclass(slots=True)
class Issued:
    """A token and the moment at which it stops to be honoured."""

    token: str
    until: datetime


class Issuer:
    """Gives out tokens by the two endpoints, whose tokens leave each other alone, and judges those that come."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._issued: OrderedDict[str, Issued] = OrderedDict()  # also the dead ones: expired is not unknown
        self._killed: set[str] = set()
        self._latest: dict[str, Issued] = {}
        self._forced_at: datetime | None = None
        self._forced: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()  # of token | stable_token, for tests
        self.allowed_ips: frozenset[str] | None = None  # None = no white list

    def plain(self, given: Json, ip: str) -> Json:
        """GET /cgi-bin/token: a new token each time; the one before lives five minutes more."""
        with self._world.lock:
            self.calls["token"] += 1
            self._check(given, ip)
            before = self._latest.get("token")
            if before:
                before.until = min(before.until, self._world.now() + OVERLAP)
            return self._answer(self._new("token"))

    def stable(self, given: Json, ip: str) -> Json:
        """POST /cgi-bin/stable_token: the same token until five minutes before its end, or a new one by force."""
        with self._world.lock:
            self.calls["stable_token"] += 1
            self._check(given, ip)
            now, before = self._world.now(), self._latest.get("stable")
            if given.get("force_refresh") is True:
                self._count_forced(now)
                if before:
                    self._killed.add(before.token)
            elif before and before.token not in self._killed and before.until - now > OVERLAP:
                return self._answer(before)
            return self._answer(self._new("stable"))

    def judge(self, token: str) -> None:
        """Raises 41001, 40001 or 42001 for a token that is missing, unknown or killed, or past its end."""
        if not token:
            raise Errcode(41001, "access_token missing")
        with self._world.lock:
            issued = self._issued.get(token)
            if issued is None or token in self._killed:
                raise Errcode(40001, "invalid credential, access_token is invalid or not latest")
            if issued.until <= self._world.now():
                raise Errcode(42001, "access_token expired")

    def kill(self) -> None:
        """All tokens become bad at once, as when somebody else forces a new one."""
        with self._world.lock:
            self._killed.update(self._issued)

    def _new(self, kind: str) -> Issued:
        issued = Issued(f"{kind}_{secrets.token_urlsafe(96)}", self._world.now() + LIFE)
        self._latest[kind] = self._issued[issued.token] = issued
        while len(self._issued) > REMEMBERED:
            gone, _ = self._issued.popitem(last=False)
            self._killed.discard(gone)
        return issued

    def _answer(self, issued: Issued) -> Json:
        left = issued.until - self._world.now()
        return {"access_token": issued.token, "expires_in": int(left.total_seconds())}

    def _check(self, given: Json, ip: str) -> None:
        account = self._world.account
        if given.get("grant_type") != "client_credential":
            raise Errcode(40002, "invalid grant_type")
        if given.get("appid") != account.app_id:
            raise Errcode(40013, "invalid appid")
        if given.get("secret") != account.app_secret.get_secret_value():
            raise Errcode(40125, "invalid appsecret")
        if self.allowed_ips is not None and ip not in self.allowed_ips:
            raise Errcode(40164, f"invalid ip {ip} ipv6 ::ffff:{ip}, not in whitelist")

    def _count_forced(self, now: datetime) -> None:
        if self._forced_at and now - self._forced_at < FORCE_GAP:
            raise Errcode(45011, "api minute-quota reach limit mustslower retry next minute")
        if self._forced[self._world.day()] >= self._world.limits.forced_tokens_per_day:
            raise Errcode(45009, "reach max api daily quota limit")
        self._forced_at = now
        self._forced[self._world.day()] += 1
