"""A table on its way to becoming a typed value, and every problem met on the way."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ground.faults import in_words
from ground.lines import Loc, places
from ground.shape import tables
from ground.toml import Problem, Table

M = TypeVar("M", bound=BaseModel)


class Draft:
    """The raw table on its way to becoming a value, and the problems met so far."""

    def __init__(self, model: type[BaseModel], place: str, text: str, table: Table) -> None:
        self.model, self.place, self.text, self.table = model, place, text, table
        self.problems: list[Problem] = []
        self._lines: dict[Loc, int] | None = None

    def blame(self, loc: Loc, words: str) -> None:
        """Notes a fault of this key, with the line that it stands on."""
        self.problems.append(Problem(self.place, self.line(loc), self.spell(loc), words))

    def line(self, loc: Loc) -> int:
        """The line of the key, or of the nearest table around it; 0 when the file has neither."""
        if self._lines is None:
            self._lines = dict(reversed(list(places(self.text))))
        while loc and loc not in self._lines:
            loc = loc[:-1]
        return self._lines.get(loc, 0)

    def spell(self, loc: Loc) -> str:
        """`campaigns[yuanxiao].pushes[open].yearly`: items are called by their id, else counted from 1."""
        words = ""
        value: Any = self.table
        for key in loc:
            listed = isinstance(value, list) and isinstance(key, int)
            value = value.get(key) if isinstance(value, dict) else value[key] if listed else None
            if isinstance(key, int):
                name = value.get("id") if isinstance(value, dict) else None
                words += f"[{name}]" if isinstance(name, str) and name else f"[第 {key + 1} 个]"
            else:
                words += f".{key}" if words else key
        return words

    def judge(self, model: type[M]) -> M | None:
        """The value; every fault that the models find is noted. They may look at the whole raw `table`, and at what lies
        beside the file (`folder`)."""
        between = {loc for loc, part, _ in tables(model, self.table) if hasattr(part, "odds")}
        for loc, part, table in tables(model, self.table):
            for words in getattr(part, "odds", lambda _: ())(table):
                self.blame(loc, words)
        self._unique_ids()
        try:
            return model.model_validate(
                self.table, context={"folder": Path(self.place).parent, "table": self.table}
            )
        except ValidationError as error:
            for each in error.errors(include_url=False):
                at: Loc = tuple(each["loc"])
                if not (each["type"] == "value_error" and at in between):  # `odds` has said it
                    self.blame(at, in_words(model, at, each))
        return None

    def _unique_ids(self) -> None:
        seen: dict[tuple[Loc, str], Loc] = {}
        for loc, _, table in tables(self.model, self.table):
            name = table.get("id")
            if not (loc and isinstance(loc[-1], int) and isinstance(name, str)):
                continue
            first = seen.setdefault((loc[:-1], name), loc)
            if first != loc:
                self.blame(
                    (*loc, "id"), f"「{name}」重复了，第 {self.line((*first, 'id'))} 行已经用过，请换一个"
                )
