"""The year's campaigns as the staff write them in the config file."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    model_validator,
)

from jobs.days import (
    SHANGHAI,
    DayText,
    Duration,
    ImpossibleError,
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

OPEN_END = timedelta(days=30)  # an activity without a last day is told as the present one for so long
WHEN = ("at", "yearly", "lunar", "daily")
FORMS = {
    "mass": ("text", "article", "image"),
    "template": ("template",),
    "service": ("text", "article", "menu"),
}
CONTENT = ("text", "article", "image", "template", "menu")
KINDS = (
    *(
        "preparation",
        "publicity",
        "notice",
        "sign-up",
        "wish",
        "riddle",
        "poll",
        "opinion",
    ),
    *("evaluation", "request", "report", "newspaper", "live-record", "book"),
)
# Prefix of the key, most characters, what it holds (platform guide, 模板消息 参数值限制).
VALUES = (
    ("thing", 20, "任意文字"),
    ("character_string", 32, "英文字母、数字或符号"),
    ("phone_number", 17, "电话号码"),
    ("car_number", 8, "车牌号"),
    ("const", 20, "后台批准的固定词"),
)


def _audience(text: str) -> str:
    word, _, name = text.partition(":")
    if text != "all" and (word not in ("tag", "openids") or not name.strip()):
        raise ValueError("发给谁应写 all（全体关注者）、tag:标签名 或 openids:名单文件")
    if word == "tag" and len(name) > 30:
        raise ValueError(f"标签名最多 30 个字，现在是 {len(name)} 个")
    return text


def _bytes(limit: int) -> AfterValidator:
    def fits(text: str) -> str:
        size = len(text.encode())
        if size > limit:
            raise ValueError(f"最多 {limit} 字节（约 {limit // 3} 个汉字），现在是 {size} 字节，请删短一些")
        return text

    return AfterValidator(fits)


def _link(text: str) -> str:
    if text and not re.match(r"https?://[^\s/]+", text):
        raise ValueError("网址要以 https:// 或 http:// 开头")
    return text


def _id(text: str) -> str:
    if not re.fullmatch(r"[\w-]{1,40}", text):
        raise ValueError("id 只能用字母、数字、汉字、- 和 _，不能有空格，最多 40 个字")
    return text


def _template_values(values: dict[str, str]) -> dict[str, str]:
    """Lengths that WeChat would answer with 47003 (platform guide, 模板消息)."""
    faults = []
    for key, value in values.items():
        for prefix, limit, words in VALUES:
            if re.fullmatch(rf"{prefix}\d+", key) and len(value) > limit:
                faults.append(f"{key} 最多 {limit} 个字符（{words}），现在是 {len(value)} 个")
        if re.fullmatch(r"character_string\d+", key) and not value.isascii():
            faults.append(f"{key} 不能写汉字，只能写英文字母、数字或符号")
    if faults:
        raise ValueError("；".join(faults))
    return values


Id = Annotated[str, AfterValidator(_id)]
Link = Annotated[str, _bytes(1024), AfterValidator(_link)]
Words = Annotated[str, Field(min_length=1)]
AnyText = Annotated[str, Field(coerce_numbers_to_str=True)]


class Part(BaseModel):
    """What every table of a campaign has in common: it never changes and knows no other keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, serialize_by_alias=True)


class Template(Part):
    """A template message: its id in the console, the words for each of its keys, and where a tap leads."""

    id: Words
    data: Annotated[dict[str, AnyText], Field(min_length=1), AfterValidator(_template_values)]
    url: Link = ""


class Article(Part):
    """One article (lengths: draft/add). `cover` is an image file for mass, a picture's address for service."""

    title: Annotated[str, Field(min_length=1, max_length=32)]
    digest: Annotated[str, Field(max_length=128)] = ""
    author: Annotated[str, Field(max_length=16)] = ""
    content: Annotated[str, Field(max_length=19_999), _bytes(1_000_000)] = ""
    cover: str = ""
    url: Link = ""


