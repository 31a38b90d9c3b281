"""`[campaigns.sign-up]`: the slots with their places, how many seats and slots one person may have, what is asked of them, and the
goods that are given out."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Annotated, Self

from pydantic import Field, model_validator

from ground.days import SHANGHAI, EdgeText, read_edge
from ground.part import Part
from models.edition import Edition


class SlotRule(Part):
    """`[[campaigns.sign-up.slots]]`: what it is called, when it begins (the end of the activity where nothing is written), where, and
    how many seats it has."""

    title: Annotated[str, Field(min_length=1, max_length=40)]
    begins: EdgeText = ""
    place: Annotated[str, Field(max_length=60)] = ""
    places: Annotated[int, Field(ge=1, le=100_000)]
    waiting: Annotated[int, Field(ge=0, le=10_000)] = 20

    def begins_at(self, edition: Edition) -> datetime:
        """The first such moment of an edition's days or after them."""
        if not self.begins:
            return edition.closes_at
        day, hour = read_edge(self.begins)
        first = edition.opens_at.astimezone(SHANGHAI).date()
        years = (day.year,) if day.year else range(first.year - 1, first.year + 2)
        dates = sorted(day.on(year) for year in years)
        date = next((each for each in dates if each >= first), dates[-1])
        return datetime.combine(date, hour or time(), SHANGHAI).astimezone(UTC)


class Item(Part):
    """`[[campaigns.sign-up.items]]`: goods, how many of them one sign-up gets (each of its seats with `per_seat`), and how many there
    are at the beginning."""

    title: Annotated[str, Field(min_length=1, max_length=20, pattern=r"^\S+$")]
    quantity: Annotated[int, Field(ge=1, le=100)] = 1
    per_seat: bool = False
    stock: Annotated[int, Field(ge=0, le=1_000_000)] = 0

    def due(self, seats: int) -> int:
        """How many pieces so many seats get."""
        return self.quantity * (seats if self.per_seat else 1)


class Rules(Part):
    """How many slots and seats one person may have, how long an offer is kept for them, whether a name and a telephone number are
    asked, which entries of the directory lead here, and for how many days after the end names and proofs are kept."""

    slots: Annotated[tuple[SlotRule, ...], Field(min_length=1, max_length=12)]
    items: Annotated[tuple[Item, ...], Field(max_length=10)] = ()
    slots_each: Annotated[int, Field(ge=1, le=12)] = 1
    seats_each: Annotated[int, Field(ge=1, le=10)] = 1
    offer_hours: Annotated[int, Field(ge=1, le=168)] = 24
    names: bool = True
    phones: bool = False
    guides: tuple[str, ...] = ()
    keep_days: Annotated[int, Field(ge=1, le=1095)] = 180

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for what, titles in (
            ("场次", [one.title for one in self.slots]),
            ("物资", [one.title for one in self.items]),
        ):
            if twice := next((title for title in titles if titles.count(title) > 1), None):
                raise ValueError(f"有两个{what}都叫“{twice}”，请改一个名字")
        if big := next((one for one in self.slots if one.places < self.seats_each), None):
            raise ValueError(f"“{big.title}”只有 {big.places} 个名额，比 seats_each（{self.seats_each}）还少")
        return self

    def item(self, title: str) -> Item | None:
        """The goods of this name."""
        return next((one for one in self.items if one.title == title), None)
