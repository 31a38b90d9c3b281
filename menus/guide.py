"""One entry of the service directory, as a clerk writes it in `menus/guides/*.toml`."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from ground.part import Part
from ground.text import BLANK

HOTLINE = "12351"
"""The trade unions' nationwide service line."""

TITLE, STEP, ANSWER = 16, 90, 200  # characters

Words = Annotated[str, Field(min_length=1)]
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]


class Fact(Part):
    """A number, a term or a deadline in an entry's text, and the rule that it stands on."""

    says: Words
    law: Words
    article: Words
    version: date  # in force since
    checked: date  # the day on which somebody last looked it up
    compared: bool = False  # whether that was done in the text of the rule itself; else it still has to be
    local: bool = False  # a rule of the province or the city


class Guide(Part):
    """How one thing is done, and by which words workers ask for it.

    `words` are names: each answers by itself and belongs to one entry only. `asks` are ways of saying it, from which the
    finder learns. A local fact that nobody has given us yet is written 〔待填：what is missing〕; on a live account the line
    that holds it is left out.
    """

    id: Id
    title: Annotated[str, Field(min_length=1, max_length=TITLE)]
    item: Words  # the key of the menu item it belongs to
    heading: str = ""  # under which it stands on the public page; left out, that of its file
    request: bool = False  # people who ask this want somebody to take it up
    listed: bool = True  # whether it stands in that item's list
    words: Annotated[tuple[Words, ...], Field(min_length=1)]
    asks: tuple[Words, ...] = ()
    answer: str = ""  # what was asked, complete in itself
    how: tuple[Words, ...] = ()
    bring: tuple[Words, ...] = ()
    who: str = ""
    where: str = ""
    note: str = ""
    phones: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    source: str = ""  # the rule it stands on as a whole, where no fact names one
    updated: date
    valid_until: date  # the last day it is shown without the advice to ask first
    facts: tuple[Fact, ...] = ()


class Topic(Part):
    """One file: its entries, the heading under which the public page shows them, and what the demonstration shows for the
    blanks in them."""

    heading: str = ""
    guides: tuple[Guide, ...] = ()
    sample: dict[str, str] = Field(default_factory=dict)


Mode = Literal["live", "draft", "sample"]
"""What becomes of a line with a blank: left out, shown as it is, or filled with the sample."""


def texts(guide: Guide) -> tuple[str, ...]:
    """Everything of an entry that a worker may read."""
    return (guide.title, guide.answer, guide.who, *guide.bring, *guide.how, guide.where, guide.note)


def placeholders(guide: Guide) -> tuple[str, ...]:
    """What staff still have to fill in."""
    return tuple(named(blank) for blank in BLANK.findall("\n".join(texts(guide))))


def named(blank: str) -> str:
    """What a blank asks for: 窗口 of 〔待填：窗口〕."""
    return blank.strip("〔〕").removeprefix("待填").lstrip("：:")
