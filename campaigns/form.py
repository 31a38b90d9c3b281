"""One form, two doors: the chat asks its fields one by one, a page shows them together. WTForms carries it, here only.

Labels, hints, checks and messages stand beside the field. What was said is kept as text, field by field, in the order of
asking; several choices are their values with blanks between.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import wtforms
from wtforms import i18n, validators
from wtforms.fields.choices import SelectChoice

from ground.normal import normal
from ground.text import masked_digits

Said = Mapping[str, str]
Check = Callable[[str], str]
"""What is wrong with a text, '' for nothing."""
Option = tuple[str, str]
"""A choice's value and its words."""
YES = "yes"
FOLD = 12  # choices that are listed; more are found by number or name


@lru_cache(maxsize=4)
def _translations(locales: tuple[str, ...]) -> Any:
    return i18n.get_translations(locales)  # which looks for its file each time


class Form(wtforms.Form):
    """What is asked. Its fields stand in the order of asking."""

    class Meta(wtforms.Form.Meta):
        """Chinese messages."""

        locales: ClassVar[list[str]] = ["zh"]

        def get_translations(self, form: wtforms.Form) -> Any:
            return _translations(tuple(self.locales))


def form_of(fields: Mapping[str, Any]) -> type[Form]:
    """A form of these fields. One that asks for something personal must ask for consent before it."""
    asked = list(fields.items())
    personal = [
        number for number, (_, field) in enumerate(asked) if getattr(field.field_class, "personal", False)
    ]
    consents = [number for number, (_, field) in enumerate(asked) if field.field_class is Consent]
    if personal and (not consents or consents[0] > personal[0]):
        raise ValueError("a personal field without consent before it")
    return type("Asked", (Form,), dict(asked))


# --- fields ------------------------------------------------------------------------------------------------------


