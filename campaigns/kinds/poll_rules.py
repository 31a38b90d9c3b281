"""`[campaigns.poll]`: who stands, how often and how many one may choose, when results are seen, and how a list is made of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from campaigns.kinds.poll_list import Candidates, Listed
from ground.days import Duration
from ground.part import Part

SIDES = ("public", "expert", "union")
SIDE_WORDS = {"public": "职工投票", "expert": "专家评分", "union": "工会推荐"}
Percent = Annotated[int, Field(ge=0, le=100)]


class Weights(Part):
    """`[campaigns.poll.weights]`: of the whole, in percent."""

    public: Percent = 100
    expert: Percent = 0
    union: Percent = 0

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (found := self.public + self.expert + self.union) != 100:
            raise ValueError(f"public、expert、union 加起来要正好 100，现在是 {found}")
        return self


class Quota(Part):
    """`[[campaigns.poll.quotas]]`: what part of the list must, and may, belong to a group, in percent."""

    group: Annotated[str, Field(min_length=1, max_length=12)]
    at_least: Percent = 0
    at_most: Percent = 100

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.at_least > self.at_most:
            raise ValueError(f"“{self.group}”的 at_least 比 at_most 大")
        return self

    def bounds(self, seats: int) -> tuple[int, int]:
        """At least and at most how many of a list of that length: rounded so that the percentage holds."""
        return -(-self.at_least * seats // 100), self.at_most * seats // 100

    @property
    def words(self) -> str:
        """As people read it."""
        least = f"不少于 {self.at_least}%" if self.at_least else ""
        most = f"不多于 {self.at_most}%" if self.at_most < 100 else ""
        return f"{self.group}{'、'.join(piece for piece in (least, most) if piece)}"


class Nominate(Part):
    """`[campaigns.poll.nominate]`: how long people may nominate from the opening, then how long the staff check before the vote."""

    lasts: Duration = timedelta(days=14)
    checking: Duration = timedelta(days=7)
    per_person: Annotated[int, Field(ge=1, le=10)] = 2
    checks: tuple[Annotated[str, Field(min_length=1, max_length=20)], ...] = ()


class Rules(Part):
    """`[campaigns.poll]`."""

    candidates: Listed = Candidates()
    photos: bool = True
    least: Annotated[int, Field(ge=1, le=50)] = 1
    most: Annotated[int, Field(ge=1, le=50)] = 1
    every: Literal["once", "day"] = "once"
    in_all: Annotated[int, Field(ge=0, le=366)] = 0
    for_one: Annotated[int, Field(ge=0, le=366)] = 0
    order: Literal["drawn", "fixed"] = "drawn"
    shows: Literal["after", "now"] = "after"
    seats: Annotated[int, Field(ge=0, le=200)] = 0
    posted_workdays: Annotated[int, Field(ge=1, le=60)] = 5
    exit_flag: Annotated[int, Field(ge=2, le=100_000)] = 100
    weights: Weights = Weights()
    quotas: tuple[Quota, ...] = ()
    nominate: Nominate | None = None

    def phase(self, opens_at: datetime, now: datetime) -> str:
        """What an edition that opened then is at: nominating, checking or voting."""
        if self.nominate is None or now >= self.votes_at(opens_at):
            return "voting"
        return "nominating" if now < opens_at + self.nominate.lasts else "checking"

    def votes_at(self, opens_at: datetime) -> datetime:
        """When the voting begins."""
        return opens_at + (self.nominate.lasts + self.nominate.checking) if self.nominate else opens_at

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if faults := [*self._odd_limits(), *self._odd_list()]:
            raise ValueError("；".join(faults))
        return self

    def _odd_limits(self) -> list[str]:
        faults = []
        if self.least > self.most:
            faults.append(f"least（{self.least}）比 most（{self.most}）大")
        if self.every == "once" and (self.in_all or self.for_one):
            faults.append('in_all 和 for_one 只在 every = "day" 时写')
        if self.quotas and not self.seats:
            faults.append("写了 quotas，也要写 seats（名额）")
        return faults

    def _odd_list(self) -> list[str]:
        lines = self.candidates.lines
        if not lines:  # frozen rules: they are rows by then
            known_later = self.candidates.digest or self.nominate
            return [] if known_later else ["还没有写 candidates（候选名单），也没有写 nominate（推荐）"]
        faults = [
            f"{one.place}没有照片：写上照片的文件名，或者把 photos 写成 false"
            for one in lines
            if self.photos and not one.photo
        ]
        if self.most > len(lines) and not self.nominate:
            faults.append(f"most 是 {self.most}，可是只有 {len(lines)} 个候选")
        known = {group for one in lines for group in one.groups}
        faults += [
            f"quotas 里的“{quota.group}”没有一个候选属于它，名单里有的是：{'、'.join(sorted(known)) or '没有写类别'}"
            for quota in self.quotas
            if quota.group not in known
        ]
        return faults[:8]
