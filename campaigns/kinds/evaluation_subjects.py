"""What somebody may evaluate: the year, an activity in which they took part, an entry of the directory, a request of their own that is
decided; and how many people could have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from campaigns.content import Id
from ground.part import Part
from models import edition as editions
from models import entry, follower, interaction, request
from models.base import Connection
from models.edition import Edition

YEAR, ACTIVITY, SERVICE, REQUEST = "year", "activity", "service", "request"


class Service(Part):
    """`[[campaigns.evaluation.services]]`: an entry of the directory, and how people read of it."""

    guide: Id
    title: Annotated[str, Field(min_length=1, max_length=30)]


class Rules(Part):
    """`[campaigns.evaluation]`: what may be evaluated, how long the words may be, and whether others read them."""

    year: Annotated[str, Field(max_length=30)] = ""  # what the year is called; '' is not asked
    activities: Annotated[tuple[Id, ...], Field(max_length=20)] = ()
    services: Annotated[tuple[Service, ...], Field(max_length=20)] = ()
    requests: bool = False
    longest: Annotated[int, Field(ge=20, le=500)] = 200
    shows: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not (self.year or self.activities or self.services or self.requests):
            raise ValueError("没有写评什么：year、activities、services、requests 至少写一样")
        return self


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that somebody may evaluate. `about` is the group whose figure it counts into."""

    key: str
    about: str
    title: str


def open_to(connection: Connection, edition: Edition, rules: Rules, openid: str) -> Iterator[Subject]:
    """What this person may evaluate, whether or not they have."""
    if rules.year:
        yield Subject(YEAR, YEAR, rules.year)
    if rules.requests:
        for one in request.decided(connection, openid, edition.opens_at):
            words = " ".join(one.words.split())[:12]
            yield Subject(
                f"{REQUEST}:{one.number}", f"{REQUEST}:{one.owner}", f"我的诉求 {one.number}（{words}）"
            )
    for name in rules.activities:
        found = editions.latest(connection, name)
        if found is not None and entry.has(connection, found.id, openid):
            yield Subject(f"{ACTIVITY}:{name}", f"{ACTIVITY}:{name}", found.title)
    for each in rules.services:
        yield Subject(f"{SERVICE}:{each.guide}", f"{SERVICE}:{each.guide}", each.title)


def title(connection: Connection, rules: Rules, about: str) -> str:
    """What a group is called in a table."""
    kind, _, name = about.partition(":")
    match kind:
        case "request":
            return f"诉求办理：{name}"
        case "activity":
            found = editions.latest(connection, name)
            return found.title if found else name
        case "service":
            return next((each.title for each in rules.services if each.guide == name), name)
        case _:
            return rules.year


def asked(connection: Connection, edition: Edition, about: str, now: datetime) -> int:
    """How many could have evaluated it: the owner's answered requests, who took part, who read the entry, who follows."""
    kind, _, name = about.partition(":")
    match kind:
        case "request":
            return request.decided_by(connection, name, edition.opens_at)
        case "activity":
            found = editions.latest(connection, name)
            return entry.people(connection, found.id) if found else 0
        case "service":
            return interaction.people(connection, f"guide:{name}", edition.opens_at, now)
        case _:
            return follower.count(connection)