class Line(wtforms.StringField):
    """A line of text. `knows`: whether words are just what is asked for, so that they mean nothing else."""

    personal = False

    def __init__(self, *args: Any, knows: Callable[[str], bool] | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self._knows = knows

    def knows(self, text: str) -> bool:
        """Whether these words are just what is asked for, whatever else they may mean."""
        return self._knows is not None and self._knows(text)

    def shown(self, text: str) -> str:
        """The answer as it is repeated to the person."""
        return text


class Phone(Line):
    """A telephone number, repeated with stars."""

    personal = True

    def shown(self, text: str) -> str:
        return masked_digits(text)


class Name(Line):
    """A person's name."""

    personal = True


class Area(wtforms.TextAreaField):
    """Text of several lines."""


class One(wtforms.SelectField):
    """One of some choices."""

    several = False

    def pre_validate(self, form: wtforms.Form) -> None:
        """As it is in WTForms, which turns each choice into five values first."""
        if all(choice.value != self.data for choice in self.choices):
            super().pre_validate(form)

    def chosen(self) -> list[str]:
        """The values that are chosen."""
        return [self.data] if self.data else []


class Consent(One):
    """Yes or no to a text, whose version is its hash."""

    @property
    def version(self) -> str:
        """What is kept of the text that was agreed to."""
        return hashlib.sha256(str(self.description).encode()).hexdigest()[:16]


class Several(wtforms.SelectMultipleField):
    """Some of many choices."""

    several = True

    def chosen(self) -> list[str]:
        """The values that are chosen."""
        return list(self.data or ())

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        self.data = [value for text in valuelist for value in text.split()]


class Photo(wtforms.StringField):
    """A photo: in the chat an image message, on a page a file; what is said is the key of its row."""


def line(
    label: str,
    most: int,
    hint: str = "",
    *,
    least: int = 1,
    check: Check | None = None,
    optional: bool = False,
    knows: Callable[[str], bool] | None = None,
) -> Any:
    """A line of text of `least` to `most` characters."""
    checks = _text_checks(least, most, check, optional)
    return Line(label, checks, [_trimmed], description=hint, knows=knows)


def area(
    label: str,
    most: int,
    hint: str = "",
    *,
    least: int = 1,
    check: Check | None = None,
    optional: bool = False,
) -> Any:
    """Text of several lines."""
    return Area(label, _text_checks(least, most, check, optional), [_trimmed], description=hint)


def name(label: str = "姓名", hint: str = "请写真实姓名", *, optional: bool = False) -> Any:
    """A person's name."""
    return Name(label, _text_checks(2, 20, None, optional), [_trimmed], description=hint)


def phone(label: str = "手机号", hint: str = "11 位手机号", *, optional: bool = False) -> Any:
    """A mobile number of mainland China."""
    return Phone(label, _text_checks(1, 20, _mobile, optional), [_digits], description=hint)


def one(label: str, options: Sequence[Option], hint: str = "", *, optional: bool = False) -> Any:
    """One of these choices."""
    return One(label, [_needed(optional)], choices=_declared(options), description=hint)


def several(label: str, options: Sequence[Option], least: int, most: int, hint: str = "") -> Any:
    """At least and at most so many of these choices."""

    def count(_: Form, field: Several) -> None:
        chosen = set(field.data or ())
        if not least <= len(chosen) <= most:
            span = f"{least} 个" if least == most else f"{least} 到 {most} 个"
            raise validators.ValidationError(f"请选 {span}，现在选了 {len(chosen)} 个。")

    return Several(label, [count], choices=_declared(options), description=hint)


def consent(text: str) -> Any:
    """Whether the person agrees to this text; without it nothing is taken."""

    def given(_: Form, field: Consent) -> None:
        if field.data != YES:
            raise validators.StopValidation("不同意就不用填了，我们什么也不会留下。回复 00 退出。")

    return Consent(
        "个人信息", [given], choices=_declared([(YES, "同意"), ("no", "不同意")]), description=text
    )


def photo(label: str, hint: str = "一张照片，最多 20 MB", *, optional: bool = False) -> Any:
    """A photo."""
    return Photo(label, [_needed(optional)], description=hint)


def _declared(options: Sequence[Option]) -> list[Any]:
    return [SelectChoice(value, words) for value, words in options]


def options(field: Any) -> list[Option]:
    """The choices of a field; [] where it has none."""
    return [(choice.value, choice.label) for choice in getattr(field, "choices", ())]


def _needed(optional: bool) -> Any:
    return validators.Optional() if optional else validators.InputRequired("这一项要填。")


def _text_checks(least: int, most: int, check: Check | None, optional: bool) -> list[Any]:
    def fits(_: Form, field: Any) -> None:
        length = len(field.data or "")
        if not least <= length <= most:
            span = f"最多 {most} 个字" if least <= 1 else f"{least} 到 {most} 个字"
            raise validators.StopValidation(f"{span}，现在是 {length} 个字。")

    def passes(_: Form, field: Any) -> None:
        if check is not None and (fault := check(field.data or "")):
            raise validators.StopValidation(fault)

    return [_needed(optional), fits, passes]


def _trimmed(text: str | None) -> str | None:
    return text.strip() if text else text


def _digits(text: str | None) -> str | None:
    return re.sub(r"[\s-]", "", text) if text else text


def _mobile(text: str) -> str:
    return "" if re.fullmatch(r"1[3-9]\d{9}", text) else "手机号应是 11 位数字，1 开头，请看看有没有写错。"


# --- both doors --------------------------------------------------------------------------------------------------


class Answers(dict[str, str]):
    """What was said, as WTForms reads what a browser sends."""

    def getlist(self, key: str) -> list[str]:
        """The one answer of this field, in a list."""
        return [self[key]] if key in self else []


def bound(form: type[Form], said: Said) -> Form:
    """The form with what was said so far in it."""
    return form(Answers(said))


def faults(form: type[Form], said: Said) -> dict[str, str]:
    """What is wrong with the answers, by field; {} where all is well."""
    return faults_in(bound(form, said))


def faults_in(filled: Form) -> dict[str, str]:
    """The same, of a form that is filled in."""
    filled.validate()
    return {name: str(words[0]) for name, words in filled.errors.items() if name}


def missing(form: type[Form], said: Said) -> list[str]:
    """The fields that have not been asked yet, in the order of asking."""
    return [name for name in fields_of(form) if name not in said]


def fields_of(form: type[Form]) -> list[str]:
    """The names of its fields, in the order of asking."""
    found = [
        (field.creation_counter, name) for name, field in vars(form).items() if hasattr(field, "_formfield")
    ]
    return [name for _, name in sorted(found)]


def fault(form: type[Form], said: Said, field: str) -> str:
    """What is wrong with the answer to this field alone."""
    filled = bound(form, said)
    return "" if filled[field].validate(filled) else str(filled[field].errors[0])


def recap(form: type[Form], said: Said) -> list[tuple[str, str]]:
    """Label and answer of each field that was answered, as the person reads it."""
    return [
        (field.label.text, shown(field, said[field.name]))
        for field in form()
        if field.name in said and not isinstance(field, Consent)
    ]


def shown(field: Any, text: str) -> str:
    """An answer as the person reads it."""
    if isinstance(field, One | Several):
        words = dict(options(field))
        return "、".join(words.get(value, value) for value in text.split()) or "（没有选）"
    if isinstance(field, Photo):
        return "一张照片" if text else "（没有）"
    return (field.shown(text) if isinstance(field, Line) else text) or "（没有填）"


# --- the chat ----------------------------------------------------------------------------------------------------


def question(field: Any) -> str:
    """What the chat asks for this field."""
    hint = f"\n{field.description}" if field.description else ""
    lines = [f"{field.label.text}？{hint}"]
    if isinstance(field, One | Several):
        lines += listed(field)
        if isinstance(field, Several):
            lines.append("可以选几个，数字之间留空格。")
    if is_optional(field):
        lines.append("不想填就回复“跳过”。")
    return "\n".join(lines)


def listed(field: Any) -> list[str]:
    """Its choices with the numbers by which they are chosen: their own where they have some, else in their order."""
    every = options(field)
    shown_ones = every[:FOLD]
    if _own_numbers([value for value, _ in every]):
        lines = [f"{value} {words}" for value, words in shown_ones]
    else:
        lines = [f"{number} {words}" for number, (_, words) in enumerate(shown_ones, 1)]
    more = len(every) - len(shown_ones)
    return [*lines, f"还有 {more} 个，回复编号或者名字就能选。"] if more > 0 else lines


def _own_numbers(values: Sequence[str]) -> bool:
    return all(value.isdigit() for value in values)


def is_optional(field: Any) -> bool:
    """Whether it may be left out."""
    return any(isinstance(check, validators.Optional) for check in field.validators)


def written(form: type[Form], said: Said) -> str:
    """What was said in words of one's own, in one text; words that are just what is asked for are left out."""
    own = (field for field in form() if isinstance(field, Line | Area) and field.name in said)
    return "\n".join(said[field.name] for field in own if not is_known(field, said[field.name]))


def photos(form: Iterable[Any]) -> list[Any]:
    """The fields that take a photo."""
    return [field for field in form if isinstance(field, Photo)]


def is_choice(field: Any) -> bool:
    """Whether the answer is one or several of listed ones."""
    return isinstance(field, One | Several)


def understood(field: Any, text: str) -> str | None:
    """What words typed in the chat mean for this field; None where they fit none of its choices."""
    if not isinstance(field, One | Several):
        return text
    listed = options(field)
    if isinstance(field, One):
        return _choice(listed, text)
    pieces = [piece for piece in re.split(r"[\s,，、;；.。]+", text.strip()) if piece]
    if len(pieces) == 1 and _choice(listed, pieces[0]) is None:
        pieces = list(pieces[0])  # "AC" and "13" are written as on paper
    chosen = [_choice(listed, piece) for piece in pieces]
    return None if None in chosen else " ".join(dict.fromkeys(value for value in chosen if value))


def _choice(options: Sequence[Option], text: str) -> str | None:
    """By number or letter as listed, by value, or by a name that only one of them has."""
    number = re.fullmatch(r"第?\s*(\d{1,4})\s*[个项号条]?", text.strip())
    values = [value for value, _ in options]
    if number:
        place = int(number[1])
        if _own_numbers(values):
            return next((value for value in values if int(value) == place), None)
        return values[place - 1] if 0 < place <= len(values) else None
    plain = normal(text)
    exact = [value for value, words in options if plain and normal(words) == plain]
    if not exact and len(plain) == 1 and "a" <= plain <= "z" and not _own_numbers(values):
        place = ord(plain) - ord("a")
        return values[place] if place < len(values) else None
    inside = [value for value, words in options if plain and plain in normal(words)]
    return exact[0] if exact else inside[0] if len(inside) == 1 else None


def is_known(field: Any, text: str) -> bool:
    """Whether the words are just what this field asks for, so that they are an answer whatever else they may mean."""
    return isinstance(field, Line) and field.knows(text)


def names(fields: Iterable[Any]) -> list[str]:
    """The labels of these fields, for the heading of an export."""
    return [field.label.text for field in fields]
