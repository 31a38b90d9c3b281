"""One push of a campaign as the staff write it: when, by which channel, to whom, and what."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from campaigns.content import CONTENT, Article, Id, Menu, Template, Words
from channels import CHANNELS, Channel
from ground.days import (
    LAST_YEAR,
    SHANGHAI,
    DayText,
    Duration,
    Instant,
    Lunar,
    TimeText,
    Yearly,
    check_period,
    periods,
    read_day,
    read_moment,
    read_time,
)
from ground.part import Part
from ground.shape import nearest, one_of
from ground.text import fits_bytes
from ground.wide import hint

WHEN = ("at", "yearly", "lunar", "daily")


def _channel(name: str) -> str:
    if name not in CHANNELS:
        raise ValueError(f"只能写 {one_of(list(CHANNELS))} 之一{nearest(name, list(CHANNELS))}")
    return name


def _audience(text: str) -> str:
    word, _, name = text.partition(":")
    if text != "all" and (word not in ("tag", "openids") or not name.strip()):
        raise ValueError(f"发给谁应写 all（全体关注者）、tag:标签名 或 openids:名单文件{hint(text)}")
    if word == "tag" and len(name) > 30:
        raise ValueError(f"标签名最多 30 个字，现在是 {len(name)} 个")
    return text


class Daily(Part):
    """Every day at one time, both days included; without years it comes again each year."""

    from_: DayText = Field(alias="from")
    to: DayText
    at: TimeText

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        check_period(self.from_, self.to)
        return self

    def moments(self, years: range) -> Iterator[datetime]:
        """Each due time of the periods that begin in these years."""
        clock = time(*read_time(self.at))
        for start, end in periods(read_day(self.from_), read_day(self.to), years):
            for days in range((end - start).days + 1):
                yield datetime.combine(start + timedelta(days), clock, SHANGHAI)


class Push(Part):
    """One push of a campaign: when, by which channel, to whom, and what."""

    _campaign: str = PrivateAttr(default="")

    id: Id
    at: Instant | None = None
    yearly: Yearly | None = None
    lunar: Lunar | None = None
    daily: Daily | None = None
    channel: Annotated[str, AfterValidator(_channel)]
    audience: Annotated[str, AfterValidator(_audience)] = "all"
    text: Annotated[Words, fits_bytes(2048)] | None = None
    article: Article | None = None
    image: Words | None = None
    template: Template | None = None
    menu: Menu | None = None
    late_ok: Duration = timedelta(minutes=30)

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

    def _moments(self, years: range) -> Iterator[datetime]:
        if self.at:
            yield self.at
        elif self.daily:
            yield from self.daily.moments(years)
        else:
            day, clock = read_moment(self.yearly or f"lunar {self.lunar}")
            for start, _ in periods(day, day, years):
                yield datetime.combine(start, clock, SHANGHAI)

    @staticmethod
    def odds(table: Mapping[str, Any]) -> list[str]:
        """What is wrong between the keys of a raw table, whatever else is wrong in it."""
        channel = _known(table.get("channel"))
        return [*_one_time(table), *_one_content(table, channel), *(channel.odds(table) if channel else ())]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if faults := self.odds(self.model_dump(exclude_unset=True)):
            raise ValueError("；".join(faults))
        return self


def _one_time(table: Mapping[str, Any]) -> Iterator[str]:
    times = [key for key in WHEN if table.get(key) is not None]
    if not times:
        yield f"没有写时间：{'、'.join(WHEN)} 里要写一个"
    elif len(times) > 1:
        yield f"时间写了 {'、'.join(times)}，只能留一个"


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