class Choice(Part):
    """One line of a menu message that the worker can tap."""

    id: Annotated[str, Field(min_length=1, max_length=64)]
    content: Annotated[str, Field(min_length=1, max_length=60)]


class Menu(Part):
    """A customer-service message with lines to tap (msgmenu)."""

    head: Annotated[Words, _bytes(1024)]
    items: Annotated[tuple[Choice, ...], Field(min_length=1, max_length=10)]
    tail: Annotated[str, _bytes(1024)] = ""


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
    channel: Literal["mass", "template", "service"]
    audience: Annotated[str, AfterValidator(_audience)] = "all"
    text: Annotated[Words, _bytes(2048)] | None = None
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

    def occurrences(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Its due times in UTC, in order, `after` excluded, `until` included."""
        years = range(after.year - 2, until.year + 2)
        for moment in self._moments(years):
            due = moment.astimezone(UTC)
            if after < due <= until:
                yield due

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
        return [*_one_time(table), *_one_content(table), *_article_parts(table)]

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


def _one_content(table: Mapping[str, Any]) -> Iterator[str]:
    forms = [key for key in CONTENT if table.get(key) is not None]
    channel = table.get("channel")
    allowed = FORMS.get(channel, ()) if isinstance(channel, str) else ()
    if len(forms) > 1:
        yield f"内容写了 {'、'.join(forms)}，只能留一个"
    elif not forms:
        yield f"没有写内容：{'、'.join(allowed or CONTENT)} 里要写一个"
    elif allowed and forms[0] not in allowed:
        yield f"channel 是 {channel} 时，内容只能写 {'、'.join(allowed)}，不能写 {forms[0]}"


def _article_parts(table: Mapping[str, Any]) -> Iterator[str]:
    article = table.get("article")
    if not isinstance(article, Mapping):
        return
    cover, url = article.get("cover"), article.get("url")
    if table.get("channel") == "mass":
        if not article.get("content"):
            yield "群发的图文要写 article.content（正文）"
        if not cover:
            yield "群发的图文要写 article.cover（封面图片文件）"
    if table.get("channel") == "service":
        if not url:
            yield "客服消息的图文要写 article.url（点开后的网址）"
        if isinstance(cover, str) and cover and not cover.startswith(("https://", "http://")):
            yield "客服消息的图文，article.cover 要写图片的网址（https:// 开头）"


class Campaign(Part):
    """One activity of the year, what workers are told about it, and its pushes."""

    id: Id
    title: Annotated[str, Field(min_length=1, max_length=60)]
    kind: Annotated[str, Field(min_length=1, max_length=40)] = "notice"
    about: Annotated[str, _bytes(1500)] = ""
    from_: DayText = Field(default="", alias="from")
    to: DayText = ""
    pushes: tuple[Push, ...] = ()

    @staticmethod
    def odds(table: Mapping[str, Any]) -> list[str]:
        """What is wrong between the keys of a raw table, whatever else is wrong in it."""
        first, last = table.get("from"), table.get("to")
        if last and not first:
            return ["写了 to，也要写 from"]
        try:
            check_period(str(first or ""), str(last or ""))
        except ImpossibleError as fault:
            return [str(fault)]
        except ValueError:
            pass  # not a day: said of that key by itself
        return []

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if faults := self.odds(self.model_dump(exclude_unset=True, include={"from_", "to"})):
            raise ValueError("；".join(faults))
        for push in self.pushes:
            push._campaign = self.id
        return self

    def dates(self, today: date) -> tuple[tuple[date, date | None], ...]:
        """The period that runs today or comes next: (first day, last day); None where no last day is set."""
        if not self.from_:
            return ()
        patience = timedelta(0) if self.to else OPEN_END
        years = range(today.year - 2, today.year + 2)
        for start, end in periods(read_day(self.from_), read_day(self.to or self.from_), years):
            if end + patience >= today:
                return ((start, end if self.to else None),)
        return ()


def named(campaigns: Iterable[Campaign]) -> dict[str, Push]:
    """Every push by its name CAMPAIGN/PUSH."""
    return {push.name: push for campaign in campaigns for push in campaign.pushes}
