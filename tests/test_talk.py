"""`talk`: staff see who would answer, and how a whole list of sayings fares."""

from __future__ import annotations

from pathlib import Path

import pytest
from talk_cast import START, house

from commands.talk import ask, try_out


def test_staff_see_who_would_answer_with_the_score_and_the_example() -> None:
    told: list[str] = []

    assert ask(house(), "老板不给年假咋整", START, told.append) == 0
    assert "由“带薪年休假有几天”回答：像“" in told[0]
    assert "分）" in told[0]


def test_a_list_of_sayings_is_told_by_group_with_what_went_wrong(tmp_path: Path) -> None:
    file = tmp_path / "说法.csv"
    file.write_text(
        "phrase,group,expected\n年假几天,休假,annual-leave\n婚假几天,休假,annual-leave\n"
        "量子纠缠,别的,nothing\n我不想活了,紧急,crisis:despair\n",
        "utf-8-sig",
    )
    told: list[str] = []

    assert try_out(house(), file, START, told.append) == 0

    words = "\n".join(told)
    assert row(told, "休假") == ["休假", "2", "50.0%", "0.0%", "50.0%", "0.0%"]
    assert row(told, "合计") == ["合计", "4", "75.0%", "0.0%", "25.0%", "0.0%"]
    assert "答错：婚假几天　→　guide:marriage-leave　应是 annual-leave" in words


@pytest.mark.parametrize("text", ["words,group\n年假,休假\n", None])
def test_a_list_that_cannot_be_read_is_told_how_it_should_be(tmp_path: Path, text: str | None) -> None:
    file, told = tmp_path / "x.csv", list[str]()
    if text is not None:
        file.write_text(text, "utf-8")

    assert try_out(house(), file, START, told.append) == 1
    assert "phrase,group,expected" in told[0]


def row(told: list[str], name: str) -> list[str]:
    return next(line.split() for line in told if line.split()[:1] == [name])
