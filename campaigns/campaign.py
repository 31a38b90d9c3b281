"""One activity of the year as the staff write it in the config file: what workers are told about it, and its pushes."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from campaigns.content import Id
from campaigns.push import Push
from ground.days import DayText, ImpossibleError, check_period, periods, read_day
from ground.part import Part
from ground.text import fits_bytes

AHEAD = timedelta(days=400)  # how far is looked for the next push of a year
OPEN_END = timedelta(days=30)  # an activity without a last day is told as the present one for so long
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


class Campaign(Part):
    """One activity of the year, what workers are told about it, and its pushes."""

    id: Id
    title: Annotated[str, Field(min_length=1, max_length=60)]
    kind: Annotated[str, Field(min_length=1, max_length=40)] = "notice"
    about: Annotated[str, fits_bytes(1500)] = ""
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

    def next_push(self, now: datetime) -> datetime | None:
        """When the next of its pushes is due, in UTC; None where none comes within a year."""
        dues = (next(each.occurrences(now, now + AHEAD), None) for each in self.pushes)
        return min((due for due in dues if due is not None), default=None)


def named(campaigns: Iterable[Campaign]) -> dict[str, Push]:
    """Every push by its name CAMPAIGN/PUSH."""
    return {push.name: push for campaign in campaigns for push in campaign.pushes}
