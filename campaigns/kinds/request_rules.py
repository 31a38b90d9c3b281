"""`[campaigns.request]`: who answers what, within how many working days, and which units may be complained of."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Self

from pydantic import Field, model_validator

from campaigns.kind import Setting
from ground.normal import normal
from ground.office import HoursText, Office, read_hours
from ground.part import Part
from models import edition
from models.base import Connection
from models.deadline import Terms
from models.request import ASK, Request
from models.scope import path_of

Name = Annotated[str, Field(min_length=1, max_length=30)]
Path = Annotated[str, Field(pattern=r"^[^/\s]+(/[^/\s]+)*$", max_length=180)]
Days = Annotated[int, Field(ge=1, le=90)]
OTHER = "别的事"


class Owner(Part):
    """`[[campaigns.request.owners]]`: who answers. `unit` is the unit whose staff they are, from the top; '' for the city's own."""

    name: Name
    unit: Path | None = None

    @property
    def path(self) -> str:
        """As the table keeps it."""
        return path_of(self.unit)


class Topic(Part):
    """`[[campaigns.request.topics]]`: what it is about, who gets it first, and which entries of the directory lead here."""

    name: Annotated[str, Field(min_length=1, max_length=12)]
    owner: Name
    guides: tuple[str, ...] = ()


class Rules(Part):
    """Deadlines are working days of the office's hours, and begin when a request is received."""

    owners: Annotated[tuple[Owner, ...], Field(min_length=1, max_length=50)] = (Owner(name="职工服务中心"),)
    leader: str = ""  # who decides where a request was returned twice; '' is the first owner
    topics: Annotated[tuple[Topic, ...], Field(max_length=11)] = ()
    units: tuple[Path, ...] = ()
    hours: HoursText = "08:30-17:30"
    accept_days: Days = 1
    news_days: Days = 5
    answer_days: Days = 15
    ask_days: Days = 5
    final_days: Days = 5
    longest: Annotated[int, Field(ge=50, le=1000)] = 500
    photos: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Self:
        known = {one.name: one for one in self.owners}
        if len(known) != len(self.owners):
            raise ValueError("owners 里有两个同名的")
        for name in [one.owner for one in self.topics] + ([self.leader] if self.leader else []):
            if name not in known:
                raise ValueError(f"owners 里没有“{name}”，可以写的是 {'、'.join(known)}")
            if known[name].unit:
                raise ValueError(f"“{name}”是下级单位的，诉求要先由本级的人接，请换一个没写 unit 的")
        if all(one.unit for one in self.owners):
            raise ValueError("owners 里至少要有一个本级的（不写 unit）")
        for one in self.owners:
            if one.unit and one.unit not in self.units:
                raise ValueError(f"units 里没有 {one.unit}（{one.name} 的 unit）")
        if any(one.name == OTHER for one in self.topics):
            raise ValueError(f"“{OTHER}”总是有的，不用写")
        return self

    @property
    def first(self) -> Owner:
        """Who gets what nobody else is named for, and what was returned twice: of the city itself."""
        return self.owner(self.leader) or next(one for one in self.owners if not one.unit)

    def owner(self, name: str) -> Owner | None:
        """The owner of this name."""
        return next((one for one in self.owners if one.name == name), None)

    def owner_of(self, topic: str) -> Owner:
        """Who gets a request on this first."""
        name = next((one.owner for one in self.topics if one.name == topic), "")
        return self.owner(name) or self.first

    def unit_in(self, words: str) -> str:
        """The path of the unit that these words name, the lowest where they name several; '' for none that we know."""
        plain = normal(words)
        named = [path for path in self.units if normal(path.rpartition("/")[2]) in plain]
        return path_of(max(named, key=lambda path: path.count("/"))) if named else ""

    def days_for(self, kind: str) -> int:
        """Within how many working days it is answered."""
        return self.ask_days if kind == ASK else self.answer_days


def terms(rules: Rules, kind: str, setting: Setting) -> Terms:
    """The deadlines of such a request by these rules."""
    office = Office(*read_hours(rules.hours), setting.workdays)

    def days(number: int) -> timedelta:
        return number * office.day

    close = days(rules.days_for(kind))
    return Terms(office, days(rules.accept_days), days(rules.news_days), close, days(rules.final_days))


def terms_of(connection: Connection, one: Request, setting: Setting) -> Terms:
    """The deadlines of this request: by the rules that were in force when it came."""
    found = edition.get(connection, one.edition_id)
    assert found is not None
    return terms(frozen(found.rules), one.kind, setting)


@lru_cache(maxsize=64)
def frozen(text: str) -> Rules:
    """The rules as an edition keeps them."""
    return Rules.model_validate_json(text)
