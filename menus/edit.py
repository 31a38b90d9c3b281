"""What the desk writes of an entry, above the file: which keys, whether it holds, and the directory with it."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ground.faults import in_words
from menus.directory import Directory
from menus.files import MenuFile, Section, Talk
from menus.guide import ANSWER, Guide
from menus.rules import Place, faults
from menus.telling import ROOM_BYTES, SHORT, STEPS, short, whole

log = logging.getLogger(__name__)
Fields = Mapping[str, Any]  # an entry's keys → what stands in them, as JSON has it
LISTS = ("how", "bring", "phones")
KEYS = ("answer", "how", "bring", "who", "where", "note", "phones", "updated", "valid_until")
"""The keys that are written at the desk. By which words an entry is asked for, and on which rules it stands, is the file's."""


def fields(guide: Guide) -> dict[str, Any]:
    """What stands in these keys of an entry."""
    return guide.model_dump(mode="json", include=set(KEYS))


def edited(guide: Guide, written: Fields) -> Guide:
    """The entry with these words; raises pydantic's ValidationError where they are none of an entry."""
    return Guide.model_validate(guide.model_dump() | {key: written[key] for key in KEYS if key in written})


def overlaid(directory: Directory, written: Mapping[str, Fields]) -> Directory:
    """The directory of the files with what was written at the desk above it; an entry that is gone from the files stays gone."""
    if not written:
        return directory
    guides = tuple(_or_file(guide, written.get(guide.id)) for guide in directory.guides)
    kept = {guide.id: guide for guide in directory.guides if guide.id in written}
    return replace(directory, guides=guides, by_id={guide.id: guide for guide in guides}, of_file=kept)


def _or_file(guide: Guide, written: Fields | None) -> Guide:
    if written is None:
        return guide
    try:
        return edited(guide, written)
    except ValidationError:
        log.error("办事指南“%s”在工作台上写的话读不懂了，按文件里的回答", guide.title)
        return guide


def wrong(directory: Directory, guide: Guide, written: Fields) -> dict[str, str]:
    """Key → what is wrong with what is to stand there, as the files are checked; '' for what is wrong with all of it."""
    try:
        new = edited(guide, written)
    except ValidationError as error:
        told: dict[str, str] = {}
        for each in error.errors(include_url=False):
            loc = tuple(each["loc"])
            told.setdefault(str(loc[0]) if loc else "", in_words(Guide, loc, each))
        return told
    found: dict[str, str] = {}
    for key, words in (*_between(directory, new), *_of_itself(directory, new)):
        found.setdefault(key, words)
    return found


def _between(directory: Directory, new: Guide) -> Iterator[tuple[str, str]]:
    """The faults between this entry and everything else."""
    here = Path("guides")
    entries = [
        (Place(here, ("guides", at)), new if one.id == new.id else one)
        for at, one in enumerate(directory.guides)
    ]
    menu = MenuFile(sections=(Section(name="", items=directory.items),))
    for place, words in faults(entries, menu, directory.numbers, Talk(talk=directory.talk), directory.crisis):
        if place.path == here and entries[int(place.loc[1])][1] is new:
            yield str(place.loc[2]), words


def _of_itself(directory: Directory, new: Guide) -> Iterator[tuple[str, str]]:
    if not new.answer:
        yield "answer", "不能空着：先用一句话答所问"
    if len(new.answer) > ANSWER:
        yield "answer", f"最多 {ANSWER} 个字，现在是 {len(new.answer)} 个；其余的写到“怎么办”里"
    if len(new.how) > len(STEPS):
        yield "how", f"最多 {len(STEPS)} 步，现在是 {len(new.how)} 步"
    if new.valid_until <= new.updated:
        yield "valid_until", "要晚于更新的日子"
    for key in KEYS:
        if any(sign in str(getattr(new, key)) for sign in ("http", "<")):
            yield key, "不能写网址，也不能写“<”：职工点开的东西要有人担保"
    room = len(short(directory, new, "draft")[0]), len(whole(directory, new, "draft").encode())
    if room[0] > SHORT:
        yield "answer", f"回答和电话合起来最多 {SHORT} 个字，现在是 {room[0]} 个"
    if room[1] > ROOM_BYTES:
        over = (room[1] - ROOM_BYTES + 2) // 3
        yield "", f"合起来太长，微信一条消息放不下，请删去大约 {over} 个字"
