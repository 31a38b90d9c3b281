"""A way out that nobody has heard of: one class, added to the table, and everything that staff do with a push works."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from line_cast import Desk, desk
from test_command_line import enrol, works

from channels import CHANNELS, Channel, Gear, Parcel
from channels.channel import Content
from ground.part import Part

__all__ = ["desk"]
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there
flown: list[tuple[str, str, int]] = []
YEAR = """
[pigeon]
height_m = 120

[[campaigns]]
id = "lantern"
title = "正月十五闹元宵"

[[campaigns.pushes]]
id = "letter"
lunar = "01-15 10:00"
channel = "pigeon"
text = "来猜灯谜"
"""


class Loft(Part):
    """`[pigeon]`: how it flies."""

    height_m: int = 50


class Pigeon(Channel):
    """Carries a text to one person at a time."""

    name, title, forms = "pigeon", "信鸽", ("text",)
    section = Loft

    def __init__(self, gear: Gear) -> None:
        super().__init__(gear)
        loft = gear.sections["pigeon"]
        assert isinstance(loft, Loft)
        self.height_m = loft.height_m

    @staticmethod
    def faults(folder: Path, content: Content) -> Iterator[str]:
        if not (folder / "ring.txt").exists():
            yield "信鸽没有脚环，请放一个 ring.txt"

    def send(self, parcel: Parcel) -> str:
        flown.append((parcel.recipients[0], parcel.content["text"], self.height_m))
        return f"feather-{len(flown)}"

    def show(self, parcel: Parcel) -> None:
        self.send(parcel)


@pytest.fixture
def loft(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk in a house whose table of channels has one more line."""
    monkeypatch.setitem(CHANNELS, Pigeon.name, Pigeon)
    desk.writes(YEAR)
    (desk.folder / "ring.txt").write_text("A1")
    yield desk
    flown.clear()


def test_a_channel_that_is_only_added_to_the_table_goes_all_the_way(loft: Desk) -> None:
    loft.types("db", "upgrade")
    people = enrol(loft, 30)

    checked = loft.types("check")
    assert checked.code == 0, checked.words
    assert "lantern/letter　信鸽　全体关注者（30 人）" in checked.out
    assert (
        "lantern/letter　信鸽　发给全体关注者（现在 30 人）"
        in loft.types("push", "preview", "lantern/letter").out
    )
    assert loft.types("push", "test", "lantern/letter", people[0]).code == 0
    assert flown == [(people[0], "来猜灯谜", 120)]

    assert loft.types("push", "start", "lantern/letter", "--yes").code == 0
    works(loft)
    assert sorted(flown[1:]) == sorted((each, "来猜灯谜", 120) for each in people)
    listed = loft.types("push", "list").out
    assert "lantern/letter　信鸽　已发完" in listed
    assert "共 30 份：已发 30" in listed
    assert re.search(r"lantern/letter +\S+ \S+ +信鸽 +已发完 +30 +30 ", loft.types("report").out)
    assert "信鸽 · 正月十五闹元宵" in board(loft)


def test_what_it_needs_and_what_it_does_not_take_is_said_by_check(loft: Desk) -> None:
    loft.writes(
        YEAR.replace('text = "来猜灯谜"', 'image = "a.jpg"').replace("height_m = 120", 'height_m = "hoch"')
    )

    told = loft.types("check")

    assert told.code == 1
    assert "channel 是 pigeon 时，内容只能写 text，不能写 image" in told.out
    assert "pigeon.height_m：应为整数" in told.out
    loft.writes(YEAR)
    (loft.folder / "ring.txt").unlink()
    assert "lantern/letter：信鸽没有脚环，请放一个 ring.txt" in loft.types("check").out


def board(desk: Desk) -> str:
    """The demonstration's page, as a visitor sees it."""
    built = desk.built()
    built.simulator_url = NOWHERE
    return built.pages.test_client().get("/").text
