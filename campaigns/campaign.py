"""One activity of the year as the staff write it in the config file: what workers are told about it, and its pushes."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Self

from pydantic import Field, PrivateAttr, model_validator

from campaigns.content import Id
from campaigns.kinds import KINDS
from campaigns.kinds.evaluation_subjects import Rules as EvaluationRules
from campaigns.kinds.live_record import Rules as LiveRecordRules
from campaigns.kinds.opinion import Rules as OpinionRules
from campaigns.kinds.poll_rules import Rules as PollRules
from campaigns.kinds.quiz import Rules as QuizRules
from campaigns.kinds.request_rules import Rules as RequestRules
from campaigns.kinds.riddle import Rules as RiddleRules
from campaigns.kinds.sign_up_rules import Rules as SignUpRules
from campaigns.kinds.wish import Rules as WishRules
from campaigns.push import Push
from campaigns.schedule import Calendar
from ground.days import SHANGHAI, EdgeText, ImpossibleError, check_period, periods, read_edge
from ground.part import Part
from ground.text import fits_bytes

AHEAD = timedelta(days=400)  # how far is looked for the next push of a year
OPEN_END = timedelta(days=30)  # an activity without a last day is told as the present one for so long
KIND_WORDS = (
    *("preparation", "publicity", "notice", "sign-up", "wish", "riddle", "poll", "quiz", "opinion"),
    *("evaluation", "request", "report", "newspaper", "live-record", "book"),
)
"""What a campaign may call its kind; those of KINDS are taken part in, the others only told of."""


class Campaign(Part):
    """One activity of the year, what workers are told about it, and its pushes."""

    id: Id
    title: Annotated[str, Field(min_length=1, max_length=60)]
    kind: Annotated[str, Field(min_length=1, max_length=40)] = "notice"
    about: Annotated[str, fits_bytes(1500)] = ""
    from_: EdgeText = Field(default="", alias="from")
    to: EdgeText = ""
    goal: Annotated[int, Field(ge=0, le=100_000_000)] = 0
    pushes: tuple[Push, ...] = ()
    evaluation: EvaluationRules | None = None
    live_record: LiveRecordRules | None = Field(default=None, alias="live-record")
    opinion: OpinionRules | None = None
    poll: PollRules | None = None
    quiz: QuizRules | None = None
    request: RequestRules | None = None
    riddle: RiddleRules | None = None
    sign_up: SignUpRules | None = Field(default=None, alias="sign-up")
    wish: WishRules | None = None
    _calendar: Calendar = PrivateAttr(default=Calendar())

    @staticmethod
    def odds(table: Mapping[str, Any]) -> list[str]:
        """What is wrong between the keys of a raw table, whatever else is wrong in it."""
        strange = [kind for kind in KINDS if table.get(kind) is not None and kind != table.get("kind")]
        if strange:
            return [f"kind 是 {table.get('kind', 'notice')}，却写了 [campaigns.{strange[0]}]，只能留一样"]
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
        if faults := self.odds(self.model_dump(exclude_unset=True, exclude={"pushes"})):
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
        for start, end in periods(read_edge(self.from_)[0], read_edge(self.to or self.from_)[0], years):
            if end + patience >= today:
                return ((start, end if self.to else None),)
        return ()

    @property
    def calendar(self) -> Calendar:
        """What the config says of days."""
        return self._calendar

    @property
    def rules(self) -> Part | None:
        """What its kind of taking part is told in the config file; None where workers are only told of it."""
        rules: Part | None = getattr(self, self.kind.replace("-", "_"), None) if self.kind in KINDS else None
        return rules

    def period(self, now: datetime) -> tuple[datetime, datetime] | None:
        """When the period that runs now began and when it ends, in UTC, its end excluded; None where none does. A day alone
        begins at 00:00 and ends at 24:00 of Shanghai; without a last day it lasts OPEN_END."""
        if not self.from_:
            return None
        first, opens = read_edge(self.from_)
        last, closes = read_edge(self.to or self.from_)
        year = now.astimezone(SHANGHAI).year
        for start, end in periods(first, last, range(year - 2, year + 2)):
            opens_at = datetime.combine(start, opens or time(), SHANGHAI).astimezone(UTC)
            closes_at = _end(end, closes) if self.to else opens_at + OPEN_END
            if opens_at <= now < closes_at:
                return opens_at, closes_at
        return None

    def next_push(self, now: datetime) -> datetime | None:
        """When the next of its pushes is due, in UTC; None where none comes within a year."""
        dues = (next(each.occurrences(now, now + AHEAD), None) for each in self.pushes)
        return min((due for due in dues if due is not None), default=None)


def _end(day: date, clock: time | None) -> datetime:
    last = (
        datetime.combine(day, clock, SHANGHAI)
        if clock
        else datetime.combine(day + timedelta(1), time(), SHANGHAI)
    )
    return last.astimezone(UTC)


def follow(campaigns: Iterable[Campaign], calendar: Calendar, *, refuse: bool) -> None:
    """Lay the config's calendar under every campaign and push, so that days are counted and moved as it says.

    With `refuse`, ValueError in Chinese names the pushes that are written for a quiet hour."""
    campaigns = list(campaigns)
    for campaign in campaigns:
        campaign._calendar = calendar
    every = named(campaigns).values()
    for push in every:
        push._calendar = calendar
    loud = [
        f"{push.name}（{push.clock:%H:%M}）"
        for push in every
        if calendar.quiet and calendar.quiet.holds(push.clock)
    ]
    if refuse and loud:
        raise ValueError(f"这些推送定在安静时间（[limits] quiet）里，请改到别的时间：{'、'.join(loud)}")


def named(campaigns: Iterable[Campaign]) -> dict[str, Push]:
    """Every push by its name CAMPAIGN/PUSH."""
    return {push.name: push for campaign in campaigns for push in campaign.pushes}
