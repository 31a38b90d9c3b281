"""The example as the demonstration tells it: a finished product, of an invented county."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import app
from campaigns.campaign import Campaign, named
from commands.sample import NONE, Demonstration
from ground.text import BLANK

EXAMPLE = app.read(Path(__file__).parent.parent / "config.example.toml", {}).value
assert EXAMPLE is not None


def test_no_blank_reaches_a_phone_in_the_demonstration_and_each_has_its_own_sample() -> None:
    assert BLANK.search(EXAMPLE.model_dump_json())

    told = EXAMPLE.demonstration.told(EXAMPLE.campaigns)

    words = "".join(one.model_dump_json() for one in told)
    assert not BLANK.search(words)
    assert NONE.join(["时间和地点：", "。"]) not in words
    assert words.count("河湾县") > 5


def test_a_blank_without_a_sample_is_told_as_an_example() -> None:
    push = {"id": "open", "at": "2027-02-20T10:00:00", "channel": "mass", "text": "开始了。"}
    one = Campaign.model_validate(
        {"id": "x", "title": "活动", "about": "在〔待填：地点〕。", "pushes": [push]}
    )

    (told,) = Demonstration().told((one,))

    assert told.about == f"在{NONE}。"
    assert [push.name for push in told.pushes] == [push.name for push in one.pushes]
    assert told.pushes == one.pushes, "what has no blank is the same"


def test_every_push_of_the_year_can_be_told_from_the_others_by_its_title() -> None:
    titles = Counter(
        push.title or campaign.title for campaign in EXAMPLE.campaigns for push in named([campaign]).values()
    )

    assert [title for title, times in titles.items() if times > 1] == []
