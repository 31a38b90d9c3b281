"""The service directory (办事指南) with the menu, small talk and emergencies: the one source for everything said by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from ground.normal import normal
from ground.text import BLANK
from menus.files import Crisis, Item, Number, Saying
from menus.guide import Guide, Mode, named, placeholders
from menus.tree import Menu


class BadDirectory(ValueError):
    """The files are wrong; the words say each fault with its file and line."""


@dataclass(frozen=True, slots=True, eq=False)
class Directory:
    """The entries, with the ways to reach one. Compared by identity, so that answers can be prepared once for each."""

    guides: tuple[Guide, ...]
    by_id: Mapping[str, Guide]
    targets: Mapping[str, str]  # what workers say, as `normal` makes it → "guide:ID" or a menu key
    menu: Menu
    items: tuple[Item, ...] = ()  # the menu items as the clerk wrote them
    numbers: Mapping[str, Number] = field(default_factory=dict)
    sample: Mapping[str, str] = field(default_factory=dict)  # blank → what the demonstration shows for it
    talk: tuple[Saying, ...] = ()
    crisis: Crisis = field(default_factory=Crisis)
    of_file: Mapping[str, Guide] = field(
        default_factory=dict
    )  # of the entries above which the desk's words stand, what the files say

    def under(self, item: str) -> tuple[Guide, ...]:
        """The entries of this menu item, in the order of its list."""
        return tuple(guide for guide in self.guides if guide.item == item)

    def written(self, name: str) -> Guide | None:
        """The entry as its file has it."""
        return self.of_file.get(name) or self.by_id.get(name)

    def find(self, words: str) -> Guide | None:
        """The entry that has exactly these words as its name, or None."""
        kind, _, name = self.targets.get(normal(words), "").partition(":")
        return self.by_id[name] if kind == "guide" else None

    def sections(self) -> dict[str, tuple[Guide, ...]]:
        """Section title → its entries, for what shows the whole directory."""
        found: dict[str, tuple[Guide, ...]] = {}
        for button in self.menu:
            found[button.name] = tuple(one for item in button.sub_button for one in self.under(item.key))
        return found

    def filled(self, line: str, mode: Mode) -> str:
        """A line as a worker reads it: '' when it has a blank that must not be seen."""
        if mode == "draft" or not BLANK.search(line):
            return line
        if mode == "live":
            return ""
        return BLANK.sub(lambda blank: self.sample.get(named(blank[0]), "（示例）"), line)

    def seen(self, guide: Guide, mode: Mode) -> Guide:
        """The entry without the lines that must not be seen."""
        kept: dict[str, object] = {
            name: tuple(line for line in map(partial(self.filled, mode=mode), getattr(guide, name)) if line)
            for name in ("how", "bring")
        }
        kept |= {name: self.filled(getattr(guide, name), mode) for name in ("answer", "who", "where", "note")}
        return guide.model_copy(update=kept)


def unfilled(directory: Directory) -> dict[str, tuple[str, ...]]:
    """Title → the blanks that staff still have to fill in, for `check`."""
    return {guide.title: blanks for guide in directory.guides if (blanks := placeholders(guide))}


def overdue(directory: Directory, today: date) -> tuple[Guide, ...]:
    """The entries past their valid-until day, for `check`."""
    return tuple(guide for guide in directory.guides if guide.valid_until < today)


def aged(directory: Directory, today: date) -> list[str]:
    """The facts that nobody has looked up for over a year, a sentence each, for `check`."""
    return [
        f"办事指南“{guide.title}”：“{fact.says}”（《{fact.law}》{fact.article}）上次核对是 {fact.checked}，超过一年了，请重新核对"
        for guide in directory.guides
        for fact in guide.facts
        if (today - fact.checked).days > 365
    ]


def reminders(directory: Directory, today: date) -> list[str]:
    """What staff still have to do in the directory, a sentence each."""
    blanks = [
        f"办事指南“{title}”还没有填：{'、'.join(words)}" for title, words in unfilled(directory).items()
    ]
    late = [f"办事指南“{guide.title}”过了核对日期，请重新核对" for guide in overdue(directory, today)]
    return [*blanks, *late, *aged(directory, today)]
