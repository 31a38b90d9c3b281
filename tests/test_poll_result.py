"""What a poll comes to: weights, ties and quotas, each reckoned again by another way; and the list of candidates that is refused."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kind_cast import POLL
from pydantic import ValidationError

from campaigns.kinds.poll_list import of_folder
from campaigns.kinds.poll_result import Entrant, NoList, chosen, ranked
from campaigns.kinds.poll_rules import SIDES, Quota, Rules
from ground.sheet import UnusableError
from ground.table import Table, write_xlsx

GROUPS = ("一线", "女职工", "负责人")
VOTES = st.dictionaries(st.integers(1, 8), st.integers(0, 6))
ENTRANTS = st.lists(
    st.builds(Entrant, st.integers(1, 8), st.lists(st.sampled_from(GROUPS), unique=True).map(tuple)),
    min_size=1,
    unique_by=lambda one: one.number,
)
SIDES_OF = st.fixed_dictionaries(dict.fromkeys(SIDES, VOTES))
WEIGHTS = st.tuples(st.integers(0, 100), st.integers(0, 100)).map(
    lambda two: dict(zip(SIDES, (min(two), max(two) - min(two), 100 - max(two)), strict=True))
)
PERCENTS = st.tuples(st.integers(0, 100), st.integers(0, 100)).map(sorted)
QUOTAS = st.lists(
    st.builds(
        lambda group, span: Quota(group=group, at_least=span[0], at_most=span[1]),
        st.sampled_from(GROUPS),
        PERCENTS,
    ),
    max_size=3,
)


@given(ENTRANTS, SIDES_OF, WEIGHTS)
def test_a_score_is_each_sides_part_of_its_whole_and_equals_share_a_place(
    entrants: list[Entrant], sides: dict[str, dict[int, int]], weights: dict[str, int]
) -> None:
    places = ranked(entrants, sides, weights)
    numbers = [one.number for one in entrants]

    def key(number: int) -> tuple[Fraction | int, ...]:
        score = Fraction(0)
        for side in SIDES:
            whole = sum(sides[side].get(each, 0) for each in numbers)
            score += weights[side] * Fraction(sides[side].get(number, 0), whole) if whole else 0
        return (score, *(sides[side].get(number, 0) for side in SIDES))

    assert sorted(one.number for one in places) == sorted(numbers)
    assert all(one.score == key(one.number)[0] for one in places)
    assert [one.place for one in places] == [
        1 + sum(key(other) > key(one.number) for other in numbers) for one in places
    ]
    assert places == ranked(reversed(entrants), sides, weights)
    wholes = [any(sides[side].get(each, 0) for each in numbers) for side in SIDES]
    assert sum(one.score for one in places) == sum(
        weights[side] for side, whole in zip(SIDES, wholes, strict=True) if whole
    )


@given(ENTRANTS, SIDES_OF, st.integers(1, 8), QUOTAS)
def test_a_list_keeps_its_quotas_and_takes_the_best_that_can_be_taken(
    entrants: list[Entrant], sides: dict[str, dict[int, int]], seats: int, quotas: list[Quota]
) -> None:
    places = ranked(entrants, sides, {"public": 100})
    groups = {one.number: one.groups for one in entrants}
    order = [one.number for one in places]
    seats = min(seats, len(order))

    def keeps(numbers: tuple[int, ...]) -> bool:
        return all(
            quota.at_least * seats
            <= 100 * sum(quota.group in groups[one] for one in numbers)
            <= quota.at_most * seats
            for quota in quotas
        )

    lists = [one for one in combinations(order, seats) if keeps(one)]  # the first is the best
    if not lists:
        with pytest.raises(NoList):
            chosen(places, entrants, seats, quotas)
        return
    assert tuple(one.number for one in chosen(places, entrants, seats, quotas) if one.chosen) == lists[0]


# --- the list and the rules --------------------------------------------------------------------------------------

HEAD = "编号,名称,单位,介绍,类别,照片\n"


@pytest.mark.parametrize("name", ["food.csv", "dance.csv", "model.csv"])
def test_the_sample_lists_can_be_used(name: str) -> None:
    assert len(of_folder(Path(), name).lines) >= 8


def test_a_list_from_excel_is_the_same_list(tmp_path: Path) -> None:
    rows = [("1", "王大力", "钻采一队", "", "一线、农民工", ""), ("02", "李巧手", "", "", "", "")]
    write_xlsx(tmp_path / "名单.xlsx", [Table("名单", tuple(HEAD.strip().split(",")), rows)])

    found = of_folder(tmp_path, "名单.xlsx").lines

    assert [(one.number, one.name, one.groups) for one in found] == [
        (1, "王大力", ("一线", "农民工")),
        (2, "李巧手", ()),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,甲,,,,\n01,乙,,,,\n", "第 3 行：编号 1 和第 2 行重复"),
        ("一,甲,,,,\n2,乙,,,,\n", "第 2 行：编号写的是“一”，应为 1 到 9999 的整数"),
        ("1,,,,,\n2,乙,,,,\n", "第 2 行：没有写名称"),
        (f"1,{'甲' * 31},,,,\n2,乙,,,,\n", "第 2 行：名称最多 30 个字，现在是 31 个"),
        ("1,甲,,,,没有.png\n2,乙,,,,\n", "第 2 行：没有找到照片 没有.png"),
        ("1,甲,,,,zip.png\n2,乙,,,,\n", "第 2 行：照片 zip.png：这"),
        ("1,甲,,,,../zip.png\n2,乙,,,,\n", "第 2 行：照片 ../zip.png：只写文件名"),
        ("1,甲,,,,\n", "有 1 个候选，应有 2 到 500 个"),
    ],
)
def test_a_list_with_a_fault_is_refused_whole_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "名单.csv").write_text(HEAD + text)
    (tmp_path / "zip.png").write_bytes(b"PK\x03\x04nothing")
    with pytest.raises(UnusableError) as fault:
        of_folder(tmp_path, "名单.csv")

    assert words in str(fault.value)
    assert "名单.csv" in str(fault.value)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"photos": True}, "第 1 个（1 号 王大力）没有照片"),
        ({"least": 3, "most": 2}, "least（3）比 most（2）大"),
        ({"most": 9}, "most 是 9，可是只有 4 个候选"),
        ({"in_all": 3}, '只在 every = "day" 时写'),
        ({"weights": {"public": 50}}, "正好 100，现在是 50"),
        ({"quotas": [{"group": "一线", "at_least": 60}]}, "也要写 seats"),
        ({"seats": 2, "quotas": [{"group": "农名工"}]}, "“农名工”没有一个候选属于它，名单里有的是：一线"),
        (
            {"candidates": [{"number": 1, "nam": "甲"}]},
            "candidates 的第 1 个要写成表，可以写的是：number、name",
        ),
    ],
)
def test_rules_that_do_not_fit_are_refused_in_words(keys: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError) as fault:
        Rules.model_validate({**POLL["poll"], **keys})

    assert words in str(fault.value)
