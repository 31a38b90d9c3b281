"""A kind: what workers can do in a campaign, said once for both doors. `docs/decisions/taking-part.md` says how one is made.

A `Visit` is one person at one edition, with the caller's transaction. `form` says what is asked now, or why nothing is; `take`
has the effect; `told` says where it stands. They keep a handler's rules: no network, no sleep, no clock of their own, a few
statements by key, and what must be sent is a row in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from campaigns.form import Form, Said
from channels.limits import SendLimits
from ground.part import Part
from ground.table import Table
from ground.workdays import Workdays
from models import entry
from models.base import Connection, Store
from models.batch import Batch
from models.edition import Edition

Door = Literal["chat", "page"]


@dataclass(frozen=True, slots=True)
class Setting:
    """What the config file says beside the campaign and a kind goes by: as it is now, not as it was frozen."""

    workdays: Workdays = field(default_factory=Workdays)
    limits: SendLimits = field(default_factory=SendLimits)
    site: str = ""  # where the account's pages are, '' for none


@dataclass(frozen=True, slots=True)
class Visit:
    """One person at one edition, through either door. `openid` is '' for somebody who only looks."""

    connection: Connection
    edition: Edition
    rules: Any  # the kind's own, as they were frozen
    openid: str
    now: datetime  # when it was received
    door: Door = "chat"
    said: Said = field(default_factory=dict)
    once: str = ""  # what is sent twice has the same
    address: str = ""  # from where the page was asked, as far as we can know; '' for the chat
    sensitive: tuple[str, ...] = ()  # words that a person of the staff must look at before others see them
    setting: Setting = field(default_factory=Setting)
    read: dict[str, Any] = field(default_factory=dict)  # what its kind has read for it in this transaction
    batch: Batch | None = None  # where what it adds is written with what others add
    heard: bool = False  # an answer is looked at: its choices need not stand in this person's order

    @property
    def site(self) -> str:
        """Where the account's pages are, '' for none."""
        return self.setting.site

    def once_read(self, what: str, read: Callable[[], Any]) -> Any:
        """What `read` gives, which is asked once in a transaction however often the kind is."""
        if what not in self.read:
            self.read[what] = read()
        return self.read[what]

    def named(self, once: str, door: Door = "chat", address: str = "") -> Visit:
        """The same, by this name and through this door."""
        return replace(self, once=once, door=door, address=address)

    def with_said(self, said: Said) -> Visit:
        """The same, with these answers."""
        return replace(self, said=said)


@dataclass(frozen=True, slots=True)
class Asked:
    """A form, and the words above it. `recap`: all answers are repeated before the last step. `links`: where its first choice
    stands alone, a page shows it as links to what follows; else as a question of its own."""

    form: type[Form]
    head: str = ""
    recap: bool = True
    links: bool = True
    shown: Callable[[], type[Form]] | None = (
        None  # the form as this person sees it, where `form` is only for what is heard
    )

    def field(self, name: str) -> Any:
        """The field of this name as it is shown."""
        return (self.shown() if self.shown is not None else self.form)()[name]


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing is asked of this person now; the words say why."""

    words: str


@dataclass(frozen=True, slots=True)
class Taken:
    """It counts. `number` is what it is called from now on; `again`: the form may follow at once, beginning with `said`."""

    words: str
    number: str = ""
    receipt: str | None = None
    again: bool = False
    said: Said = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """It does not count; the words say why."""

    words: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that may be chosen, shown on a page as a line or a picture with a button. `said`: what the button says."""

    words: str
    label: str = ""  # of the button; '' for none
    said: Said = field(default_factory=dict)
    number: str = ""
    note: str = ""  # smaller, beneath
    more: str = ""  # longer, to be unfolded
    picture: str = ""  # a path of ours
    chosen: bool = False
    was: tuple[tuple[str, str], ...] = ()  # what it said before, and when and why that was changed


