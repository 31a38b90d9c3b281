"""What stands in the other files of `menus/`: the menu, telephone numbers, small talk, emergencies."""

import datetime
from typing import Annotated

from pydantic import Field

from ground.part import Part
from menus.guide import Id, Words


class Number(Part):
    """A telephone number that may stand in a text."""

    number: Annotated[str, Field(pattern=r"^\d{3,11}$")]
    name: Words
    source: Words
    date: datetime.date


class Numbers(Part):
    """The file of telephone numbers."""

    numbers: tuple[Number, ...] = ()


class Item(Part):
    """A menu item: a button of the second row, what workers call it, and which entries come first in its list."""

    name: str
    type: str = "click"
    key: str = ""
    url: str = ""
    media_id: str = ""
    article_id: str = ""
    appid: str = ""
    pagepath: str = ""
    words: tuple[Words, ...] = ()
    asks: tuple[Words, ...] = ()
    first: tuple[str, ...] = ()


class Section(Part):
    """A button of the first row that opens a list."""

    name: str
    items: tuple[Item, ...] = ()


class MenuFile(Part):
    """The menu as a clerk writes it."""

    sections: tuple[Section, ...] = ()


class Offer(Part):
    """A line to choose from under an answer."""

    say: Words
    page: Words


class Saying(Part):
    """Small talk: what is said, and the short answer. `inside` also counts inside a sentence that nothing else fits."""

    id: Id
    words: tuple[Words, ...] = ()
    asks: tuple[Words, ...] = ()
    inside: tuple[Words, ...] = ()
    answer: Words
    home: bool = False  # the first page follows
    offers: tuple[Offer, ...] = ()


class Talk(Part):
    """The file of small talk."""

    talk: tuple[Saying, ...] = ()


class Danger(Part):
    """A kind of emergency. `says`: pieces of sentences that mean it; `…` in one stands for up to eight characters, `{伤}`
    for any word of the list of that name. `asks`: whole sentences that mean it, from which the finder learns.
    `unless` are words of a sentence that only asks about it afterwards. `answer` begins with the number to call."""

    id: Id
    title: Words
    numbers: Annotated[tuple[Words, ...], Field(min_length=1)]
    says: Annotated[tuple[Words, ...], Field(min_length=1)]
    asks: tuple[Words, ...] = ()
    unless: tuple[Words, ...] = ()
    answer: Words


class WordList(Part):
    """Words any of which may stand where a saying has `{name}`."""

    name: Words
    words: Annotated[tuple[Words, ...], Field(min_length=1)]


class Crisis(Part):
    """The file of emergencies, the gravest first; `harmless` is taken out of a sentence before it is looked at, and `calm` are
    sentences that are like an emergency and are none. `worry` is said first where words only sound like one."""

    lists: tuple[WordList, ...] = ()
    kinds: tuple[Danger, ...] = ()
    worry: str = ""
    harmless: tuple[Words, ...] = ()
    calm: tuple[Words, ...] = ()
