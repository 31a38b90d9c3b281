"""The service directory (办事指南): the one source for menu replies, keyword replies, the numbered dialogue and the start page."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from menus import tree
from menus.guide import TEXT_BYTES, Guide, placeholders, stale, text
from menus.guides import innovation, service_hall, workers_home

GUIDES = service_hall.GUIDES + innovation.GUIDES + workers_home.GUIDES

SECTIONS: Mapping[str, tuple[Guide, ...]] = {
    "服务大厅": service_hall.GUIDES,
    "创新创业": innovation.GUIDES,
    "职工之家": workers_home.GUIDES,
}


class BadDirectory(ValueError):
    """The entries contradict each other; the words say which and how to mend it."""


def normal(words: str) -> str:
    """Words as they are compared: half-width, lower case, without spaces, punctuation, emoji or [微笑]-like faces."""
    folded = unicodedata.normalize("NFKC", _without_faces(words)).lower()
    return "".join(sign for sign in folded if unicodedata.category(sign)[0] in "LN")


def _without_faces(words: str) -> str:
    # WeChat sends its own faces as short names in brackets, e.g. [微笑]. A longer bracket is what a person wrote.
    if "[" not in words:
        return words
    head, *rest = words.split("[")
    kept = [head]
    for part in rest:
        name, closed, tail = part.partition("]")
        kept.append(tail if closed and len(name) <= 4 else "[" + part)
    return "".join(kept)


@dataclass(frozen=True, slots=True, eq=False)
class Directory:
    """The entries, with the ways to reach one. Compared by identity, so that answers can be prepared once for each."""

    guides: tuple[Guide, ...]
    by_id: Mapping[str, Guide]
    targets: Mapping[str, str]  # what workers say, as `normal` makes it → "guide:ID" or a menu key

    def under(self, item: str) -> tuple[Guide, ...]:
        """The entries listed under this menu item, in the order of the file."""
        return tuple(guide for guide in self.guides if guide.item == item)

    def find(self, words: str) -> Guide | None:
        """The entry that has exactly these words as its name, or None."""
        kind, _, name = self.targets.get(normal(words), "").partition(":")
        return self.by_id[name] if kind == "guide" else None


def load(guides: Iterable[Guide] = GUIDES, items: Mapping[str, tuple[str, ...]] = tree.WORDS) -> Directory:
    """The directory of these entries and menu items; raises BadDirectory with every fault found."""
    entries = tuple(guides)
    owned = [(f"guide:{guide.id}", guide.title, (guide.title, *guide.words)) for guide in entries]
    owned += [(key, f"菜单项 {key}", words) for key, words in items.items()]
    faults = [*_same_ids(entries), *_strange_items(entries), *_same_words(owned), *_too_long(entries)]
    if faults:
        raise BadDirectory("办事指南有误：\n" + "\n".join(faults))
    targets = {normal(button.name): button.key for button in tree.items() if button.key}
    targets |= {normal(word): target for target, _, words in owned for word in words}
    return Directory(entries, {guide.id: guide for guide in entries}, targets)


def sections() -> Mapping[str, tuple[Guide, ...]]:
    """Section title → its entries, for pages that show the whole directory."""
    return SECTIONS


def shown(guide: Guide, *, live: bool) -> bool:
    """Whether workers may see this entry: on a live account not while it has blanks."""
    return not (live and placeholders(guide))


def unfilled(directory: Directory) -> dict[str, tuple[str, ...]]:
    """Title → the blanks that staff still have to fill in, for `check`."""
    return {guide.title: blanks for guide in directory.guides if (blanks := placeholders(guide))}


def overdue(directory: Directory, today: date) -> tuple[Guide, ...]:
    """The entries past their valid-until day, for `check`."""
    return tuple(guide for guide in directory.guides if guide.valid_until < today)


def reminders(directory: Directory, today: date) -> list[str]:
    """What staff still have to do in the directory, a sentence each."""
    blanks = [
        f"办事指南“{title}”还没有填：{'、'.join(words)}" for title, words in unfilled(directory).items()
    ]
    return blanks + [
        f"办事指南“{guide.title}”过了核对日期，请重新核对" for guide in overdue(directory, today)
    ]


def _same_ids(guides: tuple[Guide, ...]) -> list[str]:
    seen: dict[str, Guide] = {}
    faults = []
    for guide in guides:
        if guide.id in seen:
            faults.append(
                f"编号 {guide.id} 用了两次：“{seen[guide.id].title}”和“{guide.title}”，请改掉一个。"
            )
        seen[guide.id] = guide
    return faults


def _strange_items(guides: tuple[Guide, ...]) -> list[str]:
    known = tree.keys()
    return [
        f"“{guide.title}”放在菜单项 {guide.item} 下，菜单里没有它，可以用：{'、'.join(known)}。"
        for guide in guides
        if guide.item not in known
    ]


def _same_words(owned: list[tuple[str, str, tuple[str, ...]]]) -> list[str]:
    owner: dict[str, tuple[str, str]] = {}
    faults = []
    for target, title, words in owned:
        for word in words:
            plain = normal(word)
            if not plain:
                faults.append(f"“{title}”有一个空的叫法“{word}”，请删掉。")
                continue
            first, its_title = owner.setdefault(plain, (target, title))
            if first != target:
                faults.append(f"“{word}”同时属于“{its_title}”和“{title}”，只能留一处。")
    return faults


def _too_long(guides: tuple[Guide, ...]) -> list[str]:
    sizes = ((guide, len(stale(guide).encode())) for guide in guides)
    return [
        f"“{guide.title}”太长：{size} 字节，一条回复最多 {TEXT_BYTES} 字节（约 680 个汉字），请删短。"
        for guide, size in sizes
        if size > TEXT_BYTES
    ]


__all__ = [
    "BadDirectory", "Directory", "Guide", "load", "normal", "overdue", "placeholders", "reminders", "sections", "shown", "text", "unfilled",
]  # fmt: skip