@dataclass(frozen=True, slots=True)
class Told:
    """Where an edition stands: for everybody, and for this person. `steps`: what became of each thing of theirs, by its number;
    `codes`: what opens the door to it; `tables` for everybody."""

    words: str
    mine: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    steps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Alike:
    """A page that all those see alike whose `key` is the same, but for the order of the offers, told by their numbers."""

    key: Hashable
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hidden:
    """Something of a person's own that the staff let nobody see. `undo`: the deed that would show it, as it is typed."""

    undo: str
    words: str
    reason: str


@dataclass(frozen=True, slots=True)
class Work:
    """A deed of staff under way. `staff` is cli:LOGIN for what is typed; `scope` the path of their unit, '' for the city's own,
    who see everything."""

    connection: Connection
    edition: Edition
    rules: Any
    staff: str
    now: datetime
    setting: Setting = field(default_factory=Setting)
    scope: str = ""

    @property
    def workdays(self) -> Workdays:
        """As the config file's tables have them."""
        return self.setting.workdays


class Impossible(Exception):
    """A deed that cannot be done; the text says in Chinese why, and what can be done instead."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that staff can do. `usage` names what is typed after it; `act` gives the words that say what was done, or
    raises Impossible. `personal`: which of these the audit, which never forgets, does not keep."""

    about: str
    usage: tuple[str, ...]
    act: Callable[[Work, Sequence[str]], str]
    personal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """A file that is published with the result: its lines, which are sorted when it is written."""

    name: str
    about: str
    lines: Callable[[Connection, int], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Finished:
    """What finishing means in a kind: in words that a number stands before, and how many there are in an edition."""

    words: str
    number: Callable[[Connection, int], int]


FORM = Finished("人填完交了", entry.people)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of taking part: functions over a Visit, a table of the staff's deeds, and its part of the config file."""

    title: str
    rules: type[Part]
    form: Callable[[Visit], Asked | Nothing]
    take: Callable[[Visit, Mapping[str, Any]], Taken | Refused]
    told: Callable[[Visit], Told]
    tables: Callable[[Connection, Edition, Any], Sequence[Table]]
    ended: Callable[[Connection, Edition, Any, datetime], None]
    deeds: Mapping[str, Deed]
    waiting_since: Callable[[Connection, int], datetime | None] = lambda connection, edition_id: None
    hidden: Callable[[Visit], Sequence[Hidden]] = lambda visit: ()
    opened: Callable[[Connection, Edition, Any], None] = lambda connection, edition, rules: None
    result: Callable[[Connection, Edition, Any], Sequence[Table]] = lambda connection, edition, rules: ()
    late: Callable[[Visit], Asked | Nothing | None] = lambda visit: None  # what is asked once it is over
    tended: Callable[[Store, Edition, Any, datetime, Setting], None] = (
        lambda store, edition, rules, now, setting: None
    )
    files: Callable[[Connection, Edition, Any], Sequence[File]] = lambda connection, edition, rules: ()
    alike: Callable[[Visit], Alike | None] = lambda visit: None  # None: the page is this person's own
    finished: Finished = FORM  # what it means here that somebody has finished, and how many have
    private: bool = False  # no photo that is sent is shown to others than its person and whoever answers
    gathered: Callable[[Connection, Edition, Any, Sequence[str], datetime], Mapping[str, dict[str, Any]]] = (
        lambda connection, edition, rules, openids, now: {}
    )  # openid → what a visit has `read`, for those who all answer at or after this moment; {}: each is looked up alone
    within: Callable[[Connection, Edition, Any, str], Sequence[Table]] = (
        lambda connection, edition, rules, scope: ()
    )  # the tables as the staff of one unit may see them
    personal: bool = False  # what is taken must be sealed: without a key nothing is asked


def rules_of(kind: Kind, edition: Edition) -> Any:
    """The rules of an edition, as they were frozen."""
    return _rules(kind.rules, edition.rules)


@lru_cache(maxsize=64)
def _rules(part: type[Part], text: str) -> Part:
    return part.model_validate_json(text)
