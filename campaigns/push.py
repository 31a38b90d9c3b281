"""One push of a campaign as the staff write it: when, by which channel, to whom, and what."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from campaigns.content import CONTENT, Article, Id, Menu, Template, Words
from campaigns.kinds import KINDS
from campaigns.schedule import (
    WAYS,
    WHEN,
    Calendar,
    Daily,
    Festival,
    Instead,
    Monthly,
    Offset,
    Rule,
    Weekly,
    odds,
    why_rare,
)
from channels import CHANNELS, Channel
from ground import audience
from ground.days import LAST_YEAR, SHANGHAI, Duration, Instant, Lunar, Yearly
from ground.part import Part
from ground.shape import nearest, one_of
from ground.text import fits_bytes

TIMES = (*WHEN, "offset", "workday", "or_")
FIRST_KEYS = (
    "at",
    "yearly",
    "lunar",
    "daily",
)  # in the text of its times from the first; later ones where they are written


def _channel(name: str) -> str:
    if name not in CHANNELS:
        meant = next((known for known, each in CHANNELS.items() if each.title == name), name)
        raise ValueError(f"只能写 {one_of(list(CHANNELS))} 之一{nearest(meant, list(CHANNELS))}")
    return name


def _whom(text: str, info: ValidationInfo) -> str:
    named = [
        audience.edition(one.of)[0] for one in audience.all_of(audience.read(text)) if one.kind == "joined"
    ]
    table = (info.context or {}).get("table", {})
    joinable = [
        str(each.get("id"))
        for each in table.get("campaigns", ())
        if isinstance(each, Mapping) and each.get("kind") in KINDS
    ]
    for campaign in named if table else ():
        if campaign not in joinable:
            which = f"能参加的活动有：{one_of(joinable)}" if joinable else "还没有一个能参加的活动"
            raise ValueError(
                f"joined:{campaign}：没有能参加的活动 {campaign}{nearest(campaign, joinable)}（{which}）"
            )
    return text


class Push(Part):
    """One push of a campaign: when, by which channel, to whom, and what."""

    _campaign: str = PrivateAttr(default="")
    _calendar: Calendar = PrivateAttr(default=Calendar())

    id: Id
    title: Annotated[str, Field(max_length=60)] = ""  # '' for its campaign's
    at: Instant | None = None
    or_: Instead | None = Field(default=None, alias="or")  # before the times, whose check looks at it
    yearly: Yearly | None = None
    lunar: Lunar | None = None
    festival: Festival | None = None
    daily: Daily | None = None
    weekly: Weekly | None = None
    monthly: Monthly | None = None
    offset: Offset | None = None
    workday: Instead | None = None
    channel: Annotated[str, AfterValidator(_channel)]
    audience: Annotated[str, AfterValidator(_whom)] = "all"
    text: Annotated[Words, fits_bytes(2048)] | None = None
    article: Article | None = None
    image: Words | None = None
    template: Template | None = None
    menu: Menu | None = None
    late_ok: Duration = timedelta(minutes=30)
    missed: Literal["ask", "skip"] = "ask"

    @property
    def name(self) -> str:
        """CAMPAIGN/PUSH, as on the command line."""
        return f"{self._campaign}/{self.id}"

    @property
    def form(self) -> str:
        """Which of text, article, image, template, menu it says."""
        return next(form for form in CONTENT if getattr(self, form) is not None)

    @property
    def content(self) -> dict[str, Any]:
        """What it says, by its form, as a channel takes it."""
        return {self.form: self.model_dump(mode="json", include=set(CONTENT))[self.form]}

    def occurrences(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Its due times in UTC, in order, `after` excluded, `until` included."""
        years = range(after.year - 2, until.year + 2)
        for moment in self._moments(years):
            due = moment.astimezone(UTC)
            if after < due <= until:
                yield due

    def next_due(self, now: datetime) -> datetime | None:
        """The first due time after `now` in UTC, however far; None when none comes any more."""
        return next(self.occurrences(now, datetime(LAST_YEAR, 12, 31, tzinfo=UTC)), None)

    @property
    def rule(self) -> Rule:
        """How its days are written, where it is no single moment (`at`)."""
        key = next(key for key in WHEN if key != "at" and getattr(self, key) is not None)
        return Rule(key, getattr(self, key), self.offset, self.or_)

    @property
    def calendar(self) -> Calendar:
        """What the whole config says about days."""
        return self._calendar

    @property
    def clock(self) -> time:
        """The time of day that is written, in Shanghai."""
        return self.at.astimezone(SHANGHAI).time() if self.at else self.rule.clock

    @property
    def times(self) -> str:
        """Everything that says when it comes, as one text: another text is another time."""
        told = self.model_dump(mode="json", include=set(TIMES))
        kept = {key: told[key] for key in told if key in FIRST_KEYS or told[key] is not None}
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))

    def _moments(self, years: range) -> Iterator[datetime]:
        if self.at:
            yield self._calendar.awake(self.at)
            return
        rule, last = self.rule, None
        for day in rule.days(years):
            moment = self._calendar.fit(day, rule.clock, self.workday)
            if moment and moment != last:
                yield moment
                last = moment

    @field_validator("yearly", "lunar", "monthly")
    @classmethod
    def _always_there(cls, value: str | Monthly | None, info: ValidationInfo) -> str | Monthly | None:
        """A day that some years or months have not needs a word on what happens then."""
        unsaid = "or_" in info.data and info.data["or_"] is None
        if value and unsaid and (why := why_rare(info.field_name or "", value)):
            raise ValueError(f"{why}；或者另写一项 or：{WAYS}")
        return value

    @staticmethod
    def odds(table: Mapping[str, Any]) -> list[str]:
        """What is wrong between the keys of a raw table, whatever else is wrong in it."""
        channel = _known(table.get("channel"))
        return [*odds(table), *_one_content(table, channel), *(channel.odds(table) if channel else ())]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if faults := self.odds(self.model_dump(exclude_unset=True)):
            raise ValueError("；".join(faults))
        return self


def _known(name: object) -> type[Channel] | None:
    return CHANNELS.get(name) if isinstance(name, str) else None


def _one_content(table: Mapping[str, Any], channel: type[Channel] | None) -> Iterator[str]:
    forms = [key for key in CONTENT if table.get(key) is not None]
    allowed = channel.forms if channel else ()
    if len(forms) > 1:
        yield f"内容写了 {'、'.join(forms)}，只能留一个"
    elif not forms:
        yield f"没有写内容：{'、'.join(allowed or CONTENT)} 里要写一个"
    elif channel and forms[0] not in allowed:
        yield f"channel 是 {channel.name} 时，内容只能写 {'、'.join(allowed)}，不能写 {forms[0]}"
