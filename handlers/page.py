"""A page of the chat: words, and what the numbers under them lead to.

Where a worker stands is one line stored with the follower, `page|parent|choices|minute`: the choices are those that were
read, so that a number means the same after a restart or a change of the directory.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handlers.turn import Turn
from wx.replies import Text

HOME = "home"
BACK = "回复 0 返回，00 首页。"
NEAR = "near:"  # before a mark and the pages of a guess
ALL = "/all"  # behind the name of an entry's page: the whole of it
FORM = "form"  # where somebody is filling in a form: its choice is the edition, see taking_part.py
LEAVES = ("guide:", "campaign:")  # pages without numbers of their own: those of the list before them go on


@dataclass(frozen=True, slots=True)
class Page:
    """A page ready to be sent: nothing is put together while a message waits."""

    name: str
    reply: Text
    state: str
    choices: tuple[str, ...] = ()
    until: datetime | None = None  # after this, `stale` is sent instead
    stale: Text | None = None


@dataclass(frozen=True, slots=True)
class Where:
    """Where the numbered dialogue stands, and since when (minutes of Unix time)."""

    page: str
    parent: str
    choices: tuple[str, ...]
    minute: int

    @property
    def shown_list(self) -> str:
        """The page whose numbers count here."""
        return self.parent if is_leaf(self.page) else self.page


def page(name: str, words: str, *, parent: str = HOME, choices: tuple[str, ...] = ()) -> Page:
    """A page of these words."""
    return Page(name, Text(words), state(name, parent, choices), choices)


def listing(
    name: str,
    title: str,
    lines: list[tuple[str, str]],
    *,
    parent: str = HOME,
    head: str = "",
    tail: str = BACK,
    over: str = "",
) -> Page:
    """A page that numbers its lines (words, target) from 1. `over` stands above the title, `head` under it."""
    numbered = [f"{number} {words}" for number, (words, _) in enumerate(lines, 1)]
    parts = [over, f"【{title}】" if title else "", head, *numbered, tail]
    choices = tuple(target for _, target in lines)
    return page(name, "\n".join(part for part in parts if part), parent=parent, choices=choices)


def is_leaf(name: str) -> bool:
    """Whether a page has no numbers of its own."""
    return name.startswith(LEAVES)


def state(name: str, parent: str, choices: tuple[str, ...]) -> str:
    """A place in the dialogue as it is stored, without its minute."""
    return f"{name}|{parent}|{' '.join(choices)}"


def minute(now: datetime) -> int:
    """Whole minutes of Unix time."""
    return int(now.timestamp()) // 60


def show(turn: Turn, shown: Page) -> Text:
    """The page's words; the dialogue now stands there."""
    turn.dialogue = f"{shown.state}|{minute(turn.now)}"
    turn.topic = shown.name
    if shown.stale is not None and shown.until is not None and turn.now > shown.until:
        return shown.stale
    return shown.reply


def where(dialogue: str) -> Where | None:
    """What a stored line says, or None for none or one that cannot be read."""
    parts = dialogue.split("|")
    if len(parts) != 4 or not parts[3].isdigit():
        return None
    return Where(parts[0], parts[1], tuple(parts[2].split()), int(parts[3]))
