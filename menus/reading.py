"""The files of `menus/` read and checked: the directory that they mean, or every fault with its file and line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from ground.draft import Draft
from ground.normal import normal
from ground.toml import Problem, UnreadableError, parse, text_of
from menus import tree
from menus.directory import BadDirectory, Directory
from menus.files import Crisis, MenuFile, Numbers, Talk
from menus.guide import Guide, Topic
from menus.rules import Place, faults, hints

HERE = Path(__file__).parent
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files mean, None while one of them is wrong; every fault, and what is only worth knowing."""

    directory: Directory | None
    problems: tuple[Problem, ...] = ()
    hints: tuple[Problem, ...] = ()


def files(folder: Path = HERE) -> list[Path]:
    """The files that are read, in their order."""
    named = (folder / f"{name}.toml" for name in ("menu", "numbers", "talk", "crisis"))
    return [*named, *sorted((folder / "guides").glob("*.toml"))]


def load(folder: Path = HERE) -> Directory:
    """The directory of this folder; raises BadDirectory with every fault found."""
    reading = read(folder)
    if reading.directory is None:
        raise BadDirectory("\n".join([f"办事指南和菜单有 {len(reading.problems)} 处要改：", *told(reading)]))
    return reading.directory


def told(reading: Reading) -> list[str]:
    """Each fault in a line."""
    return [f"  ✗ {problem}" for problem in reading.problems]


def read(folder: Path = HERE) -> Reading:
    """What the files of this folder mean; never raises for a wrong file."""
    desk = _Desk(folder)
    menu = desk.open(MenuFile, "menu.toml")
    numbers = desk.open(Numbers, "numbers.toml")
    talk = desk.open(Talk, "talk.toml")
    crisis = desk.open(Crisis, "crisis.toml")
    topics = [desk.topic(path) for path in sorted((folder / "guides").glob("*.toml"))]
    entries = [entry for topic in topics for entry in topic[1]]
    known = {one.number for one in numbers.numbers} if numbers else set()
    if menu and talk and crisis and not desk.problems:  # else what is not read yet would be missed everywhere
        for place, words in faults(entries, menu, known, talk, crisis):
            desk.blame(place, words)
    notes = tuple(
        desk.problem(place, words) for place, words in hints(entries, menu or MenuFile(), talk or Talk())
    )
    if desk.problems or not (menu and numbers and talk and crisis):
        return Reading(None, tuple(desk.problems), notes)
    guides = tuple(_ordered([guide for _, guide in entries], menu))
    made = Directory(
        guides=guides,
        by_id={guide.id: guide for guide in guides},
        targets=_targets(guides, menu),
        menu=tree.built(menu.sections),
        items=tuple(item for section in menu.sections for item in section.items),
        numbers={one.number: one for one in numbers.numbers},
        sample={blank: words for topic in topics for blank, words in topic[0].items()},
        talk=talk.talk,
        crisis=crisis,
    )
    return Reading(made, (), notes)


def _ordered(guides: Iterable[Guide], menu: MenuFile) -> list[Guide]:
    """As their items list them: those that the menu puts first, then as they stand in the files."""
    wanted = [name for section in menu.sections for item in section.items for name in item.first]
    place = {name: at for at, name in enumerate(wanted)}
    return sorted(guides, key=lambda guide: place.get(guide.id, len(place)))


def _targets(guides: tuple[Guide, ...], menu: MenuFile) -> dict[str, str]:
    items = [item for section in menu.sections for item in section.items if item.key]
    targets = {normal(item.name): item.key for item in items}
    targets |= {normal(word): item.key for item in items for word in item.words}
    return targets | {
        normal(word): f"guide:{guide.id}" for guide in guides for word in (guide.title, *guide.words)
    }


class _Desk:
    """The files being read, and the faults met so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.drafts: dict[Path, Draft] = {}

    def open(self, model: type[M], name: str) -> M | None:
        return self._read(model, self.folder / name)

    def topic(self, path: Path) -> tuple[dict[str, str], list[tuple[Place, Guide]]]:
        """The samples and the entries of one file, with their places."""
        found = self._read(Topic, path)
        if found is None:
            return {}, []
        return found.sample, list(_placed(path, found))

    def _read(self, model: type[M], path: Path) -> M | None:
        try:
            text, _ = text_of(path)
            draft = Draft(model, _shown(path), text, parse(path, text))
        except UnreadableError as fault:
            self.problems += [Problem(_shown(path), each.line, "", each.words) for each in fault.problems]
            return None
        self.drafts[path] = draft
        value = draft.judge(model)
        self.problems += sorted(draft.problems, key=lambda problem: problem.line)
        return None if draft.problems else value

    def blame(self, place: Place, words: str) -> None:
        self.problems.append(self.problem(place, words))

    def problem(self, place: Place, words: str) -> Problem:
        draft = self.drafts.get(place.path) or self.drafts[self.folder / place.path]
        return Problem(draft.place, draft.line(place.loc), draft.spell(place.loc), words)


def _placed(path: Path, topic: Topic) -> Iterator[tuple[Place, Guide]]:
    for at, guide in enumerate(topic.guides):
        headed = guide.model_copy(update={"heading": guide.heading or topic.heading})
        yield Place(path, ("guides", at)), headed


def _shown(path: Path) -> str:
    """A file as a clerk finds it: menus/guides/leave.toml."""
    parts = path.parts
    return "/".join(parts[parts.index("menus") :] if "menus" in parts else parts[-2:])
