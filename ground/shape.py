"""What the pydantic models know about the keys of a file."""

import difflib
from collections.abc import Iterator
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ground.lines import Loc, Table


def keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys that may stand in its table."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def bare(annotation: Any) -> Any:
    """The type without `Annotated` and without `| None`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
            continue
        kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
        if NoneType not in get_args(annotation) or len(kinds) != 1:
            return annotation
        annotation = kinds[0]


def item(annotation: Any) -> Any:
    """What a list holds, None for anything else."""
    plain = bare(annotation)
    return bare(get_args(plain)[0]) if get_origin(plain) in (list, tuple, set, frozenset) else None


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The model that the type is, None for any other."""
    plain = bare(annotation)
    return plain if isinstance(plain, type) and issubclass(plain, BaseModel) else None


def tables(
    model: type[BaseModel], table: Table, loc: Loc = ()
) -> Iterator[tuple[Loc, type[BaseModel], Table]]:
    """Every table that is written, with the model that it should fit."""
    yield loc, model, table
    for key, field in keys(model).items():
        value = table.get(key)
        inner, each_model = model_of(field.annotation), model_of(item(field.annotation))
        if inner and isinstance(value, dict):
            yield from tables(inner, value, (*loc, key))
        elif each_model and isinstance(value, list):
            for index, each in enumerate(value):
                if isinstance(each, dict):
                    yield from tables(each_model, each, (*loc, key, index))


def nearest(word: str, names: list[str]) -> str:
    """A question after the name that was perhaps meant, '' when none is near."""
    close = difflib.get_close_matches(word, names, 1)
    return f"，是否想写 {close[0]}？" if close else ""


def one_of(names: list[str]) -> str:
    """The names as they are listed in a fault."""
    return "、".join(names)


def model_at(model: type[BaseModel], loc: Loc) -> type[BaseModel] | None:
    """The model of the table at this path, None where it is no table."""
    here: Any = model
    for key in loc:
        if isinstance(key, int):
            here = item(here)
        else:
            part = model_of(here)
            field = keys(part).get(key) if part else None
            here = field.annotation if field else None
    return model_of(here)
